"""Fuzzing of scenario and world files: `python -m benchmarks.fuzz --minutes 60 --corpus DIR`.

Each input is loaded. It is either accepted (then its record gives the same digest, and two steps run, the same by
agents and compiled) or refused with faults that name file and line. Anything else, a second of CPU or 200 MB is a
finding: it is made small and written to DIR, once for each line that raised it. Inputs that were answered in a
new way become seeds of others. Exits with 1 where there was a finding. `--again DIR` tries the findings of a folder.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.mutants import CASES, Input, drawn, mutant, seeds
from sim import catalog, ensemble, model
from sim.design import points
from sim.faults import InputError
from sim.scenario import SAMPLED, Scenario
from sim.sources import read_sources
from sim.world import world_of

SECONDS, MEGABYTES, HANGS = 1.0, 200, 10.0
LONGEST = 1000  # characters of a line that says a fault
LINE = re.compile(r"(?P<file>.+?):(?P<line>\d+): (?:(?P<field>.+?): )?(?P<message>.+)")
OBSERVED = ("alignment", "chances", "stability", "bite", "outcomes")
Answer = tuple[str, str]  # the slug of a finding ("" where there is none), and what was seen


class HangError(BaseException):
    """The time given to one input is over."""


class BrokenError(Exception):
    """A promise that was broken without an exception."""


def hang(number: int, frame: object) -> None:
    """What the timer does."""
    raise HangError


def loaded(path: Path) -> Scenario | InputError | None:
    """An input as the program reads it: a scenario, nothing for a bibliography, or the refusal."""
    try:
        if path.name == "sources.toml":
            read_sources(path)
            return None
        return catalog.load(path)
    except InputError as error:
        error.lines()
        return error


def refusal(error: InputError) -> str:
    """The shape of a refusal; raises BrokenError where one of its lines does not say where."""
    json.dumps({"faults": [str(fault) for fault in error.faults]}, ensure_ascii=False).encode()
    if not error.faults:
        raise BrokenError("refused without a fault")
    lengths: dict[str, int] = {}
    for fault, line in zip(error.faults, error.lines(shown=10**6), strict=True):
        if not LINE.fullmatch(line) or not line.isprintable() or len(line) > LONGEST:
            raise BrokenError(f"not file:line: message, or too long: {line[:300]}")
        if fault.file not in lengths:
            there = Path(fault.file).is_file()
            lengths[fault.file] = len(re.split(rb"\r\n|\r|\n", Path(fault.file).read_bytes())) if there else 1
        if not 1 <= fault.line <= lengths[fault.file]:
            raise BrokenError(f"line {fault.line} is not in the file: {line[:300]}")
    quoted = r"'[^']*'|\"[^\"]*\"|\d[\d.e+-]*|\S*…"
    return "; ".join(sorted({re.sub(quoted, "_", fault.message[:300])[:60] for fault in error.faults}))


def acceptance(scenario: Scenario) -> str:
    """What can be done with an accepted scenario; raises BrokenError where its record is not itself or a run fails."""
    again = Scenario.model_validate_json(scenario.model_dump_json())
    if again != scenario or again.digest() != scenario.digest():
        raise BrokenError("the record gives another digest")
    if scenario.sweep.design not in SAMPLED or (scenario.sweep.points or 0) <= 64:
        try:
            made = points("mine", scenario)
        except ValueError as error:
            return f"accepted, {re.sub(r'[0-9]+', '_', str(error))}"
        if made:
            made[-1].digest  # noqa: B018
    if len(scenario.states) > 100:
        return "accepted, large"
    kept = tuple(shock for shock in scenario.shocks if shock.step <= 2)
    short = scenario.model_copy(update={"steps": 2, "shocks": kept})
    world = world_of(short)
    one, two = (run(short, seed=scenario.sweep.seed, world=world) for run in (ensemble.run, model.run))
    for name in OBSERVED:
        if not np.array_equal(getattr(one, name), getattr(two, name), equal_nan=True):
            raise BrokenError(f"{name} of agents and compiled run differ")
    if not np.isfinite(one.outcomes[:, : one.alignment.shape[1]]).any():
        raise BrokenError("no outcome is a number")
    return f"accepted, {len(scenario.blocs)} blocs, {sorted({shock.kind for shock in kept})}"


def tried(path: Path) -> Answer:
    """Answer an input under the clock; the slug is of the exception and the line that raised it."""
    used, began = peak_memory(reset=True), time.process_time()
    signal.setitimer(signal.ITIMER_PROF, HANGS)
    try:
        found = loaded(path)
        took, more = time.process_time() - began, peak_memory() - used
        seen = refusal(found) if isinstance(found, InputError) else acceptance(found) if found else "accepted"
    except HangError:
        return f"hang-{where(sys.exc_info()[2])}", traceback.format_exc()
    except BrokenError as error:
        return f"broken-{re.sub(r'[^a-z]+', '_', str(error).split(':')[0])[:50]}", str(error)
    except Exception as error:  # noqa: BLE001  # what a finding is
        return f"{type(error).__name__}-{where(error.__traceback__)}", traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    kind = re.sub(r"[^a-z]+", "_", seen)[:30]
    if more > MEGABYTES:
        return f"memory-{kind}", f"{more:.0f} MB; {seen}"
    return (f"slow-{kind}", f"{took:.1f} s of CPU; {seen}") if took > SECONDS else ("", seen)


def where(trace: Any) -> str:
    """File and line of the last frame of this package in a traceback."""
    frames = [f for f in traceback.extract_tb(trace) if f"{os.sep}sim{os.sep}" in f.filename]
    return f"{Path(frames[-1].filename).stem}_{frames[-1].lineno}" if frames else "outside"


def peak_memory(*, reset: bool = False) -> float:
    """Most resident memory since the last reset, in MB."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def smaller(given: Input, slug: str, folder: Path, seconds: float = 60) -> Input:
    """An input with ever more of its lines taken away, as long as it is the same finding."""
    until = time.monotonic() + seconds
    for name in sorted(given.files):
        step = max(1, given.files[name].count(b"\n") // 2)
        while step and time.monotonic() < until:
            rows, start = given.files[name].split(b"\n"), 0
            while start < len(rows) and time.monotonic() < until:
                fewer = replace(given, files={**given.files, name: b"\n".join(rows[:start] + rows[start + step :])})
                if tried(fewer.written(folder))[0] == slug:
                    given, rows = fewer, fewer.files[name].split(b"\n")
                else:
                    start += step
            step //= 2
    return given


def kept(found: Input, slug: str, seen: str, corpus: Path) -> None:
    """Write a finding: its files, and how it was made and answered."""
    place = corpus / slug
    place.mkdir(parents=True, exist_ok=True)
    for name, content in found.files.items():
        (place / name).write_bytes(content)
    (place / "finding.txt").write_text(f"{found.target}\n{found.made}\n\n{seen}\n", encoding="utf-8", errors="replace")


def inputs(rng: random.Random, pool: list[Input]) -> Iterator[Input]:
    """Inputs without end: half of them from the pool's new end or its small ones, a quarter drawn from the schema."""
    while True:
        if rng.random() < 0.25:
            one = drawn(rng)
            yield one if rng.random() < 0.7 else mutant(rng, one, rng.choice(pool))
        else:
            at = min(int(rng.expovariate(3 / len(pool))), len(pool) - 1)
            yield mutant(rng, pool[at if rng.random() < 0.6 else -1 - at], rng.choice(pool))


def fuzz(minutes: float, corpus: Path, seed: int) -> dict[str, int]:
    """Try inputs for so long; how many there were, and how often each finding was found."""
    rng, pool = random.Random(seed), seeds()  # noqa: S311
    found: dict[str, int] = {}
    shapes: set[str] = set()
    total, accepted, said = 0, 0, 0.0
    until = time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for given in inputs(rng, pool):
            slug, seen = tried(given.written(folder))
            total += 1
            accepted += seen.startswith("accepted")
            if (
                slug
                and slug not in found
                and slug.startswith(("slow", "memory"))
                and tried(given.written(folder))[0] != slug
            ):
                slug = ""
            if slug:
                if slug not in found:
                    small = smaller(given, slug, folder)
                    kept(small, slug, tried(small.written(folder))[1], corpus)
                found[slug] = found.get(slug, 0) + 1
            elif (shape := hashlib.sha1(seen.encode()).hexdigest()) not in shapes and len(pool) < 20_000:  # noqa: S324
                shapes.add(shape)
                if sum(map(len, given.files.values())) < 50_000:
                    pool.append(given)
            if time.monotonic() > said + 60:
                said = time.monotonic()
                told = f"{total} inputs, {accepted} accepted, {len(shapes)} ways to answer, {len(found)} findings"
                print(f"{time.strftime('%H:%M')} {told}", file=sys.stderr, flush=True)
            if time.monotonic() > until:
                break
    return {"inputs": total, "accepted": accepted, "ways to answer": len(shapes), **found}


def again(corpus: Path) -> dict[str, int]:
    """Try the findings of a folder; those that still are some."""
    found = {}
    for note in sorted(corpus.glob("*/finding.txt")):
        slug, seen = tried(note.parent / note.read_text(encoding="utf-8").partition("\n")[0])
        print(f"{note.parent.name}: {slug or 'none'}: {seen.strip()[-300:]}", file=sys.stderr)
        if slug:
            found[note.parent.name] = 1
    return found


def main() -> None:
    """Fuzz, print what was found, and exit with 1 where there was anything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=1)
    parser.add_argument("--corpus", type=Path, default=Path("findings"))
    parser.add_argument("--seed", type=int, default=20231025)
    parser.add_argument("--again", type=Path, metavar="DIR")
    told = parser.parse_args()
    warnings.simplefilter("error")
    os.environ["BLOCS_SCENARIOS"] = os.pathsep.join(map(str, (CASES / "valid", CASES)))
    catalog.bibliography = cache(catalog.bibliography)  # read once, for speed
    signal.signal(signal.SIGPROF, hang)
    tried(CASES / "valid" / "plain.toml")  # compiles
    limit = int(peak_memory() * 2**20) + 4 * 2**30
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    found = again(told.again) if told.again else fuzz(told.minutes, told.corpus, told.seed)
    print(json.dumps(found, indent=1))
    sys.exit(bool(found.keys() - {"inputs", "accepted", "ways to answer"}))


if __name__ == "__main__":
    main()
