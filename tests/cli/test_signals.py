"""Signals end the command at any moment, also during calls that Python cannot interrupt."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

COMMAND = """
import ctypes, os, time
from pathlib import Path
from sim.cli import cli, run

@cli.command()
def deaf():
    lock, system = ctypes.create_string_buffer(64), ctypes.CDLL(None)
    with run.resumable_progress(Path("here")):
        system.pthread_mutex_lock(lock)
        print("ready", flush=True)
        system.pthread_mutex_lock(lock)  # it does not come back to Python, whatever the signal

class Slow:
    def __del__(self):  # while Python clears its modules away
        os.write(1, b"ready\\n")
        time.sleep(1)

@cli.command()
def leaving():
    global slow
    slow = Slow()

from sim.cli import main
main()
"""


def start(name: str) -> subprocess.Popen[str]:
    """Start a command and wait until it is ready for a signal."""
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize(
    "number",
    [signal.SIGINT, *(pytest.param(one, marks=pytest.mark.second) for one in (signal.SIGTERM, signal.SIGHUP))],
)
def test_signal_during_a_call_that_does_not_return(number: signal.Signals) -> None:
    process = start("deaf")
    os.kill(process.pid, number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number, err
    assert out == ""
    assert err == "blocs: stopped; finished runs are in here. To resume: blocs deaf\n"


def test_signal_while_python_ends() -> None:
    process = start("leaving")
    os.kill(process.pid, signal.SIGTERM)
    assert process.communicate(timeout=20) == ("", "")
    assert process.returncode == 0
