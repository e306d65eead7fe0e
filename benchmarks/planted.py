"""Faults planted one at a time, and which tests notice: `python -m benchmarks.planted [NAME ...] [--json FILE]`.

Each fault replaces a line in a temporary copy of the tree and is tested in a fork of this process, without
compilation, with the same examples every time. The relations that it should break are tried first; if none is red, all
of them. Then the oracle, and, where neither notices, the other tests of the model. Needs a Unix.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.in_process import QUIET, same_cases
from benchmarks.planted_faults import FAULTS, Planted

ROOT = Path(__file__).parents[1]
RELATIONS = ("tests/test_relations.py", "tests/test_relations_theory.py", "tests/test_relations_records.py")
ORACLE = ("tests/test_oracle.py", "-k", "equations or rougher")
REST = (
    "tests/test_kernel.py", "tests/test_outcomes.py", "tests/test_world.py", "tests/test_scenario.py",
    "tests/test_model.py", "-k", "not (stepped_through or shipped or boltzmann or unix or triangle or process or dead)",
)  # fmt: skip
CASES = "100"  # of each relation; the suite has 200
LIBRARIES = ("numpy", "numba", "scipy.stats", "scipy.optimize", "duckdb", "pydantic", "mesa", "hypothesis", "pytest")
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "*.sqlite", "results", "build", "dist")


@dataclass(frozen=True)
class Verdict:
    """Who noticed a fault."""

    fault: str
    why: str
    relations: tuple[str, ...]  # those that were red
    oracle: bool
    rest: str = ""  # the first other test that was red, sought where nobody else noticed
    seconds: float = 0.0

    @property
    def caught(self) -> bool:
        """Whether any test was red."""
        return bool(self.relations or self.oracle or self.rest)


class Red:
    """A pytest plugin that keeps the names of the tests that failed."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note a failure, of the test or of what it needs."""
        name = report.nodeid.split("::")[-1].split("[")[0]
        if report.failed and name not in self.names:
            self.names.append(name)

    def pytest_collectreport(self, report: Any) -> None:
        """Note a file that cannot even be imported."""
        if report.failed:
            self.names.append(f"import of {report.nodeid}")


def red(folder: Path, words: Sequence[str]) -> tuple[str, ...]:
    """Names of the tests that fail in a folder, tried in a fork."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            os.write(writing, json.dumps(tests_red(folder, words)).encode())
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        names = pipe.read()
    os.waitpid(child, 0)
    if not names:
        raise SystemExit(f"pytest {' '.join(words)} did not come to an end")
    return tuple(json.loads(names))


def tests_red(folder: Path, words: Sequence[str]) -> list[str]:
    """Names of the tests that fail, run in this process without a word."""
    import numba
    import pytest

    setattr(numba.config, "DISABLE_JIT", True)  # noqa: B010  # numba declares its settings at run time
    os.chdir(folder)
    sys.path[:0] = [str(folder), str(folder / "tests")]
    sys.dont_write_bytecode = True
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(1, 2)
    same_cases()
    found = Red()
    pytest.main([*QUIET, *words], [found])
    return found.names


def judged(fault: Planted, folder: Path, *, quick: bool) -> Verdict:
    """Plant a fault, see which tests are red, and take it out again; in a hurry, of those alone that should notice."""
    began, path = time.monotonic(), folder / fault.file
    original = path.read_text(encoding="utf-8")
    if original.count(fault.before) != 1:
        raise SystemExit(f"{fault.name}: {fault.file} has {original.count(fault.before)} places like {fault.before!r}")
    path.write_text(original.replace(fault.before, fault.after), encoding="utf-8")
    try:
        broken: tuple[str, ...] = ()
        if fault.breaks:
            broken = red(folder, [*RELATIONS, "-k", " or ".join(fault.breaks)])
        if not broken and not quick:
            broken = red(folder, [*RELATIONS, "-x"])
        oracle = fault.file in OF_THE_MODEL and not (quick and broken) and bool(red(folder, [*ORACLE, "-x"]))
        verdict = Verdict(fault.name, fault.why, broken, oracle)
        if not verdict.caught:
            verdict = replace(verdict, rest=next(iter(red(folder, [*REST, "-x"])), ""))
    finally:
        path.write_text(original, encoding="utf-8")
    return replace(verdict, seconds=time.monotonic() - began)


OF_THE_MODEL = ("sim/kernel.py", "sim/world.py", "sim/ensemble.py", "sim/model.py", "sim/outcomes.py")


def relations() -> Iterator[str]:
    """Names of all relations' tests."""
    for file in RELATIONS:
        for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
            if line.startswith("def test_"):
                yield line.removeprefix("def ").split("(")[0]


def table(verdicts: Sequence[Verdict]) -> Iterator[str]:
    """The verdicts as a table, then what was never red."""
    yield "| fault | relations | oracle | others |"
    yield "| --- | --- | --- | --- |"
    for told in verdicts:
        oracle = "red" if told.oracle else "–"
        yield f"| {told.fault} | {', '.join(told.relations) or '–'} | {oracle} | {told.rest or ''} |"
    by_relation = sum(bool(told.relations) for told in verdicts)
    by_oracle = sum(told.oracle for told in verdicts)
    yield (
        f"\n{len(verdicts)} faults: relations notice {by_relation}, the oracle {by_oracle},"
        f" the suite {sum(told.caught for told in verdicts)}; {sum(told.seconds for told in verdicts):.0f} s"
    )
    ever = {name for told in verdicts for name in told.relations}
    yield f"relations never red: {', '.join(name for name in relations() if name not in ever) or 'none'}"


def main() -> int:
    """Plant the faults, print who notices; 1 if a fault goes unnoticed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="words of the faults to plant; all by default")
    parser.add_argument(
        "--quick", action="store_true", help="try only what should notice, the oracle where no relation"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    chosen = [fault for fault in FAULTS if not given.names or any(word in fault.name for word in given.names)]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    verdicts = []
    with tempfile.TemporaryDirectory(prefix="blocs-planted-") as temporary:
        folder = Path(temporary) / "tree"
        os.environ |= {**threads, "NUMBA_DISABLE_JIT": "1", "NUMBA_CACHE_DIR": temporary, "RELATION_CASES": CASES}
        shutil.copytree(ROOT, folder, ignore=NOT_COPIED)
        for library in LIBRARIES:
            importlib.import_module(library)
        gc.freeze()
        for n, fault in enumerate(chosen, start=1):
            told = judged(fault, folder, quick=given.quick)
            verdicts.append(told)
            noticed = ", ".join([*told.relations, *["oracle"] * told.oracle, told.rest]).strip(", ") or "NOBODY"
            print(f"{n}/{len(chosen)} {told.seconds:.0f} s  {fault.name}: {noticed}", file=sys.stderr, flush=True)
    print("\n".join(table(verdicts)))
    if given.json:
        given.json.write_text(json.dumps([asdict(told) for told in verdicts], indent=2), encoding="utf-8")
    return int(not all(told.caught for told in verdicts))


if __name__ == "__main__":
    raise SystemExit(main())
