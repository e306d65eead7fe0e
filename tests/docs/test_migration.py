"""The page for users of 0.1: what it names in 0.2 exists, and what it says is former works and says so."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import shutil
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import sim
from sim.cli import cli

ROUNDS = Path(__file__).parents[1] / "rounds"
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


def output_of(*words: str) -> dict[str, Any]:
    """The record that a command prints with --json."""
    done = CliRunner().invoke(cli, [*words, "--json"])
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


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


IN_THE_FRONT = [  # of the baseline of release 0.1 with seed 7, after 40 rounds
    "ARE", "ARG", "BLR", "BRA", "CHN", "CUB", "DZA", "EGY", "ERI", "IRN", "KAZ", "MMR", "NIC", "PAK", "PRK", "RUS",
    "SAU", "SRB", "SYR", "VEN", "ZAF",
]  # fmt: skip


def test_parameters_of_the_page_give_the_runs_of_release_0_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block = PAGE.split("```toml\n", 1)[1].split("```", 1)[0]
    folder = tmp_path / "worlds" / "article_2023"
    shutil.copytree(ROUNDS / "worlds" / "article_2023", folder)
    text = (folder / "world.toml").read_text("utf-8")
    own = tomllib.loads(text)["parameters"]
    assert {name: one["value"] for name, one in own.items()} == tomllib.loads(block)["parameters"]
    as_coded = re.sub(r"(?m)^\[parameters\]\n(?:\w+ = .*\n)+", "", text)
    for name in ("baseline_2023.toml", "sources.toml"):
        shutil.copy(ROUNDS / name, tmp_path)
    monkeypatch.setenv("BLOCS_SCENARIOS", str(tmp_path))
    for added, same in (("", False), (f"\n{block}", True)):
        (folder / "world.toml").write_text(as_coded + added, "utf-8")
        last = sim.run(str(tmp_path / "baseline_2023.toml"), seed=7).alignments.iloc[-1]
        assert (sorted(last.index[last == "front"]) == IN_THE_FRONT) is same


def test_new_python_names_exist() -> None:
    assert sim.History is not None
    with pytest.warns(DeprecationWarning, match="History"):
        assert sim.Trajectory is sim.History
    charts = importlib.import_module("sim.reporting.charts")
    table = PAGE.split("Functions of the charts:\n", 1)[1].split("\n## ", 1)[0].split("| --- | --- |", 1)[1]
    drawn = re.findall(r"`((?:draw|new|save)_\w+)`", table)
    assert len(drawn) == 15
    assert [name for name in drawn if not callable(getattr(charts, name))] == []
    assert callable(pkgutil.resolve_name(re.findall(r"`(sim\.\w+\.\w+\.\w+)`", table)[0]))


@pytest.mark.second
def test_keys_of_the_outputs_are_those_of_the_page() -> None:
    """Of `run --json` and, where the world has dates, of `explain --json`."""
    told = "".join("|".join(row) for row in rows("JSON"))
    once = output_of("run", "unix_1988", "--steps", "2", "--others", "0")
    assert {"steps", "states", "late_shares"} <= once.keys() & set(re.findall(r"`(\w+)`", told))
    assert once["late_shares"][0].keys() >= {"state", "share_non_aligned"}
    answer = output_of("explain", "baseline_2023", "IRN", "--flip")
    assert {"structural", "by_date"} <= answer.keys() & set(re.findall(r"`(\w+)`", told))
    assert {"direct", "rule"} <= answer["flip"].keys()
    assert "chances_without_disposition" in output_of("explain", "baseline_2023", "IRN", "--step", "2")
