"""Public functions: the answers of the command as tables, shown escaped."""

from __future__ import annotations

import doctest
import gc
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

import sim
from sim import Finding, api, compare, load, read, run, sweep
from sim.cli import cli
from sim.errors import InputError
from sim.reporting.records import to_json_text

ROOT = Path(__file__).parent.parent
NASTY = "<script>alert(1)</script>"


def blocs(*words: str) -> str:
    """The command in this process; its standard output."""
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


MODULES = (
    "scenarios", "runs", "story", "results", "uncertainty", "dated", "comparison", "exports.files",
    *(pytest.param(name, marks=pytest.mark.second) for name in ("analyses", "record.forecasts")),
)  # fmt: skip
FUNCTIONS = sorted(name for name in sim.__all__ if inspect.isfunction(getattr(sim, name)))


@pytest.fixture
def small_tornado(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs at each end of a range."""
    monkeypatch.setattr("sim.api.uncertainty.RUNS_AN_END", 2)


@pytest.mark.usefixtures("small_tornado", "undrawn")
@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(importlib.import_module(f"sim.api.{name}"), optionflags=doctest.ELLIPSIS)
    assert found.attempted >= 2
    assert found.failed == 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_example_in_each_docstring(name: str) -> None:
    assert ">>> " in (getattr(sim, name).__doc__ or "")
    assert f"{name}(" in getattr(sim, name).__doc__.split("Examples")[1]


def test_readme_example() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    *lines, last = example.replace("replicates=100", "replicates=4").strip().splitlines()
    names: dict[str, object] = {}
    exec("\n".join(lines), names)  # noqa: S102  # our own page
    assert repr(eval(last, names)).splitlines()[0] == "<Comparison with baseline: pressed>"  # noqa: S307


def test_light_import() -> None:
    code = (
        "import sys, sim; assert 'compare' in dir(sim)\n"
        "heavy = {'mesa', 'pandas', 'numba', 'pydantic', 'click'} & sys.modules.keys()\nassert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.second
def test_function_beside_module_of_one_name() -> None:
    code = (
        "import sim.batch.sweep, sim.analysis.compare, sim.theory.landscape\n"
        "from sim import compare, landscape, sweep\n"
        "assert callable(sweep) and callable(compare) and callable(landscape)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


OF_OTHER_PACKAGES = {
    "InputError", "InputWarning", "BlocModel", "StateAgent", "Scenario", "ImportedWorld", "import_world", "write_world",
}  # fmt: skip


def test_public_names() -> None:
    assert set(sim.__all__) == {*api.__all__, *OF_OTHER_PACKAGES}
    with pytest.raises(AttributeError, match="swep"):
        _ = sim.swep  # type: ignore[attr-defined]


@pytest.mark.parametrize(("old", "new"), [("Trajectory", "sim.History"), ("charts", "sim.reporting.charts")])
def test_old_name_works_and_warns(old: str, new: str) -> None:
    with pytest.warns(DeprecationWarning, match=rf"sim\.{old} is now {re.escape(new)}; .*migration"):
        assert getattr(sim, old) is pkgutil.resolve_name(new)


def test_name_that_is_gone_leads_to_the_migration_page() -> None:
    with pytest.raises(AttributeError, match=r"sim has no kernel; docs/migration\.md"):
        _ = sim.kernel  # type: ignore[attr-defined]


def test_commands_call_functions_of_their_name() -> None:
    same = {name for name in cli.commands if name in FUNCTIONS}
    assert same == {
        "run", "sweep", "compare", "replay", "report", "explain", "sensitivity", "regret", "claims", "score",
        "calibrate", "landscape", "backtest", "export",
    }  # fmt: skip


def test_load_as_command_shows() -> None:
    shown = json.loads(
        blocs("show", "no_sanctions", "--json", "--set", "blocs.us_led.accommodation=0.1", "--without", "shelter")
    )
    scenario = load("no_sanctions", without=["shelter"], **{"blocs.us_led.accommodation": 0.1})
    assert scenario.digest() == shown["digest"]
    assert scenario.digest() != load("no_sanctions").digest()
    changed = load("no_sanctions", without="shelter").with_settings({"blocs.us_led.accommodation": 0.1})
    assert changed.digest() == shown["digest"]


def test_every_fault_of_with_settings() -> None:
    scenario = load("unix_1988")
    with pytest.raises(InputError) as refused:
        scenario.with_settings({"erosoin": 1, "w_bond": -1})
    assert [fault.field for fault in refused.value.faults] == ["erosoin", "w_bond"]
    for settings, words in (({"erosion": "1"}, "'1' is not a number"), (3, "3 is not a mapping"),
                            ({"w_bond": 1, "parameters.w_bond": 1}, "gives parameters.w_bond")):  # fmt: skip
        with pytest.raises(InputError, match=words):
            scenario.with_settings(settings)  # type: ignore[arg-type]


def test_every_fault_of_load() -> None:
    with pytest.raises(InputError) as caught:
        load("baseline_2023", erosoin=1, pressure_floor=2)
    assert "did you mean 'erosion'" in str(caught.value)
    assert "[0, 1]" in str(caught.value)
    for changes, phrase in (({"without": "sheltr"}, "did you mean 'shelter'"), ({"steps": 3}, "give at least 10")):
        with pytest.raises(InputError, match=phrase):
            load("ukraine_settlement", **changes)


def test_run_as_command() -> None:
    record = json.loads(
        blocs(
            "run", "baseline_2023", "--seed", "3", "--replicate", "2", "--steps", "6", "--without", "shelter", "--json"
        )
    )
    once = run(load("baseline_2023", steps=6), seed=3, replicate=2, without="shelter")
    assert json.loads(to_json_text(once.steps.reset_index())) == record["steps"]
    assert json.loads(to_json_text(once.states)) == record["states"]
    chances = once.states[once.states["step"] == 6].filter(like="chance_").sum(axis=1)
    assert chances.to_numpy() == pytest.approx(1)


@pytest.mark.second
def test_sweep_and_comparison_as_command(tmp_path: Path) -> None:
    out = tmp_path / "results"
    blocs("sweep", "baseline_2023", "no_sanctions", "--replicates", "12", "--steps", "9", "--out", str(out))
    record = json.loads(blocs("compare", str(out), "--json"))
    short = {name: load(name, steps=9) for name in ("baseline_2023", "no_sanctions")}
    found = sweep(short, replicates=12)
    pd.testing.assert_frame_equal(found.runs, read(out).runs)
    pd.testing.assert_frame_equal(found.moves, read(out).moves)
    assert set(found.moves["design"]) == {"baseline_2023", "no_sanctions"}
    for same in (compare(found), compare(out, baseline=record["baseline"])):
        assert json.loads(to_json_text(same.outcomes)) == record["outcomes"]
        assert json.loads(to_json_text(same.states)) == record["states"]


def test_sweep_resumes_in_folder(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    for _ in range(2):
        sweep("unix_1988", replicates=30, out=tmp_path / "unix", progress=lambda *so_far: heard.append(so_far))
    assert heard[-1] == (30, 30)
    assert heard.count((30, 30)) == 2
    with pytest.raises(InputError, match=r"contains a different sweep .replicates 30 there, 20 now"):
        sweep("unix_1988", replicates=20, out=tmp_path / "unix")
    sweep("unix_1988", replicates=40, out=tmp_path / "unix", progress=lambda *so_far: heard.append(so_far))
    assert heard[-2:] == [(30, 40), (40, 40)]


def test_temporary_results_removed() -> None:
    found = sweep("unix_1988", replicates=2)
    folder = found.folder
    assert folder.is_dir()
    del found
    gc.collect()
    assert not folder.exists()


def test_read_of_empty_folder(tmp_path: Path) -> None:
    for ask in (read, compare):
        with pytest.raises(InputError, match="make some with `blocs sweep"):
            ask(tmp_path)


def test_notebook_views_escaped() -> None:
    scenario = load("unix_1988").model_copy(update={"title": NASTY})
    once = run(scenario)._repr_html_()
    assert "&lt;script&gt;" in once
    assert "One run is one random draw" in once
    found = sweep({NASTY: scenario, "plain": scenario}, replicates=3)
    compared = compare(found)._repr_html_()
    assert "95 % interval" in compared
    asked = api.explain(scenario, "IBM", replicates=2)
    for page in (once, found._repr_html_(), compared, asked._repr_html_()):
        assert NASTY not in page
        assert "<table" in page


SMALL = {"seed": 3, "workers": 1}
VARY = ("--vary", "w_bond=0:1", "--points", "4", "--replicates", "2")
ANALYSES: dict[str, tuple[tuple[str, ...], Any]] = {
    "explain": (
        ("explain", "unix_1988", "IBM", "--replicates", "3", "--flip", "--seed", "3"),
        lambda: api.explain("unix_1988", "IBM", replicates=3, flip=True, **SMALL),
    ),
    "explain step": (
        ("explain", "unix_1988", "IBM", "--step", "2", "--seed", "3"),
        lambda: api.explain("unix_1988", "IBM", step=2, **SMALL),
    ),
    "sensitivity": (
        ("sensitivity", "unix_1988", *VARY, "--threshold", "0.5", "--seed", "3"),
        lambda: api.sensitivity("unix_1988", vary={"w_bond": (0, 1)}, points=4, replicates=2, threshold=0.5, **SMALL),
    ),
    "regret": (
        ("regret", "baseline_2023", "no_sanctions", "--outcome", "capability_front", "--maximize", "--points", "2",
         "--replicates", "2", "--threshold", "0.3", "--seed", "3"),
        lambda: api.regret(["baseline_2023", "no_sanctions"], outcome="capability_front", maximize=True, points=2,
                           replicates=2, threshold=0.3, **SMALL),
    ),
    "claims": (
        ("claims", "--points", "2", "--point-replicates", "2", "--placebos", "1", "--replicates", "3", "--seed", "3"),
        lambda: api.claims(points=2, point_replicates=2, placebos=1, replicates=3, **SMALL),
    ),
    "score": (("score", "--replicates", "3", "--seed", "3"), lambda: api.score(replicates=3, **SMALL)),
    "landscape": (
        ("landscape", "unix_1988", "--replicates", "3", "--seed", "3"),
        lambda: api.landscape("unix_1988", replicates=3, seed=3),
    ),
}  # fmt: skip


@pytest.mark.usefixtures("small_tornado")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.second] if name in ("claims", "score") else []) for name in ANALYSES]
)
def test_record_as_command(name: str) -> None:
    words, call = ANALYSES[name]
    found: Finding = call()
    assert json.loads(to_json_text(found.record)) == json.loads(blocs(*words, "--json"))
    assert repr(found).startswith(f"<{found.title}: ")
    assert len(found.table) > 0
    assert "<table" in found._repr_html_()


@pytest.mark.long
@pytest.mark.usefixtures("undrawn")
def test_calibration_as_command(tmp_path: Path) -> None:
    words = ("calibrate", "--points", "4", "--replicates", "1", "--seed", "3", "--out", str(tmp_path / "a"), "--json")
    found = api.calibrate(out=tmp_path / "b", points=4, replicates=1, **SMALL)
    assert json.loads(to_json_text(found.record)) == json.loads(blocs(*words))
    assert {path.name for path in (tmp_path / "b").iterdir()} >= {
        "calibration.json", "identifiability.png", "posterior.csv",
    }  # fmt: skip
    assert (tmp_path / "a" / "posterior.csv").read_bytes() == (tmp_path / "b" / "posterior.csv").read_bytes()


@pytest.mark.second
@pytest.mark.usefixtures("undrawn")
def test_results_as_command(tmp_path: Path) -> None:
    results = sweep("unix_1988", replicates=3, out=tmp_path / "r")
    record = api.replay(results, "0-2").record
    assert json.loads(to_json_text(record)) == json.loads(blocs("replay", str(results.folder), "0-2", "--json"))
    page = api.report(results, out=tmp_path / "one.html", points=0)
    blocs("report", str(results.folder), "--out", str(tmp_path / "other.html"), "--points", "0")
    assert page.read_text("utf-8") == (tmp_path / "other.html").read_text("utf-8")
    explained = api.explain(results, "IBM")
    words = ("explain", str(results.folder), "IBM", "--json")
    assert json.loads(to_json_text(explained.record)) == json.loads(blocs(*words))
    assert explained.table["scenario"].tolist() == ["unix_1988"]


@pytest.mark.second
def test_loaded_scenario_needs_observed() -> None:
    scenario = load("baseline_2023", steps=2)
    with pytest.raises(InputError, match="score:1: observed: is missing"):
        api.score(scenario, replicates=2)
    found = api.score(scenario, replicates=2, observed="baseline_2023", label="mine")
    assert found.record["scenario"] == "mine"
