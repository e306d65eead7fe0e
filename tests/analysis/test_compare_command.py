"""Comparisons that could mislead, by the command and in Python: no variation, no change, incomparable runs."""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner

from sim import api, errors
from sim.analysis.paired import CLEAR_MEANS
from sim.app.pages.dated import EXPLAINED
from sim.cli import cli
from sim.scenario.schema import Scenario

pytestmark = pytest.mark.usefixtures("rounds")
NOTE = (
    "nothing: all 6 pairs of runs are identical to the baseline's; the change has no effect in these runs"
    " (`blocs explain SCENARIO STATE --flip` shows which changes turn a state)"
)


def blocs(*words: str, code: int = 0) -> str:
    """Run a command; return its standard output, or its refusal."""
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code == code, (done.output, done.exception)
    return done.stderr if code else done.stdout


def sweep(folder: Path, scenarios: dict[str, Scenario], replicates: int = 6) -> Path:
    """Sweep scenarios into a folder."""
    api.sweep(scenarios, replicates=replicates, out=folder)
    return folder


def fixed(base: Scenario, **starts: str) -> Scenario:
    """A scenario in which no state decides; all but some are in the US-led bloc."""
    states = {
        key: state.model_copy(update={"fixed": True, "initial": starts.get(key, "us_led")})
        for key, state in base.states.items()
    }
    blocs = {key: bloc.model_copy(update={"leader": None}) for key, bloc in base.blocs.items()}
    return base.model_copy(update={"states": states, "blocs": blocs})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two equal scenarios and a different one, of 3 steps."""
    base = api.load("baseline_2023", steps=3)
    return sweep(
        tmp_path_factory.mktemp("alike") / "results",
        {"baseline": base, "nothing": base, "pressed": api.load("baseline_2023", steps=3, w_pressure=1.0)},
    )


def test_no_effect_size_without_variation(tmp_path: Path) -> None:
    base = api.load("baseline_2023", steps=3)
    out = sweep(tmp_path / "r", {"baseline": fixed(base), "moved": fixed(base, CHN="front", IRN="front")}, 20)
    record = json.loads(blocs("compare", str(out), "--json"))
    assert {row["effect"] for row in record["outcomes"] + record["states"]} == {None}
    front = next(row for row in record["outcomes"] if row["outcome"] == "capability_front")
    assert front["difference"] > 0.1
    assert (front["low"], front["high"], front["p"]) == (None, None, 2.0**-19)  # twenty pairs that all rise
    assert "the same in all pairs" in blocs("compare", str(out))


def test_identical_runs_are_noted_by_command_and_python(folder: Path) -> None:
    text = blocs("compare", str(folder))
    assert NOTE in " ".join(text.split())
    assert "+0.000" not in text.split("nothing\n")[1].split("pressed\n")[0]
    record = json.loads(blocs("compare", str(folder), "--json"))
    nothing, pressed = record["pairings"]
    assert (nothing["identical"], pressed["identical"]) == (True, False)
    assert f"nothing: {nothing['sentences'][0]}" == NOTE
    rows = [row for row in record["outcomes"] + record["states"] if row["scenario"] == "nothing"]
    assert all(row["identical"] and row["low"] is row["high"] is None for row in rows)
    found = api.compare(folder)
    assert NOTE in repr(found)
    assert NOTE in found.notes
    assert "all 6 pairs of runs are identical" in found._repr_html_()


@pytest.fixture(scope="module")
def page(folder: Path) -> str:
    """The report of the folder."""
    path = folder.parent / "page.html"
    blocs("report", str(folder), "--points", "0", "--out", str(path))
    return path.read_text(encoding="utf-8")


@pytest.mark.second
def test_report_notes_identical_runs(page: str) -> None:
    assert "all 6 pairs of runs are identical to the baseline&#39;s" in page
    assert "identical in all pairs" in page
    assert "nan" not in page.split('id="differences"')[1].split('id="claims"')[0]


def test_too_few_runs_state_runs_needed(folder: Path) -> None:
    text = " ".join(blocs("compare", str(folder)).split())
    assert (
        "pressed: 6 pairs of runs are too few to tell a difference from chance: with fewer than 14 replicates" in text
    )
    assert "no state's share" not in text


@pytest.mark.second
def test_means_name_their_steps(folder: Path, page: str) -> None:
    texts = [
        page,
        blocs("compare", str(folder)),
        blocs("compare", str(folder), "--json"),
        blocs("explain", str(folder), "CHN"),
        blocs("run", "baseline_2023", "--steps", "3"),
        api.compare(folder)._repr_html_(),
        api.read(folder)._repr_html_(),
    ]
    for text in texts:
        assert "the last 3 steps" in text
        assert "last 8 steps" not in text


def test_comparisons_refuse_different_lengths(tmp_path: Path) -> None:
    out = sweep(tmp_path / "r", {"baseline_2023": api.load("baseline_2023", steps=3),
                                 "dispersed_attention": api.load("dispersed_attention", steps=2)}, 3)  # fmt: skip
    for words in (
        ("compare",),
        ("report", "--points", "0", "--out", str(tmp_path / "page.html")),
        ("claims", "--points", "0"),
    ):
        command, *options = words
        assert "dispersed_attention: runs 2 steps and baseline_2023 3" in blocs(command, str(out), *options, code=2)
    with pytest.raises(errors.InputError, match="runs 2 steps and baseline_2023 3"):
        api.compare(out)


def test_sweep_warns_of_what_compare_refuses(tmp_path: Path) -> None:
    (tmp_path / "short.toml").write_text('title = "Short"\nextends = "baseline_2023"\nsteps = 2\n', encoding="utf-8")
    words = ["sweep", "baseline_2023", str(tmp_path / "short.toml"), "--replicates", "1", "--out", str(tmp_path / "r")]
    done = CliRunner().invoke(cli, words)
    assert done.stderr.startswith("blocs: short runs 2 steps and baseline_2023 40; give both as many steps to compare")
    assert "as with --steps 40" in done.stderr
    same = CliRunner().invoke(cli, [*words[:-1], str(tmp_path / "same"), "--steps", "2"])
    assert "give both" not in same.stderr


def test_one_scenario_needs_another(tmp_path: Path) -> None:
    out = sweep(tmp_path / "one", {"pressed": api.load("baseline_2023", steps=3, w_pressure=1.0)}, 3)
    said = " ".join(blocs("compare", str(out)).split())
    assert "only one scenario here. Sweep it with another: blocs sweep baseline_2023 pressed --replicates 3" in said
    assert "--tendency" not in said


def test_two_folders_are_refused_with_a_way_out(folder: Path) -> None:
    said = blocs("compare", str(folder), str(folder), code=2)
    assert "Sweep the scenarios together, so that their runs are paired: blocs sweep SCENARIO SCENARIO" in said


@pytest.mark.filterwarnings("ignore:own. choices are close to chance")
def test_other_world_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    blocs("new", "world", "mine")
    mine = api.load(str(next(tmp_path.rglob("world.toml"))), steps=3)
    states = {f"X{n}": state for n, state in enumerate(mine.states.values())}
    own = mine.model_copy(update={"states": states, "ties": (), "institutions": {}, "shocks": ()})
    own = own.model_copy(
        update={"blocs": {key: bloc.model_copy(update={"leader": None}) for key, bloc in own.blocs.items()}}
    )
    out = sweep(tmp_path / "r", {"baseline_2023": api.load("baseline_2023", steps=3), "own": own}, 2)
    for words in (("compare",), ("report", "--points", "0")):
        assert "own: has no state in common with baseline_2023" in blocs(*words, str(out), code=2)


def test_levers_of_different_lengths_are_refused(tmp_path: Path) -> None:
    (tmp_path / "short.toml").write_text('title = "Short"\nextends = "baseline_2023"\nsteps = 8\n', encoding="utf-8")
    refusal = blocs("regret", "baseline_2023", str(tmp_path / "short.toml"), code=2)
    assert "short: runs 8 steps and baseline_2023 40" in refusal


@pytest.mark.second
def test_clear_has_one_meaning(folder: Path, page: str) -> None:
    printed = " ".join(blocs("compare", str(folder)).split())
    for text in (printed, unescape(page), unescape(api.compare(folder)._repr_html_()), EXPLAINED):
        assert CLEAR_MEANS in " ".join(text.split())
