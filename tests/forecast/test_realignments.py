"""Dated forecasts of who leaves its start: Brier scores by hand, no change as the benchmark, and the record by date."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import small

from sim.cli.commands import forecast
from sim.cli.printing import new_console
from sim.forecast import scores
from sim.forecast.realignments import (
    HISTORIES,
    NO_CHANGE,
    RATE,
    horizon_record,
    recorded_alignments,
    score_realignments,
    yearly_horizons,
)
from sim.forecast.record import LaterEvent, Observed, load_observed
from sim.forecast.scorecard import score_forecasts
from sim.model.compiled import iterate_runs
from sim.model.world import world_of
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario

DAY = date(2023, 10, 25)


@pytest.fixture(scope="module", autouse=True)
def few_resamples() -> Any:
    """Fewer bootstrap resamples, for tests of values without their intervals."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, "RESAMPLES", 200)
        scores.bootstrap_weights.cache_clear()
        yield
    scores.bootstrap_weights.cache_clear()


def event(day: str, **toward: str) -> LaterEvent:
    """Invent an event."""
    return LaterEvent(title="invented", date=date.fromisoformat(day), source="invented", toward=toward)


def record_of(*events: LaterEvent) -> Observed:
    """Invent a record without votes."""
    return Observed(DAY, {}, {}, events)


def dated() -> Scenario:
    """C decides, non-aligned at the start, and its disposition is renewed every other year or so."""
    base = small(steps=12, step="quarter", date=DAY.isoformat(), dispositions="kept")
    parameters = base.parameters.model_copy(
        update={"renewal": base.parameters.renewal.model_copy(update={"value": 0.5})}
    )
    return base.model_copy(update={"parameters": parameters})


def by_name(record: dict[str, Any], key: str) -> dict[str, float]:
    """The value of a score by forecast."""
    return {row["forecast"]: row[key]["value"] for row in record["forecasts"]}


def test_brier_scores_by_hand() -> None:
    """Two states: one stays in 0, of which the model was 0.9 sure; one moves from 1 to 2, with forecast chance 0.3."""
    shares = np.array([[0.9, 0.1, 0.0], [0.2, 0.5, 0.3]])
    found = horizon_record(shares, np.array([0, 1]), np.array([0, 2]), years=2)
    assert by_name(found, "left") == pytest.approx(
        {HISTORIES: (0.1**2 + (0.5 - 1) ** 2) / 2, NO_CHANGE: 1 / 2, RATE: (0.00995**2 + 0.99005**2) / 2}, abs=1e-6
    )
    alignment = by_name(found, "alignment")
    assert alignment[HISTORIES] == pytest.approx((0.1**2 + 0.1**2 + 0.2**2 + 0.5**2 + 0.7**2) / 2)
    assert alignment[NO_CHANGE] == pytest.approx(2 / 2)
    p = 1 - math.exp(-0.01)
    stays = p**2 + 2 * (p / 2) ** 2
    moves = (1 - p) ** 2 + (p / 2) ** 2 + (1 - p / 2) ** 2
    assert alignment[RATE] == pytest.approx((stays + moves) / 2)
    for row in found["forecasts"][1:]:
        assert row["model_less_left"]["value"] == pytest.approx(
            found["forecasts"][0]["left"]["value"] - row["left"]["value"]
        )


@given(st.integers(1, 30), st.integers(2, 5), st.integers(0, 2**32))
def test_no_change_scores_the_share_of_movers(n: int, size: int, seed: int) -> None:
    """Exactly, whatever the forecast of the model; a sure and right forecast scores 0."""
    rng = np.random.default_rng(seed)
    start, truth = rng.integers(size, size=(2, n))
    found = horizon_record(rng.dirichlet(np.ones(size), size=n), start, truth, years=1)
    assert by_name(found, "left")[NO_CHANGE] == (truth != start).sum() / n
    assert by_name(found, "alignment")[NO_CHANGE] == pytest.approx(2 * (truth != start).mean())
    perfect = horizon_record(np.eye(size)[truth], start, truth, years=1)
    assert by_name(perfect, "left")[HISTORIES] == by_name(perfect, "alignment")[HISTORIES] == 0


def test_record_by_date() -> None:
    """The last event by a day counts, an event on the day too, and the order of the file does not."""
    world = world_of(dated())
    events = [event("2025-01-01", C="west"), event("2024-10-25", C="east"), event("2024-02-01", C="non_aligned")]
    for day, held in (("2023-12-31", 0), ("2024-10-24", 0), ("2024-10-25", 2), ("2025-10-25", 1)):
        found = recorded_alignments(world, events, date.fromisoformat(day))
        assert found.tolist() == [1, 2, held]


def test_horizons_are_whole_years_within_the_record() -> None:
    days = [date(2024, 1, 1), date(2026, 1, 3)]
    assert yearly_horizons(DAY, days) == [date(2024, 10, 25), date(2025, 10, 25)]
    assert yearly_horizons(DAY, [date(2024, 10, 25)]) == [date(2024, 10, 25)]
    assert yearly_horizons(DAY, [date(2024, 10, 24)]) == yearly_horizons(DAY, []) == []
    assert yearly_horizons(date(2024, 2, 29), [date(2025, 12, 31)]) == [date(2025, 2, 28)]


