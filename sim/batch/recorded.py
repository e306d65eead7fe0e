"""Read what a results folder records: its scenarios, and its finished and failed runs."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import platform
import tokenize
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from sim import __version__
from sim.batch.design import point_labels
from sim.batch.store import Results
from sim.errors import Fault, InputError, display_path, escape_controls
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario

COMPUTING = ("model/*.py", "batch/executor.py", "batch/tables.py")  # the modules that compute rows


def current_versions() -> dict[str, str]:
    """What computed the results: bit for bit is promised only where all of it is the same."""
    packages = ("mesa", "numpy", "numba", "scipy", "duckdb")
    return {
        "blocs": __version__,
        "rules": rules_hash(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        **{package: version(package) for package in packages},
    }


@cache
def rules_hash() -> str:
    """The start of a SHA-256 of the code that computes rows, as this process has it."""
    package = Path(__file__).parents[1]
    files = [path for pattern in COMPUTING for path in sorted(package.glob(pattern))]
    texts = [path.read_text(encoding="utf-8") for path in files]
    return hashlib.sha256("\n".join(map(strip_comments, texts)).encode()).hexdigest()[:12]


def strip_comments(text: str) -> str:
    """A module's text without comments, docstrings and blank lines, which change no result."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node) is not None:
            first, last = node.body[0].lineno, node.body[0].end_lineno or 0
            lines[first - 1 : last] = [""] * (last - first + 1)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    return "\n".join(filter(None, map(str.rstrip, lines)))


@dataclass(frozen=True)
class RunCount:
    """Runs of one design point."""

    design: str
    asked: int
    ended: int
    failed: int

    @property
    def unfinished(self) -> int:
        """Runs that are still to be made."""
        return self.asked - self.ended - self.failed


def recorded_scenarios(results: Results) -> dict[str, Scenario]:
    """The scenarios as they were recorded; raises InputError where this version can't read them."""
    try:
        return {name: Scenario.model_validate(told) for name, told in results.manifest()["scenarios"].items()}
    except ValidationError as error:
        message = f"was recorded by another version of the program: {error.errors()[0]['msg']}"
        raise InputError([Fault(display_path(results.folder), 1, "", message)]) from None


def scenarios_as_run(results: Results, designs: Collection[str]) -> dict[str, Scenario]:
    """The scenario that each of these designs ran, with the settings that the sweep gave it."""
    told = recorded_scenarios(results)
    points = results.manifest()["question"]["points"]
    asked = dict(zip(point_labels(points), points, strict=True))
    chosen = {design: asked[design] for design in designs}
    return {
        design: with_settings(told[point["scenario"]], point["settings"], note="set by the sweep")
        for design, point in chosen.items()
    }


def count_runs(results: Results) -> list[RunCount]:
    """Runs asked, ended and failed, by design point."""
    ended: dict[tuple[int, str], int] = {}
    if "runs" in results.tables():
        with contextlib.closing(results.connection()) as connection:
            rows = connection.execute("select point, status, count(*) from runs group by all").fetchall()
            ended = {(point, status): count for point, status, count in rows}
    asked = results.manifest()["question"]["points"]
    return [
        RunCount(name, point["replicates"], ended.get((n, "ok"), 0), ended.get((n, "failed"), 0))
        for n, (name, point) in enumerate(zip(point_labels(asked), asked, strict=True))
    ]


def list_failures(results: Results, shown: int = 10) -> list[str]:
    """The first failed runs with the last line of their error."""
    if "runs" not in results.tables():
        return []
    query = "select scenario, point, replicate, error from runs where status = 'failed' order by all"
    with contextlib.closing(results.connection()) as connection:
        rows = connection.execute(query).fetchmany(shown)
    return [
        f"{s}, point {p}, replicate {r}: {escape_controls((e.strip().splitlines() or [''])[-1])}" for s, p, r, e in rows
    ]
