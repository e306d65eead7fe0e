"""`blocs run` tells a history: what happened in sentences, and the history in which something happens."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from history_words import TENDENCY, blocs

from sim.cli import cli


def test_history_of_baseline() -> None:
    output = blocs("run", "baseline_2023", "--seed", "7")
    for part in (
        "Two states of 52 change alignment in these ten years: Pakistan and Mexico end in the US-led bloc.",
        "1. By April 2026 (step 10): Mexico joins the US-led bloc.",
        "Why: Its disposition was renewed (a change of government or doctrine, say); the new one favours the move",
        "With its ties, 27 of 100 new dispositions lead there. Most for it: bonds with the US-led bloc and regimes",
        "No state joins or leaves the Anti-US front.",
        "2. By October 2031 (step 32): Pakistan joins the US-led bloc.",
        "More than a third (0.36) of all capability, up from 0.33 at the start.",
        "10 2026-04-25 0.34 0.06 → US-led bloc: Mexico",
        "--where 'CHN enters front'",
    ):
        assert part in output
    counts = re.findall(r"In (\d+) of 100 other histories \w+ joins the US-led bloc at some time", output)
    assert counts == ["5", "3"]
    assert "2024-01-25" not in output  # no state moves then
    assert "2024-01-25" in blocs("run", "baseline_2023", "--seed", "7", "--every-step")


def test_history_without_moves() -> None:
    output = blocs("run", "baseline_2023", "--seed", "7", "--replicate", "1", "--moves")
    assert "No state changes its alignment in these ten years" in output
    assert "Turning points" not in output
    assert "There was none." in output


def test_reasons_of_every_move() -> None:
    output = blocs("run", "baseline_2023", "--seed", "7", "--replicate", "39", "--moves", "--others", "0")
    assert "Every move" in output
    assert len(re.findall(r" following [A-Z].*? counted\s+most\s+for\s+the\s+move, and\s+it\s+followed ", output)) >= 10
    assert "Reaction: India joins the US-led bloc in the same quarter." in output
    assert "a tenth or more for the first time" in output


def test_history_in_rounds() -> None:
    output = blocs("run", "great_powers_1907", "--seed", "7")
    assert "in these 20 steps" in output
    assert "1. In step 1:" in output
    assert "At the end (step 20)" in output


def test_search_for_a_history() -> None:
    words = ("run", "baseline_2023", "--seed", "7", "--search", "60", "--where", "china JOINS the Anti-US front")
    output = blocs(*words)
    assert "China joins the Anti-US front in 3 of 60 replicates with seed 7; this is the first" in output
    record = json.loads(CliRunner().invoke(cli, [*words, "--json"]).stdout)
    assert record["replicate"] == 30
    assert record["where"] == {"condition": words[-1], "replicates": [30, 39, 55], "searched": 60}


def test_search_without_result() -> None:
    words = ("run", "baseline_2023", "--search", "5", "--where", "DEU enters front")
    assert "this happens in none of 5 replicates" in blocs(*words, code=1)
    assert "--search 50" in json.loads(CliRunner().invoke(cli, [*words, "--json"]).stdout)["faults"][0]["message"]


def test_refusals() -> None:
    assert "--replicate does not apply" in blocs("run", "baseline_2023", "--replicate", "1", "--where", "x", code=2)
    assert "--search needs --where" in blocs("run", "baseline_2023", "--search", "1", code=2)
    output = blocs("run", "baseline_2023", "--where", "CHNA enters fron", code=2)
    assert "did you mean 'CHN'" in output
    assert "did you mean 'front'" in output


def test_json_of_a_history() -> None:
    record = json.loads(CliRunner().invoke(cli, ["run", "baseline_2023", "--seed", "7", "--json"]).stdout)
    assert [move["state"] for move in record["moves"]] == ["MEX", "PAK"]
    first = next(point for point in record["turning_points"] if point["kind"] == "move")
    assert first["date"] == "2026-04-25"
    assert first["in_others"][0].items() >= {"state": "MEX", "histories": 5, "of": 100}.items()
    assert 0 <= first["in_others"][0]["low"] < 0.05 < first["in_others"][0]["high"] < 1
    assert record["others"]["histories"] == 100
    assert len(record["turning_points"]) <= 8


def test_tendency_has_no_turning_points(tmp_path: Path) -> None:
    file = tmp_path / "tendency.toml"
    file.write_text(TENDENCY, encoding="utf-8")
    output = blocs("run", str(file))
    assert "not a history" in output
    assert "Turning points" not in output
    assert "2024-01-25" not in output
    refused = blocs("run", str(file), "--where", "CHN enters front", "--moves", code=2)
    assert "'--where': does not apply under the lens of tendency" in refused
    assert "'--moves': does not apply under the lens of tendency" in refused


@pytest.mark.second
def test_interpreted_run_says_how_to_count_elsewhere() -> None:
    words = [sys.executable, "-m", "sim", "run", "great_powers_1907", "--seed", "7"]
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=True)
    assert "of 100 other histories" not in done.stdout
    assert "--others 100" in done.stdout
