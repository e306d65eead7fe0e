"""Predictions of theory beside agents, and the published cases in `blocs landscape`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from sim.cli import cli
from sim.scenario.loading import load_scenario
from sim.theory import predictions

UNIX_ENDS = {
    frozenset({frozenset({"Sun", "Prime", "ATT", "IBM"}), frozenset({"Apollo", "Intergrp", "SGI", "DEC", "HP"})}),
    frozenset({frozenset({"Sun", "Prime", "DEC", "HP"}), frozenset({"Apollo", "Intergrp", "SGI", "ATT", "IBM"})}),
}


def landscape_json(*words: str) -> dict[str, Any]:
    """Run the command with `--json`."""
    done = CliRunner().invoke(cli, ["landscape", *words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def blocs(found: dict[str, Any]) -> frozenset[frozenset[str]]:
    """Return the two blocs as an unordered pair."""
    return frozenset(frozenset(bloc) for bloc in found["blocs"])


def test_unix() -> None:
    """Two minima of −3828.9 with 128 starts each; all runs end in one of them."""
    record = landscape_json("unix_1988")
    assert [(round(m["energy"], 1), m["basin"]) for m in record["minima"]] == [(-3828.9, 128), (-3828.9, 128)]
    assert {blocs(m) for m in record["minima"]} == UNIX_ENDS
    assert record["optimum"]["proven"]
    assert record["runs"]["at_optimum"] == 1
    scenario = load_scenario("unix_1988")
    ends = {
        frozenset(frozenset(s for s, a in zip(scenario.states, run, strict=True) if a == k) for k in (1, 2))
        for run in predictions.final_alignments(scenario, seed=1, replicates=200)
    }
    assert ends == UNIX_ENDS


def test_tribes() -> None:
    record = landscape_json("tribes_gahuku_gama")
    assert record["frustration_index"] == 7
    assert record["frustration_proven"]
    assert record["triads"]["balance"] == pytest.approx(0.8676471, abs=5e-8)


def test_great_powers_of_1907() -> None:
    record = landscape_json("great_powers_1907")
    split = frozenset({frozenset({"GBR", "FRA", "RUS"}), frozenset({"AUH", "DEU", "ITA"})})
    assert record["triads"]["unbalanced"] == 0
    assert all(blocs(one) == split for one in record["predictions"].values())
    assert record["runs"]["at_optimum"] == 1
    assert [blocs(m) for m in record["minima"]] == [split]


def test_europe_1936() -> None:
    record = landscape_json("europe_1936")
    assert [m["basin"] for m in record["minima"]] == [38984, 26552]
    assert set(record["separation"]["states"]) == {"GBR", "FRA", "CSK", "DNK"}


def test_unsigned_network_has_no_frustration_index() -> None:
    assert "frustration_index" not in landscape_json("unix_1988")


def test_article_world_landscape() -> None:
    record = landscape_json("baseline_2023", "--replicates", "20")
    assert record["optimum"]["proven"]
    assert not record["exhaustive"]
    assert record["predictions"].keys() == {
        "landscape minimum", "leading eigenvector", "spectral clustering", "nearest leader",
    }  # fmt: skip
    for one in record["predictions"].values():
        assert 0.5 < one["agreement"] <= 1
        sides = [set(bloc) for bloc in one["blocs"]]
        assert any({"GBR", "JPN"} <= side for side in sides)
        assert any({"PRK", "RUS"} <= side for side in sides)


def test_agreement_by_run() -> None:
    split = np.array([1, 1, 2, 0], dtype=np.int8)
    runs = np.array([[1, 1, 2, 1], [2, 2, 1, 2], [1, 2, 2, 0], [0, 0, 0, 0]])
    share, by_state = predictions.agreement(runs, split)
    assert share == pytest.approx(8 / 9)
    assert by_state[:3].tolist() == pytest.approx([1, 2 / 3, 1])
    assert np.isnan(by_state[3])


def test_affinity_by_hand() -> None:
    scenario = load_scenario("baseline_2023")
    sizes, network = predictions.affinity(scenario)
    at = list(scenario.states)
    value = network[at.index("USA"), at.index("GBR")]
    assert value == pytest.approx(1.8 * 0.9 + 0.25 * 0.8)
    assert network[at.index("USA"), at.index("PRK")] == pytest.approx(-1.6)
    np.testing.assert_array_equal(network, network.T)
    assert sizes[at.index("USA")] == 0.1236


def test_landscape_chart(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["landscape", "unix_1988", "--chart", str(tmp_path / "unix.svg")])
    assert done.exit_code == 0
    drawn = (tmp_path / "unix.svg").read_text(encoding="utf-8")
    assert "energy over ordered pairs" in drawn
    assert "states to move from the optimum" in drawn
