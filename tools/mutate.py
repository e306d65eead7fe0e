"""Change the code in one place at a time, and count the changes that the tests notice (docs/developers.md).

    python -m tools.mutate rules closed_forms --sample 40 --seed 1 --workers 2

Each group has modules and the tests that cover them. Every worker has a copy of the project in a temporary folder; the
sources here do not change. A mutant is killed if a test fails, or does not end in time.

The first round of the tests, without a mutant, shows what each test calls and how long it takes. Tests that call the
mutated function come first, the fast ones and those that noticed other mutants before the slow ones. A second round
without a mutant shows that they pass in this order. Hypothesis draws the same examples for all mutants, and does not
shrink them.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from scipy.stats import binomtest

ROOT = Path(__file__).parent.parent
COPIED = ("sim", "tests", "tools", "scenarios", "docs", "README.md", "pyproject.toml")
GROUPS = {
    "rules": (
        ["sim/model/rules.py"],
        [
            "tests/model/test_rules.py",
            "tests/model/test_oracle_by_hand.py",
            "tests/model/test_world.py::test_membership_shocks",
            "tests/model/test_world.py::test_wildcard_sanction_shock",
            "tests/model/test_oracle.py",
            "--deselect=tests/model/test_oracle.py::test_simulator_equals_oracle_in_shipped_scenarios",
        ],
    ),
    "closed_forms": (
        ["sim/theory/persistence.py", "sim/theory/pair.py", "sim/theory/paths.py", "sim/theory/panel.py"],
        ["tests/theory/test_persistence.py", "tests/theory/test_panel.py", "tests/theory/test_paths.py"],
    ),
    "landscape": (
        ["sim/theory/landscape.py"],
        ["tests/theory/test_landscape.py", "--deselect=tests/theory/test_landscape.py::test_seventeen_states_by_size"],
    ),
    "scenario": (
        ["sim/scenario/**/*.py", "sim/calendar.py"],
        ["tests/scenario", "tests/test_calendar.py", "-k", "not odd_value and not mutated and not structural_chances"],
    ),
    "store": (
        ["sim/batch/store.py", "sim/batch/tables/schema.py", "sim/batch/manifest.py"],
        [f"tests/batch/test_{name}.py" for name in ("store", "schema", "own_shards", "bounds")],
    ),
    "data": (  # without selftest.py: it has counts of the real files, which no test has
        ["sim/data/[!s]*.py", "sim/data/*/*.py"],
        ["tests/data", "--ignore=tests/data/test_strangers.py"],
    ),
}
SLOW = 1  # seconds of a test that comes after the fast ones of all files
LONGEST = 1800  # seconds of a round in which a test waits for ever
SWAPS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.In: (ast.NotIn,), ast.NotIn: (ast.In,), ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,), ast.And: (ast.Or,), ast.Or: (ast.And,), ast.Add: (ast.Sub,), ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,), ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult,), ast.Mod: (ast.Mult,), ast.Pow: (ast.Mult,),
    ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,), ast.LShift: (ast.RShift,), ast.RShift: (ast.LShift,),
}  # fmt: skip


PYTEST = (
    "-n",
    "0",
    "-x",
    "-q",
    "-m",
    "not long",
    "-p",
    "no:cacheprovider",
    "--hypothesis-profile",
    "mutants",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
)


class Mutant(NamedTuple):
    """One change: the file, the place of the node in it, and both texts."""

    path: str
    line: int
    begin: int
    end: int
    before: str
    after: str


def changed(node: ast.AST) -> Iterator[ast.AST]:
    """Versions of a node with one change."""
    for field in ("op", "ops"):
        old = getattr(node, field, None)
        for n, one in enumerate(old if isinstance(old, list) else [old]):
            for swapped in (kind() for kind in SWAPS.get(type(one), ())):
                new = copy.deepcopy(node)
                setattr(new, field, [*old[:n], swapped, *old[n + 1 :]] if isinstance(old, list) else swapped)
                yield new
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        yield node.operand
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
        yield ast.Constant(node.value + 1)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield ast.Pass()
    if isinstance(node, (ast.Break, ast.Continue)):
        yield ast.Continue() if isinstance(node, ast.Break) else ast.Break()


def visited(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes that run: no decorators, types, imports for them, or texts with values in them."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    yield node
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "decorator_list") and not isinstance(node, ast.JoinedStr):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from visited(child)
    if isinstance(node, (ast.If, ast.While, ast.IfExp)) and not isinstance(node.test, ast.Compare):
        yield ast.copy_location(ast.UnaryOp(ast.Not(), ast.UnaryOp(ast.Not(), node.test)), node.test)


def mutants(path: Path) -> list[Mutant]:
    """All mutants of a file."""
    text = path.read_bytes()
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found: dict[Mutant, None] = {}
    for node in visited(ast.parse(text)):
        for new in changed(node):
            begin = starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
            end = starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]
            after = ast.unparse(new)
            after = f"({after})" if isinstance(new, ast.expr) else after
            one = Mutant(str(path), node.lineno, begin, end, text[begin:end].decode(), after)  # type: ignore[attr-defined]
            found[one] = None
    return list(found)


class Order:
    """A plugin of pytest that orders the tests for a mutant, and notes what each calls and which one fails."""

    known: dict[str, Any] = {}  # by test: its seconds, and path, first and last line of what it calls
    kills: Counter[str] = Counter()  # by test: mutants of this worker that it noticed

    def __init__(self, mutant: Mutant | None, least: float) -> None:
        self.mutant, self.least, self.watched = mutant, least, not self.known
        self.files: Counter[str] = Counter()
        for test, (seconds, _) in self.known.items():
            self.files[test.partition("::")[0]] += seconds

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Order the tests."""
        items.sort(key=lambda item: self.place(item.nodeid))

    def place(self, test: str) -> tuple[bool, bool, float, float]:
        """Return whether a test misses what is mutated, and how late it comes among such tests.

        The fast tests of a file remain together, since they may share fixtures.
        """
        seconds, calls = self.known.get(test, (0.0, ()))
        one = self.mutant
        hit = one and any(path == one.path and first <= one.line <= last for path, first, last in calls)
        late = seconds / (1 + self.kills[test])
        return not hit, late > SLOW, self.files[test.partition("::")[0]] * (late <= SLOW), late

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Note what a test calls and how long it takes, and end this process if it takes much longer."""
        codes: dict[int, Any] = {}
        if item.nodeid in self.known:
            signal.setitimer(signal.ITIMER_PROF, self.least + 10 * self.known[item.nodeid][0])
        start = sum(os.times()[:4])
        if self.watched:
            sys.setprofile(lambda frame, event, _: codes.setdefault(id(frame.f_code), frame.f_code))
        try:
            return (yield)
        finally:
            if self.watched:
                sys.setprofile(None)
                self.known[item.nodeid] = sum(os.times()[:4]) - start, [*spans(codes)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write the name of a test that fails."""
        if report.failed:
            Path("failed.txt").write_text(report.nodeid, encoding="utf-8")

    def pytest_sessionfinish(self) -> None:
        """Write what was noted."""
        if self.watched:
            Path("known.json").write_text(json.dumps(self.known), encoding="utf-8")


