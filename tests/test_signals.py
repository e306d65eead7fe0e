"""Signals end the command within 5 s at any moment, and are not lost where Python swallows exceptions."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

COMMAND = """
import ctypes, os, signal, sys, time
from pathlib import Path
from sim.cli import cli, runs, signals

class Swallowing:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0)  # the exception is raised here, and lost
        print("not raised", flush=True)

@cli.command()
def lost_between_chunks():
    with runs.resumable(Path("here")) as (progress, _):
        Swallowing()
        print("lost", flush=True)
        progress(1, 2)
        print("gone on", flush=True)

@cli.command()
def lost_in_a_wait():
    with runs.resumable(Path("here")):
        Swallowing()
        print("lost", flush=True)
        while True:
            time.sleep(60)

@cli.command()
def deaf():
    lock, system = ctypes.create_string_buffer(64), ctypes.CDLL(None)
    with runs.resumable(Path("here")):
        system.pthread_mutex_lock(lock)
        print("lost", flush=True)
        system.pthread_mutex_lock(lock)  # it does not come back to Python, whatever the signal

@cli.command()
def mistaken():
    with runs.resumable(Path("here")):
        try:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(60)
        except BaseException:
            print("lost", flush=True)
            raise AttributeError("partially imported") from None  # as an import in C does

class Slow:
    def __del__(self):  # while Python clears its modules away
        os.write(1, b"lost\\n")
        time.sleep(1)

@cli.command()
def leaving():
    global slow
    slow = Slow()

signals.PATIENCE = float(sys.argv.pop(1))
from sim.cli import main
main()
"""


def started(name: str, patience: float) -> subprocess.Popen[str]:
    """A command that swallows a signal, or does not hear it, once it has said so."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(patience), name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "lost\n"
    return process


@pytest.mark.parametrize("name", ["lost-between-chunks", "lost-in-a-wait", "mistaken", "deaf"])
def test_a_signal_that_python_swallows_or_cannot_hear_ends_it_with_the_line_that_resumes(name: str) -> None:
    process = started(name, 0.1)
    if name == "deaf":
        os.kill(process.pid, signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 143, err
    assert out == ""
    assert err.count("blocs: stopped; what is finished is in here. To go on: blocs") == 1


def test_a_second_signal_ends_it_at_once() -> None:
    process = started("deaf", 1000)
    time.sleep(0.5)  # by then it hears nothing
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(process.pid, number)
        time.sleep(0.05)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert err.count("blocs: stopped;") == 1


def test_a_signal_to_a_command_that_is_done_and_leaving_changes_nothing() -> None:
    process = started("leaving", 1000)
    os.kill(process.pid, signal.SIGTERM)
    assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 0
