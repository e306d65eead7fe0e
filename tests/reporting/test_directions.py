"""Whether an effect keeps its direction at other settings, and what a report says of one lever over futures."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sim.analysis.compare import Sample
from sim.reporting.analyses import count_directions
from sim.reporting.chapters import headings
from sim.reporting.chapters.directions import FEWEST_SETTINGS, grade_direction, grade_effect, words_of_futures

RUNS = 4
BASE, LEVER = "world", "lever"


def label(scenario: str, point: int) -> str:
    return f"{scenario} [point {point}]"


def sample_of(effects: list[float], *, settings: bool = True) -> Sample:
    """Return runs in which a lever changes a state's share, and the size of its bloc, by so much at each point.

    Points of the lever are in another order than the baseline's, so that only their settings match.
    """
    runs, states, points = [], [], {}
    count = len(effects)
    for scenario, order in ((BASE, range(count)), (LEVER, reversed(range(count)))):
        for n, place in enumerate(order):
            name = label(scenario, n)
            share = 0.5 + (effects[place] if scenario == LEVER else 0.0)
            points[name] = {"parameters.a": float(place), "parameters.b": 1.0, "parameters.c": 2.0}
            runs += [{"design": name, "seed": 1, "replicate": r, "capability_east": share} for r in range(RUNS)]
            states += [
                {"design": name, "state": "A", "seed": 1, "replicate": r, "share_east": share} for r in range(RUNS)
            ]
    frame = pd.DataFrame(states).astype({"design": "category", "state": "category"})
    scenarios: dict[str, dict[str, Any]] = {name: {"title": name} for name in points}
    return Sample(pd.DataFrame(runs), frame, 0, 0, scenarios, points if settings else {})


def tables(focus: str, difference: float, *, clear: bool = True) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the tables of outcomes and states of one scenario, with one row each."""
    row = {"scenario": focus, "difference": difference, "clear": clear}
    return pd.DataFrame([{**row, "outcome": "capability_east"}]), pd.DataFrame(
        [{**row, "state": "A", "alignment": "east"}]
    )


@pytest.mark.parametrize(
    ("others", "grade", "kept"),
    [
        ([0.1, 0.2, 0.3], "high", "3 of 3 other settings"),
        ([0.1, 0.2], "medium", "2 of 2 other settings"),
        ([0.1, 0.2, 0.3, -0.1], "medium", "3 of 4 other settings"),
        ([0.1, -0.2, 0.3], "low", "2 of 3 other settings"),
        ([0.0, 0.0, 0.0], "low", "0 of 3 other settings"),
        ([-0.1], "low", "0 of 1 other setting"),
    ],
)
def test_grade_of_an_effect_by_hand(others: list[float], grade: str, kept: str) -> None:
    found = sample_of([0.2, *others])
    base, focus = label(BASE, 0), label(LEVER, len(others))
    said = grade_effect(found, base, focus, *tables(focus, 0.2)).sentence()
    assert said.startswith(
        f"{grade}. Why: the direction of its largest clear changes is the same at {kept} of a, b, c; "
    )


def test_no_grade_without_other_settings_or_clear_changes() -> None:
    """Runs at one setting, and changes that may be chance, tell no direction."""
    found = sample_of([0.2])
    base, focus = label(BASE, 0), label(LEVER, 0)
    assert grade_effect(found, base, focus, *tables(focus, 0.2)).sentence() == (
        "no grade. Why: these runs have one setting of what is assumed, so intervals are of chance only."
    )
    assert grade_effect(found, base, focus, *tables(focus, 0.2, clear=False), "few runs").sentence() == (
        "no grade. Why: no clear change of where a state is, or of the size of a bloc; few runs."
    )


@given(st.integers(1, 30), st.data())
@example(1, None)
def test_grade_rises_with_the_settings_of_one_direction(settings: int, data: Any) -> None:
    kept = settings if data is None else data.draw(st.integers(0, settings))
    grade = grade_direction(kept, settings)
    assert grade <= grade_direction(settings, settings)
    assert (grade == 2) == (kept == settings >= FEWEST_SETTINGS)
    assert (grade == 0) == (4 * kept < 3 * settings)


@given(st.lists(st.sampled_from([-0.1, 0.0, 0.2]), min_size=1, max_size=9))
def test_directions_count_the_futures_that_move(moves: list[float]) -> None:
    """A lever that changes nothing in a future neither raises nor lowers it, also up to rounding."""
    base = np.linspace(0.1, 0.5, len(moves))
    outcomes = pd.DataFrame([base, base + np.array(moves) + 1e-17], index=["base", "lever"])
    counted = count_directions(outcomes)
    raises, lowers = sum(one > 0 for one in moves), sum(one < 0 for one in moves)
    (row,) = counted.itertuples(index=False)
    assert row == ("lever", raises, lowers, len(moves))
    assert f"is larger with it at {raises}, smaller at {lowers} and the same at {len(moves) - raises - lowers}" in (
        words_of_futures(counted, "lever", "east", 4)
    )
    assert words_of_futures(counted, "other", "east", 4) == ""


WHERE = "of 64 settings of the parameters"


@pytest.mark.parametrize(
    ("raises", "lowers", "clear", "said"),
    [
        (0, 0, False, f"No clear difference: “Lever” changes the size of “East” at none {WHERE}"),
        (3, 5, True, f"No clear choice: with “Lever” the size of “East” is larger at 3 {WHERE}, and smaller at 5"),
        (9, 0, False, f"No clear difference: with “Lever” the size of “East” is larger at 9 {WHERE}, and smaller at"
         " none; the runs of the sweep do not differ clearly"),
        (0, 9, True, f"“Lever” lowers the size of “East” at 9 {WHERE}, and raises it at none"),
    ],
)  # fmt: skip
def test_heading_of_one_lever_recommends_nothing(raises: int, lowers: int, clear: bool, said: str) -> None:
    counted = pd.DataFrame([("lever", raises, lowers, 64)], columns=["lever", "raises", "lowers", "futures"])
    regret = pd.DataFrame({"lever": ["Lever", "Base"], "regret_max": [0.0, 0.1], "low": [0.0] * 2, "high": [0.0, 0.1]})
    analyses: Any = SimpleNamespace(regret=regret, directions=counted)
    rows = [
        SimpleNamespace(design=name.lower(), name=name, clear=name == "Lever" and clear) for name in ("Base", "Lever")
    ]
    assert headings.heading_of_regret(analyses, "East", rows).text == said
