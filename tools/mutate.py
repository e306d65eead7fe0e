"""Change the code in one place at a time, and count the changes that the tests notice (docs/developers.md).

    python -m tools.mutate rules closed_forms --sample 40 --seed 1 --workers 2

Each group has modules and the tests that cover them. Every worker has a copy of the project in a temporary folder; the
sources here do not change. A mutant is killed if a test fails, or does not end in time.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
COPIED = ("sim", "tests", "tools", "scenarios", "docs", "README.md", "pyproject.toml")
GROUPS = {
    "rules": (
        ["sim/model/rules.py"],
        [
            "tests/model/test_rules.py",
            "tests/model/test_oracle_by_hand.py",
            "tests/model/test_world.py",
            "tests/model/test_oracle.py",
        ],
    ),
    "closed_forms": (
        ["sim/theory/persistence.py", "sim/theory/pair.py", "sim/theory/paths.py", "sim/theory/panel.py"],
        ["tests/theory/test_persistence.py", "tests/theory/test_panel.py", "tests/model/test_persistence_laws.py"],
    ),
    "landscape": (["sim/theory/landscape.py"], ["tests/theory/test_landscape.py", "tests/theory/test_predictions.py"]),
    "scenario": (["sim/scenario/**/*.py", "sim/calendar.py"], ["tests/scenario", "tests/test_calendar.py"]),
    "store": (
        ["sim/batch/store.py", "sim/batch/tables/schema.py", "sim/batch/manifest.py"],
        ["tests/batch/test_store.py", "tests/batch/test_schema.py", "tests/batch/test_own_shards.py"],
    ),
    "data": (["sim/data/**/*.py"], ["tests/data"]),
}
COMPILED = {"rules"}  # what numba compiles runs in Python here: compiling each mutant takes longer than its tests
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
    """Nodes that run: no decorators, types, or texts with values in them."""
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


def set_up(base: str, interpreted: bool) -> None:
    """Copy the project for this worker, and import libraries once: each mutant is a fork of the worker."""
    os.environ["NUMBA_DISABLE_JIT"] = str(int(interpreted))
    os.chdir(tempfile.mkdtemp(dir=base))
    for name in COPIED:
        copied = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copied(ROOT / name, name)
    for library in ("duckdb", "hypothesis", "numba", "pandas", "pytest", "scipy.stats"):
        importlib.import_module(library)


def notices(mutant: Mutant | None, tests: list[str], seconds: float) -> tuple[bool, float]:
    """Return whether the tests notice a mutant, or fail without one; and the seconds that they took."""
    path = Path(mutant.path if mutant else COPIED[0] + "/__init__.py")
    kept = path.read_bytes()
    if mutant:
        path.write_bytes(kept[: mutant.begin] + mutant.after.encode() + kept[mutant.end :])
    start = time.monotonic()
    child = os.fork()
    if not child:
        run_tests(tests)
    ended, status = 0, 0
    while not ended and time.monotonic() < start + seconds:
        time.sleep(0.05)
        ended, status = os.waitpid(child, os.WNOHANG)
    if not ended:
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
    path.write_bytes(kept)
    return not ended or status != 0, time.monotonic() - start


def run_tests(tests: list[str]) -> None:
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
        code = importlib.import_module("pytest").main([*PYTEST, *tests])
    except BaseException:  # noqa: BLE001 an exception must not leave the fork, which would go on as a second worker
        traceback.print_exc()
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(code)


def try_group(name: str, sample: int, seed: int, workers: int) -> list[Mutant]:
    """Try a sample of the mutants of a group, print the counts, and return the survivors."""
    patterns, tests = GROUPS[name]
    paths = sorted({path.relative_to(ROOT) for pattern in patterns for path in ROOT.glob(pattern)})
    every = [one for path in paths for one in mutants(path)]
    chosen = sorted(random.Random(seed).sample(every, min(sample, len(every))))  # noqa: S311
    with (
        tempfile.TemporaryDirectory(prefix="mutants-") as base,
        ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), set_up, (base, name in COMPILED)) as pool,
    ):
        failed, seconds = pool.submit(notices, None, tests, 3600).result()
        if failed:
            raise SystemExit(f"{name}: the tests fail without a mutant:\n{failed}")
        running = [pool.submit(notices, one, tests, 60 + 10 * seconds) for one in chosen]
        survivors = [one for one, done in zip(chosen, running, strict=True) if not done.result()[0]]
    from sim.analysis.statistics import share_interval  # here, since a worker begins without modules of sim

    share, low, high, _ = share_interval(len(chosen) - len(survivors), len(chosen))
    print(
        f"{name}: {len(chosen) - len(survivors)} of {len(chosen)} mutants killed, {100 * share:.0f} % "
        f"(95 % interval {100 * low:.0f} to {100 * high:.0f}), "
        f"of {len(every)} in {len(paths)} files; one round of the tests takes {seconds:.0f} s"
    )
    for one in survivors:
        print(f"  {one.path}:{one.line}: {' '.join(one.before.split())}  ->  {one.after}")
    return survivors


def main() -> None:
    """Try the groups that the command names."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("groups", nargs="*", metavar="GROUP", help=f"of {', '.join(GROUPS)}; default: all")
    options.add_argument("--sample", type=int, default=200, help="mutants of each group")
    options.add_argument("--seed", type=int, default=1, help="seed of the sample")
    options.add_argument("--workers", type=int, default=2, help="processes")
    given = options.parse_args()
    if unknown := set(given.groups) - GROUPS.keys():
        options.error(f"unknown group {min(unknown)}: {', '.join(GROUPS)}")
    for name in given.groups or GROUPS:
        try_group(name, given.sample, given.seed, given.workers)


if __name__ == "__main__":
    main()
