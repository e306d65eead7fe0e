"""What the tutorial says that a reader should have found: the same commands, with all runs, show it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

import sim
from sim.cli import cli
from tests.docs.follow import ROOT, blocks

TUTORIAL = ROOT / "docs" / "tutorial.md"
MIDLAND = """
title = "Sanctions on Midland"
question = "Is Midland in the western bloc less often?"
source = "assumed"
note = "an exercise"
extends = "my_world"
role = "lever"
[[shocks]]
kind = "sanction"
step = 5
sender = "WST"
target = "MID"
value = 0.8
regime = "west"
source = "assumed"
note = "an exercise"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A reader's folder, with the scenario of lesson 2."""
    monkeypatch.chdir(tmp_path)
    text = next(text for language, text in blocks(TUTORIAL) if language == "toml")
    (tmp_path / "no_hedging.toml").write_text(text, encoding="utf-8")
    return tmp_path


def blocs(*words: str, code: int = 0) -> str:
    """Run a command; return what it prints."""
    done = CliRunner().invoke(cli, words, env={"COLUMNS": "300"})
    assert done.exit_code == code, (words, done.output, done.exception)
    return done.output


def compared(folder: str, *options: str) -> dict[str, Any]:
    """Sweep and compare as lesson 2 does."""
    blocs("sweep", "baseline_2023", "no_hedging.toml", "no_sanctions", *options, "--out", folder)
    found: dict[str, Any] = json.loads(blocs("compare", folder, "--json"))
    return found


def chance_row(found: dict[str, Any], scenario: str, state: str, alignment: str) -> pd.Series:
    """The change of the chance of an alignment at the last date."""
    rows = pd.DataFrame(found["dated"]["states"]).set_index(["event", "scenario", "state", "alignment"])
    row: pd.Series = rows.loc[("at", scenario, state, alignment)]
    return row


def size_row(found: dict[str, Any], scenario: str) -> pd.Series:
    """The change of the capability of the front."""
    rows = pd.DataFrame(found["outcomes"]).set_index(["scenario", "outcome"])
    row: pd.Series = rows.loc[(scenario, "capability_front")]
    return row


def moved(**options: Any) -> list[tuple[str, str, str]]:
    """Each move of the baseline: state, alignment entered, and cause."""
    moves = sim.run("baseline_2023", **options).moves
    return list(moves[["state", "to_alignment", "cause"]].itertuples(index=False, name=None))


def test_each_exercise_says_what_is_found() -> None:
    parts = re.split(r"\*\*Exercise \d+\.\*\*", TUTORIAL.read_text(encoding="utf-8"))[1:]
    assert [part.count("*You should have found:*") for part in parts] == [1] * len(parts)


def test_moves_of_seeds_7_and_8() -> None:
    """Exercises 1 and 4."""
    assert sorted(moved(seed=7)) == [("MEX", "us_led", "renewal"), ("PAK", "us_led", "renewal")]
    assert moved(seed=8) == [("MEX", "us_led", "renewal")]
    without = sim.run(sim.load("baseline_2023", without="hedging"), seed=7).moves
    assert dict(zip(without["state"], without["to_alignment"], strict=True)) == {
        "MEX": "us_led", "PAK": "us_led", "MLI": "front",
    }  # fmt: skip


@pytest.mark.second
def test_china_follows_iran() -> None:
    """Exercise 2."""
    shown = blocs("run", "baseline_2023", "--where", "CHN enters front", "--moves")
    assert re.search(r"China joins the Anti-US front in \d+ of 1,000 replicates", shown)
    assert re.search(r"1\. By \w+ 2027 \(step 15\): Iran joins the Anti-US front", shown)
    assert re.search(r"Followed by: China, .* by October 2027", shown)
    assert "it followed Iran" in next(line for line in shown.splitlines() if "China joins the Anti-US front  " in line)
    assert "2. By" not in shown  # China has no turning point of its own


