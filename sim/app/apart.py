"""Compute in another process that interprets the rules, while a third one compiles them, so that no reader waits."""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from io import BufferedReader
from subprocess import Popen
from typing import IO, ParamSpec, TypeVar, cast

from sim.analysis.history.story import Story, tell_story
from sim.analysis.states.accounts import Decision
from sim.analysis.states.decisions import decisions_in_run
from sim.model import compiled
from sim.model.numerics.jit import interprets_sooner
from sim.model.trajectory import Run
from sim.model.world import world_of
from sim.reporting.labels import label_history
from sim.scenario.schema import Scenario

Given = ParamSpec("Given")
Found = TypeVar("Found")

ANSWER = (sys.executable, "-c", "from sim.app import apart; apart.answer()")

COMPILE = (sys.executable, "-c", "import os; getattr(os, 'nice', int)(10); from sim.app import apart; apart.answer()")

compiling: list[Popen[bytes]] = []  # the process that compiles the rules, once it has begun
answering: list[Popen[bytes]] = []  # the one that interprets them, while nothing is compiled
beginning, asking = threading.Lock(), threading.Lock()


def compute_soon(
    scenario: Scenario, function: Callable[Given, Found], *given: Given.args, **named: Given.kwargs
) -> Found:
    """Compute a function of a run of the scenario here, or apart where this process would compile rules first."""
    if not interprets_sooner(len(scenario.states), scenario.steps):
        end_answering()
        return function(*given, **named)
    with asking:
        process = begin_answering()
        to, answered = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
        try:
            pickle.dump((function, given, named), to)
            to.flush()
            found: Found = pickle.load(answered)  # noqa: S301  # by the process that this one began
        except (EOFError, OSError):
            answering.clear()
            raise subprocess.CalledProcessError(process.wait(), ANSWER) from None
    compile_rules(scenario)
    return found


def begin_answering() -> Popen[bytes]:
    """Begin the process that interprets the rules, unless it has begun; it ends when this process does."""
    with beginning:
        if not answering:
            interpreted = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
            answering.append(Popen(ANSWER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=interpreted))  # noqa: S603
            atexit.register(answering[0].terminate)
        return answering[0]


def end_answering() -> None:
    """End that process, if it has begun, after its last answer."""
    if answering:
        with asking:
            for process in answering:
                process.terminate()
            answering.clear()


def compile_rules(scenario: Scenario) -> None:
    """Let a process of low priority compile the rules and keep the machine code, unless one has begun to."""
    with beginning:
        if compiling:
            return
        process = Popen(COMPILE, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)  # noqa: S603
        compiling.append(process)
    atexit.register(process.terminate)
    pipe = cast(IO[bytes], process.stdin)
    pipe.write(pickle.dumps((use_rules, (scenario,), {})))
    pipe.close()


def use_rules(scenario: Scenario) -> None:
    """Compute what a reader may ask for, after which the machine code of its rules is kept."""
    run = compiled.run_compiled(scenario, seed=0)
    read_history(scenario, run, 0)
    decide_again(scenario, run, next(iter(scenario.states)))


def read_history(scenario: Scenario, run: Run, others: int) -> Story:
    """Read a run as a history beside a number of other histories."""
    return tell_story(scenario, world_of(scenario), run, label_history(scenario), others=others)


def decide_again(scenario: Scenario, run: Run, state: str) -> list[Decision]:
    """Compute every decision of a state in a run."""
    world = world_of(scenario)
    return decisions_in_run(run, world, world.states.index(state))


def answer() -> None:
    """Compute each function that standard input gives, and write its value to standard output, until input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that began this one
    asked = cast(BufferedReader, sys.stdin.buffer)
    while asked.peek(1):
        function, given, named = pickle.load(asked)  # noqa: S301  # from the process that began this one
        pickle.dump(function(*given, **named), sys.stdout.buffer)
        sys.stdout.buffer.flush()
