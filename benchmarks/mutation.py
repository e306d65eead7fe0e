"""Mutation testing: the share of small changes to the rules that the tests notice.

`python -m benchmarks.mutation [kernel landscape optimum balance scenario store] [--sample N] [--json]`

Needs cosmic-ray (`pip install "cosmic-ray>=8.4,<9"`) and a Unix. cosmic-ray finds the mutants and makes them, one at a
time and in a temporary copy, so that the tree may be edited meanwhile. Each is tested in a fork of this process, which
has the libraries loaded, with the same examples every time. Nothing is compiled but for what `optimum` calls.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast  # type: ignore
from cosmic_ray.mutating import mutate_code  # type: ignore
from cosmic_ray.operators.operator import Operator  # type: ignore
from cosmic_ray.plugins import get_operator  # type: ignore

from benchmarks.in_process import QUIET, same_cases

# The tests of each module, the quick ones first; what takes minutes without compilation is left out.
TESTS = {
    "kernel": (
        "tests/test_kernel.py tests/test_outcomes.py tests/test_oracle.py",
        "not (stepped_through or whole_world or every_shipped)",
    ),
    "landscape": (
        "tests/test_landscape.py",
        "not (seventeen or optimum or trace or triangles or proven or multipliers)",
    ),
    "optimum": (
        "tests/test_landscape.py",
        "optimum or trace or triangle or proven or solver or rounded_up or multipliers",
    ),
    "balance": ("tests/test_balance.py", "not settle_where"),
    "scenario": (
        "tests/test_schema.py tests/test_scenario.py tests/test_cases.py",
        "not (evenly or begins_with or differs or off or ten_thousand or command_refuses or odd_value)",
    ),
    "store": ("tests/test_store.py", "not share_waits"),
}
# Conditions are negated by AddNot, so inequalities are but moved at their boundary. What turns arithmetic
# into bits, shifts, powers or remainders is left out: any test notices that, which would flatter the score.
OPERATORS = (
    "NumberReplacer",
    "AddNot", "ReplaceUnaryOperator_Delete_Not", "ReplaceAndWithOr", "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse", "ReplaceFalseWithTrue",
    "ReplaceComparisonOperator_Lt_LtE", "ReplaceComparisonOperator_LtE_Lt",
    "ReplaceComparisonOperator_Gt_GtE", "ReplaceComparisonOperator_GtE_Gt",
    "ReplaceComparisonOperator_Eq_NotEq",
    "ReplaceComparisonOperator_NotEq_Lt", "ReplaceComparisonOperator_NotEq_Gt",
    "ReplaceBinaryOperator_Add_Sub", "ReplaceBinaryOperator_Sub_Add",
    "ReplaceBinaryOperator_Mul_Add", "ReplaceBinaryOperator_Mul_Div",
    "ReplaceBinaryOperator_Div_Mul", "ReplaceBinaryOperator_FloorDiv_Mul",
    "ReplaceUnaryOperator_Delete_USub",
    "ReplaceBreakWithContinue", "ReplaceContinueWithBreak",
)  # fmt: skip
AUGMENTED = {"+=": "-=", "-=": "+=", "*=": "/=", "/=": "*="}
LIBRARIES = (
    "numpy", "numba", "scipy.optimize", "scipy.sparse.csgraph", "scipy.cluster.vq", "scipy.integrate", "networkx",
    "pydantic", "mesa", "hypothesis", "pytest",
)  # fmt: skip
WAITING = 10  # seconds of the clock for each of CPU, for what waits for ever
NOT_COPIED = shutil.ignore_patterns(".*", "__pycache__", "*.sqlite", "results", "build", "dist")


class ReplaceAugmentedAssignment(Operator):  # type: ignore[misc]
    """`+=` for `-=` and so on, which cosmic-ray leaves alone."""

    def mutation_positions(self, node: Any) -> Iterator[tuple[Any, Any]]:
        """Where a node is such an operator."""
        if node.type == "operator" and node.value in AUGMENTED:
            yield node.start_pos, node.end_pos

    def mutate(self, node: Any, index: int) -> Any:
        """The node with the other operator."""
        node.value = AUGMENTED[node.value]
        return node

    @classmethod
    def examples(cls) -> tuple[()]:
        """None."""
        return ()


@dataclass(frozen=True)
class Mutant:
    """A change to one line of a module."""

    line: int
    operator: str
    before: str
    after: str
    code: str  # of the module


@dataclass(frozen=True)
class Score:
    """What became of the mutants of a module."""

    module: str
    tests: str
    of: int  # mutants there are
    tried: int
    killed: int
    out_of_time: int  # among the killed: the tests ran ever on
    seconds: float
    survivors: list[Mutant]

    @property
    def share(self) -> float:
        """Share of the tried that were killed."""
        return self.killed / self.tried

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share (Wilson 1927); the share itself if all were tried."""
        if self.tried == self.of:
            return self.share, self.share
        z, n, p = 1.959964, self.tried, self.share
        centre, half = p + z * z / (2 * n), z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
        return (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)


