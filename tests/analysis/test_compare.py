"""Comparisons of tables with known answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import StepPatch

from sim.analysis.compare import (
    Pairing,
    Sample,
    compare_outcomes,
    compare_states,
    designs_without_difference,
    identical_words,
    interval_words,
    pairings,
)
from sim.analysis.paired import mark_clear
from sim.analysis.statistics import mean_interval, share_interval
from sim.errors import InputError
from sim.reporting import charts

RUNS = 200

RECORD = {"steps": 40, "step": "round", "date": None, "dispositions": "fresh", "sweep": {"lens": "histories"}}


def planted(shift: float = 0.2, seed: int = 1) -> Sample:
    """Two scenarios with common random numbers, the second with a front larger by `shift`, and a copy of the first."""
    rng = np.random.default_rng(seed)
    base = rng.uniform(0, 0.5, RUNS)
    fronts = {"baseline_2023": base, "larger": base + shift + rng.normal(0, 0.01, RUNS), "same": base}
    runs, states = [], []
    for point, (design, front) in enumerate(fronts.items()):
        keys = {"design": design, "scenario": design, "point": point, "seed": 1, "replicate": range(RUNS)}
        runs.append(pd.DataFrame({**keys, "capability_front": front, "leverage_front": np.nan}))
        for state, share in (("AAA", (front > 0.3).astype(float)), ("BBB", np.ones(RUNS))):
            states.append(pd.DataFrame({**keys, "state": state, "share_front": share, "share_non_aligned": 1 - share}))
    scenarios = {design: {**RECORD, "title": design, "states": {"AAA": {}, "BBB": {}}} for design in fronts}
    return Sample(pd.concat(runs, ignore_index=True), pd.concat(states, ignore_index=True), 0, 0, scenarios)


def test_planted_difference_and_interval() -> None:
    table = compare_outcomes(planted(), "baseline_2023").set_index(["scenario", "outcome"])
    row = table.loc["larger", "capability_front"]
    assert row["difference"] == pytest.approx(0.2, abs=0.003)
    assert row["low"] < 0.2 < row["high"]
    assert row["high"] - row["low"] < 0.005  # pairs have common random numbers, so their spread cancels
    assert row["pairs"] == RUNS
    assert ("larger", "leverage_front") not in table.index  # undefined everywhere


def test_identical_design_is_not_without_difference() -> None:
    table = compare_outcomes(planted(), "baseline_2023")
    assert designs_without_difference(table) == []  # identical runs are reported instead
    assert table[table["identical"]]["scenario"].unique().tolist() == ["same"]


def test_comparison_does_not_depend_on_row_order() -> None:
    found = planted()
    shuffled = Sample(
        found.runs.sample(frac=1, random_state=1), found.states.sample(frac=1, random_state=2), 0, 0, found.scenarios
    )
    one, other = (compare_outcomes(s, "baseline_2023").round(12) for s in (found, shuffled))
    pd.testing.assert_frame_equal(one, other)


def test_pairs_have_same_seed_and_replicate() -> None:
    found = planted()
    kept = found.runs[(found.runs["design"] != "larger") | (found.runs["replicate"] % 2 == 0)]
    table = compare_outcomes(Sample(kept, found.states, 0, 0, found.scenarios), "baseline_2023")
    assert table.set_index("scenario").loc["larger", "pairs"] == RUNS // 2


def test_state_differences() -> None:
    table = compare_states(planted(), "baseline_2023").set_index(["scenario", "state", "alignment"])
    assert table.loc[("larger", "AAA", "front"), "difference"] > 0.3
    assert table.loc[("larger", "BBB", "front"), "difference"] == 0
    assert table.loc[("larger", "AAA", "front"), "difference"] == pytest.approx(
        -table.loc[("larger", "AAA", "non_aligned"), "difference"]
    )


def test_students_interval_by_hand() -> None:
    mean, low, high, n = mean_interval(np.array([1.0, 2, 3, np.nan]))
    assert (mean, n) == (2, 3)
    assert high - mean == pytest.approx(4.302653 / 3**0.5, abs=1e-5)  # t(0.975, 2) = 4.302653, s = 1
    assert mean - low == pytest.approx(high - mean)
    assert all(np.isnan(mean_interval(np.array([np.nan]))[:3]))


def test_wilsons_interval_by_hand() -> None:
    share, low, high, n = share_interval(0, 10)
    assert (share, low, n) == (0, 0, 10)
    assert high == pytest.approx(0.2775, abs=1e-3)


def test_coverage_of_students_interval() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(1000):
        _, low, high, _ = mean_interval(rng.normal(0.3, 1, 30))
        covered += low <= 0.3 <= high
    assert 930 <= covered <= 970


def test_choice_of_baseline() -> None:
    found = planted()
    assert found.baseline() == "baseline_2023"
    assert found.baseline("same") == "same"
    with pytest.raises(InputError, match="did you mean 'same'"):
        found.baseline("sam")


# Charts


def test_axis_labels_have_units() -> None:
    steps = pd.DataFrame(
        [(s, r, 0.2 + 0.01 * r, 0.5) for s in range(5) for r in range(8)],
        columns=["step", "replicate", "capability_front", "capability_us_led"],
    )
    _, (axes,) = charts.new_figure(4, 3)
    charts.draw_share_bands(
        axes, steps, ["front", "us_led"], world=["us_led", "front"], names={"us_led": "US-led bloc"}
    )
    assert axes.get_xlabel() == "step"
    assert axes.get_ylabel() == "share of capability"
    assert axes.get_legend_handles_labels()[1] == ["front", "US-led bloc"]
    styles = {line.get_linestyle() for line in axes.get_lines() if line.get_linewidth() == 2}
    assert len(styles) == 2  # distinct without colour


def test_histograms_share_one_scale() -> None:
    _, (axes,) = charts.new_figure(4, 3)
    charts.draw_distributions(
        axes, {"one": np.array([0.0, 0.02, 0.5, 0.5]), "two": np.zeros(3)}, colour="blue", label="size"
    )
    steps = [patch.get_data() for patch in axes.patches if isinstance(patch, StepPatch)]
    heights = [height for one in steps for height in (one.baseline - one.values).tolist()]
    assert max(heights) == pytest.approx(0.85)  # all of the second scenario's runs in one bin
    assert sum(heights) == pytest.approx(2 * 0.85)  # each scenario's shares sum to 1
    assert {"50", "0"} <= {text.get_text() for text in axes.texts}
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["one", "two"]


def test_clear_differences_have_own_marker() -> None:
    table = pd.DataFrame(
        {
            "scenario": ["sure", "unsure"],
            "difference": [0.2, 0.1],
            "low": [0.1, -0.1],
            "high": [0.3, 0.3],
            "clear": [True, False],
        }
    )
    _, (axes,) = charts.new_figure(4, 3)
    charts.draw_differences(axes, table, label="front's capability, less baseline")
    assert axes.get_xlabel() == "front's capability, less baseline"
    markers = [line.get_marker() for line in axes.get_lines() if line.get_marker() != "None"]
    assert markers == ["o", "s"]


def test_heat_map_writes_hundredths() -> None:
    _, (axes,) = charts.new_figure(4, 3)
    charts.draw_state_heat(axes, pd.DataFrame({"a": [0.5, 0.0]}, index=["X", "Y"]), label="P(front)")
    assert [text.get_text() for text in axes.texts] == ["50"]
    assert axes.figure.axes[-1].get_ylabel() == "P(front)"


def test_same_table_gives_same_chart_file(tmp_path: object) -> None:
    from pathlib import Path

    folder = Path(str(tmp_path))
    for name in ("one.svg", "two.svg"):
        made, (axes,) = charts.new_figure(4, 3)
        charts.draw_distributions(axes, {"one": np.array([0.0, 0.5])}, colour="blue", label="size")
        charts.save_figure(made, str(folder / name))
    assert (folder / "one.svg").read_bytes() == (folder / "two.svg").read_bytes()


# Runs that are identical, too few, or incomparable


def only(found: Sample, *designs: str, replicates: int = RUNS) -> Sample:
    """Some designs of a sample, and the first of their runs."""
    runs, states = (t[t["design"].isin(designs) & (t["replicate"] < replicates)] for t in (found.runs, found.states))
    return Sample(runs, states, 0, 0, {design: found.scenarios[design] for design in designs})


def paired(found: Sample) -> dict[str, Pairing]:
    """The pairings of a sample with its baseline."""
    tables = compare_outcomes(found, "baseline_2023"), compare_states(found, "baseline_2023")
    return {one.scenario: one for one in pairings(found, "baseline_2023", *tables)}


def test_identical_runs_have_a_note() -> None:
    found = planted()
    table = compare_outcomes(found, "baseline_2023").set_index("scenario").loc["same"]
    assert bool(table["identical"])
    assert np.isnan([table["low"], table["high"]]).all()
    assert interval_words(table) == "identical in all pairs"
    one = paired(found)["same"]
    assert one.identical
    assert one.sentences == [
        "all 200 pairs of runs are identical to the baseline's; the change has no effect in these runs"
        " (`blocs explain SCENARIO STATE --flip` shows which changes turn a state)"
    ]


def test_identical_up_to_rounding() -> None:
    found = planted()
    same = found.runs["design"] == "same"
    found.runs.loc[same, "capability_front"] *= 1 + 1e-15
    assert paired(found)["same"].identical


@pytest.mark.parametrize("value", [0.25, np.nan])
def test_one_differing_run_is_not_identical(value: float) -> None:
    found = planted()
    other = found.runs
    at = other.index[(other["design"] == "same") & (other["replicate"] == 7)]
    other.loc[at, "capability_front"] = value
    assert not paired(Sample(other, found.states, 0, 0, found.scenarios))["same"].identical


def test_identical_outcome_has_upper_bound() -> None:
    words = identical_words(compare_outcomes(planted(), "baseline_2023"))
    assert words.startswith("identical in all pairs: none of 200 pairs of runs differs; of other runs up to 1.9 %")
    assert identical_words(compare_outcomes(only(planted(), "baseline_2023", "larger"), "baseline_2023")) == ""


def test_one_pair_has_difference_without_interval() -> None:
    found = only(planted(), "baseline_2023", "larger", replicates=1)
    (row,) = compare_outcomes(found, "baseline_2023").itertuples()
    assert row.difference == pytest.approx(0.2, abs=0.05)
    assert np.isnan([row.low, row.high, row.p, row.p_adjusted, row.effect]).all()
    assert not row.clear
    assert interval_words(row) == "– (one pair)"
    (note,) = paired(found)["larger"].sentences
    assert note.startswith("1 pair of runs is too few to tell a difference from chance: with fewer than 8 replicates")
    assert note.endswith("begin with 100")


def test_few_pairs_state_the_least_and_extrapolate_nothing() -> None:
    found = only(planted(), "baseline_2023", "larger", replicates=5)
    noisy = found.runs.reset_index(drop=True)
    noisy["capability_front"] += np.where(noisy["design"] == "larger", [0, 0, 0, 0, 0, -0.4, 0.4, 0, 0.2, -0.2], 0)
    one = paired(Sample(noisy, found.states, 0, 0, found.scenarios))["larger"]
    assert (one.pairs, one.asked, one.fewest) == (5, 4, 8)  # 4 · 2^(1 - 8) = 0.03 is the first below 0.05
    assert one.sentences[0].endswith("with fewer than 8 replicates none of 4 differences tested at once can be clear"
                                     " (Holm 1979); begin with 100")  # fmt: skip


def test_no_note_with_enough_pairs() -> None:
    assert paired(planted())["larger"].sentences == []


def test_different_steps_are_refused_by_name() -> None:
    found = planted()
    found.scenarios["larger"]["steps"] = 8
    for compare in (compare_outcomes, compare_states):
        with pytest.raises(InputError, match=r"larger: runs 8 steps and baseline_2023 40; give both as many") as raised:
            compare(found, "baseline_2023")
        assert len(raised.value.faults) == 1


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"date": "2023-10-25", "step": "month"}, "larger: runs by month from 2023-10-25 and baseline_2023 by quarter"),
        ({"step": "quarter", "date": "2024-10-25"}, "from 2024-10-25 and baseline_2023 by quarter from 2023-10-25"),
        ({}, "larger: runs by round from no date and baseline_2023 by quarter from 2023-10-25"),
        ({"steps": 10, "step": "year", "date": "2023-10-25"}, "larger: runs by year from 2023-10-25 and baseline_2023"),
        ({"sweep": {"lens": "tendency"}}, "larger: has the lens tendency and baseline_2023 histories"),
    ],
)
def test_different_calendars_and_lenses_are_refused(other: dict[str, Any], words: str) -> None:
    found = planted()
    for name, scenario in found.scenarios.items():
        scenario |= other if name == "larger" else {"date": "2023-10-25", "step": "quarter"}
    assert found.averaged == (
        "the last step" if "date" in other else "the last 1 to 40 steps" if other else "the last 1 to 8 steps"
    )
    with pytest.raises(InputError, match=words):
        compare_outcomes(found, "baseline_2023")


def test_worlds_without_common_state_are_refused_by_name() -> None:
    found = planted()
    found.scenarios["same"]["states"] = {"CCC": {}}
    with pytest.raises(InputError, match="same: has no state in common with baseline_2023"):
        compare_outcomes(found, "baseline_2023")


def test_two_laws_of_dispositions_are_noted() -> None:
    found = planted()
    found.scenarios["larger"]["dispositions"] = "kept"
    assert paired(found)["same"].laws == ()
    [sentence] = paired(found)["larger"].sentences
    assert sentence.startswith("has kept dispositions and the baseline fresh; results of the two laws are not comp")


def test_one_sided_states_and_outcomes_are_noted() -> None:
    found = planted()
    found.scenarios["larger"]["states"] = {"AAA": {}, "DDD": {}}
    found.runs["members_third"] = np.where(found.runs["design"] == "larger", 1.0, np.nan)
    assert paired(found)["larger"].sentences == [
        "not compared, as only one of the two has a value: members_third",
        "only one of the two worlds has BBB, DDD; shares are of each own world",
    ]


def test_different_seeds_have_no_pairs() -> None:
    found = planted()
    found.runs.loc[found.runs["design"] == "larger", "seed"] = 2
    one = paired(found)["larger"]
    assert one.pairs == 0
    assert not one.identical
    assert one.sentences == ["no run has the seed and replicate of a baseline run; nothing can be compared"]


def test_averaged_steps_are_those_of_the_runs() -> None:
    found = planted()
    assert found.averaged == "the last 8 steps"
    for scenario in found.scenarios.values():
        scenario["steps"] = 3
    assert found.averaged == "the last 3 steps"


# Clear differences


def without_difference(scenarios: int, seed: int) -> Sample:
    """Scenarios that differ from the baseline by chance only."""
    rng = np.random.default_rng(seed)
    designs = ["baseline_2023", *(f"other{n}" for n in range(scenarios))]
    runs = [
        pd.DataFrame({"design": d, "scenario": d, "point": n, "seed": 1, "replicate": range(30)})
        .assign(**{f"capability_{bloc}": rng.normal(0.3, 0.1, 30) for bloc in "abcd"})
        for n, d in enumerate(designs)
    ]  # fmt: skip
    records = {design: {**RECORD, "title": design, "states": {"AAA": {}}} for design in designs}
    return Sample(pd.concat(runs, ignore_index=True), pd.DataFrame(), 0, 0, records)


@pytest.mark.second
def test_tables_without_difference_rarely_have_a_clear_row() -> None:
    """The chance of any clear row is at most 5 % for the whole table; by scenario it was 30 % for eight of them."""
    tables = [compare_outcomes(without_difference(8, seed), "baseline_2023") for seed in range(150)]
    assert sum(table["clear"].any() for table in tables) <= 15  # more than 15 of 150 at 5 % have a chance of 0.5 %


def test_family_of_tests_is_the_whole_table() -> None:
    table = pd.DataFrame({"scenario": ["a", "a", "b", "b"], "p": [0.02, 0.9, 0.013, np.nan]})
    marked = mark_clear(table)
    assert marked["p_adjusted"].tolist() == pytest.approx([0.04, 0.9, 0.039, np.nan], nan_ok=True)
    assert marked["clear"].tolist() == [True, False, True, False]
    assert mark_clear(marked).equals(marked)
