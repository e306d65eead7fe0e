"""Whole imports of the invented folders as text; `PYTHONPATH=tests python tests/data/whole_imports.py` renews them.

It writes the expected texts in `tests/cases/imports` again, and prints how they differ from those before.
"""

from __future__ import annotations

import contextlib
import difflib
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

from whole_folders import first_folder, second_folder

from sim.data import import_world
from sim.data.write import world_files

EXPECTED = Path(__file__).parent.parent / "cases" / "imports"
HASH = re.compile(r"SHA-256 [0-9a-f]{64}")


class Case(NamedTuple):
    """An import: the maker of its folder, the day, and the options."""

    folder: Callable[[Path], Path]
    when: int | str
    options: dict[str, Any]


CASES = {
    "1980_coded": Case(first_folder, 1980, {"states": None}),
    "1990_10_02_of_six": Case(first_folder, "1990-10-02", {"states": 6, "leaders": ["USA", "RUS", "CHN"]}),
    "1999_carried_observed": Case(first_folder, 1999, {"states": None, "carry": True, "start": "observed"}),
    "1946_other_forms": Case(second_folder, 1946, {"states": 8}),
    "2014_carried_observed": Case(second_folder, "2014-12-31", {"states": 14, "start": "observed", "carry": True}),
}


def import_text(name: str) -> str:
    """All files of an imported world in one text; a hash depends on every row, so it is left out."""
    case = CASES[name]
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):
        world = import_world(case.when, case.folder(Path("downloads")), **case.options)
        files = world_files(world)
    order = ("ties.csv", "states.csv", "world.toml", "observed.toml", "import_log.csv", "sources.toml")
    return HASH.sub("SHA-256 …", "\n".join(f"=== {name}\n{files[name]}" for name in order if name in files))


def renew() -> None:
    """Write the expected texts, and print how they differ."""
    for name in CASES:
        path, text = EXPECTED / f"{name}.txt", import_text(name)
        before = path.read_text("utf-8") if path.exists() else ""
        lines = difflib.unified_diff(
            before.splitlines(), text.splitlines(), f"{name} before", f"{name} now", "", "", 1, ""
        )
        sys.stdout.writelines(f"{line}\n" for line in lines)
        path.write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    renew()
