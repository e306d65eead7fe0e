"""The tutorial works: every command, in its order, in one folder."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from sim.cli import cli

ROOT = Path(__file__).parents[2]
TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
YEARS = (ROOT / "docs" / "lesson_years.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(sh|toml)\n(.*?)```", TUTORIAL, re.S)
SIX = BLOCKS[0][1].splitlines()


def follow(line: str) -> str:
    """Run a line of the tutorial, with few runs; its output."""
    words = shlex.split(re.sub(r"--replicates \d+", "--replicates 4", line))
    assert words[0] == "blocs", line
    done = CliRunner().invoke(cli, words[1:])
    assert done.exit_code == 0, (line, done.output, done.exception)
    return done.stdout


def test_six_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first two set up the environment of these tests; the others run here."""
    monkeypatch.chdir(tmp_path)
    assert len(SIX) <= 6
    assert SIX[0] in (ROOT / "README.md").read_text(encoding="utf-8")
    assert SIX[1] == "source .venv/bin/activate"
    outputs = [follow(line) for line in SIX[2:]]
    assert "Against baseline_2023" in outputs[-1]
    assert "my_idea" in outputs[-1]


@pytest.mark.usefixtures("undrawn")
def test_commands_of_lessons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    followed = 0
    for kind, text in BLOCKS[1:]:
        if kind == "toml":
            name = re.match(r"# (\w+\.toml)\n", text)
            assert name, text
            (tmp_path / name[1]).write_text(text, encoding="utf-8")
            continue
        for line in text.splitlines():
            assert follow(line).strip(), line
            followed += 1
    assert followed >= 20
    assert (tmp_path / "my_question.html").stat().st_size > 10_000


def test_commands_of_lesson_on_years(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [line for text in re.findall(r"```sh\n(.*?)```", YEARS, re.S) for line in text.splitlines()]
    assert len(lines) >= 10
    for line in lines:
        assert follow(line).strip(), line


@pytest.mark.parametrize("page", [TUTORIAL, YEARS])
def test_numbers_of_exercises(page: str) -> None:
    numbers = [int(n) for n in re.findall(r"\*\*Exercise (\d+)\.\*\*", page)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 7
