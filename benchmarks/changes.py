"""What must stop a resumed sweep, a changed scenario or code, and what must not matter: clock, workers, locale."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from benchmarks.ground import Ground, Outcome, blocs
from sim.catalog import load
from sim.faults import InputError
from sim.scenario import Scenario
from sim.store import Results
from sim.sweep import Question, prepare, question_of

ROOT = Path(__file__).parent.parent
CASES = ROOT / "tests" / "cases"
TOLD = {"title", "question", "description", "role", "source", "note", "members_source", "initial_source", "without"}
WORDS = ("random", "simultaneous", "fixed_order", "non_aligned", "rivalry", "bond", "trade", "enforcement",
         "accommodation", "attention_budget", "list", "XYZ", "elsewhere", "*")  # fmt: skip
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
CLOCKS = ("2001-09-09 01:46:40", "2038-01-19 03:14:07", "-400d x100", "+30y x0.1", "i5.0")


def told_only(place: tuple[Any, ...]) -> bool:
    """Whether a place of a scenario is only told to readers: it does not count in a run."""
    named = place[-1] == "name" and place[0] in ("blocs", "institutions", "states")
    return place[-1] in TOLD or named or (len(place) == 2 and place[0] == "theatres")


def fields(scenario: Scenario) -> list[tuple[Any, ...]]:
    """The place of each field of a scenario."""
    return [place for place, _ in leaves(scenario.model_dump(exclude={"sweep"}), ())]


def changed(scenario: Scenario, place: tuple[Any, ...]) -> Scenario | None:
    """A scenario with one field changed to another allowed value; nothing where there is none."""
    content = value = scenario.model_dump()
    for part in place:
        value = value[part]
    for other in others(value):
        try:
            made = Scenario.model_validate(with_value(content, place, other))
        except ValidationError:
            continue
        if made != scenario:
            return made
    return None


def leaves(content: Any, at: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value of a record, and every list as a whole, with its place."""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from leaves(value, (*at, key))
    elif isinstance(content, (list, tuple)):
        yield at, content
        for n, value in enumerate(content):
            yield from leaves(value, (*at, n))
    else:
        yield at, content


def others(value: Any) -> tuple[Any, ...]:
    """Other values of the same kind, of which one is allowed."""
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, (int, float)):
        return (value / 2, value + 1, 0.25) if isinstance(value, float) else (value + 1, value - 1)
    if isinstance(value, (list, tuple)):
        return (value[:-1],) if value else ()
    return tuple(word for word in WORDS if word != value) if value is not None else ("XYZ",)


def with_value(content: Any, place: tuple[Any, ...], value: Any) -> Any:
    """A copy of a record with one place changed."""
    if not place:
        return value
    head, rest = place[0], place[1:]
    if isinstance(content, dict):
        return {**content, head: with_value(content[head], rest, value)}
    return tuple(with_value(item, rest, value) if n == head else item for n, item in enumerate(content))


def verdict(question: Question, results: Results) -> str:
    """The reason why a results folder refuses a question; nothing where it goes on with it."""
    try:
        prepare(question, results)
    except InputError as error:
        return str(error)
    return ""


def edited(ground: Ground, count: int) -> Outcome:
    """Each field of a scenario of every kind of shock changed before a resume, and as many of the baseline's."""
    asked, held, counting, worst = 9, question_changes() + rewritten(ground) + code(ground), 0, 0.0
    for path in (CASES / "valid" / "every_shock.toml", "baseline_2023"):
        scenario = load(path)
        places = fields(scenario)
        with ground.place() as folder:
            prepare(question_of({"mine": scenario}, replicates=2, seed=7), Results(folder))
            for place in ground.rng.sample(places, min(len(places), 5 * count)):
                other, counts = changed(scenario, place), not told_only(place)
                if other is None:
                    continue
                began = time.monotonic()
                said = verdict(question_of({"mine": other}, replicates=2, seed=7), Results(folder))
                worst = max(worst, time.monotonic() - began)
                good = "holds another question (mine: " in said if counts else not said
                asked, counting, held = asked + 1, counting + counts, held + good
                if not good:
                    print(f"{place} counts: {counts}, said: {said[:200]}", file=sys.stderr)
    return Outcome(asked, held, worst, f"{counting} fields refused with what differs, the others are only told")


def question_changes() -> int:
    """Seed, replicates, trajectory, and a swept setting changed: how many of the four are refused."""
    base = load("unix_1988")
    sweeps = base.model_copy(update={"sweep": base.sweep.model_copy(update={"vary": {"erosion": (0.0, 1.0)}})})
    with tempfile.TemporaryDirectory() as place:
        results = Results(Path(place) / "results")
        prepare(question_of({"mine": base}, replicates=2, seed=7), results)
        told: list[tuple[Scenario, dict[str, Any]]] = [
            (base, {"replicates": 2, "seed": 8}), (base, {"replicates": 1, "seed": 7}),
            (base, {"replicates": 2, "seed": 7, "trajectory": True}), (sweeps, {"replicates": 2, "seed": 7}),
        ]  # fmt: skip
        return sum("another question" in verdict(question_of({"mine": s}, **how), results) for s, how in told)