@pytest.mark.second
def test_iran_year_by_year() -> None:
    """Exercise 3."""
    blocs("sweep", "baseline_2023", "--replicates", "200", "--out", "results/baseline")
    queries = re.findall(r'blocs query results/baseline "(.*)"', TUTORIAL.read_text(encoding="utf-8"))
    chances, movers = (json.loads(blocs("query", "results/baseline", query, "--json")) for query in queries)
    yearly = pd.DataFrame(chances)["iran"].diff().dropna()
    assert yearly.between(0, 0.03).all()
    assert {row["state"] for row in movers[:2]} == {"SYR", "BLR"}
    beside = re.findall(r"\b([A-Z]{3}) ([+-]\d\.\d{3})", blocs("explain", "baseline_2023", "IRN").split("utility  ")[0])
    assert max(beside, key=lambda one: abs(float(one[1])))[0] == "RUS"


@pytest.mark.second
def test_hedging_and_sanctions() -> None:
    """Exercises 5 and 6."""
    found = compared("results/hedging", "--replicates", "200")
    india = chance_row(found, "no_hedging", "IND", "us_led")
    assert india["clear"]
    assert 0.3 < 1 - india["direct"] / india["difference"] < 0.7
    for state, bloc in (("BLR", "front"), ("SYR", "front"), ("TWN", "us_led")):
        row = chance_row(found, "no_sanctions", state, bloc)
        assert row["clear"]
        assert row["difference"] < 0
        assert abs(row["direct"]) > abs(row["difference"] - row["direct"])
    few = compared("results/few", "--replicates", "20")
    for scenario in ("no_hedging", "no_sanctions"):
        wide, usual = (size_row(one, scenario) for one in (few, found))
        assert wide["high"] - wide["low"] > 5 * (usual["high"] - usual["low"])
    assert sum(row["clear"] for row in few["outcomes"]) < sum(row["clear"] for row in found["outcomes"])
    alike = compared("results/alike", "--replicates", "200", "--set", "w_likeness=0.1")
    for state, bloc in (("BLR", "front"), ("SYR", "front"), ("TWN", "us_led"), ("SWE", "us_led")):
        row = chance_row(alike, "no_sanctions", state, bloc)
        assert row["clear"]
        assert row["difference"] < 0
    india = chance_row(alike, "no_hedging", "IND", "us_led")
    assert india["difference"] > 0
    assert not india["clear"]


def test_fault_of_a_shock(folder: Path) -> None:
    """Exercise 7."""
    blocs("new", "scenario", "my_question")
    file = folder / "my_question.toml"
    file.write_text(file.read_text(encoding="utf-8").replace('a = "RUS"', 'a = "PKR"'), encoding="utf-8")
    said = blocs("check", "my_question.toml", code=2)
    assert re.search(r"my_question\.toml:\d+: shocks\[0\]\.a: unknown state 'PKR' \(did you mean '\w+'\?\)", said)


@pytest.mark.second
def test_worlds_of_lesson_3(folder: Path) -> None:
    """Exercises 9 and 10."""
    blocs("new", "world", "my_world")
    query = "select avg(share_east) as east, avg(share_west) as west from states where state = 'NOR'"
    shares = []
    ties = folder / "worlds" / "my_world" / "ties.csv"
    for line, out in (("", "as_written"), ("EST,NOR,bond,0.4,,assumed,an old friendship\n", "without")):
        ties.write_text(
            ties.read_text(encoding="utf-8").replace(line, "") if line else ties.read_text(encoding="utf-8")
        )
        blocs("sweep", "my_world.toml", "--replicates", "100", "--out", f"results/{out}")
        shares += json.loads(blocs("query", f"results/{out}", query, "--json"))
    assert shares[1]["east"] < shares[0]["east"]
    assert shares[1]["west"] > shares[0]["west"]
    with (ties.parent / "states.csv").open("a", encoding="utf-8") as states:
        states.write("MID,Midland,north,12,assumed,90,assumed,non_aligned,assumed,between the two\n")
    with ties.open("a", encoding="utf-8") as more:
        more.write("EST,MID,bond,0.2,,assumed,a friendship\nWST,MID,bond,0.3,,assumed,arms\n")
    (folder / "my_sanctions.toml").write_text(MIDLAND, encoding="utf-8")
    commands = next(text for language, text in blocks(TUTORIAL) if language == "text").splitlines()
    assert len(commands) == 4
    outputs = [blocs(*line.split()[1:]) for line in commands]
    assert re.search(r"P\(Western bloc\): MID -0", outputs[2])
    assert re.search(r"hostility\s+-0\.\d+", outputs[3])
    assert re.search(r"balance\s+0\.\d+\s.*WST \+0", outputs[3])
