"""The house: packages import in one order, names are public once, and only entry points print."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

import sim

ROOT = Path(sim.__file__).parent
ORDER = (
    "errors", "files", "names", "calendar", "scenario", "data", "model", "batch", "theory", "analysis", "article",
    "forecast", "reporting", "backtesting", "api", "app", "cli",
)  # fmt: skip
FILES = sorted(path for path in ROOT.rglob("*.py") if path.parent != ROOT or not path.stem.startswith("__"))
LONGEST = {"model/rules.py": 600}
MOST_LINES, MOST_FILES = 400, 10


def package(path: Path) -> str:
    """The package of a file, or its name where it lies in none."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> list[tuple[str, int]]:
    """Modules of this project that a file imports, with the line."""
    found = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "sim":
            found += [(f"{node.module}.{alias.name}", node.lineno) for alias in node.names]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_import_order(path: Path) -> None:
    place = ORDER.index(package(path))
    for name, line in imported(path):
        other = name.split(".")[1]
        if other in ORDER:
            assert ORDER.index(other) <= place, (
                f"{path.name}:{line} imports {name}, and {other} comes after {ORDER[place]}"
            )


def test_no_circle_of_imports() -> None:
    modules = {".".join(("sim", *path.relative_to(ROOT).with_suffix("").parts)): path for path in FILES}
    needs = {
        name: {n for n, _ in imported(path) if n in modules}
        | {n.rpartition(".")[0] for n, _ in imported(path)} & modules.keys()
        for name, path in modules.items()
    }
    left = dict(needs)
    while free := [name for name, others in left.items() if not others & left.keys() - {name}]:
        for name in free:
            del left[name]
    assert not left, f"these modules import one another: {sorted(left)}"


def test_folder_and_file_sizes() -> None:
    for folder in {path.parent for path in FILES} - {ROOT}:
        files = [path for path in folder.glob("*.py") if path.stem != "__init__"]
        assert len(files) <= MOST_FILES, f"{folder.name} has {len(files)} files"
    for path in FILES:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        most = LONGEST.get(str(path.relative_to(ROOT)), MOST_LINES)
        assert lines <= most, f"{path.relative_to(ROOT)} has {lines} lines"


def test_public_names_once() -> None:
    places = defaultdict(list)
    for path in FILES:
        for node in parsed(path).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                places[node.name].append(str(path.relative_to(ROOT)))
    api = {name for name, files in places.items() if any(file.startswith("api/") for file in files)}  # as the commands
    twice = {
        name: files
        for name, files in places.items()
        if len(files) > 1 and not (name in api and all(f.startswith(("api/", "cli/commands")) for f in files))
    }
    assert not twice, twice


SCIENCE = sorted(
    [
        *(ROOT / "theory").glob("*.py"),
        *(ROOT / "model" / f"{name}.py" for name in ("rules", "outcomes", "numerics/streams")),
    ]
)


@pytest.mark.parametrize("path", SCIENCE, ids=lambda path: path.stem)
def test_science_without_disk_or_printing(path: Path) -> None:
    tree = parsed(path)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    modules = {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)} | {
        alias.name for n in ast.walk(tree) if isinstance(n, ast.Import) for alias in n.names
    }
    assert not names & {"open", "print", "Path", "input"}
    assert not {m for m in modules if m.split(".")[0] in ("mesa", "pandas", "duckdb", "pathlib", "os", "rich")}


def test_mesa_in_one_module() -> None:
    importing = [path for path in FILES if re.search(r"^\s*(import|from) mesa", path.read_text(encoding="utf-8"), re.M)]
    assert [str(path.relative_to(ROOT)) for path in importing] == ["model/agents.py"]


def test_printing_in_entry_points_only() -> None:
    for path in FILES:
        if package(path) not in ("app", "cli"):
            names = {
                n.func.id for n in ast.walk(parsed(path)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
            }
            assert "print" not in names, path.name
            assert "sys.exit" not in path.read_text(encoding="utf-8"), path.name


def test_files_written_in_one_place() -> None:
    """What writes under a name that exists could follow a link; mode `x` cannot, and an upload has its own folder."""
    writing = re.compile(r"""\.write_(text|bytes)\(|open\([^)]*["'][wa]b?\+?["']""")
    places = {path.relative_to(ROOT).as_posix() for path in FILES if writing.search(path.read_text(encoding="utf-8"))}
    assert places == {"app/uploads.py"}


def test_broad_except_in_one_place() -> None:
    places = [
        (path.name, n)
        for path in FILES
        for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if re.search(r"except (Base)?Exception\b|except:", line)
    ]
    assert [name for name, _ in places] == ["executor.py"], places


def loads_nothing_heavy(code: str, heavy: set[str]) -> None:
    """Assert that a fresh interpreter that runs the code has loaded none of these modules."""
    text = f"import sys\n{code}\nheavy = {heavy!r} & sys.modules.keys()\nassert not heavy, heavy"
    subprocess.run([sys.executable, "-c", text], check=True, capture_output=True)


def test_light_help() -> None:
    code = "sys.argv = ['blocs', '--help']\nfrom sim.cli import main\ntry: main()\nexcept SystemExit: pass"
    loads_nothing_heavy(code, {"mesa", "pandas", "numba", "scipy", "matplotlib", "duckdb", "pydantic", "dask"})


def test_light_packages() -> None:
    packages = ", ".join(f"sim.{path.name}" for path in sorted(ROOT.iterdir()) if (path / "__init__.py").exists())
    loads_nothing_heavy(
        f"import sim, {packages}", {"mesa", "pandas", "numba", "scipy", "matplotlib", "duckdb", "dask", "streamlit"}
    )


def test_light_sweep() -> None:
    loads_nothing_heavy(
        "import sim.batch.sweep, sim.model.compiled", {"mesa", "pandas", "scipy.stats", "matplotlib", "dask"}
    )
