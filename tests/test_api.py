"""The Python side: the same answers as the command's, as tables, shown without harm."""

from __future__ import annotations

import doctest
import gc
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

import sim
from sim import api, compare, load, read, run, sweep
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


def test_the_examples_in_the_docstrings_give_what_they_say() -> None:
    found = doctest.testmod(api, optionflags=doctest.ELLIPSIS)
    assert found.attempted >= 12
    assert found.failed == 0


def test_the_example_in_readme_compares_two_scenarios() -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    *lines, last = example.replace("replicates=100", "replicates=4").strip().splitlines()
    names: dict[str, object] = {}
    exec("\n".join(lines), names)  # noqa: S102  # our own page
    assert repr(eval(last, names)).splitlines()[0] == "<Comparison with baseline: pressed>"  # noqa: S307


def test_importing_the_package_is_light() -> None:
    code = (
        "import sys, sim; assert 'compare' in dir(sim)\n"
        "heavy = {'mesa', 'pandas', 'numba', 'pydantic', 'click'} & sys.modules.keys()\nassert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_public_name_is_a_function_where_a_module_has_it_too() -> None:
    assert importlib.import_module("sim.batch.sweep").__name__ == "sim.batch.sweep"
    assert sim.sweep is sweep
    code = "import sim.sweep, sim.compare\nfrom sim import compare, sweep\nassert callable(sweep) and callable(compare)"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_package_has_no_other_name() -> None:
    assert set(sim.__all__) == set(api.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'swep'"):
        _ = sim.swep  # type: ignore[attr-defined]


def test_load_is_what_the_command_shows() -> None:
    shown = json.loads(
        blocs("show", "no_sanctions", "--json", "--set", "blocs.us_led.accommodation=0.1", "--without", "shelter")
    )
    told = load("no_sanctions", without=["shelter"], **{"blocs.us_led.accommodation": 0.1})
    assert told.digest() == shown["digest"]
    assert told.digest() != load("no_sanctions").digest()


def test_load_says_every_fault_at_once() -> None:
    with pytest.raises(InputError) as caught:
        load("baseline_2023", erosoin=1, pressure_floor=2)
    assert "did you mean 'erosion'" in str(caught.value)
    assert "[0, 1]" in str(caught.value)
    for changes, phrase in (({"without": "sheltr"}, "did you mean 'shelter'"), ({"steps": 3}, "give at least 10")):
        with pytest.raises(InputError, match=phrase):
            load("ukraine_settlement", **changes)


def test_run_is_the_run_of_the_command() -> None:
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


def test_a_sweep_and_its_comparison_are_those_of_the_command(tmp_path: Path) -> None:
    out = tmp_path / "results"
    blocs("sweep", "baseline_2023", "no_sanctions", "--replicates", "12", "--steps", "9", "--out", str(out))
    told = json.loads(blocs("compare", str(out), "--json"))
    short = {name: load(name, steps=9) for name in ("baseline_2023", "no_sanctions")}
    found = sweep(short, replicates=12)
    pd.testing.assert_frame_equal(found.runs, read(out).runs)
    pd.testing.assert_frame_equal(found.steps, read(out).steps)
    assert set(found.steps["design"]) == {"baseline_2023", "no_sanctions"}
    for same in (compare(found), compare(out, baseline=told["baseline"])):
        assert json.loads(to_json_text(same.outcomes)) == told["outcomes"]
        assert json.loads(to_json_text(same.states)) == told["states"]


def test_a_sweep_into_a_folder_goes_on_where_it_was(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    for _ in range(2):
        sweep("unix_1988", replicates=30, out=tmp_path / "unix", progress=lambda *so_far: heard.append(so_far))
    assert heard[-1] == (30, 30)
    assert heard.count((30, 30)) == 2
    with pytest.raises(InputError, match=r"another question .replicates 30 there, 20 now"):
        sweep("unix_1988", replicates=20, out=tmp_path / "unix")
    sweep("unix_1988", replicates=40, out=tmp_path / "unix", progress=lambda *so_far: heard.append(so_far))
    assert heard[-2:] == [(30, 40), (40, 40)]


def test_results_without_a_folder_are_gone_with_what_held_them() -> None:
    found = sweep("unix_1988", replicates=2)
    folder = found.folder
    assert folder.is_dir()
    del found
    gc.collect()
    assert not folder.exists()


def test_reading_where_nothing_is_says_what_to_do(tmp_path: Path) -> None:
    for ask in (read, compare):
        with pytest.raises(InputError, match="make some with `blocs sweep"):
            ask(tmp_path)


def test_what_a_notebook_shows_is_escaped_and_says_how_sure() -> None:
    told = load("unix_1988").model_copy(update={"title": NASTY})
    once = run(told)._repr_html_()
    assert "&lt;script&gt;" in once
    assert "One run is one draw of luck" in once
    found = sweep({NASTY: told, "plain": told}, replicates=3)
    compared = compare(found)._repr_html_()
    assert "95 % interval" in compared
    for page in (once, found._repr_html_(), compared):
        assert NASTY not in page
        assert "<table" in page
