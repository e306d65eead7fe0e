"""Where no machine code is kept, another process computes what the first reader asks for, with the same values."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sim.app import apart
from sim.model import compiled
from sim.model.numerics import jit
from sim.scenario.loading import load_scenario

SCENARIO = load_scenario("unix_1988")


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An empty folder of machine code; the process that would compile only reads its task."""
    monkeypatch.setattr(apart, "compiling", [])
    monkeypatch.setattr(apart, "answering", [])
    monkeypatch.setattr(jit, "machine_code_folder", lambda: tmp_path)
    monkeypatch.setattr(apart, "COMPILE", (sys.executable, "-c", "import sys; sys.stdin.buffer.read()"))
    yield
    for process in apart.answering:
        process.communicate(timeout=30)
        assert process.returncode == 0
    for process in apart.compiling:
        process.wait(timeout=30)


@pytest.mark.second
def test_first_run_is_computed_apart_and_rules_compile_once(empty: None) -> None:
    for seed in (1, 2):
        run = apart.compute_soon(SCENARIO, compiled.run_compiled, SCENARIO, seed=seed)
        here = compiled.run_compiled(SCENARIO, seed=seed)
        for name in ("alignment", "causes", "renewed", "chances", "stability", "bite", "outcomes"):
            np.testing.assert_array_equal(getattr(run, name), getattr(here, name), err_msg=name)
    assert len(apart.answering) == len(apart.compiling) == 1


@pytest.mark.second
def test_decisions_apart_are_those_of_this_process(empty: None) -> None:
    run = compiled.run_compiled(SCENARIO, seed=1)
    told = apart.compute_soon(SCENARIO, apart.read_history, SCENARIO, run, 0)
    assert told.move_records() == apart.read_history(SCENARIO, run, 0).move_records() != []
    there = apart.compute_soon(SCENARIO, apart.decide_again, SCENARIO, run, "IBM")
    assert [repr(one) for one in there] == [repr(one) for one in apart.decide_again(SCENARIO, run, "IBM")]


def test_nothing_runs_apart_once_machine_code_is_kept(empty: None, tmp_path: Path) -> None:
    (tmp_path / "compiled.simulate_runs-270.py311.nbi").touch()
    assert apart.compute_soon(SCENARIO, id, SCENARIO) == id(SCENARIO)
    assert apart.answering == apart.compiling == []


def test_end_of_the_other_process_is_an_error_once(empty: None) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        apart.compute_soon(SCENARIO, sys.exit, 3)
    assert apart.compute_soon(SCENARIO, abs, -1) == 1
