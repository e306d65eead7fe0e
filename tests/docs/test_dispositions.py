"""The page on dispositions is true: its scenario loads, its script runs, its numbers follow from the code."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from sim.cli import cli
from sim.model.compiled import run_compiled
from sim.theory.pair import pair_law
from sim.theory.persistence import stay_chance, switching_rate, transition_chances
from tests.docs.test_readme import commands
from tools import histories

PAGE = histories.PAGE.read_text(encoding="utf-8")
WEIGHTS = np.array([4.0, 2.0, 1.0])
LED = 1


def test_scenario_and_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fresh_2023.toml").write_text(histories.scenario_text(), encoding="utf-8")
    lines = commands(PAGE)
    assert len(lines) == 3
    for line in lines:
        done = CliRunner().invoke(cli, line.split()[1:])
        assert done.exit_code == 0, (line, done.output)
        assert done.output.lower().count("warning: ") == ("fresh_2023" in line), done.output
    assert re.search(r"^ *40 +2033-10-25 +0\.\d\d ", done.output, re.M)
    assert "A step is a quarter." in done.output


@pytest.mark.second
def test_table() -> None:
    for row in histories.table_rows():
        assert row in PAGE, "run `python -m tools.histories`"


@pytest.mark.second
def test_picture(tmp_path: Path) -> None:
    histories.draw_picture(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 20_000
    assert histories.PICTURE.read_bytes().startswith(b"\x89PNG")
    kept = histories.count_moves([run_compiled(histories.under_law("kept and anchored"), seed=histories.SEED)])
    assert kept.sum() == 2, "the text below the picture says two"


def test_history_of_the_problem() -> None:
    scenario = histories.under_law("fresh")
    run = run_compiled(scenario, seed=7)
    moves = np.diff(run.alignment, axis=0) != 0
    at = {state: run.states.index(state) for state in ("KOR", "ISR", "CHN")}
    led, front = run.alignments.index("us_led"), run.alignments.index("front")
    assert f"At step 1, {moves[0].sum()} of the {len(run.states) - 1} states" in PAGE
    assert run.alignment[8, at["KOR"]] == led != run.alignment[9, at["KOR"]]
    assert run.alignment[19, at["ISR"]] == front
    assert f"front or leaves it {moves[:, at['CHN']].sum()} times in {len(moves)} steps" in PAGE
    yearly = 100 * moves.sum() / (len(run.states) - 1) / 10
    assert f"{yearly:.0f} changes in\n100 state-years" in PAGE


def test_example_by_hand() -> None:
    before, after = np.log(WEIGHTS), np.log(WEIGHTS * [1, 1, 2])
    assert stay_chance(np.stack([before, after]), LED) == pytest.approx(7 / 8)
    assert transition_chances(before, after, LED)[2] == pytest.approx(1 / 8)
    rate = switching_rate(before, inertia=0.0, renewal=0.015)
    assert f"{100 * rate:.2f} changes in\n100 years" in PAGE
    disposition = np.array([2.0, 0.6, 0.4])
    assert (disposition / WEIGHTS).argmin() == LED
    assert (disposition / (WEIGHTS * [1, 1, 2])).argmin() == 2


def test_anchor_by_hand() -> None:
    chances, draws = WEIGHTS / WEIGHTS.sum(), np.array([1.0, 0.7, 0.2])
    anchored = chances * draws[LED] + draws
    anchored[LED] = chances[LED] * draws[LED]
    row = " | ".join(f"{e:.1f}" for e in anchored)
    assert re.search(rf"chance · 0\.7 \+ X for the others \| {re.escape(row)} \|", PAGE)
    assert (draws / WEIGHTS).round(2).tolist() == [0.25, 0.35, 0.2]
    assert (anchored / WEIGHTS).round(2).tolist() == [0.35, 0.1, 0.3]


def test_pair_of_friends() -> None:
    fresh, kept = (np.trace(pair_law(1.5, renewal=h).sum(axis=(0, 1))) for h in (1.0, 0.05))
    assert f"one bloc {100 * fresh:.0f} % of\n  the time" in PAGE
    assert f"and {100 * kept:.0f} % under kept ones" in PAGE


def test_shock_by_date_of_the_guide() -> None:
    guide = (histories.DOCS / "scenarios.md").read_text(encoding="utf-8")
    shock = re.findall(r"```toml\n(\[\[shocks\]\]\n.*?)```", guide, re.S)[0]
    (found,) = [
        one
        for one in histories.load_text(
            histories.scenario_text().replace(histories.FRESH, histories.KEPT) + shock
        ).shocks
        if one.kind == "upheaval"
    ]
    assert (found.state, found.toward, found.step) == ("TUR", "non_aligned", 3)
