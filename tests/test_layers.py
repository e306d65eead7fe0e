"""Imports point down the table of the design, and only doors print or exit."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import sim

ROOT = Path(sim.__file__).parent
LAYERS = (
    {"api", "app", "cli"},
    {
        "analyses", "calibrate", "chances", "charts", "claims", "compare", "demonstration", "draws", "estimates",
        "explain", "figures", "flips", "forecasts", "intervals", "late", "levers", "likelihood", "maps", "posterior",
        "provenance", "ranges", "regret", "replay", "report", "score", "scorecard", "sensitivity", "verdicts",
    },
    {"chunks", "cluster", "crate", "design", "engines", "store", "sweep"},
    {"ensemble", "model", "placebo", "predictions", "sureness", "trajectory"},
    {"world"},
    {
        "averaging", "balance", "compiled", "exponential", "kernel", "landscape", "optimum", "outcomes", "rounding",
        "wide",
    },
    {
        "catalog", "drafts", "faults", "observed", "parameters", "records", "references", "sanctions", "scenario",
        "schema", "settings", "sources", "spreadsheet", "idle", "tables", "given", "names", "naming", "mechanisms",
    },
)  # fmt: skip
ALLOWED = {("world", "kernel")}
LEVEL = {room: n for n, rooms in enumerate(LAYERS) for room in rooms}


def imports(path: Path) -> list[tuple[str, int]]:
    """Rooms that a file imports, with the line."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "sim":
                found += [(alias.name, node.lineno) for alias in node.names]
            elif node.module.startswith("sim."):
                found.append((node.module.split(".")[1], node.lineno))
    return [(name, line) for name, line in found if name in LEVEL]


FILES = sorted(path for path in ROOT.rglob("*.py") if path.parent != ROOT or not path.stem.startswith("__"))


def room(path: Path) -> str:
    """The room that a file belongs to: its name, or the folder it lies in."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_down(path: Path) -> None:
    assert room(path) in LEVEL, f"{room(path)} has no layer"
    for other, line in imports(path):
        assert LEVEL[other] >= LEVEL[room(path)], f"{path.name}:{line} imports {other}, which lies above it"


SCIENCE = {"landscape", "optimum", "balance", "outcomes", "kernel"}
FORBIDDEN = re.compile(r"\b(open|print|Path|mesa|pandas|duckdb)\b\(?")


@pytest.mark.parametrize("room", sorted(SCIENCE))
def test_the_science_knows_no_disk_no_mesa_and_prints_nothing(room: str) -> None:
    tree = ast.parse((ROOT / f"{room}.py").read_text(encoding="utf-8"))
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    modules = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)} | {
        a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names
    }
    assert not names & {"open", "print", "Path", "input"}
    assert not {m for m in modules if m and m.split(".")[0] in ("mesa", "pandas", "duckdb", "pathlib", "os", "rich")}


def test_mesa_is_imported_by_the_model_alone() -> None:
    importers = {room(p) for p in FILES if re.search(r"^\s*(import|from) mesa", p.read_text(encoding="utf-8"), re.M)}
    assert importers == {"model"}


def test_only_doors_print_and_exit() -> None:
    for path in FILES:
        if LEVEL[room(path)] > 0:
            text = path.read_text(encoding="utf-8")
            assert "print(" not in text.replace("fingerprint(", ""), path.name
            assert "sys.exit" not in text, path.name


def test_help_is_quick_for_what_it_does_not_import() -> None:
    code = (
        "import sys; sys.argv = ['blocs', '--help']\nfrom sim.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "heavy = {'mesa', 'pandas', 'numba', 'scipy', 'matplotlib', 'duckdb', 'pydantic', 'dask'}\n"
        "heavy &= sys.modules.keys()\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_sweep_of_compiled_runs_imports_neither_mesa_nor_pandas() -> None:
    code = (
        "import sys, sim.sweep, sim.ensemble\n"
        "heavy = {'mesa', 'pandas', 'scipy.stats', 'matplotlib', 'dask'} & sys.modules.keys()\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_broad_except_stands_in_one_place() -> None:
    places = [
        (path.name, n)
        for path in FILES
        for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(r"except (Base)?Exception\b|except:", line)
    ]
    assert len(places) == 1, places
    assert places[0][0] == "engines.py"
