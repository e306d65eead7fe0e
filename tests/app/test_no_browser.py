"""Tests without an installed browser are skipped, or fail on request."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import MISSING, NAMES, NEEDED, executable


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Return a path without a browser, on a machine without any."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(NEEDED, raising=False)
    return str(tmp_path / "chrome")


def test_missing_browser_skips(absent: str) -> None:
    with pytest.raises(pytest.skip.Exception, match=f"^{MISSING}$"):
        executable(absent)


def test_missing_browser_fails_where_needed(absent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NEEDED, "1")
    with pytest.raises(pytest.fail.Exception, match=MISSING):
        executable(absent)


@pytest.mark.parametrize("name", [*NAMES, "own"])
def test_browser_by_any_name(name: str, absent: str, tmp_path: Path) -> None:
    program = tmp_path / name
    program.touch(mode=0o755)
    assert executable(str(program) if name == "own" else absent) == str(program)


def test_browser_line_in_readme() -> None:
    assert MISSING.partition(": ")[2] in (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
