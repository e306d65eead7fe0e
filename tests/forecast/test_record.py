"""The record of the article's states: strict, complete, with later events apart."""

from __future__ import annotations

import csv
import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from sim.forecast.record import Observed, load_observed
from sim.scenario.loading import find_scenario, load_scenario

ARTICLE_DAY = date(2023, 10, 25)


@pytest.fixture(scope="module")
def observed() -> Observed:
    found = load_observed("baseline_2023")
    assert found is not None
    return found


def test_votes_of_all_members(observed: Observed) -> None:
    states = set(load_scenario("article_2023").states)
    assert {name: vote.date.isoformat() for name, vote in observed.votes.items()} == {
        "68/262": "2014-03-27",
        "es_11_1": "2022-03-02",
        "es_11_4": "2022-10-12",
        "es_11_6": "2023-02-23",
    }
    for name, vote in observed.votes.items():
        without = states - vote.cast.keys()
        assert without == ({"TWN"} if name == "68/262" else {"TWN", "VEN"}), name


def test_second_entry_of_votes_agrees(observed: Observed) -> None:
    """A second person entered it from general knowledge, without the first entry; `?` where unsure."""
    letters = {"yes": "Y", "no": "N", "abstained": "A", "absent": "X"}
    with (Path(__file__).parents[1] / "qc" / "votes.csv").open(encoding="utf-8", newline="") as file:
        second = list(csv.DictReader(file))
    assert len(second) == 52
    for row in second:
        for name, vote in observed.votes.items():
            assert row[name] in (letters.get(vote.cast.get(row["state"], ""), "-"), "?"), (row["state"], name)


def test_fitting_excludes_held_out_votes(observed: Observed) -> None:
    assert [*observed.fitting.votes] == ["68/262", "es_11_1", "es_11_4"]
    assert observed.fitting.ideal_points == observed.ideal_points
    assert {year: len(points) for year, points in observed.ideal_points.items()} == {2021: 51, 2022: 50}
    assert observed.ideal_points[2022]["IND"] == -0.393


def test_known_vote_answers(observed: Observed) -> None:
    answers = {name: (vote.cast["CHN"], vote.cast["IRN"], vote.cast["NIC"]) for name, vote in observed.votes.items()}
    assert answers == {
        "68/262": ("abstained", "absent", "no"),
        "es_11_1": ("abstained", "abstained", "abstained"),
        "es_11_4": ("abstained", "absent", "no"),
        "es_11_6": ("abstained", "abstained", "no"),
    }
    assert [event.cast["USA"] for event in observed.after if event.cast] == ["no"]
    assert [event.date for event in observed.after] == sorted(event.date for event in observed.after)
    assert all(event.date > ARTICLE_DAY for event in observed.after)
    assert all(vote.date <= ARTICLE_DAY for vote in observed.votes.values())


def world_with(record: str, folder: Path) -> Path:
    """The article's world with another record."""
    world = folder / "worlds" / "article_2023"
    if not world.is_dir():
        shutil.copytree(find_scenario("article_2023").parent, world)
    (world / "observed.toml").write_text(record, encoding="utf-8")
    return world


def test_later_events_do_not_change_fitting_record(observed: Observed, tmp_path: Path) -> None:
    text = (find_scenario("article_2023").parent / "observed.toml").read_text(encoding="utf-8")
    bare = re.sub(r"(?ms)^\[\[after\]\].*", "", text)
    assert bare != text
    found = load_observed(world_with(bare, tmp_path))
    assert found is not None
    assert found.after == ()
    assert found.fitting == observed.fitting
    assert found.votes == observed.votes


def test_scenario_has_record_of_its_world(observed: Observed) -> None:
    assert load_observed("no_sanctions") == observed
    assert load_observed("unix_1988") is None


def test_record_is_immutable(observed: Observed) -> None:
    with pytest.raises(TypeError):
        observed.votes["es_11_1"] = observed.votes["68/262"]  # type: ignore[index]
    with pytest.raises(TypeError):
        observed.votes["es_11_1"].cast["IND"] = "yes"  # type: ignore[index]
    with pytest.raises(TypeError):
        observed.ideal_points[2022]["IND"] = 1.0  # type: ignore[index]