def mutants_of(code: str) -> Iterator[Mutant]:
    """Every mutant of a module."""
    operators = {name: get_operator(f"core/{name}")() for name in OPERATORS}
    operators["ReplaceAugmentedAssignment"] = ReplaceAugmentedAssignment()
    lines = code.splitlines()
    for name, operator in operators.items():
        nodes = (
            (node, place[0][0]) for node in ast_nodes(get_ast(code)) for place in operator.mutation_positions(node)
        )
        for occurrence, (node, line) in enumerate(nodes):
            if node.parent is not None and node.parent.type == "parameters":
                continue  # the * before what is given by name
            mutated = mutate_code(code, operator, occurrence)
            after = next((b for a, b in zip(lines, mutated.splitlines(), strict=True) if a != b), None)
            if after is not None:
                yield Mutant(line, name, lines[line - 1].strip(), after.strip(), mutated)


def tried(folder: Path, module: str, seconds: float, *, write: bool) -> tuple[int | None, float]:
    """pytest's exit code in a fork, None if it took more seconds of CPU than given; and the seconds it took."""
    child = os.fork()
    if child == 0:
        code = 3
        try:
            signal.setitimer(signal.ITIMER_PROF, seconds)
            signal.setitimer(signal.ITIMER_REAL, WAITING * seconds)
            code = run_tests(folder, module, write=write)
        except BaseException:
            traceback.print_exc()
            raise
        finally:
            sys.stdout.flush()
            os._exit(code)
    _, status, used = os.wait4(child, 0)
    late = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGALRM)
    return None if late else os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime


def run_tests(folder: Path, module: str, *, write: bool) -> int:
    """Run the tests in this process, on the copy in a folder, without a word."""
    import numba
    import pytest

    setattr(numba.config, "DISABLE_JIT", module != "optimum")  # noqa: B010  # which has nothing compiled of its own
    os.chdir(folder)
    del sys.argv[1:]  # a refusal looks there for --json
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = not write
    if not write:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.dup2(2, 1)
    same_cases()
    files, chosen = TESTS[module]
    return int(pytest.main(["-x", *QUIET, *files.split(), "-k", chosen]))


def score(module: str, folder: Path, sample: int | None) -> Score:
    """Try the mutants of a module, all or a sample."""
    path, began = folder / "sim" / f"{module}.py", time.monotonic()
    original = path.read_text(encoding="utf-8")
    code, needed = tried(folder, module, 600, write=True)
    if code != 0:
        raise SystemExit(f"the tests of {module} fail without any change")
    for compiled in (folder / "sim" / "__pycache__").glob(f"{module}.*"):
        compiled.unlink()  # Python would take it for a mutant of the same second and length
    mutants = sorted(mutants_of(original), key=lambda mutant: mutant.line)
    chosen = mutants
    if sample is not None and sample < len(mutants):
        chosen = random.Random(1).sample(mutants, sample)  # noqa: S311
    survivors, out_of_time = [], 0
    for n, mutant in enumerate(chosen, start=1):
        path.write_text(mutant.code, encoding="utf-8")
        code, _ = tried(folder, module, 2 + 2 * needed, write=False)
        out_of_time += code is None
        if code == 0:
            survivors.append(mutant)
            print(f"{module} {n}/{len(chosen)} survived: {told(mutant)}", file=sys.stderr, flush=True)
    path.write_text(original, encoding="utf-8")
    survivors.sort(key=lambda mutant: mutant.line)
    spent = time.monotonic() - began
    killed = len(chosen) - len(survivors)
    return Score(module, command(module), len(mutants), len(chosen), killed, out_of_time, spent, survivors)


def command(module: str) -> str:
    """The tests of a module as they would be typed."""
    files, chosen = TESTS[module]
    return f'{"" if module == "optimum" else "NUMBA_DISABLE_JIT=1 "}python -m pytest -x {files} -k "{chosen}"'


def told(mutant: Mutant) -> str:
    """A mutant on one line."""
    return f"{mutant.line}: {mutant.before}  ->  {mutant.after}"


def record(found: Score) -> dict[str, Any]:
    """What is printed as JSON of a module."""
    survivors = [{k: v for k, v in asdict(mutant).items() if k != "code"} for mutant in found.survivors]
    return {**asdict(found), "score": found.share, "interval": found.interval, "survivors": survivors}


def main() -> None:
    """Score the modules and print what survived, by line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(TESTS)}; all by default")
    parser.add_argument("--sample", type=int, help="mutants to try of each module; all by default")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if unknown := set(given.modules) - set(TESTS):
        parser.error(f"no tests are named for {', '.join(sorted(unknown))}")
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    with tempfile.TemporaryDirectory(prefix="blocs-mutation-") as temporary:
        folder = Path(temporary) / "tree"
        os.environ.update({**threads, "NUMBA_DISABLE_JIT": "1", "NUMBA_CACHE_DIR": temporary})
        shutil.copytree(Path(__file__).parents[1], folder, ignore=NOT_COPIED)
        for library in LIBRARIES:
            importlib.import_module(library)
        gc.freeze()  # else every fork copies all of it when it collects
        scores = [score(module, folder, given.sample) for module in given.modules or TESTS]
    if given.json:
        print(json.dumps([record(found) for found in scores], indent=2))
        return
    for found in scores:
        print(f"{found.module}: {found.tests}")
        print("\n".join(f"  {told(mutant)}" for mutant in found.survivors))
    print("module      mutants  tried  killed  of them out of time  score  95 % interval    seconds")
    for found in scores:
        low, high = found.interval
        print(
            f"{found.module:<11} {found.of:7}  {found.tried:5}  {found.killed:6}  {found.out_of_time:19}"
            f"  {found.share:5.1%}  {low:5.1%} to {high:5.1%}  {found.seconds:7.0f}"
        )


if __name__ == "__main__":
    main()
