"""The page for users of 0.1: what it names in 0.2 exists, and what it says is former works and says so."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

import sim
from sim.cli import cli

PAGE = (Path(__file__).parents[2] / "docs" / "migration.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """Cells of the table below a heading, without its head."""
    part = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in found[2:]]


def options() -> set[str]:
    """Every option of every command."""
    found = set()
    waiting: list[click.Command] = [cli]
    while waiting:
        command = waiting.pop()
        found |= {spelling for param in command.params for spelling in (*param.opts, *param.secondary_opts)}
        waiting += command.commands.values() if isinstance(command, click.Group) else []
    return found


def test_new_options_exist() -> None:
    known = options()
    named = [name for row in rows("Options") for name in re.findall(r"--[a-z-]+", row[1])]
    assert len(named) >= 6
    assert set(named) <= known


def test_new_tables_are_stored_or_views(tmp_path: Path) -> None:
    results = sim.sweep("unix_1988", replicates=2, keep="steps", out=tmp_path / "made")
    named = {name for row in rows("Results") for name in re.findall(r"`([a-z]+)`", row[0] or row[1].split(":")[0])}
    assert {"runs", "points", "states", "steps"} <= named
    for name in (named | {"moves", "alignments"}) - {"trajectory", "dates"}:  # dates need a calendar
        assert len(results.query(f"describe {name}")) > 2 - (name == "points")


def test_new_python_names_exist() -> None:
    assert sim.History is not None
    with pytest.warns(DeprecationWarning, match="History"):
        assert sim.Trajectory is sim.History
    for name in ("new_figure", "draw_differences"):
        assert name in PAGE
        assert callable(getattr(__import__("sim.reporting.charts", fromlist=[name]), name))
