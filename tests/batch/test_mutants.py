"""Folders made by a stranger: no command leaves them, hangs, takes much memory or ends in a traceback."""

from __future__ import annotations

import collections
import faulthandler
import json
import os
import random
import shutil
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from batch.fits import DRAWS, make_draws, make_fit, mutant_of, mutate_draws, mutate_fit
from batch.mutants import SECRET, Mutant, mutate
from click.testing import CliRunner

from sim.batch import executor
from sim.batch.sweep import Question, make_question, run_sweep
from sim.cli import cli
from sim.errors import InputError
from sim.model.trajectory import Run
from sim.scenario.loading import load_scenario

CASES, MINUTES = 100, float(os.environ.get("BLOCS_MINUTES", "60"))
GROWTH = 300  # MB by which a command's memory may grow; Python with its packages takes 200
SLOWEST = 60  # seconds of CPU
CODES = (0, 1, 2, 4)
SWEEP = ("sweep", "unix_1988", "--vary", "w_balance=0.5:1:2", "--replicates", "12", "--steps", "3", "--workers", "1",
         "--keep", "steps", "--seed")  # fmt: skip
Words = tuple[str, ...]
QUICK: dict[str, Callable[[str], Words]] = {
    "compare": lambda at: ("compare", at),
    "compare json": lambda at: ("compare", at, "--all", "--json"),
    "query": lambda at: ("query", at, "select * from runs join states using (point, replicate)", "--rows", "3"),
    "query alignments": lambda at: ("query", at, "select step, count(*) from alignments group by all", "--json"),
    "query json": lambda at: ("query", at, "select * from moves", "--json"),
    "export": lambda at: ("export", at, "--out", f"{at}-out"),
    "replay": lambda at: ("replay", at, "0-0"),
    "replay last": lambda at: ("replay", at, "1-11", "--json"),
    "explain": lambda at: ("explain", at, "DEC", "--replicates", "2"),
    "claims": lambda at: ("claims", at, "--points", "0", "--placebos", "0"),
    "resume": lambda at: (*SWEEP, "1", "--out", at),
    "share": lambda at: (*SWEEP, "1", "--out", at, "--shard", "1/2"),
    "other seed": lambda at: (*SWEEP, "2", "--out", at),
}
SLOW: dict[str, Callable[[str], Words]] = {
    "report": lambda at: ("report", at, "--points", "0"),
    "report out": lambda at: ("report", at, "--points", "0", "--out", f"{at}-out/page.html"),
    "compare csv": lambda at: ("compare", at, "--csv", f"{at}-out"),
    "overwrite": lambda at: (*SWEEP, "1", "--out", at, "--overwrite"),
    "sweep more": lambda at: (*SWEEP[:5], "14", *SWEEP[6:], "1", "--out", at),
}

FITTED: dict[str, Callable[[str], Words]] = {
    "fit": lambda at: ("fit", at),
    "draws": lambda at: ("sweep", "unix_1988", "--parameters", f"{at}/{DRAWS}", "--draws", "2", "--replicates", "1",
                         "--steps", "1", "--workers", "1", "--out", f"{at}-out"),
}  # fmt: skip


COMMANDS = {**QUICK, **SLOW, **FITTED}

program = type(cli)("blocs", callback=cli.callback, params=cli.params, commands={**cli.commands})


@program.command
@click.argument("folder")
def fit(folder: str) -> None:
    """Compute or read a small table of chances."""
    make_fit(Path(folder))


def dated() -> Question:
    """Runs with a calendar and two dates, under two scenarios."""
    short = load_scenario("unix_1988").model_copy(update={"steps": 3, "step": "year", "date": "2023-10-25"})
    other = short.model_copy(update={"title": "Other", "note": "as baseline"})
    asked = {"baseline_a": short, "other": other}
    return make_question(asked, replicates=3, seed=1, at=["2024-10-25", "2026-10-25"])


def failing(scenario: Any, *, seed: int, replicates: Any, world: Any) -> Iterator[Run]:
    """Runs that raise for the second replicate."""
    for replicate in replicates:
        if replicate == 1:
            raise RuntimeError("planted")
        yield from executor.compiled_engine(scenario, seed=seed, replicates=(replicate,), world=world)


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two finished sweeps, one with the seed of a stranger, saved chances and draws."""
    place = tmp_path_factory.mktemp("honest")
    for name, seed in (("rounds", "1"), ("foreign", "2")):
        assert CliRunner().invoke(cli, [*SWEEP, seed, "--out", str(place / name)]).exit_code == 0
    run_sweep(dated(), place / "dated", workers=1, run_each=failing)
    make_fit(place / "fit")
    make_draws(place / "draws")
    return {path.name: path for path in place.iterdir()}


def state_of(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Kind, time and content of everything in a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        large = about.st_size > 2**20 or not path.is_file() or path.is_symlink()
        found[str(path)] = (about.st_mode, about.st_mtime_ns, b"" if large else path.read_bytes())
    return found


def peak_memory(*, reset: bool = False) -> float:
    """The most memory that this process has had resident since the last reset, MB; 0 where Linux is not there."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5", "ascii")
        text = Path("/proc/self/status").read_text("ascii")
    except OSError:
        return 0.0
    return int(text.partition("VmHWM:")[2].split()[0]) / 1024


