"""Measure what the checks of a folder cost, as a share of reading it first in a process and of comparing it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from sim.analysis import compare
from sim.api import comparison
from sim.batch import manifest, store
from sim.batch.store import Results
from sim.batch.sweep import make_question, run_sweep
from sim.batch.tables import reading
from sim.batch.tables.schema import read_column
from sim.files import cached_hash
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Sweep

POINTS, REPLICATES = 64, 100
CHECKS: dict[tuple[Any, str], Callable[..., Any]] = {
    (manifest, "manifest_faults"): lambda content: [],
    (manifest, "changed_points"): lambda content: [],
    (Results, "refuse_links"): lambda results: None,
    (Results, "require_sound"): lambda results, tables, shards: None,
    (compare, "require_whole_tables"): lambda *given: None,
    (reading, "coded_query"): lambda files, rules, rows: (
        f"select {', '.join(read_column(*rule) for rule in rules.items())} from read_parquet([{files}])"  # noqa: S608
    ),
}


@contextmanager
def without_checks() -> Iterator[None]:
    """Read without the checks of records, links, hashes, digests, rows and values."""
    with ExitStack() as stack:
        for (owner, name), nothing in CHECKS.items():
            stack.enter_context(patch.object(owner, name, nothing))
        yield


def first_reading(results: Results) -> float:
    """CPU seconds of a first reading of the runs and states of a folder."""
    for known in (manifest.checked_manifest, store.cached_seal, cached_hash):
        known.cache_clear()
    start = time.process_time()
    compare.read_sample(results)
    return time.process_time() - start


def measure_checks(rounds: int = 15) -> dict[str, float]:
    """Measure the CPU time of checks over that of reading without them, and over that of a comparison.

    The folder has 64 points of 100 runs.
    """
    base = load_scenario("baseline_2023")
    design = Sweep(design="sobol", points=POINTS, seed=1)
    asked = {"baseline_2023": base.model_copy(update={"sweep": design})}
    question = make_question(asked, replicates=REPLICATES, seed=1)
    with TemporaryDirectory() as folder:
        return compare_sides(run_sweep(question, Path(folder) / "results").results, rounds)


def compare_sides(results: Results, rounds: int) -> dict[str, float]:
    """Read a folder with and without checks in turn, and compare its points once."""
    plain, checked = [], []
    for _ in range(rounds):
        with without_checks():
            plain.append(first_reading(results))
        checked.append(first_reading(results))
    start = time.process_time()
    comparison.compare(results.folder)
    whole, checks = time.process_time() - start, min(checked) - min(plain)
    return {"checks_reading_ratio": checks / min(plain), "checks_ratio": checks / whole}