def rewritten(ground: Ground) -> int:
    """Comments, the order of keys, 1 for 1.0, and other line ends: how many of the four go on."""
    text = 'title = "mine"\nextends = "baseline_2023"\nsteps = 9\n[parameters]\nerosion = 1.0\nstrain = 2\n'
    others = (
        "# why\n" + text, text.replace("erosion = 1.0\nstrain = 2\n", "strain = 2\nerosion = 1.0\n"),
        text.replace("1.0", "1"), text.replace("\n", "\r\n"),
    )  # fmt: skip
    with ground.place() as folder:
        path = folder.with_name("mine.toml")
        path.write_text(text, encoding="utf-8")
        prepare(question_of({"mine": load(path)}, replicates=2, seed=7), Results(folder))
        said = []
        for other in others:
            path.write_bytes(other.encode())
            said.append(verdict(question_of({"mine": load(path)}, replicates=2, seed=7), Results(folder)))
    return said.count("")


def code(ground: Ground) -> int:
    """A rule of a copy of the program changed between two halves of a sweep: 1 where only that is refused."""
    with ground.place() as folder:
        copy = folder.with_name("copy")
        shutil.copytree(ROOT / "sim", copy / "sim")
        shutil.copytree(ROOT / "scenarios", copy / "scenarios")
        words = ("sweep", "unix_1988", "--replicates", "20", "--steps", "2", "--out", str(folder))
        env = {"PYTHONPATH": str(copy), "NUMBA_DISABLE_JIT": "1"}
        first = blocs(*words, "--shard", "1/2", env=env, cwd=copy)
        rules = copy / "sim" / "kernel.py"
        rules.write_text(rules.read_text(encoding="utf-8") + "\nNEW = 1\n", encoding="utf-8")
        other = blocs(*words, env=env, cwd=copy)
        rules.write_text((ROOT / "sim" / "kernel.py").read_text(encoding="utf-8"), encoding="utf-8")
        last = blocs(*words, env=env, cwd=copy)
    return (first.code, other.code, last.code) == (0, 2, 0) and "was made by rules" in other.err


def clock(ground: Ground, count: int) -> Outcome:
    """Clocks of other years, fast, slow and jumping (libfaketime): the same table."""
    if not FAKETIME.is_file():
        return Outcome(0, 0, 0, "not done: libfaketime is not installed (apt-get install faketime)")
    asked, held, worst = 0, 0, 0.0
    for n in ground.rounds(count):
        asked += 1
        engine = ("compiled", "mesa")[n // len(CLOCKS) % 2]
        whole, _ = ground.alone(engine)
        env = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": CLOCKS[n % len(CLOCKS)], "FAKETIME_DONT_RESET": "1"}
        if env["FAKETIME"][0].isdigit():
            env["FAKETIME"] = "@" + env["FAKETIME"]
        with ground.place() as folder:
            began = time.monotonic()
            process = ground.start(folder, engine, env=env)
            try:
                _, err = process.communicate(timeout=120)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                _, err = process.communicate()
            worst = max(worst, time.monotonic() - began)
            done = process.returncode == 0
            if not done:
                print(f"{env['FAKETIME']} {engine}: {process.returncode} {err[-300:]}", file=sys.stderr)
            held += done and Results(folder).digest() == whole
    return Outcome(asked, held, worst, f"{', '.join(CLOCKS)}: one hash")


def matrix(ground: Ground, count: int) -> Outcome:
    """Combinations of workers, engine, shares, hash seed, locale and BLAS threads, drawn at random: one hash."""
    settings: list[tuple[Any, ...]] = [
        ("compiled", "mesa", "dask"), (1, 2, 3), ("0", "1", "4294967295"), ("C", "C.UTF-8", "tr_TR.UTF-8"),
        ("1", "2", "7"), ("Europe/Berlin", "Pacific/Apia"), (1, 3),
    ]  # fmt: skip
    every = list(itertools.product(*settings))
    asked, held, worst = 0, 0, 0.0
    for _ in ground.rounds(count):
        asked += 1
        engine, workers, salt, locale, threads, zone, shares = ground.rng.choice(every)
        env = {"PYTHONHASHSEED": salt, "LC_ALL": locale, "LANG": locale, "TZ": zone}
        env |= {f"{kind}_NUM_THREADS": threads for kind in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
        whole, _ = ground.alone(engine)
        with ground.place() as folder:
            began = time.monotonic()
            for n in range(shares):
                share = [] if shares == 1 else ["--shard", f"{n + 1}/{shares}"]
                done = subprocess.run(
                    [*ground.command(folder, engine, workers), *share],
                    env={**os.environ, **env}, capture_output=True, text=True, check=False,
                )  # fmt: skip
                if done.returncode:
                    print(engine, env, done.stderr[-300:], file=sys.stderr)
            worst = max(worst, time.monotonic() - began)
            held += Results(folder).digest() == whole
    return Outcome(asked, held, worst, f"of {len(every)} combinations; one hash for the question of each engine")