def complaints(words: Words, mutant: Mutant, cwd: Path) -> list[str]:
    """What a command does with a mutant that no command may do."""
    before = {place: state_of(place) for place in (mutant.outside, cwd)}
    memory, start = peak_memory(reset=True), time.process_time()
    done = CliRunner().invoke(program, list(words))
    found = []
    if done.exit_code not in CODES or not isinstance(done.exception, (SystemExit, type(None))):
        found.append(f"exit code {done.exit_code}: {done.exception!r:.300}")
        found += traceback.format_exception(done.exception)[-4:] if done.exception else []
    if "Traceback (most recent call last)" in done.stderr or SECRET in done.output:
        found.append(f"prints {done.output[-500:]}")
    if (seconds := time.process_time() - start) > SLOWEST:
        found.append(f"takes {seconds:.0f} s")
    if (grown := peak_memory() - memory) > GROWTH:
        found.append(f"takes {grown:.0f} MB more")
    read = mutant.read_paths()[: 1 if words[0] == "explain" else None]  # which needs the record only
    if done.exit_code == 0 and (links := [path.name for path in read if path.is_symlink()]):
        found.append(f"follows {links}")
    found += [f"changes {place.name}" for place, was in before.items() if state_of(place) != was]
    out = Path(f"{mutant.folder}-out")
    if out.exists() and any(SECRET.encode() in p.read_bytes() for p in out.rglob("*") if p.is_file()):
        found.append("copies a file of outside")
    shutil.rmtree(out, ignore_errors=True)
    return found


def try_mutant(
    number: int, honest: dict[str, Path], place: Path, count: collections.Counter[str], *, slow: bool
) -> None:
    """Make a mutant by its number, and run commands on it."""
    rng = random.Random(number)  # noqa: S311
    kind = rng.choice(["rounds", "rounds", "dated", "fit", "draws"])
    shutil.rmtree(place, ignore_errors=True)
    folder, outside, cwd = place / "results", place / "outside", place / "cwd"
    (outside / "folder").mkdir(parents=True)
    cwd.mkdir()
    (outside / "secret.json").write_text(json.dumps({"note": SECRET, "question": SECRET}), "utf-8")
    (outside / "folder" / "secret.txt").write_text(SECRET, "utf-8")
    shutil.copytree(honest[kind], folder)
    mutant = mutant_of(kind, folder, outside, honest["foreign"], rng)
    how = {"fit": mutate_fit, "draws": mutate_draws}.get(kind, mutate)(mutant)
    names = rng.sample(sorted(QUICK), 1 + slow) + (rng.sample(sorted(SLOW), 1) if slow else [])
    os.chdir(cwd)
    for name in [kind] if kind in FITTED else names:
        words = COMMANDS[name](str(folder))
        assert not (found := complaints(words, mutant, cwd)), (number, kind, how, name, "\n".join(found))
        count[name] += 1
    try:
        if kind == "dated" and rng.random() < 0.3:
            run_sweep(dated(), folder, workers=1)
    except (InputError, OSError):
        pass
    count.update({one.partition(" ")[0] for one in how})
    count["mutants"] += 1


@pytest.fixture
def kept_folder() -> Iterator[None]:
    """The working folder, which commands on mutants change, as it was."""
    before = Path.cwd()
    yield
    os.chdir(before)


@pytest.mark.usefixtures("kept_folder")
@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.second) for part in range(1, 8))])
def test_mutants_are_read_or_refused(part: int, honest: dict[str, Path], tmp_path: Path) -> None:
    for number in range(part * CASES // 8, (part + 1) * CASES // 8):
        try_mutant(number, honest, tmp_path / "place", collections.Counter(), slow=False)


@pytest.mark.long
@pytest.mark.usefixtures("kept_folder")
def test_mutants_for_an_hour(honest: dict[str, Path], tmp_path: Path) -> None:
    """BLOCS_MINUTES sets another time; BLOCS_FIRST the number of the first mutant."""
    shutil.copytree(honest["rounds"], tmp_path / "warm")
    for words in {**QUICK, **SLOW}.values():  # compile before anything is timed
        CliRunner().invoke(cli, list(words(str(tmp_path / "warm"))))
    for name, words in FITTED.items():
        CliRunner().invoke(program, list(words(str(shutil.copytree(honest[name], tmp_path / name)))))
    count: collections.Counter[str] = collections.Counter()
    number, end, found = int(os.environ.get("BLOCS_FIRST", "1000")), time.monotonic() + 60 * MINUTES, []
    while time.monotonic() < end:
        faulthandler.dump_traceback_later(300, exit=True)
        try:
            try_mutant(number, honest, tmp_path / "place", count, slow=number % 8 == 0)
        except AssertionError as error:
            found.append(str(error)[:3000])
            print(found[-1], flush=True)
        number += 1
        if number % 500 == 0:
            print(number, dict(count), len(found), flush=True)
    faulthandler.cancel_dump_traceback_later()
    print(dict(count))
    assert not found, (len(found), found[:20])
