"""Strength of dated sanctions before a day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario, Tie, parse_steps
from sim.scenario.ties import sanctions_before, strength_before


def sanction(since: str) -> Tie:
    return Tie(kind="sanction", a="A", b="B", value=0.8, since=since)


@pytest.mark.parametrize(
    ("since", "day", "strength"),
    [
        ("2014-07-16 0.6; 2022-02-28", date(2014, 7, 16), 0.0),
        ("2014-07-16 0.6; 2022-02-28", date(2014, 7, 17), 0.6),
        ("2014-07-16 0.6; 2022-02-28", date(2022, 2, 28), 0.6),
        ("2014-07-16 0.6; 2022-02-28", date(2022, 3, 2), 0.8),
        ("2022-02", date(2022, 2, 28), 0.0),
        ("2022-02", date(2022, 3, 1), 0.8),
        ("2022", date(2022, 10, 12), 0.0),
        ("2010 0.3; 2018 0; 2021", date(2020, 1, 1), 0.0),
        ("", date(1900, 1, 1), 0.8),
    ],
)
def test_strength_on_the_eve_of_a_day(since: str, day: date, strength: float) -> None:
    assert strength_before(sanction(since), day) == strength


def test_months_and_years_without_a_day() -> None:
    assert [day for day, _ in parse_steps("2012 0.1; 2016-02 0.2; 2023")] == [
        date(2012, 12, 31),
        date(2016, 2, 29),
        date(2023, 12, 31),
    ]


@pytest.fixture(scope="module")
def baseline() -> Scenario:
    return load_scenario("baseline_2023")


def test_sanctions_on_the_day_of_the_article(baseline: Scenario) -> None:
    assert sanctions_before(baseline, date(2023, 10, 25)).ties == baseline.ties
    assert all(tie.since for tie in baseline.ties if tie.kind == "sanction")


def test_sanctions_before_the_votes(baseline: Scenario) -> None:
    def strengths(day: date) -> dict[tuple[str, str], float]:
        ties = sanctions_before(baseline, day).ties
        return {(tie.a, tie.b): tie.value for tie in ties if tie.kind == "sanction"}

    crimea, invasion = strengths(date(2014, 3, 27)), strengths(date(2022, 3, 2))
    assert crimea["USA", "RUS"] == crimea["DEU", "RUS"] == 0.3
    assert ("RUS", "DEU") not in crimea
    assert invasion["DEU", "RUS"] == 0.8
    assert invasion["RUS", "DEU"] == 0.3
    assert ("IRN", "DEU") not in invasion
    assert invasion["USA", "CUB"] == 1.0


def test_everything_but_sanctions_stays(baseline: Scenario) -> None:
    early = sanctions_before(baseline, date(1900, 1, 1))
    assert not [tie for tie in early.ties if tie.kind == "sanction"]
    assert early == baseline.model_copy(update={"ties": early.ties})
    assert set(early.ties) == {tie for tie in baseline.ties if tie.kind != "sanction"}


def test_digest_without_dates(baseline: Scenario) -> None:
    undated = baseline.model_copy(update={"ties": tuple(t.model_copy(update={"since": ""}) for t in baseline.ties)})
    assert undated.digest() == baseline.digest()


def test_strength_on_the_day_after_each_step(baseline: Scenario) -> None:
    for tie in baseline.ties:
        for day, strength in parse_steps(tie.since):
            assert strength_before(tie, day + timedelta(1)) == (tie.value if strength is None else strength)
