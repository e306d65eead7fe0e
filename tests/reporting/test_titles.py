"""Titles of charts: each says the finding of its table, with its uncertainty."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.reporting.chapters import headings, titles
from sim.reporting.figures import describe_finding


def test_sizes_are_counted_and_the_extremes_named() -> None:
    sizes = {"Base": np.array([0.05] * 24 + [0.4]), "Less": np.full(10, 0.09), "More": np.array([0.1, 0.2, 0.0, 0.0])}
    said = titles.title_of_sizes(sizes, "front", "at the end")
    assert said.startswith("Base: “front” has 10 % of the capability or more at the end in 4 of 100 runs (95 % ")
    assert said.endswith("; elsewhere in 0 (Less) to 50 (More).")


def test_extremes_that_print_alike_are_said_once() -> None:
    sizes = {"Base": np.zeros(300), "Less": np.array([0.1] * 299 + [0.0]), "More": np.full(300, 0.1)}
    assert titles.title_of_sizes(sizes, "front", "at the end").endswith("; in every other scenario in 100.")


@pytest.mark.parametrize(
    ("high", "words"),
    [
        (0.064, "in the middle run and in 90 % of runs."),
        (0.1, "in the middle run, and with 0.06 to 0.10 in 90 % of runs."),
    ],
)
def test_range_of_shares_that_prints_as_one_number_is_said_once(high: float, words: str) -> None:
    steps = pd.DataFrame({"step": 4, "capability_front": [0.06] * 50 + [high] * 50})
    steps.loc[:60, "capability_front"] = 0.06
    assert (
        titles.title_of_shares(steps, "Base", "front", "Front")
        == f"Base: “Front” ends with 0.06 of the capability {words}"
    )


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
    if len(values) == 1:
        which = "“s0;” clearly changes" if clear else "The other scenario does not clearly change"
        assert said.startswith(f"{which} the mean size of “front”")
    elif clear:
        change = "changes" if len(clear) == 1 else "change"
        assert said.startswith(f"{len(clear)} of {len(values)} scenarios clearly {change} ")
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
    assert said.endswith("The interval of 1 of 2 parameters leaves out 0.")


@pytest.mark.parametrize(("high", "apart", "of_two"), [(0.011, "all", " apart"), (0.05, "0 of 2", " not apart")])
def test_regret_says_whether_levers_are_apart(high: float, apart: str, of_two: str) -> None:
    table = pd.DataFrame(
        {
            "lever": ["x", "y", "z"],
            "regret": [0.01, 0.03, 0.03],
            "low": [0.005, 0.02, 0.02],
            "high": [high, 0.04, 0.04],
            "regret_max": [0.04, 0.1, 0.1],
        }
    )
    assert titles.title_of_regret(table.head(2), "capability") == (
        "Of two choices, x is at most 0.040 of capability worse in a future, and y at most 0.100. On average their"
        f" regrets are{of_two}."
    )
    said = titles.title_of_regret(table, "capability")
    assert said.startswith(
        "x is at most 0.040 of capability worse than the best lever of a future, the others up to 0.100"
    )
    assert f"apart from that of {apart} others" in said


def test_description_begins_with_the_finding() -> None:
    assert describe_finding("A wins.", "Bars of 3.") == "A wins. Bars of 3."
    assert describe_finding("A wins.", "A wins by 3.") == "A wins by 3."


def row(name: str, clear: bool) -> SimpleNamespace:
    return SimpleNamespace(name=name, clear=clear)


def test_one_is_not_named_as_many() -> None:
    """Counts of one have their own words, with the verb that fits."""
    base = row("Base", clear=False)
    which = "which states are in “front”"
    assert headings.heading_of_maps(["War"], 1, True, "front").text == f"“War” clearly changes {which}"
    assert headings.heading_of_maps(["War"], 2, True, "front").text == f"1 of 2 scenarios clearly changes {which}: War"
    both = headings.heading_of_maps(["War", "Peace"], 2, True, "front").text
    assert both == f"2 of 2 scenarios clearly change {which}: War, Peace"
    assert headings.heading_of_maps([], 2, True, "front").text == f"No scenario clearly changes {which}"
    said = headings.heading_of_rows([base, row("War", clear=True), row("Peace", clear=False)], "front").text
    assert said == "1 of 2 scenarios clearly changes the mean size of “front”: War"
    assert headings.heading_of_sensitivity([("a", "")]).text.startswith("Of the parameters, a changes the size")
    assert headings.heading_of_sensitivity([("a", ""), ("b", "")]).text.startswith("Of the parameters, a and b change ")
    assert headings.words_of_assumed(1) == "One parameter is assumed, with this reason"
    assert headings.words_of_sources(1) == "One source gives the inputs"
