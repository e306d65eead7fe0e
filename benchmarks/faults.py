"""Faults injected for real: `python -m benchmarks.faults [--count 100] [--only NAME] [--markdown FILE]`.

Each row of the table is a fault, what is promised, how often it was injected, how often the promise held, and the
worst time. `--count` is the full measure; slower rows take their part of it. A row is printed as it ends, and with
`--record FILE` kept there, so that rows can be run one by one and written as one table. Needs Linux and root (a
tmpfs is mounted), strace, prlimit and libfaketime. Exits with 1 where a promise broke.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import bombs, changes, damages, interruptions
from benchmarks.ground import Ground, Outcome
from benchmarks.mutants import CASES

Inject = Callable[[Ground, int], Outcome]


@dataclass(frozen=True)
class Row:
    """A fault, what is promised, its part of the count, how it is injected, and where the suite shows it in short."""

    fault: str
    promise: str
    part: float
    inject: Inject
    tests: str


def row(fault: str, promise: str, part: float, inject: Callable[..., Outcome], tests: str, **how: Any) -> Row:
    """A row whose injection is told how."""
    return Row(fault, promise, part, lambda ground, count: inject(ground, count, **how), tests)


KEPT = "what was acknowledged is there, the resumed table has the same hash, nobody is left"
SWEEP, CLUSTER, CASE = "tests/test_sweep.py", "tests/test_cluster.py", "tests/test_cases.py"
ROWS = (
    row("kill -9 of the group, compiled", KEPT, 1, interruptions.killed_whole, SWEEP, engine="compiled"),
    row("kill -9 of the group, agents", KEPT, 0.2, interruptions.killed_whole, SWEEP, engine="mesa"),
    row("kill -9 of the group, Dask", KEPT, 0.1, interruptions.killed_whole, CLUSTER, engine="dask"),
    row("kill -9 twenty times in one sweep", KEPT, 0.4, interruptions.killed_whole, SWEEP, engine="compiled",
        times=20),
    row("kill -9 of a worker, agents", "another one within 2 s, no hang, the same hash", 1, interruptions.killed_worker,
        SWEEP, engine="mesa"),
    row("kill -9 of a worker, Dask", "another one within 2 s, no hang, the same hash", 0.2, interruptions.killed_worker,
        CLUSTER, engine="dask"),
    row("kill -9 of the parent, agents", "nobody alive after 2 s, the same hash", 1, interruptions.orphans, SWEEP,
        engine="mesa"),
    row("kill -9 of the parent, Dask", "nobody alive after 2 s, the same hash", 0.2, interruptions.orphans, CLUSTER,
        engine="dask"),
    row("runs that kill their process or eat memory", "N − 3 rows and three failures", 0.1, damages.murdered,
        f"{SWEEP}, {CLUSTER}"),
    row("runs that raise, 1 % and 50 %", "all good rows kept, the message names the run", 0.2, damages.raised, SWEEP),
    row("SIGINT, SIGTERM, SIGHUP", "within 5 s, exit 130, 143, 129, the line that resumes", 0.45,
        interruptions.signalled,
        f"{SWEEP}, {CLUSTER}"),
    row("disk full, file limit, I/O error", "exit 1 and one line, resumable, never silent", 0.4, damages.failing_disk,
        SWEEP),
    row("two sweeps, one folder", "the second is refused and names the first", 0.5, interruptions.second_sweep, SWEEP),
    row("shard cut short or a bit flipped", "found, set aside, done again", 1, damages.damaged, SWEEP),
    row("scenario or code changed before a resume", "refused with the difference; what is told only does not count", 1,
        changes.edited, SWEEP),
    row("clock", "no effect", 0.1, changes.clock, SWEEP),
    row("workers, engine, shares, hash seed, locale, BLAS threads, time zone", "one hash", 0.3, changes.matrix,
        f"{SWEEP}, {CLUSTER}"),
    row("bad values, encodings, file names", "exit 2 within 1 s, each line with its file and line", 2, bombs.wrong,
        f"{CASE}, `python -m benchmarks.fuzz`"),
    row("size bombs, special files, links, cycles", "refused within 2 s and 200 MB", 1, bombs.bombs, CASE),
    row("traversal", "refused; nothing outside is opened", 1, bombs.traversal, CASE),
    row("2,000 and 10⁴ states, 10⁵ ties", "checked within 2 s", 0.01, bombs.large, CASE),
)  # fmt: skip


def machine() -> str:
    """Date, processor, cores, system and Python, in one line."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    return f"{date}, {names[0] if names else platform.machine()}, {os.cpu_count()} cores, {system}"


def table(found: dict[str, Any]) -> str:
    """The rows as Markdown."""
    lines = [
        "| fault | promise | injected | held | worst | seen | in the suite |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for one in ROWS:
        if one.fault in found:
            told = found[one.fault]
            cells = (told["asked"], told["held"], f"{told['worst']:.1f} s", told["seen"], one.tests)
            lines.append(f"| {one.fault} | {one.promise} | {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def injected(rows: list[Row], count: int, minutes: float, seed: int, record: Path | None) -> dict[str, Any]:
    """Inject rows one after another, printing and recording each."""
    found: dict[str, Any] = json.loads(record.read_text(encoding="utf-8")) if record and record.exists() else {}
    with tempfile.TemporaryDirectory(prefix="faults-") as place:
        ground = Ground(seed, Path(place), minutes)
        for one in rows:
            began = time.monotonic()
            outcome = one.inject(ground, max(1, round(one.part * count)))
            told = {**asdict(outcome), "machine": machine()}
            print(f"{one.fault}: {one.promise}: {outcome.held} of {outcome.asked} held, worst {outcome.worst:.1f} s;"
                  f" {outcome.seen} ({time.monotonic() - began:.0f} s)", file=sys.stderr, flush=True)  # fmt: skip
            if record:
                found = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
            found[one.fault] = told
            if record:
                record.write_text(json.dumps(found, indent=1, ensure_ascii=False), encoding="utf-8")
    return found


def main() -> None:
    """Inject, print, and exit with 1 where a promise broke."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100, help="full measure of the kills")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="rows that begin so; may be repeated"
    )
    parser.add_argument("--minutes", type=float, default=math.inf, help="after which a row ends short of its count")
    parser.add_argument("--seed", type=int, default=20231025)
    parser.add_argument(
        "--record", type=Path, metavar="FILE", help="keep each row's figures there, beside those of others"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table as Markdown")
    told = parser.parse_args()
    os.environ["BLOCS_SCENARIOS"] = str(CASES)
    rows = [one for one in ROWS if not told.only or one.fault.startswith(tuple(told.only))]
    if not rows:
        parser.error("no row begins so; there are: " + "; ".join(one.fault for one in ROWS))
    found = injected(rows, told.count, told.minutes, told.seed, told.record)
    if told.markdown:
        told.markdown.write_text(f"{machine()}\n\n{table(found)}", encoding="utf-8")
    else:
        print(table(found))
    sys.exit(any(one["held"] < one["asked"] for one in found.values()))


if __name__ == "__main__":
    main()
