"""Titles of charts: each says the finding of its table, with its uncertainty."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.reporting.chapters import titles
from sim.reporting.figures import describe_finding


def test_sizes_are_counted_and_the_extremes_named() -> None:
    sizes = {"Base": np.array([0.05] * 24 + [0.4]), "Less": np.full(10, 0.09), "More": np.array([0.1, 0.2, 0.0, 0.0])}
    said = titles.title_of_sizes(sizes, "front")
    assert said.startswith("Base: “front” has 10 % of the capability or more in 4 of 100 runs (95 % interval ")
    assert said.endswith("; elsewhere in 0 (Less) to 50 (More).")


def test_states_mostly_in_and_the_likeliest_of_the_others() -> None:
    grid = pd.DataFrame({"Base": [0.9, 0.1, 0.0], "War": [0.8, 0.2, 0.3]}, index=["Russia", "Iran", "Cuba"])
    assert titles.title_of_states(grid, "front") == (
        "Base: Russia in “front” in most runs; of the others Cuba most often, in 30 of 100 in War."
    )
    assert titles.title_of_states(grid.head(1), "front").endswith("and no other state in any run.")


def difference(scenario: str, value: float, clear: bool) -> dict[str, object]:
    return {"scenario": scenario, "difference": value, "low": value - 0.01, "high": value + 0.01, "clear": clear}


@given(st.lists(st.tuples(st.floats(-0.5, 0.5), st.booleans()), min_size=1, max_size=8))
def test_only_clear_differences_are_named(values: list[tuple[float, bool]]) -> None:
    rows = pd.DataFrame([difference(f"s{n};", value, clear) for n, (value, clear) in enumerate(values)])
    said = titles.title_of_differences(rows, "front")
    clear = [n for n, (_, sure) in enumerate(values) if sure]
    assert not [n for n in range(len(values)) if n not in clear and f"s{n};" in said]
    if clear:
        assert said.startswith(f"{len(clear)} of {len(values)} scenarios")
        assert f"s{max(clear, key=lambda n: abs(values[n][0]))};" in said
    else:
        assert said == "No scenario clearly changes the mean size of “front”."


def test_widest_range_and_those_beyond_chance() -> None:
    ends = pd.DataFrame(
        {"setting": ["a", "a", "b", "b"], "end": ["low", "high"] * 2, "value": [0.0, 1.0, 2.0, 4.0],
         "difference": [-0.02, 0.05, 0.01, -0.01], "low": [-0.04, 0.03, -0.01, -0.03], "high": [0.0, 0.07, 0.03, 0.01],
         "pairs": [10] * 4}
    )  # fmt: skip
    said = titles.title_of_ranges(ends, "front")
    assert said.startswith("a at 1 changes the mean size of “front” most: +0.05")
    assert said.endswith("Intervals of 1 of 2 parameters leave out 0.")


@pytest.mark.parametrize(("high", "apart"), [(0.011, "all"), (0.05, "0 of 1")])
def test_regret_says_whether_levers_are_apart(high: float, apart: str) -> None:
    table = pd.DataFrame(
        {
            "lever": ["x", "y"],
            "regret": [0.01, 0.03],
            "low": [0.005, 0.02],
            "high": [high, 0.04],
            "regret_max": [0.04, 0.1],
        }
    )
    said = titles.title_of_regret(table, "capability")
    assert said.startswith(
        "x is at most 0.040 of capability worse than the best lever of a future, the others up to 0.100"
    )
    assert f"apart from that of {apart} others" in said


def test_description_begins_with_the_finding() -> None:
    assert describe_finding("A wins.", "Bars of 3.") == "A wins. Bars of 3."
    assert describe_finding("A wins.", "A wins by 3.") == "A wins by 3."
