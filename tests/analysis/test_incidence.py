"""First entries, exits and large blocs, by brute force and by hand; tables of a sweep are those of its runs."""

from __future__ import annotations

import contextlib
import itertools
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binomtest

from sim import api
from sim.analysis.dated.direct import structural_start
from sim.analysis.dated.events import Design, RunEvents, list_designs, read_events
from sim.analysis.dated.incidence import (
    LARGE,
    NEVER,
    Moves,
    fill_alignments,
    find_large_spells,
    find_moves,
    first_entries,
    first_exits,
    shares_from_moves,
)
from sim.analysis.dated.tally import Tally, tabulate_large_blocs, tabulate_realignments, tabulate_sizes
from sim.analysis.statistics import share_intervals
from sim.batch.store import Results
from sim.cli import cli
from sim.errors import InputError
from sim.model.compiled import iterate_runs
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario

MOST_BYTES_EACH = 60  # of memory for each further run: its numbers take 32, and a table copies some

histories = st.tuples(st.integers(1, 3), st.integers(1, 8), st.integers(1, 4)).flatmap(
    lambda shape: arrays(np.int64, (shape[0], shape[1] + 1, shape[2]), elements=st.integers(0, 2))
)


@given(histories)
def test_alignments_from_moves(alignment: np.ndarray) -> None:
    found = fill_alignments(alignment[:, 0], shuffled_moves(alignment), alignment.shape[1] - 1)
    np.testing.assert_array_equal(found, alignment)


def shuffled_moves(alignment: np.ndarray) -> Moves:
    """The moves of runs in any order."""
    moves = find_moves(alignment)
    order = np.random.default_rng(1).permutation(moves.run.size)
    return Moves(*(one[order] for one in moves))


@given(histories)
def test_sums_over_states_from_moves(alignment: np.ndarray) -> None:
    shares = np.array([3.0, 5.0, 7.0, 11.0])[: alignment.shape[2]] * 2.0**-30
    found = shares_from_moves(alignment[:, 0], shuffled_moves(alignment), shares, 3, alignment.shape[1] - 1)
    np.testing.assert_array_equal(found, np.stack([(alignment == k) @ shares for k in range(3)], axis=-1))


@given(histories)
def test_first_steps_by_brute_force(alignment: np.ndarray) -> None:
    start, moves = alignment[:, 0], shuffled_moves(alignment)
    entries, exits = first_entries(start, moves, 3), first_exits(start, moves)
    for r, run in enumerate(alignment):
        path = run.tolist()
        assert (moves.run == r).sum() == sum(
            a != b for steps in itertools.pairwise(path) for a, b in zip(*steps, strict=True)
        )
        for i in range(run.shape[1]):
            own = [row[i] for row in path]
            assert exits[r, i] == next((s for s, a in enumerate(own) if a != own[0]), NEVER)
            for k in range(3):
                assert entries[r, i, k] == (own.index(k) if k in own else NEVER)


shares = st.integers(2, 12).flatmap(
    lambda rows: arrays(np.float64, (2, rows, 1), elements=st.sampled_from([0.0, LARGE]))
)


@given(shares, st.integers(1, 4))
def test_large_spells_by_brute_force(capability: np.ndarray, year: int) -> None:
    """A spell lasts from the end of the step in which it begins to that of the step in which it ends, or the run's."""
    found = find_large_spells(capability, year)
    for r in range(2):
        path, end, spells, step = capability[r, :, 0] >= LARGE, capability.shape[1] - 1, [], 0
        while step < end:
            over = next((s for s in range(step, end) if not path[s]), end)
            spells += [(step, over)] if over - step >= year else []
            step = max(over, step + 1)
        assert found.first[r, 0] == (spells[0][0] if spells else NEVER)
        assert found.steps[r, 0] == sum(over - begin for begin, over in spells)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_share_intervals_are_wilsons(counted: tuple[int, int]) -> None:
    count, n = counted
    expected = binomtest(count, n).proportion_ci(0.95, method="wilson")
    np.testing.assert_allclose([one[()] for one in share_intervals(count, n)][1:], expected, atol=1e-12)


def test_share_intervals_without_runs() -> None:
    assert np.isnan(np.array(share_intervals([0, 0], 0))).all()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scenarios of the article's world, twelve runs each, with one date asked for."""
    place = tmp_path_factory.mktemp("dated") / "results"
    api.sweep(["baseline_2023", "global_coexistence"], replicates=12, at=["2026-10-25"], out=place, seed=5, workers=1)
    return place


def test_events_are_those_of_the_runs(folder: Path) -> None:
    designs = list_designs(Results(folder))
    for most in (5000, 5):
        blocks = list(read_events(Results(folder), designs, most))
        for design in designs:
            own = [block for block in blocks if block.design.point == design.point]
            runs = iterate_runs(design.scenario, seed=5, replicates=range(12), world=design.world)
            expected = np.stack([run.alignment for run in runs])
            np.testing.assert_array_equal(np.concatenate([block.alignment for block in own]), expected)
            assert np.concatenate([block.replicates for block in own]).tolist() == list(range(12))


