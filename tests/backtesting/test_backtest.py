"""A backtest as a whole, on invented worlds: its record, its picture, and what renewal a made panel shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from invented_years import write_invented_world

import sim
from sim.backtesting import renewal
from sim.backtesting.worlds import load_years
from sim.cli import cli
from sim.reporting.records import to_json_text

SMALL = ("--replicates", "2", "--histories", "8")


def run_backtest(*words: str) -> str:
    """Output of the command."""
    found = CliRunner().invoke(cli, ["backtest", *words])
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.fixture(scope="module")
def record(invented: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Record of the backtest of all invented worlds, and its folder."""
    out = tmp_path_factory.mktemp("out")
    text = run_backtest(str(invented), *SMALL, "--out", str(out))
    found: dict[str, Any] = json.loads((out / "backtest.json").read_text())
    return {**found, "text": text, "picture": (out / "backtest.png").read_bytes()}


def test_three_forecasts_are_kept_apart(record: dict[str, Any]) -> None:
    for name in ("structural chances", "coded start", "observed start", "observed start, as points"):
        assert name in record["level"]
        assert f"{name.split(',')[0]}, fitted" in record["level"]
        score = record["level"][name]["5"]
        assert -1 <= score["low"] <= score["value"] <= score["high"] <= 1
        assert score["n"] == 48
    assert record["level"]["last ideal points"]["5"]["value"] > 0.8
    assert record["change"]["last ideal points"]["value"] is None
    assert record["fits"]["1950"] is None


def test_moves_and_renewal(record: dict[str, Any]) -> None:
    (coded,) = record["moves"]["coded"]
    assert (coded["horizon"], coded["moves"], coded["n"]) == (5, 1, 40)
    assert [one["horizon"] for one in record["moves"]["votes"]] == [1, 2, 3, 4, 5]
    assert record["renewal"]["states"] == 8
    assert max(record["renewal"]["log_likelihood"]) == 0
    assert record["renewal"]["low"] <= record["renewal"]["best"] <= record["renewal"]["high"]


def test_tables_and_picture(record: dict[str, Any]) -> None:
    assert record["text"].startswith("6 worlds, 1950 to 1975; 8 histories from each start")
    assert "Renewal by the likelihood of observed alignments" in record["text"]
    assert record["picture"].startswith(b"\x89PNG")


@pytest.mark.second
def test_same_seed_same_record(invented: Path) -> None:
    one, other = (run_backtest(str(invented), *SMALL, "--years", "1950:1955:5", "--json") for _ in range(2))
    assert one == other
    assert json.loads(one)["years"] == [1950, 1955]
    found = sim.backtest(invented, [1950, 1955], replicates=2, histories=8)
    assert to_json_text(found.record) == one.rstrip("\n")
    assert found.table["forecast"].tolist() == list(found.record["level"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--years", "1950:1940"), "Invalid value for '--years': '1950:1940' is not years as FIRST:LAST:STEP"),
        (("--years", "1950,1951"), "has no world of 1951; import"),
        (("--from", "."), "Invalid value for '--years': is needed to import worlds"),
        (("--from", "missing", "--years", "1949"), "missing"),
    ],
)
def test_refusals(invented: Path, words: tuple[str, ...], message: str) -> None:
    found = CliRunner().invoke(cli, ["backtest", str(invented), *SMALL, *words])
    assert found.exit_code == 2
    assert message in found.stderr
    assert "Traceback" not in found.stderr


def test_world_without_record_is_named_and_left_out(tmp_path: Path) -> None:
    for year in (1950, 1955):
        write_invented_world(tmp_path, year)
    words = ["backtest", str(tmp_path), *SMALL]
    (tmp_path / "w1950" / "observed.toml").unlink()
    found = CliRunner().invoke(cli, [*words, "--years", "1950:1955:5"])
    assert found.exit_code == 0, found.output
    assert found.stdout.startswith("1 worlds, 1955 to 1955")
    assert "w1950/world.toml:1: warning: observed.toml: is missing" in found.stderr
    (tmp_path / "w1955" / "observed.toml").unlink()
    found = CliRunner().invoke(cli, words)
    assert found.exit_code == 2
    assert found.stderr.count("observed.toml: is missing") == 2


def test_panels_and_readings(invented: Path) -> None:
    years = load_years(invented)
    panels = {panel.state: panel for panel in renewal.list_panels(years)}
    assert sorted(panels) == ["BBB", "CCC", "DDD", "FFF", "GGG", "HHH", "III", "JJJ"], "leaders never decide"
    assert renewal.count_changes(panels["GGG"].seen) == 1
    assert renewal.count_changes(np.array([0, renewal.UNSEEN, 0, 1])) == 1
    assert len(renewal.thin(years * 6)) <= renewal.MOST_YEARS
