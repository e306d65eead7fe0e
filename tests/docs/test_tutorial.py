"""The tutorial works: every command, in its order, in one folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.follow import ROOT, blocks, follow_here

TUTORIAL, YEARS = ROOT / "docs" / "tutorial.md", ROOT / "docs" / "lesson_years.md"


@pytest.mark.second
@pytest.mark.usefixtures("undrawn")
def test_commands_of_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first two set up the environment of these tests; the others run here."""
    monkeypatch.chdir(tmp_path)
    six = blocks(TUTORIAL)[0][1].splitlines()
    assert len(six) <= 6
    assert six[0] in (ROOT / "README.md").read_text(encoding="utf-8")
    assert six[1] == "source .venv/bin/activate"
    outputs = follow_here(TUTORIAL, tmp_path)
    assert len(outputs) >= 24
    assert "Against baseline_2023" in outputs[3]
    assert "my_idea" in outputs[3]
    assert (tmp_path / "my_question.html").stat().st_size > 10_000


@pytest.mark.second
def test_commands_of_lesson_on_years(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(follow_here(YEARS, tmp_path)) >= 10


@pytest.mark.parametrize("page", [TUTORIAL, YEARS], ids=lambda page: page.stem)
def test_numbers_of_exercises(page: Path) -> None:
    numbers = [int(n) for n in re.findall(r"\*\*Exercise (\d+)\.\*\*", page.read_text(encoding="utf-8"))]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 7
