"""The typical history of an ensemble and those unlike it: laws of the choice, and the sentence of a run."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sim
from sim.analysis.dated.events import list_designs
from sim.analysis.dated.typical import choose_histories, measure_distances
from sim.batch.sweep import make_question, run_sweep
from sim.errors import InputError
from sim.model import compiled
from sim.reporting.dated.histories import tell_histories
from sim.scenario.loading import load_scenario


@given(st.lists(st.lists(st.integers(0, 2), min_size=6, max_size=6), min_size=1, max_size=8))
def test_medoid_is_nearest_to_all_and_the_others_differ(rows: list[list[int]]) -> None:
    runs = np.array(rows, dtype=np.int8).reshape(len(rows), 3, 2)
    distances = (runs[:, None] != runs[None]).mean(axis=(2, 3))
    np.testing.assert_allclose(measure_distances(runs), distances, atol=1e-6)
    medoid, *others = choose_histories(runs)
    assert distances[medoid].mean() <= distances.mean(axis=1).min() + 1e-6
    assert all(distances[medoid, other] > 0 for other in others)
    if others:
        assert distances[medoid, others[0]] >= distances[medoid].max() - 1e-6


@pytest.mark.second
def test_report_links_to_the_pages_of_its_histories(tmp_path: Path) -> None:
    folder = tmp_path / "results"
    sim.sweep("baseline_2023", replicates=9, seed=7, out=folder)
    page = sim.report(folder, points=0, stories=True).read_text(encoding="utf-8")
    linked = re.findall(r'href="(report-history-\d+\.html)"', page)
    assert 1 <= len(linked) <= 3
    assert sorted(linked) == sorted(path.name for path in folder.glob("report-history-*.html"))
    for name in linked:
        replicate = re.findall(r"\d+", name)[0]
        assert f"--seed 7 --replicate {replicate}" in (folder / name).read_text(encoding="utf-8")
    sim.sweep("unix_1988", replicates=2, out=tmp_path / "rounds")
    with pytest.raises(InputError, match="needs histories with dates"):
        sim.report(tmp_path / "rounds", points=0, stories=True)


def test_told_history_is_the_run_of_its_command(tmp_path: Path) -> None:
    scenario = load_scenario("baseline_2023")
    question = make_question({"baseline_2023": scenario}, replicates=9, seed=7)
    made = run_sweep(question, tmp_path / "results").results
    (design,) = list_designs(made)
    told = tell_histories(made, design)
    assert 1 <= len(told) <= 3
    for one in told:
        assert one.command == f"blocs run baseline_2023 --seed 7 --replicate {one.replicate} --html story.html"
        alignment = compiled.run_compiled(scenario, seed=7, replicate=one.replicate).alignment
        step, state = np.nonzero(alignment[1:] != alignment[:-1])
        if not len(step):
            assert one.sentence == "no state moves"
        else:
            assert one.sentence.startswith(f"{scenario.states[design.world.states[state[0]]].name} to ")
            assert f"in {scenario.dates()[step[0] + 1][:4]}" in one.sentence
