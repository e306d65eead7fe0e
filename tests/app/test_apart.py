"""Where no machine code is kept, another process computes what the first reader asks for, with the same values."""

from __future__ import annotations

import subprocess
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
def begun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[object]]:
    """An empty folder of machine code, and the processes that begin to compile; none compiles in the test."""
    found: list[object] = []

    class Idle(subprocess.Popen):  # type: ignore[type-arg]
        def __init__(self, command: tuple[str, ...], **options: object) -> None:
            found.append(command)
            super().__init__([command[0], "-c", "import sys; sys.stdin.buffer.read()"], stdin=subprocess.PIPE)

    monkeypatch.setattr(apart, "compiling", [])
    monkeypatch.setattr(jit, "machine_code_folder", lambda: tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(apart, "Popen", Idle)
        yield found
    for process in apart.compiling:
        process.wait(timeout=30)


@pytest.mark.second
def test_first_run_is_computed_apart_and_rules_compile_once(begun: list[object]) -> None:
    for seed in (1, 2):
        run = apart.compute_soon(SCENARIO, compiled.run_compiled, SCENARIO, seed=seed)
        here = compiled.run_compiled(SCENARIO, seed=seed)
        for name in ("alignment", "causes", "renewed", "chances", "stability", "bite", "outcomes"):
            np.testing.assert_array_equal(getattr(run, name), getattr(here, name), err_msg=name)
    assert begun == [apart.COMMAND]


@pytest.mark.second
def test_decisions_apart_are_those_of_this_process(begun: list[object]) -> None:
    run = compiled.run_compiled(SCENARIO, seed=1)
    told = apart.compute_soon(SCENARIO, apart.read_history, SCENARIO, run, 0)
    assert told.move_records() == apart.read_history(SCENARIO, run, 0).move_records() != []
    there = apart.compute_soon(SCENARIO, apart.decide_again, SCENARIO, run, "IBM")
    assert [repr(one) for one in there] == [repr(one) for one in apart.decide_again(SCENARIO, run, "IBM")]


def test_nothing_runs_apart_once_machine_code_is_kept(begun: list[object], tmp_path: Path) -> None:
    (tmp_path / "compiled.simulate_runs-270.py311.nbi").touch()
    assert apart.compute_soon(SCENARIO, id, SCENARIO) == id(SCENARIO)
    assert begun == []
