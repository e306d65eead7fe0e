"""Before several workers start: the rules are compiled once, where each worker would compile them for itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["browser"]
COMPILED = """
from sim import catalog, ensemble
ensemble.run(catalog.load("unix_1988"), seed=1)
"""
AGENTS = """
from sim import catalog, explain, model
scenario = catalog.load("unix_1988")
model.run(scenario, seed=1)
explain.decision(scenario, next(iter(scenario.states)), seed=1, step=1)
"""


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile for the workers, which find the machine code on disk; a failure is theirs to show."""
    if session.config.getoption("numprocesses", None) and not hasattr(session.config, "workerinput"):
        for process in [subprocess.Popen([sys.executable, "-c", text]) for text in (COMPILED, AGENTS)]:
            process.wait()