def spans(codes: dict[int, Any]) -> Iterator[tuple[str, int, int]]:
    """Path, first and last line of the functions of the package among these code objects."""
    for code in codes.values():
        path = Path(code.co_filename)
        if path.is_relative_to(Path.cwd() / COPIED[0]) and code.co_name != "<module>":
            lines = [line for *_, line in code.co_lines() if line]
            yield str(path.relative_to(Path.cwd())), code.co_firstlineno, max(lines)


def set_up(base: str) -> None:
    """Copy the project for this worker, and import libraries once: each mutant is a fork of the worker."""
    os.environ["NUMBA_DISABLE_JIT"] = "1"  # compiling rules takes longer than their tests
    # Python takes bytecode for current by the second and length of its source, which two mutants may share.
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    os.chdir(tempfile.mkdtemp(dir=base))
    for name in COPIED:
        copied = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copied(ROOT / name, name)
    for library in ("duckdb", "hypothesis", "numba", "pandas", "pytest", "scipy.stats"):
        importlib.import_module(library)
    from hypothesis import Phase, settings

    settings.register_profile(
        "mutants", max_examples=25, deadline=None, derandomize=True, database=None,
        phases=[Phase.explicit, Phase.generate],
    )  # fmt: skip


class Outcome(NamedTuple):
    """Whether a round of the tests failed, at which test, its seconds of the processor, and what each test calls."""

    failed: bool
    test: str
    seconds: float
    known: dict[str, Any]


