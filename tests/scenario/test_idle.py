"""Entries that change nothing: runs without them are equal, and commands warn of them."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings

import sim
from sim.cli import cli
from sim.errors import InputWarning
from sim.model import compiled, trajectory
from sim.scenario.checks.idle import idle_shocks
from sim.scenario.loading import read_scenario, scenario_names, shipped_folder, world_names
from sim.scenario.schema import Scenario
from sim.scenario.ties import place_ties
from tests.strategies import scenarios, small

CASES = Path(__file__).parents[1] / "cases"
WRONG_WAY = '[[ties]]\nkind = "sanction"\na = "PRK"\nb = "USA"\nvalue = 0\n'


def without_shock(scenario: Scenario, n: int) -> Scenario:
    """The scenario without one of its shocks."""
    return scenario.model_copy(update={"shocks": (*scenario.shocks[:n], *scenario.shocks[n + 1 :])})


@settings(deadline=None)
@given(scenarios(max_states=4))
def test_run_without_an_idle_shock(scenario: Scenario) -> None:
    for n, _ in idle_shocks(scenario):
        for one, other in zip(runs_of(scenario), runs_of(without_shock(scenario, n)), strict=True):
            np.testing.assert_array_equal(one.alignment, other.alignment)
            np.testing.assert_array_equal(one.outcomes, other.outcomes)


def runs_of(scenario: Scenario) -> list[trajectory.Run]:
    """Two runs on the same random numbers."""
    return [compiled.run_compiled(scenario, seed=3, replicate=replicate) for replicate in range(2)]


def test_ties_without_the_idle_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLOCS_SCENARIOS", str(CASES))
    four = read_scenario("four").scenario
    pairs = [("PRK", "USA"), ("USA", "PRK"), ("GBR", "*"), ("@pact", "RUS"), ("*", "*")]
    entries = [
        {"kind": kind, "a": a, "b": b, "value": value}
        for kind in ("bond", "rivalry", "sanction") for a, b in pairs for value in (0.0, 0.5)
    ]  # fmt: skip
    added = Scenario.model_validate({**four.model_dump(), "ties": [*four.model_dump()["ties"], *entries]}).ties
    for n in range(len(four.ties), len(added)):
        longer = (*four.ties, added[n])
        ties, idle = place_ties(longer, four.institutions)
        assert (idle == [len(four.ties)]) == (ties == four.ties), added[n]


def test_shocks_to_a_tie_that_an_earlier_shock_set() -> None:
    """The second 0.5 and the second 0 change nothing; that of all states finds the tie of the first."""
    ends = [("A", 0.5), ("A", 0.5), ("*", 0.25), ("A", 0.0), ("A", 0.0)]
    shocks = [{"kind": "rivalry", "step": n, "a": a, "b": "B", "value": value} for n, (a, value) in enumerate(ends, 1)]
    found = dict(idle_shocks(small(shocks=shocks, steps=5)))
    assert found == {
        1: "it is so then already, so it changes nothing",
        4: "no rivalry of A and B exists, so it changes nothing",
    }


def test_shipped_scenarios_have_no_warning() -> None:
    for name in (*scenario_names([shipped_folder()]), *world_names()):
        assert read_scenario(name).warnings == (), name


@pytest.fixture
def wrong_way(tmp_path: Path) -> Path:
    """A scenario that lifts a sanction in the wrong direction."""
    shutil.copytree(CASES / "worlds", tmp_path / "worlds")
    path = tmp_path / "w.toml"
    path.write_text(f'title = "W"\nworld = "four"\nsteps = 3\n{WRONG_WAY}', encoding="utf-8")
    return path


WARNING = "warning: ties[0]: no sanction of PRK on USA exists, so it changes nothing; the existing sanction is of USA"


@pytest.mark.parametrize("command", ["check", "run", "sweep", "show"])
def test_commands_warn_of_an_idle_tie(command: str, wrong_way: Path, tmp_path: Path) -> None:
    more = ["--replicates", "2", "--out", str(tmp_path / "out")] if command == "sweep" else []
    done = CliRunner().invoke(cli, [command, str(wrong_way), *more])
    assert done.exit_code == 0, done.output
    assert f"w.toml:4: {WARNING}" in done.stderr


def test_check_lists_warnings_as_json(wrong_way: Path) -> None:
    found = json.loads(CliRunner().invoke(cli, ["check", "--json", str(wrong_way)]).stdout)
    assert found["faults"] == []
    assert [(one["line"], one["field"]) for one in found["warnings"]] == [(4, "ties[0]")]


def test_python_warns_of_an_idle_tie(wrong_way: Path) -> None:
    with pytest.warns(InputWarning, match="no sanction of PRK on USA exists"):
        sim.load(wrong_way)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sim.load("baseline_2023")


VARIED = """title = "varied"
extends = "baseline_2023"
[[shocks]]
kind = "parameter"
parameter = "erosion"
value = 0.7
step = 5
[[shocks]]
kind = "rivalry"
a = "USA"
b = "IRN"
value = 1
step = 6
"""


@pytest.mark.parametrize(
    ("sweep", "idle"),
    [("", [0, 1]), ("vary.erosion = [0.1, 0.7]", [1]), ("vary.rivalry_gain = [0.0, 0.05]", [0]),
     ('vary."ties.rivalry.USA.IRN" = [0.5, 1]', [0]), ('vary."world.parameters.erosion" = [0.1, 0.7]', [1]),
     ('design = "sobol"\npoints = 4', [])],
)  # fmt: skip
def test_shock_to_what_the_sweep_varies(sweep: str, idle: list[int], tmp_path: Path) -> None:
    """Where the sweep of the file sets another value, the shock changes it."""
    path = tmp_path / "varied.toml"
    path.write_text(f"{VARIED}[sweep]\n{sweep}\n", encoding="utf-8")
    assert [warning.field for warning in read_scenario(path).warnings] == [f"shocks[{n}]" for n in idle]
