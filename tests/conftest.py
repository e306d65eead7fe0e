"""Hypothesis profiles, and one compilation of the rules before several workers start."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import settings

from sim.scenario import loading

pytest_plugins = ["browser"]
for variable in ("COLUMNS", "LINES"):  # readline, which pytest loads, sets them
    os.environ.pop(variable, None)
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):  # a hundred processes of the tests would read all sources again
    sys.dont_write_bytecode = False
for profile, examples in (("suite", 15), ("ci", 200), ("long", 5_000)):  # pytest --hypothesis-profile=NAME
    settings.register_profile(profile, max_examples=examples, deadline=None)
settings.load_profile("suite")
LONGEST = (
    "test_browser", "test_pages", "test_tutorial", "test_page", "test_readme", "test_cli", "test_api", "test_cluster",
    "test_first_run", "test_use_with", "test_effects", "test_links", "test_calibrate",
)  # fmt: skip
COMPILED = """
from sim.model import run_compiled
from sim.scenario import load_scenario
run_compiled(load_scenario("unix_1988"), seed=1)
"""
AGENTS = """
from sim.analysis import explain_decision
from sim.model import run_agents
from sim.scenario import load_scenario
scenario = load_scenario("unix_1988")
run_agents(scenario, seed=1)
explain_decision(scenario, next(iter(scenario.states)), seed=1, step=1)
"""


COMPILERS = pytest.StashKey[list[subprocess.Popen[bytes]]]()


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile for the workers, which load the machine code from disk; they report failures."""
    if session.config.getoption("numprocesses", None) and not hasattr(session.config, "workerinput"):
        session.stash[COMPILERS] = [subprocess.Popen([sys.executable, "-c", text]) for text in (COMPILED, AGENTS)]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Let the workers collect while the rules are compiled, and begin no test before that."""
    for process in session.stash.get(COMPILERS, []):
        process.wait()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that all workers end at the same time.

    A worker takes whole files, since the tests of a file share fixtures.
    """
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.fixture(scope="session", autouse=True)
def unsynced() -> Iterator[None]:
    """Do not wait for the disk in this process: syncing protects against power cuts, which no test simulates."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


def read_once() -> None:
    """Read each shipped scenario once in a process: a scenario is frozen, and many commands read all of them.

    A user's folder comes before the shipped one, so with one every file is read.
    """
    read = loading.read_scenario
    kept = functools.cache(read)

    def read_or_keep(reference: str | Path) -> loading.LoadedScenario:
        path = loading.find_scenario(str(reference))
        shipped = path.is_relative_to(loading.shipped_folder()) and not os.environ.get("BLOCS_SCENARIOS")
        return kept(path) if shipped else read(reference)

    loading.read_scenario = read_or_keep


read_once()  # before the files of tests are read, some of which read scenarios
# Every sweep and every report records the versions of seven packages: each is read once in a process.
importlib.metadata.version = functools.cache(importlib.metadata.version)


@pytest.fixture(scope="session", autouse=True)
def fitted_once() -> Iterator[None]:
    """Fit a simple baseline to the same votes once in a process: most of the time of a score and of a calibration."""
    from sim.forecast import scores

    fit, kept = scores.leave_one_out, dict[tuple[object, ...], Any]()

    def fit_or_keep(attributes: Any, answer: Any, classes: int = 3) -> Any:
        key = attributes.shape, attributes.tobytes(), answer.tobytes(), classes
        if key not in kept:
            kept[key] = fit(attributes, answer, classes)
        return kept[key].copy()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, "leave_one_out", fit_or_keep)
        yield


EMPTY = '<svg xmlns="http://www.w3.org/2000/svg" width="100pt" height="50pt" viewBox="0 0 100 50"/>'


@contextlib.contextmanager
def write_empty_pictures() -> Iterator[None]:
    """Write an empty picture for each figure: layout and drawing take most of the time of a page."""

    def write_empty(figure: object, file: IO[Any], **how: object) -> None:
        file.write(EMPTY if isinstance(file, io.TextIOBase) else EMPTY.encode())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matplotlib.figure.Figure.savefig", write_empty)
        patch.setattr("matplotlib.layout_engine.ConstrainedLayoutEngine.execute", lambda engine, figure: None)
        yield


@pytest.fixture
def undrawn() -> Iterator[None]:
    """Draw nothing in a test."""
    with write_empty_pictures():
        yield


@pytest.fixture(scope="session")
def without_drawing() -> Callable[[], contextlib.AbstractContextManager[None]]:
    """For fixtures of several tests: `with without_drawing(): ...`."""
    return write_empty_pictures


@pytest.fixture(scope="module")
def rounds() -> Iterator[None]:
    """Put a world of rounds in place of the article's: its first coding, whose dispositions are fresh.

    Its runs move at every step, which tests of means over steps need. Tests name it by `usefixtures`.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLOCS_SCENARIOS", str(Path(__file__).parent / "rounds"))
        yield