def test_tables_against_sql(folder: Path) -> None:
    """Chances at the date and the end, and first entries, as SQL counts them."""
    found = api.read(folder).by_date()
    with contextlib.closing(Results(folder).connection()) as connection:
        chances = found.chances[found.chances["chance"] > 0].sort_values(["scenario", "date", "state", "alignment"])
        query = (
            "select scenario, date::varchar, state, alignment, count(*) / 12.0 from alignments"
            " where date in ('2026-10-25', '2033-10-25') group by all order by all"
        )
        rows = chances[["scenario", "date", "state", "alignment", "chance"]].itertuples(index=False, name=None)
        assert list(rows) == connection.execute(query).fetchall()
        query = (
            "select m.scenario, state, to_alignment, count(distinct m.replicate) / 12.0 from moves m"
            " join states s using (scenario, replicate, state) where to_alignment != 'non_aligned'"
            " and s.start != to_alignment group by all order by all"
        )
        entered = found.incidence.query("event == 'entry' and chance > 0 and date == '2033-10-25'")
        rows = entered.sort_values(["scenario", "state", "alignment"])[["scenario", "state", "alignment", "chance"]]
        assert list(rows.itertuples(index=False, name=None)) == connection.execute(query).fetchall()


def test_chances_and_incidence_agree(folder: Path) -> None:
    found = api.read(folder).by_date()
    keys = ["scenario", "date", "state", "alignment"]
    sums = found.chances.groupby(keys[:3])["chance"].sum()
    np.testing.assert_allclose(sums, 1.0)
    entry = found.incidence[found.incidence["event"] == "entry"].set_index(keys)["chance"]
    assert (found.chances.set_index(keys)["chance"].reindex(entry.index) <= entry).all()
    left = found.incidence[found.incidence["event"] == "exit"].set_index(keys)["chance"]
    np.testing.assert_allclose(found.survival.set_index(keys)["chance"].reindex(left.index), 1 - left)
    starts = found.incidence.groupby(["scenario", "state", "alignment"])["event"].nunique()
    assert (starts == 1).all()  # a coded start is inside or outside


def test_any_date_of_the_runs(folder: Path) -> None:
    found = api.read(folder).by_date(["2023-10-25", "2024-01-24"])
    start = found.chances[found.chances["date"] == "2024-01-24"]  # the first step ends a day later
    assert set(start["chance"]) == {0.0, 1.0}
    first = api.read(folder).by_date(["2024-01-25"])  # after one step a state has entered where it is
    keys = ["scenario", "date", "state", "alignment"]
    entry = first.incidence[first.incidence["event"] == "entry"].set_index(keys)["chance"]
    assert (entry == first.chances.set_index(keys)["chance"].reindex(entry.index)).all()
    assert (entry > 0).any()
    with pytest.raises(InputError, match="outside the run"):
        api.read(folder).by_date(["2040-01-01"])


def test_sweep_as_json(folder: Path) -> None:
    arguments = ["sweep", "baseline_2023", "global_coexistence", "--replicates", "12", "--seed", "5"]
    result = CliRunner().invoke(cli, [*arguments, "--at", "2026-10-25", "--out", str(folder), "--json"])
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    at = record["at"]["baseline_2023"]
    assert list(at) == ["2026-10-25"]
    assert at["2026-10-25"]["USA"]["us_led"] == {
        "chance": 1.0,
        "low": pytest.approx(0.7575, abs=1e-4),
        "high": 1,
        "n": 12,
    }
    structural = record["structural"]["baseline_2023"]["CHN"]
    assert sum(structural.values()) == pytest.approx(1)
    design = list_designs(Results(folder))[0]
    chances = structural_start(design.world)[design.world.states.index("CHN")]
    assert list(structural.values()) == pytest.approx(chances.tolist())
    assert {one["bloc"] for one in record["large_blocs"]} == {"us_led", "front"}
    assert all(0 <= one["per_state_year"] < 0.05 and one["recorded"] == 0.005 for one in record["realignments"])


def test_rate_of_few_runs_is_not_below_zero(tmp_path: Path) -> None:
    """One run with a change beside two without: Student's interval would go below 0."""
    few = api.load("baseline_2023", steps=10)
    rate = api.sweep([few], replicates=3, out=tmp_path / "results", workers=1).by_date().realignments.iloc[0]
    assert rate["low"] == 0 < rate["per_state_year"] < rate["high"]


def test_rate_without_any_change_has_no_interval(tmp_path: Path) -> None:
    """Three runs without a change do not make a change impossible."""
    few = api.load("baseline_2023", steps=2)
    results = api.sweep([few], replicates=3, out=tmp_path / "results", workers=1)
    rate = results.by_date().realignments.iloc[0]
    assert rate["per_state_year"] == 0
    assert np.isnan(rate["low"])
    assert np.isnan(rate["high"])


def peak_of_tally(scenario: Scenario, blocks: int) -> int:
    """The most memory in use while blocks of a thousand runs are counted and tabulated, in bytes."""
    design = Design("one", 0, scenario, "one", {})
    start = np.tile(design.world.setting.initial.astype(np.int8), (1000, 1))
    none = np.empty(0, dtype=np.int64)
    events = RunEvents(design, 1, np.arange(1000), start, Moves(none, none, none, none, none))
    Tally(design, scenario.dates()[-1:], 1000).add(events)  # what the runs compute once is not counted
    tracemalloc.start()
    try:
        tally = Tally(design, scenario.dates()[-1:], 1000 * blocks)
        for _ in range(blocks):
            tally.add(events)
        for tabulate in (tabulate_large_blocs, tabulate_sizes, tabulate_realignments):
            assert (tabulate([tally])["n"] == 1000 * blocks).all()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_for_each_further_run() -> None:
    scenario = load_scenario("baseline_2023")
    few, many = (peak_of_tally(scenario, blocks) for blocks in (50, 150))
    assert many - few <= MOST_BYTES_EACH * 100_000


def test_rounds_have_no_dates(tmp_path: Path) -> None:
    found = api.sweep(load_scenario("unix_1988"), replicates=2, out=tmp_path / "unix").by_date()
    assert found.tallies == []
    for table in (found.chances, found.incidence, found.survival, found.realignments, found.large_blocs, found.sizes):
        assert table.empty
    assert found.record["at"] == {}
