"""Changes that a resumed sweep refuses, and others without effect: clock, workers, locale."""

from __future__ import annotations

import itertools
import random
from pathlib import Path
from typing import Any

import pytest
from robustness.changes import changed, fields, not_computed, verdict
from robustness.ground import LONG, command, repeated, run_after, shard_bytes

from sim.batch.store import Results
from sim.batch.sweep import make_question, prepare_results
from sim.scenario.loading import load_scenario

EVERY_FIELD = Path(__file__).parents[1] / "cases" / "valid" / "every_shock.toml"
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
CLOCKS = ("@2001-09-09 01:46:40", "@2038-01-19 03:14:07", "-400d x100", "+30y x0.1", "i5.0")
MATRIX: tuple[tuple[Any, ...], ...] = (
    ("compiled", "mesa", "dask"), (1, 2, 3), ("0", "1", "4294967295"), ("C", "C.UTF-8", "tr_TR.UTF-8"),
    ("1", "2", "7"), ("Europe/Berlin", "Pacific/Apia"), (1, 3),
)  # fmt: skip


@pytest.mark.parametrize("name", [EVERY_FIELD, pytest.param("baseline_2023", marks=LONG)], ids=["every", "baseline"])
def test_changed_field_is_refused_where_runs_depend_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: Path | str
) -> None:
    monkeypatch.setenv("BLOCS_SCENARIOS", str(EVERY_FIELD.parents[1]))
    scenario, results = load_scenario(name), Results(tmp_path / "results")
    prepare_results(make_question({"mine": scenario}, replicates=2, seed=7), results)
    messages = {}
    for place in fields(scenario):
        other = changed(scenario, place)
        if other is not None:
            messages[place] = verdict(make_question({"mine": other}, replicates=2, seed=7), results)
    assert len(messages) > 150
    kept = scenario.dispositions == "kept"
    accepted = {place for place, message in messages.items() if not message}
    assert accepted == {place for place in messages if not_computed(place, kept)}
    assert all("contains a different sweep (mine: " in message for message in messages.values() if message)


ODD = {"PYTHONHASHSEED": "4", "LC_ALL": "C", "TZ": "Pacific/Apia", "OMP_NUM_THREADS": "3", "NUMBA_NUM_THREADS": "1"}


@pytest.mark.second
def test_clock_hash_seed_locale_and_threads_change_no_byte(whole: Results, tmp_path: Path) -> None:
    """The clock starts in 2001 and runs a hundred times too fast."""
    clock = (
        "import time; real, fast = time.time, time.monotonic\n"
        "time.time = lambda: 1e9 + 100 * (real() % 1e6); time.monotonic = lambda: 100 * fast()"
    )
    done = run_after(clock, command(tmp_path / "results"), ODD)
    assert done.returncode == 0, done.stderr
    assert shard_bytes(Results(tmp_path / "results")) == shard_bytes(whole)


@LONG
@pytest.mark.skipif(not FAKETIME.is_file(), reason="apt-get install faketime")
@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("engine", ["compiled", "mesa"])
def test_other_clock_changes_no_byte(whole: Results, tmp_path: Path, clock: str, engine: str) -> None:
    env = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": clock, "FAKETIME_DONT_RESET": "1"}
    done = run_after("", command(tmp_path / "results", engine), env)
    assert done.returncode == 0, done.stderr
    assert shard_bytes(Results(tmp_path / "results")) == shard_bytes(whole)


@LONG
@pytest.mark.parametrize("n", repeated(30))
def test_combination_of_engine_workers_shares_and_environment_changes_no_byte(
    whole: Results, tmp_path: Path, n: int
) -> None:
    combinations = list(itertools.product(*MATRIX))
    engine, workers, salt, locale, threads, zone, shares = random.Random(n).choice(combinations)  # noqa: S311
    env = {"PYTHONHASHSEED": salt, "LC_ALL": locale, "LANG": locale, "TZ": zone}
    env |= {f"{kind}_NUM_THREADS": threads for kind in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    for share in range(shares):
        options = [] if shares == 1 else ["--shard", f"{share + 1}/{shares}"]
        options += [] if engine == "mesa" else ["--workers", str(workers)]
        done = run_after("", command(tmp_path / "results", engine, *options), env)
        assert done.returncode == 0, done.stderr
    assert shard_bytes(Results(tmp_path / "results")) == shard_bytes(whole)
