"""Levers in many futures, and the regret command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sim.analysis.regret import load_levers, outcomes_in_futures
from sim.cli import cli
from sim.model.compiled import run_compiled
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_settings


def test_levers_are_scenarios_with_lever_role() -> None:
    found = load_levers()
    assert next(iter(found)) == "baseline_2023"
    assert {"no_sanctions", "global_coexistence", "focused_indo_pacific", "us_china_detente"} <= found.keys()
    assert not {"front_without_china", "dispersed_attention"} & found.keys()


def test_future_has_one_setting_for_all_levers() -> None:
    levers = {name: load_scenario(name) for name in ("baseline_2023", "no_sanctions")}
    table = outcomes_in_futures(levers, "capability_front", points=2, replicates=2, seed=5)
    assert table.shape == (2, 2)
    again = outcomes_in_futures(levers, "capability_front", points=2, replicates=2, seed=5)
    assert table.equals(again)
    from sim.analysis.sensitivity import parameter_ranges
    from sim.batch.design import design_points
    from sim.scenario.schema import Sweep

    vary = {
        f"parameters.{n}": {"start": a, "stop": b} for n, (a, b) in parameter_ranges(levers["baseline_2023"]).items()
    }
    sweep = Sweep.model_validate({"design": "sobol", "points": 2, "seed": 5, "vary": vary})
    future = design_points("", levers["baseline_2023"].model_copy(update={"sweep": sweep}))[1].settings
    lever = with_settings(levers["no_sanctions"], future)
    runs = [run_compiled(lever, seed=5, replicate=r) for r in range(2)]
    sizes = [one.late_outcomes(8)[one.outcome_names.index("capability_front")] for one in runs]
    assert table.loc["no_sanctions", 1] == pytest.approx(np.mean(sizes), abs=1e-15)


def test_lever_keeps_own_parameter() -> None:
    still = with_settings(load_scenario("baseline_2023"), {"w_shelter": 3})
    table = outcomes_in_futures(
        {"baseline_2023": load_scenario("baseline_2023"), "still": still},
        "members_front",
        points=2,
        replicates=1,
        seed=1,
    )
    assert table.notna().all(axis=None)


def test_regret_command() -> None:
    words = ["regret", "baseline_2023", "no_sanctions", "--points", "4", "--replicates", "2"]
    done = CliRunner().invoke(cli, [*words, "--json"])
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    most = [one["regret_max"] for one in record["levers"]]
    assert most == sorted(most)
    assert record["futures"] == 4
    assert "minimax regret" in CliRunner().invoke(cli, words).stdout
    refused = CliRunner().invoke(cli, ["regret", "baseline_2023", "no_sanctions", "--outcome", "capability_fornt"])
    assert refused.exit_code == 2
    assert "capability_front" in refused.stderr
    assert CliRunner().invoke(cli, ["regret", "baseline_2023"]).exit_code == 2


def test_default_outcome_of_first_lever(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert CliRunner().invoke(cli, ["new", "world", name, "--folder", str(tmp_path)]).exit_code == 0
    (tmp_path / "two.toml").write_text(
        (tmp_path / "one.toml")
        .read_text(encoding="utf-8")
        .replace("steps = 20", "steps = 20\n[parameters]\nerosion = 0.1"),
        encoding="utf-8",
    )
    words = ["regret", str(tmp_path / "one.toml"), str(tmp_path / "two.toml"), "--points", "2", "--replicates", "1"]
    done = CliRunner().invoke(cli, [*words, "--json"])
    assert done.exit_code == 0, done.output
    outcome = json.loads(done.stdout)["outcome"]
    assert outcome in ("capability_east", "capability_west")
    assert f"{outcome} is chosen" in done.stderr


def test_incomparable_levers_are_refused(tmp_path: Path) -> None:
    assert CliRunner().invoke(cli, ["new", "world", "w", "--folder", str(tmp_path)]).exit_code == 0
    text = (tmp_path / "w.toml").read_text(encoding="utf-8")
    (tmp_path / "short.toml").write_text(text.replace("steps = 20", "steps = 8"), encoding="utf-8")
    shutil.copytree(tmp_path / "worlds" / "w", tmp_path / "worlds" / "four")
    for table in (tmp_path / "worlds" / "four").iterdir():
        table.write_text(table.read_text(encoding="utf-8").replace("NOR", "XXX"), encoding="utf-8")
    dated = 'step = "quarter"\ndate = 2024-01-01\ndispositions = '
    for law in ("kept", "fresh"):
        found = text.replace("steps = 20", f'steps = 20\n{dated}"{law}"')
        (tmp_path / f"{law}.toml").write_text(found, encoding="utf-8")
    (tmp_path / "four.toml").write_text('title = "four"\nworld = "four"\nsteps = 20\n', encoding="utf-8")
    for first, other, message in (
        ("w", "great_powers_1907", "has no state in common with w"),
        ("w", str(tmp_path / "short.toml"), "runs 8 steps and w 20"),
        ("w", str(tmp_path / "four.toml"), "has other states than w; give levers of one world"),
        ("kept", str(tmp_path / "fresh.toml"), "has fresh dispositions and kept kept; results of the two laws"),
    ):
        done = CliRunner().invoke(cli, ["regret", str(tmp_path / f"{first}.toml"), other, "--outcome", "polarization"])
        assert done.exit_code == 2
        assert message in done.stderr
