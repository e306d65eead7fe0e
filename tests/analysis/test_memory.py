"""Memory for each further run stays small where a sweep is compared and reported."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.analysis import statistics
from sim.analysis.compare import Sample, read_sample
from sim.analysis.dated import effects
from sim.analysis.dated.events import Design, RunEvents
from sim.analysis.dated.incidence import Moves
from sim.article.evidence import repeat_runs
from sim.batch.sweep import make_question, run_sweep
from sim.scenario.loading import BASE, load_scenario

FEW, MANY = 1200, 2400  # runs


def bytes_each(measured: Callable[[int], object]) -> float:
    """Memory for each further run, in bytes, of what takes a number of runs."""
    peaks = []
    for runs in (FEW, MANY):
        tracemalloc.start()
        try:
            measured(runs)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    return (peaks[1] - peaks[0]) / (MANY - FEW)


def test_runs_repeated_for_the_claims() -> None:
    """Of each run 2 kB are read; the records of a run take 100 kB."""
    scenario = load_scenario(BASE)

    def repeat(runs: int) -> None:
        table = pd.DataFrame({"design": BASE, "seed": 1, "replicate": np.arange(runs)})
        read = repeat_runs(Sample(table, pd.DataFrame(), 0, 0, {}), {BASE: scenario}, workers=1).runs[BASE]
        assert len(read.final) == runs

    repeat(1)  # what is made once is not counted
    assert bytes_each(repeat) <= 10_000


def test_weights_of_resamples() -> None:
    """All weights at once take 32 kB for each pair, and their counts as much."""
    gaps = np.random.default_rng(1).normal(size=(2, MANY))
    assert bytes_each(lambda pairs: statistics.bootstrap_intervals(gaps[:, :pairs], np.full(2, True))) <= 12_000


def test_resamples_are_the_same_in_parts() -> None:
    parts = list(statistics.draw_weights(30, statistics.TOGETHER))
    assert len(parts) > 1
    np.testing.assert_array_equal(np.concatenate(parts), statistics.resampling_weights(30))


def test_states_of_a_sample(tmp_path: Path) -> None:
    """A row has eight numbers and the codes of five texts."""
    results = run_sweep(make_question({BASE: load_scenario(BASE)}, replicates=20, seed=1), tmp_path / "results").results
    states = read_sample(results).states
    assert states.memory_usage(deep=True).sum() <= 8 * 8 * len(states) + 5 * len(states) + 10_000


def still_events(runs: int) -> RunEvents:
    """Runs of the baseline in which no state moves."""
    scenario = load_scenario(BASE)
    design, none = Design(BASE, 0, scenario, BASE, {}), np.empty(0, dtype=np.int64)
    start = np.tile(design.world.setting.initial.astype(np.int8), (runs, 1))
    return RunEvents(design, 1, np.arange(runs), start, Moves(none, none, none, none, none))


def test_runs_observed_at_dates() -> None:
    """By date, state and alignment a run has two numbers of two bytes, and lists of blocks are joined once."""
    block = still_events(200)
    days = block.design.scenario.dates()[-1:]
    effects.observe_events([block], block.design, days)
    cells = len(block.design.world.states) * len(block.design.world.alignments)
    each = bytes_each(lambda runs: effects.observe_events([block] * (runs // 200), block.design, days))
    assert each <= 2 * (2 * 2 * cells) + 400


def test_columns_compared_in_parts_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    one, days = still_events(20), load_scenario(BASE).dates()[-2:]
    two = RunEvents(one.design, 1, one.replicates, np.roll(one.start, 3, axis=1), one.moves)
    sides = [[effects.observe_events([events], events.design, days)] for events in (one, two)]
    whole = effects.compare_observed("other", *sides)
    monkeypatch.setattr(effects, "MOST_CELLS", 20 * 7)
    parts = effects.compare_observed("other", *sides)
    for table, expected in zip(parts[:2], whole[:2], strict=True):
        pd.testing.assert_frame_equal(table, expected, check_exact=True)
