"""The article's world in quarters: what it shares with `article_2023`, and the double coding of what it does not."""

from __future__ import annotations

import csv
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from sim.model.compiled import iterate_runs
from sim.model.world import world_of
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario

QC = Path(__file__).parents[1] / "qc" / "quarters"

ALLIES = ("CAN", "DEU", "ESP", "FIN", "FRA", "GBR", "HUN", "ITA", "NLD", "POL", "TUR", "KOR", "JPN", "AUS", "ISR")

quarters = cache(lambda: load_scenario("article_2023_quarters"))


def table(name: str) -> list[dict[str, str]]:
    """Read a table of the second coding."""
    with (QC / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def settled(kind: str) -> dict[tuple[str, str], dict[str, str]]:
    """Final values of what the coders differ in, by the two states or the one state."""
    return {(row["a"], row["b"]): row for row in table("settled.csv") if row["kind"] == kind}


def test_all_else_is_that_of_the_article() -> None:
    def common(scenario: Scenario) -> object:
        states = {
            id: (one.name, one.theatre, one.capability.value, one.gdp.value) for id, one in scenario.states.items()
        }
        ties = [(t.kind, t.a, t.b, t.value, t.regime, t.since) for t in scenario.ties if t.kind != "bond"]
        return states, ties, scenario.blocs, scenario.institutions, scenario.theatres

    assert common(quarters()) == common(load_scenario("article_2023"))


@pytest.mark.parametrize(("kind", "default"), [("initial", ""), ("autonomy", "1")])
def test_double_coding_of_states(kind: str, default: str) -> None:
    """Two coders worked independently; each difference has a final value with a reason."""
    states = quarters().states
    kept = {id: one.initial if kind == "initial" else f"{one.autonomy.value:g}" for id, one in states.items()}
    second = {row["id"]: row[kind] or default for row in table("states.csv")}
    assert all(row["reason"].strip() for row in settled(kind).values())
    assert kept == second | {id: row["kept"] or default for (id, _), row in settled(kind).items()}
    assert all((one.autonomy.value > 1) == bool(one.autonomy.source) for one in states.values())


def test_double_coding_of_bonds() -> None:
    kept = {(t.a, t.b): t.level for t in quarters().ties if t.kind == "bond"}
    second = {(row["a"], row["b"]): row["value"] for row in table("bonds.csv")}
    final = settled("bond")
    assert all(row["reason"].strip() for row in final.values())
    for pair in kept.keys() | second.keys():
        assert kept.get(pair, "") == (final[pair]["kept"] if pair in final else second.get(pair, "")), pair
    assert len(final) < 0.3 * len(kept)


def test_bonds_are_levels_without_votes() -> None:
    scenario = quarters()
    scale = {level: number.value for level, number in scenario.scales["bond"].items()}
    assert [*scale.values()] == sorted(scale.values(), reverse=True)
    bonds = [tie for tie in scenario.ties if tie.kind == "bond"]
    assert {tie.level for tie in bonds} == scale.keys()
    assert not [tie.note for tie in bonds if re.search(r"\bvot|\bveto", tie.note)]


def test_calendar() -> None:
    scenario = quarters()
    assert (scenario.step, scenario.dispositions, scenario.steps) == ("quarter", "kept", 40)
    assert (scenario.dates()[0], scenario.dates()[-1]) == ("2023-10-25", "2033-10-25")


def test_histories_move_as_states_do() -> None:
    """Realignments are rare, and no ally of the United States enters the front without a renewal."""
    scenario = quarters()
    world = world_of(scenario)
    allies = [world.states.index(id) for id in ALLIES]
    moves, defections, years = [], 0, scenario.steps * world.setting.years
    for history in iterate_runs(scenario, seed=7, replicates=range(100), world=world):
        moves.append((history.alignment[1:] != history.alignment[:-1]).sum())
        in_front = history.alignment[:, allies] == 2
        before = np.logical_or.accumulate(history.renewed[:, allies], axis=0)
        defections += bool((in_front & ~before).any())
    rate = np.mean(moves) / (np.count_nonzero(~world.setting.fixed) * years)
    assert 0.003 < rate < 0.015
    assert defections <= 1
