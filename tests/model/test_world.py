"""The shipped worlds: every number has a source and was entered twice; and their arrays."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.model import arrays
from sim.model.agents import BlocModel
from sim.model.world import trade_dependence, world_of
from sim.scenario.anchor import factual_world
from sim.scenario.checks.sources import parse_references
from sim.scenario.loading import load_bibliography, load_scenario, scenario_names, shipped_folder, world_names
from sim.scenario.parameters import Sourced
from sim.scenario.schema import Scenario

QC = Path(__file__).parents[1] / "qc"
ALL = [*scenario_names(), *world_names()]


def table(name: str) -> list[dict[str, str]]:
    """Read a table of the second entry."""
    with (QC / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def numbers(record: Any, at: str) -> Iterator[tuple[str, str, str]]:
    """List place, source and note of every number in a resolved scenario."""
    if isinstance(record, Sourced):
        yield at, record.source, record.note
    elif isinstance(record, dict):
        for key, value in record.items():
            yield from numbers(value, f"{at}.{key}")
    elif hasattr(record, "source") and hasattr(record, "note") and not isinstance(record, Scenario):
        yield at, record.source, record.note
    elif hasattr(record, "model_fields"):
        for key in type(record).model_fields:
            if key not in ("sweep", "steps", "anchor"):  # the anchor is the world, tested by itself
                yield from numbers(getattr(record, key), f"{at}.{key}")
    elif isinstance(record, tuple):
        for n, value in enumerate(record):
            yield from numbers(value, f"{at}[{n}]")


@pytest.mark.parametrize("name", ALL)
def test_shipped_numbers_have_sources(name: str) -> None:
    found = list(numbers(load_scenario(name), name))
    known = load_bibliography()
    assert len(found) > 20
    defaults = {f"{name}.states.{s}.{k}" for s in load_scenario(name).states for k in ("autonomy", "gdp", "renewal")}
    switched = {at for at, _, note in found if note.startswith("without ")}
    for at, source, note in found:
        if at not in switched and not (at in defaults and not source):
            assert source, f"{at} has no source"
            for key, _ in parse_references(source):
                assert key in known, f"{at} cites {key}"
                assert key != "assumed" or note, f"{at} is assumed without a reason"


@pytest.mark.parametrize("name", ALL)
def test_memberships_and_starts_have_sources(name: str) -> None:
    scenario = load_scenario(name)
    assert all(institution.members_source for institution in scenario.institutions.values())
    assert scenario.question or name in world_names()
    of_article = name not in world_names() and scenario.states.keys() == load_scenario("article_2023").states.keys()
    assert scenario.source.startswith("article §") or not of_article


def test_sources_have_titles() -> None:
    assert all(source.title for source in load_bibliography().values())


def test_double_entry_of_states() -> None:
    first = load_scenario("article_2023").states
    second = {row["id"]: row for row in table("states.csv")}
    assert first.keys() == second.keys()
    assert len(first) == 52
    for state, row in second.items():
        one = first[state]
        entered = (float(row["capability"]), float(row["gdp"]), row["theatre"])
        assert (one.capability.value, one.gdp.value, one.theatre) == entered, state
    assert sum(s.capability.value for s in first.values()) == pytest.approx(0.876, abs=5e-4)


@pytest.mark.parametrize(("kind", "default"), [("initial", ""), ("autonomy", "1")])
def test_double_coding_of_states(kind: str, default: str) -> None:
    """Two coders worked independently; each difference has a final value with a reason."""
    states = load_scenario("article_2023").states
    kept = {id: one.initial if kind == "initial" else f"{one.autonomy.value:g}" for id, one in states.items()}
    second = {row["id"]: row[kind] or default for row in table("states.csv")}
    settled = {row["a"]: row for row in table("settled.csv") if row["kind"] == kind}
    assert all(row["reason"].strip() for row in settled.values())
    assert kept == second | {id: row["kept"] or default for id, row in settled.items()}


def test_sourced_autonomy_differs() -> None:
    for id, state in load_scenario("article_2023").states.items():
        assert (state.autonomy.value > 1) == bool(state.autonomy.source), id


def test_double_entry_of_memberships() -> None:
    first = {(i, m) for i, record in load_scenario("article_2023").institutions.items() for m in record.members}
    assert first == {(row["institution"], row["member"]) for row in table("memberships.csv")}


def test_double_entry_of_trade() -> None:
    first = {(t.a, t.b): t.value for t in load_scenario("article_2023").ties if t.kind == "trade"}
    assert first == {(row["a"], row["b"]): float(row["value"]) for row in table("trade.csv")}


def code_of(cell: str) -> float | str:
    """The number of a cell, or the level that it names."""
    return cell if cell.isalpha() else float(cell)


@pytest.mark.parametrize(("kind", "file"), [("bond", "bonds"), ("rivalry", "rivalries"), ("sanction", "sanctions")])
def test_double_coding_of_ties(kind: str, file: str) -> None:
    """Two coders worked independently; each difference has a final value with a reason."""
    kept = {(t.a, t.b): t.level or t.value for t in load_scenario("article_2023").ties if t.kind == kind}
    second = {(row["a"], row["b"]): code_of(row["value"]) for row in table(f"{file}.csv")}
    settled = {(row["a"], row["b"]): row for row in table("settled.csv") if row["kind"] == kind}
    assert all(row["reason"].strip() for row in settled.values())
    for pair in kept.keys() | second.keys():
        if pair in settled:
            value = settled[pair]["kept"]
            assert kept.get(pair) == (code_of(value) if value else None), pair
        else:
            assert kept.get(pair) == second.get(pair), pair
    assert len(settled) < 0.3 * len(kept)


def test_bonds_are_levels() -> None:
    scenario = load_scenario("article_2023")
    scale = {level: number.value for level, number in scenario.scales["bond"].items()}
    assert [*scale.values()] == sorted(scale.values(), reverse=True)
    bonds = [tie for tie in scenario.ties if tie.kind == "bond"]
    assert {tie.level for tie in bonds} == scale.keys()
    assert all(tie.value == scale[tie.level] for tie in bonds)


def test_bonds_do_not_rest_on_votes() -> None:
    bonds = [tie for tie in load_scenario("article_2023").ties if tie.kind == "bond"]
    assert not [tie.note for tie in bonds if re.search(r"\bvot|\bveto", tie.note)]


def test_capability_by_product() -> None:
    scenario = load_scenario("capability_by_product")
    assert all(state.capability.value == state.gdp.value for state in scenario.states.values())
    assert scenario.anchor is not None
    setting, anchor = world_of(scenario).setting, world_of(factual_world(scenario)).setting
    np.testing.assert_array_equal(setting.capability, setting.product)
    np.testing.assert_array_equal(anchor.capability, setting.product)


def test_calendar_of_the_article() -> None:
    scenario = load_scenario("baseline_2023")
    assert (scenario.step, scenario.dispositions, scenario.steps) == ("quarter", "kept", 40)
    assert scenario.dates()[0] == "2023-10-25"
    assert scenario.dates()[-1] == "2033-10-25"


def test_article_facts_in_the_world() -> None:
    scenario = load_scenario("baseline_2023")
    assert scenario.blocs.keys() == {"us_led", "front"}
    assert scenario.blocs["us_led"].leader == "USA"
    brics = set(scenario.institutions["brics"].members)
    assert brics == {"BRA", "RUS", "IND", "CHN", "ZAF", "ARG", "EGY", "ETH", "IRN", "SAU", "ARE"}
    rivals = {frozenset((t.a, t.b)): t.value for t in scenario.ties if t.kind == "rivalry"}
    assert rivals[frozenset(("USA", "PRK"))] == rivals[frozenset(("USA", "CHN"))] == 1
    sanctioned = {t.b for t in scenario.ties if t.kind == "sanction" and t.a == "USA"}
    assert {"PRK", "RUS", "IRN", "SYR", "CUB", "BLR", "CHN"} <= sanctioned


def test_line_ends_of_world_files() -> None:
    for path in shipped_folder().rglob("*.*"):
        if path.suffix in (".toml", ".csv"):
            text = path.read_bytes()
            assert b"\r" not in text, path
            assert not any(line.endswith(b" ") for line in text.split(b"\n")), path


# Arrays


def test_shares_are_multiples_of_the_quantum() -> None:
    setting = world_of(load_scenario("baseline_2023")).setting
    for shares in (setting.capability, setting.product):
        assert shares.sum() == pytest.approx(1, abs=1e-7)
        np.testing.assert_array_equal(shares / arrays.QUANTUM, np.rint(shares / arrays.QUANTUM))


def test_trade_dependence() -> None:
    world = world_of(load_scenario("baseline_2023"))
    dependence = world.setting.dependence
    at = {state: i for i, state in enumerate(world.states)}
    assert dependence[at["JPN"], at["USA"]] == pytest.approx(227.949 / 4260)
    assert dependence[at["USA"], at["JPN"]] == pytest.approx(227.949 / 25700)
    assert dependence[at["MEX"], at["USA"]] == 0.5
    assert (dependence.sum(axis=1) <= 1 + 1e-12).all()


def test_dependence_row_limit() -> None:
    trade = np.array([[0.0, 9, 9, 9], [9, 0, 0, 0], [9, 0, 0, 0], [9, 0, 0, 0]])
    dependence = trade_dependence(trade, np.array([10.0, 100, 0, 18]))
    assert dependence[0].tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])
    assert dependence[1, 0] == 0.09
    assert dependence[2].tolist() == [0, 0, 0, 0]  # no product given
    assert dependence[3, 0] == 0.5


def test_strongest_shared_institution() -> None:
    world = world_of(load_scenario("baseline_2023"))
    at = {state: i for i, state in enumerate(world.states)}
    together = world.start.institution
    assert together[at["FRA"], at["DEU"]] == 0.9  # EU before G7
    assert together[at["USA"], at["GBR"]] == 0.8
    assert together[at["CHN"], at["RUS"]] == 0.4
    assert together[at["PRK"]].sum() == 0
    np.testing.assert_array_equal(together, together.T)


def test_crisis_duration() -> None:
    scenario = load_scenario("middle_east_war_widens")
    crisis = world_of(scenario).setting.crisis[:, list(scenario.theatres).index("middle_east")]
    assert crisis[1] == 0
    assert (crisis[2:35] == 1.5).all()  # from April 2024, eight years
    assert (crisis[35:] == 0).all()


def test_membership_shocks() -> None:
    shocks = [
        {"kind": "membership", "step": 1, "institution": "brics", "state": "IND", "joins": False},
        {"kind": "membership", "step": 2, "institution": "brics", "state": "TUR"},
    ]
    model = BlocModel(
        Scenario.model_validate({**load_scenario("baseline_2023").model_dump(), "shocks": shocks}), seed=1
    )
    assert model.state("IND").partners["BRA"] == 0.4
    model.step()
    assert "BRA" not in model.state("IND").partners
    assert model.state("IND").partners["CHN"] == 0.4  # still through the SCO
    assert "BRA" not in model.state("TUR").partners
    model.step()
    assert model.state("TUR").partners["BRA"] == 0.4


def test_wildcard_sanction_shock() -> None:
    model = BlocModel(load_scenario("ukraine_settlement").model_copy(update={"steps": 40}), seed=1)
    before = model.state("RUS").sanctioned_by
    for _ in range(10):
        model.step()
    after = model.state("RUS").sanctioned_by
    assert after.keys() == before.keys()
    assert set(after.values()) == {0.3}
    usa, russia = model.world.states.index("USA"), model.world.states.index("RUS")
    assert model.situation.regime[usa, russia] == 1
