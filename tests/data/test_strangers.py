"""Folders of datasets that a stranger made: a world or one clear refusal, and nothing outside or half written."""

from __future__ import annotations

import collections
import os
import random
import shutil
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from batch.test_mutants import peak_memory, state_of
from click.testing import CliRunner
from data.strangers import honest_folder, mutate_data

from sim.cli import cli

CASES, MINUTES = 40, float(os.environ.get("BLOCS_MINUTES", "20"))
GROWTH, SLOWEST = 300, 30  # MB; seconds of CPU
OPTIONS = [[], [], ["--carry"], ["--states", "5"], ["--start", "observed"], ["--date", "1980-06-01"], ["--json"]]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of each kind."""
    return honest_folder(tmp_path_factory.mktemp("honest") / "data")


@pytest.fixture
def kept_folder() -> Iterator[None]:
    """The working folder, as it was."""
    before = Path.cwd()
    yield
    os.chdir(before)


def try_data(number: int, honest: Path, place: Path, count: collections.Counter[str]) -> None:
    """Make a mutant by its number, and import it."""
    rng = random.Random(number)  # noqa: S311
    shutil.rmtree(place, ignore_errors=True)
    folder, outside, cwd = (place / name for name in ("data", "outside", "cwd"))
    for one in (outside, cwd):
        one.mkdir(parents=True)
    shutil.copytree(honest, folder)
    how = mutate_data(folder, outside, rng)
    os.chdir(cwd)
    before = {one: state_of(one) for one in (outside, cwd, folder)}
    memory, start = peak_memory(reset=True), time.process_time()
    words = ["import", "1980", "--from", str(folder), "--out", str(place / "world"), "--states", "all"]
    done = CliRunner().invoke(cli, [*words, *rng.choice(OPTIONS)])
    found = []
    if done.exit_code not in (0, 2) or not isinstance(done.exception, (SystemExit, type(None))):
        found += [f"exit code {done.exit_code}: {done.exception!r:.300}"]
        found += traceback.format_exception(done.exception)[-4:] if done.exception else []
    if "Traceback (most recent call last)" in done.output:
        found.append("prints a traceback")
    if (done.exit_code == 0) != (place / "world").is_dir() or list(place.glob(".world*")):
        found.append("leaves half a world, or none")
    if (seconds := time.process_time() - start) > SLOWEST:
        found.append(f"takes {seconds:.0f} s")
    if (grown := peak_memory() - memory) > GROWTH:
        found.append(f"takes {grown:.0f} MB more")
    found += [f"changes {one.name}" for one, was in before.items() if state_of(one) != was]
    count.update([f"exit {done.exit_code}", *(one.partition(" ")[0] for one in how)])
    assert not found, (number, how, "\n".join(found), done.output[-500:])


def test_honest_folder_makes_a_world(honest: Path, tmp_path: Path) -> None:
    words = ["import", "1980", "--from", str(honest), "--out", str(tmp_path / "world"), "--states", "all"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    ties = (tmp_path / "world" / "ties.csv").read_text("utf-8")
    assert all(f",{kind}," in ties for kind in ("bond", "rivalry", "sanction", "trade"))


@pytest.mark.usefixtures("kept_folder")
@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.second) for part in (1, 2, 3))])
def test_strangers_are_read_or_refused(part: int, honest: Path, tmp_path: Path) -> None:
    for number in range(part * CASES // 4, (part + 1) * CASES // 4):
        try_data(number, honest, tmp_path / "place", collections.Counter())


@pytest.mark.long
@pytest.mark.usefixtures("kept_folder")
def test_strangers_for_twenty_minutes(honest: Path, tmp_path: Path) -> None:
    """BLOCS_MINUTES sets another time; BLOCS_FIRST the number of the first mutant."""
    count: collections.Counter[str] = collections.Counter()
    number, end, found = int(os.environ.get("BLOCS_FIRST", "1000")), time.monotonic() + 60 * MINUTES, []
    while time.monotonic() < end:
        try:
            try_data(number, honest, tmp_path / "place", count)
        except AssertionError as error:
            found.append(str(error)[:3000])
            print(found[-1], flush=True)
        number += 1
        if number % 200 == 0:
            print(number, dict(count), len(found), flush=True)
    print(number, dict(count))
    assert not found, (len(found), found[:20])
