"""Mutation testing of a project of one function: every kind of outcome, and what each change is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import mutate

DOUBLE = '''"""A module."""

def larger(x: int, y: int = 3) -> int:
    """Return the larger number, or 3."""
    while x < y:
        x += 1
    return x
'''
TESTS = """from sim.small import larger

def test_larger():
    assert larger(4, 9) == 9
"""
GROUP = '{"small": (["sim/small.py"], ["tests/test_small.py"])}'
RUN = f"import tools.mutate as m; m.GROUPS = {GROUP}; m.main()"


def changes(folder: Path, text: str) -> set[str]:
    """Mutants of a text, as lines with one change."""
    path = folder / "code.py"
    path.write_text(text, encoding="utf-8")
    return {text[: one.begin] + one.after + text[one.end :] for one in mutate.mutants(path)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = a + 1", {"x = (a - 1)", "x = a + (2)"}),
        ("x = a < b", {"x = (a <= b)", "x = (a >= b)"}),
        ("x = not a", {"x = (a)"}),
        ("x = -a", {"x = (a)"}),
        ("x = True", {"x = (False)"}),
        ("f()", {"pass"}),
        ("x = a if b else c", {"x = a if (not b) else c"}),
        ("x: int = f(0.5)", {"x: int = f((1.5))"}),
        ("def f(x: A[1]) -> B[2]: return x", set()),
        ("x = f'{a + 1}'", set()),
        ("if TYPE_CHECKING: import a", set()),
    ],
)
def test_changes_of_a_line(text: str, expected: set[str], tmp_path: Path) -> None:
    assert changes(tmp_path, text) == expected


def test_tests_that_call_the_mutant_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fast ones before slow ones, and files of fewer seconds first; one that noticed mutants comes earlier."""
    here, there = [("a.py", 1, 9)], [("a.py", 7, 9)]
    known = {"b::long": (4.0, here), "b::fast": (0.5, here), "a::fast": (0.6, here), "a::other": (0.1, there)}
    monkeypatch.setattr(mutate.Order, "known", known)
    monkeypatch.setattr(mutate.Order, "kills", mutate.Counter())
    order = mutate.Order(mutate.Mutant("a.py", 5, 0, 1, "", ""), least=1)
    assert sorted(known, key=order.place) == ["a::fast", "b::fast", "b::long", "a::other"]
    mutate.Order.kills["b::long"] = 9
    assert sorted(known, key=order.place) == ["a::fast", "b::long", "b::fast", "a::other"]


@pytest.mark.second
def test_counts_of_a_small_project(tmp_path: Path) -> None:
    """The default of an argument is never used, so its change survives; a step backward never ends, and is killed.

    Two mutants have texts of one length and are written within a second: no bytecode of the first may stand for both.
    """
    for name in mutate.COPIED:
        (tmp_path / name).mkdir() if "." not in name else (tmp_path / name).touch()
    shutil.copy2(mutate.__file__, tmp_path / "tools")
    (tmp_path / "sim/__init__.py").touch()
    (tmp_path / "sim/small.py").write_text(DOUBLE, encoding="utf-8")
    (tmp_path / "tests/test_small.py").write_text(TESTS, encoding="utf-8")
    words = [sys.executable, "-c", RUN, "small", "--workers", "1", "--seconds", "2"]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert "small: 4 of 5 mutants killed, 80 % (95 % interval 38 to 96), of 5 in 1 files" in done.stdout
    assert done.stdout.endswith("  sim/small.py:3: 3  ->  (4)\n")
    assert done.stdout.count("tests/test_small.py::test_larger (") == 3
    assert (tmp_path / "sim/small.py").read_text(encoding="utf-8") == DOUBLE