def test_forecast_is_the_share_of_histories() -> None:
    """Leaders and fixed states are left out; chances are those of runs at the last step by the horizon."""
    scenario = dated()
    found = score_realignments(scenario, record_of(event("2025-12-01", C="east")), seed=5, replicates=40)
    assert (found["events"], found["why_not"], found["replicates"]) == (1, "", 40)
    assert [(one["date"], one["years"], one["n"]) for one in found["horizons"]] == [
        ("2024-10-25", 1, 1), ("2025-10-25", 2, 1),
    ]  # fmt: skip
    runs = [*iterate_runs(scenario, seed=5, replicates=range(40))]
    for one, step in zip(found["horizons"], (4, 8), strict=True):
        away = np.mean([run.alignment[step, 2] != 0 for run in runs])
        assert one["expected_changes"] == pytest.approx(away)
        assert by_name(one, "left") == pytest.approx(
            {HISTORIES: away**2, NO_CHANGE: 0, RATE: (1 - math.exp(-0.005 * one["years"])) ** 2}
        )
        assert one["changes"] == []  # the event comes later
    assert 0 < away < 1
    later = record_of(event("2024-12-01", C="east"), event("2025-11-01", C="east"))
    change = score_realignments(scenario, later, seed=5, replicates=40)["horizons"][1]["changes"]
    assert change == [
        {"state": "C", "from": "non_aligned", "to": "east",
         "chance": pytest.approx(np.mean([run.alignment[8, 2] == 2 for run in runs]))}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dispositions": "fresh"}, "fresh"),
        ({"date": "2022-01-01"}, "begins on 2022-01-01"),
        ({"steps": 3}, "outside the run"),
    ],
)
def test_reason_where_nothing_is_scored(changes: dict[str, Any], words: str) -> None:
    scenario = dated().model_copy(update=changes)
    found = score_realignments(scenario, record_of(event("2025-12-01", C="east")), seed=1, replicates=2)
    assert words in found["why_not"]
    assert found["horizons"] == []
    soon = score_realignments(dated(), record_of(event("2024-03-01", C="east")), seed=1, replicates=2)
    assert soon["why_not"] == "the record has no event a year or more after its date"


@pytest.fixture(scope="module")
def scored() -> dict[str, Any]:
    """Scores of the last vote before the article and of all that came after."""
    observed = load_observed("baseline_2023")
    assert observed is not None
    last = replace(observed, votes={"es_11_6": observed.votes["es_11_6"]})
    return {"scenario": "baseline_2023"} | score_forecasts(load_scenario("baseline_2023"), last, seed=1, replicates=2)


def test_unchanged_votes_are_a_forecast_of_later_ones(scored: dict[str, Any]) -> None:
    """Their Brier score is twice the share of states whose answer changed since the last vote."""
    observed = load_observed("baseline_2023")
    assert observed is not None
    (vote,) = scored["after"]["votes"]
    last = observed.votes["es_11_6"]
    cast = {row["state"]: row["cast"].replace("absent", "abstained") for row in vote["states"]}
    changed = [last.cast[state].replace("absent", "abstained") != cast[state] for state in cast if state in last.cast]
    row = vote["forecasts"][-1]
    assert row["forecast"] == "no change since 2023-02-23"
    assert row["n"] == len(changed)
    assert row["brier"]["value"] == pytest.approx(2 * np.mean(changed))
    assert all(one["forecasts"][-1]["forecast"] != row["forecast"] for one in scored["votes"])
    moves = scored["after"]["realignments"]
    assert [[m["state"] for m in one["changes"]] for one in moves["horizons"]] == [["ARG"], ["ARG", "SYR"]]
    assert moves["events"] == 11


def test_command_shows_realignments(scored: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    """On the screen and in Markdown; the same record is the JSON."""
    forecast.print_scores(new_console(), scored)
    text = " ".join(capsys.readouterr().out.split())
    assert "by 2025-10-25, 2 years: 2 of 51 states moved (ARG non_aligned → us_led" in text
    assert "of 11 recorded events in all" in text
    assert "So few moves decide nothing" in text
    page = "\n".join(forecast.markdown_lines(scored))
    last = scored["after"]["realignments"]["horizons"][-1]
    assert f"| no change | {2 / 51:.4f} (" in page
    assert f"| {HISTORIES} | {last['forecasts'][0]['left']['value']:.4f} (" in page
    without = {**scored["after"]["realignments"], "why_not": "no reason"}
    forecast.print_realignments(new_console(), without)
    assert "not scored: no reason" in capsys.readouterr().out


def test_drawn_starts_are_not_scored() -> None:
    """What a state leaves is unknown where each run draws its start."""
    scenario = dated()
    own = scenario.states["C"].model_copy(update={"initial": "drawn", "initial_chances": {"west": 0.5, "east": 0.5}})
    drawn = scenario.model_copy(update={"states": {**scenario.states, "C": own}})
    found = score_realignments(drawn, record_of(event("2025-01-01", C="east")), seed=1, replicates=2)
    assert not found["horizons"]
    assert found["why_not"].startswith("no state that decides has a coded start")