def try_mutant(mutant: Mutant | None, tests: list[str], least: float, known: dict[str, Any]) -> Outcome:
    """Run the tests on a mutant, or without one, each for at most ten times its seconds and some more."""
    path = Path(mutant.path if mutant else COPIED[0] + "/__init__.py")
    kept = path.read_bytes()
    if mutant:
        path.write_bytes(kept[: mutant.begin] + mutant.after.encode() + kept[mutant.end :])
    for file in ("failed.txt", "known.json"):
        Path(file).unlink(missing_ok=True)
    Order.known = known
    start, used = time.monotonic(), sum(os.times()[2:4])
    child = os.fork()
    if not child:
        run_tests(tests, Order(mutant, least))
    ended, status = 0, 0
    while not ended and time.monotonic() < start + LONGEST:
        time.sleep(0.05)
        ended, status = os.waitpid(child, os.WNOHANG)
    if not ended:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
    path.write_bytes(kept)
    failed = not ended or status != 0
    test = Path("failed.txt").read_text(encoding="utf-8") if Path("failed.txt").exists() else "no end or no start"
    Order.kills[test] += failed
    calls = json.loads(Path("known.json").read_text(encoding="utf-8")) if Path("known.json").exists() else {}
    return Outcome(failed, test if failed else "", sum(os.times()[2:4]) - used, calls)


def run_tests(tests: list[str], order: Order) -> None:
    """Run the tests in this forked process until the first failure, and end it."""
    os.setsid()
    out = os.open("log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    for name in [name for name in sys.modules if name.split(".")[0] in ("sim", "tools", "tests")]:
        del sys.modules[name]
    sys.path[:] = [str(Path.cwd()), *(one for one in sys.path if Path(one).resolve() != ROOT)]
    os.environ["PYTHONPATH"] = str(Path.cwd())
    code = 1
    try:
        code = pytest.main([*PYTEST, *tests], [order])
    except BaseException:  # noqa: BLE001 an exception must not leave the fork, which would go on as a second worker
        traceback.print_exc()
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(code)


def try_group(name: str, *, sample: int, seed: int, workers: int, minutes: float, least: float) -> list[Mutant]:
    """Try a sample of the mutants of a group, print the counts, and return the survivors."""
    patterns, tests = GROUPS[name]
    paths = sorted({path.relative_to(ROOT) for pattern in patterns for path in ROOT.glob(pattern)})
    every = [one for path in paths for one in mutants(path)]
    chosen = random.Random(seed).sample(every, min(sample, len(every)))  # noqa: S311
    tried, survivors = 0, []
    with (
        tempfile.TemporaryDirectory(prefix="mutants-") as base,
        ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), set_up, (base,)) as pool,
    ):
        first = pool.submit(try_mutant, None, tests, least, {}).result()
        second = pool.submit(try_mutant, None, tests, least, first.known).result()
        if first.failed or second.failed:
            raise SystemExit(f"{name}: the tests fail without a mutant: {first.test or second.test}")
        until = time.monotonic() + 60 * minutes
        running = [pool.submit(try_mutant, one, tests, least, first.known) for one in chosen]
        for one, future in zip(chosen, running, strict=True):
            if time.monotonic() > until:
                for rest in running:  # but those that wait for the worker
                    rest.cancel()
            if future.cancelled():
                continue
            done = future.result()
            tried += 1
            survivors += [] if done.failed else [one]
            print(f"{done.test or 'SURVIVED'} ({done.seconds:.0f} s): {shown(one)}", flush=True)
    killed = tried - len(survivors)
    interval = binomtest(killed, tried).proportion_ci(method="wilson")
    print(
        f"{name}: {killed} of {tried} mutants killed, {100 * killed / tried:.0f} % "
        f"(95 % interval {100 * interval.low:.0f} to {100 * interval.high:.0f}), "
        f"of {len(every)} in {len(paths)} files; one round of the tests takes {second.seconds:.0f} s"
    )
    for one in sorted(survivors):
        print(f"  {shown(one)}")
    return survivors


def shown(one: Mutant) -> str:
    """A mutant in one line."""
    return f"{one.path}:{one.line}: {' '.join(one.before.split())}  ->  {' '.join(one.after.split())}"


def main() -> None:
    """Try the groups that the command names."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}; default: all")
    options.add_argument("--sample", type=int, default=200, help="mutants of each group")
    options.add_argument("--seed", type=int, default=1, help="seed of the sample")
    options.add_argument("--workers", type=int, default=2, help="processes")
    options.add_argument("--minutes", type=float, default=600, help="time of the mutants of a group")
    options.add_argument("--seconds", type=float, default=10, help="time of a test, besides ten times what it takes")
    given = options.parse_args()
    if unknown := set(given.groups) - GROUPS.keys():
        options.error(f"unknown group {min(unknown)}: {', '.join(GROUPS)}")
    rules = {"sample": given.sample, "seed": given.seed, "workers": given.workers, "minutes": given.minutes}
    for name in given.groups or GROUPS:
        try_group(name, **rules, least=given.seconds)


if __name__ == "__main__":
    main()
