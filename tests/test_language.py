"""Plain English: words that no text of the project uses."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import sim
from sim.cli import cli

SIM = Path(sim.__file__).parent
ROOT = SIM.parent
BANNED = re.compile(
    r"\b(told|whom|of which|stands? in|stands?|stood|nobody|anew|is no|are no|what it holds"
    r"|made again|makes? again|luck|doors?|rooms?)\b"
    r"|\balone\b(?! run)",
    re.IGNORECASE,
)
FREE = ("app",)  # the wording of the app


def python_texts(path: Path) -> Iterator[tuple[int, str]]:
    """Comments and text constants of a file, with their lines."""
    text = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SOURCES = [path for path in sorted(SIM.rglob("*.py")) if path.relative_to(SIM).parts[0] not in FREE]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_page_words(path: Path) -> None:
    found = [
        f"{n}: {m[0]}" for n, line in enumerate(path.read_text("utf-8").splitlines(), 1) for m in BANNED.finditer(line)
    ]
    assert not found, found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(SIM)))
def test_source_words(path: Path) -> None:
    found = [f"{line}: {m[0]}" for line, text in python_texts(path) for m in BANNED.finditer(text)]
    assert not found, found


@pytest.mark.parametrize("path", sorted((SIM / "reporting" / "templates").glob("*.jinja")), ids=lambda path: path.stem)
def test_report_words(path: Path) -> None:
    found = [m[0] for m in BANNED.finditer(path.read_text("utf-8"))]
    assert not found, found


def commands() -> dict[str, click.Command]:
    """Every command by its name."""
    return dict(cli.commands)


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_help_words(name: str) -> None:
    command = cli.commands[name]
    text = command.get_help(click.Context(command, info_name=name))
    assert not BANNED.findall(text), text
