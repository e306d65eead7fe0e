"""The record: ideal points and votes by code, kept apart from the world, and the observed start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from invented import POINTS, VOTES, base, rule, save, starts, world_of

from sim.data import write_world
from sim.data.write import world_files
from sim.errors import InputError
from sim.forecast.record import load_observed
from sim.model.starts import draw_initial_alignment
from sim.model.world import world_of as world_of_scenario
from sim.scenario.loading import load_scenario


def point(code: int, iso: str, year: int, value: float, votes: int = 50) -> list[Any]:
    """A row of ideal points; the points of foreign policy are on another scale."""
    return [code, iso, "name", year, value * 3, value, votes]


TWO_GERMANIES = [
    point(2, "USA", 1980, 2.0), point(365, "RUS", 1980, -2.0), point(255, "DEU", 1991, 1.5),
    point(260, "DEU", 1980, 1.2), point(265, "DDR", 1980, -2.1), point(710, "", 1980, -0.5),
    point(345, "YUG", 1980, 0.0), point(369, "UKR", 1980, -2.2), point(20, "CAN", 1980, 1.6),
    point(740, "JPN", 1980, 0.9, 5), point(375, "FIN", 1981, 0.2), point(20, "CAN", 1985, 1.5),
    point(20, "CAN", 1986, 1.4),
]  # fmt: skip


def test_points_join_by_code(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    save(folder, "ideal.csv", POINTS, TWO_GERMANIES)
    world = world_of(folder, 1980)
    assert world.ideal_points[1980]["FRG"] == 1.2
    assert world.ideal_points[1980]["SUN"] == -2.0
    assert "UKR" not in world.ideal_points[1980]


def test_few_votes_make_no_point(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    save(folder, "ideal.csv", POINTS, TWO_GERMANIES)
    world = world_of(folder, 1980)
    assert "JPN" not in world.ideal_points[1980]
    assert rule(world, "few votes").kept == len(TWO_GERMANIES) - 1


def test_year_without_session(tmp_path: Path) -> None:
    folder = base(tmp_path, 1959)
    rows = [point(code, "X", year, 1.0) for code in (2, 365) for year in range(1959, 1970) if year != 1964]
    save(folder, "ideal.csv", POINTS, rows)
    world = world_of(folder, 1959)
    assert [*world.ideal_points] == [1959, 1960, 1961, 1962, 1963]
    assert rule(world, "ideal points").example == "years without: 1964"


def test_two_releases_are_two_files_for_one_dataset(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    save(folder, "ideal_2025.csv", POINTS, TWO_GERMANIES)
    save(folder, "ideal_2019.csv", "ccode,year,IdealPoint", [[2, 1980, 2.4]])
    with pytest.raises(
        InputError, match=r"ideal_2025\.csv:1: is United Nations General Assembly ideal points, and so is"
    ):
        world_of(folder, 1980)


def test_column_of_another_scale_fills_no_gap(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    rows = [*TWO_GERMANIES, point(375, "FIN", 1980, 0.4)]
    rows[-1][5] = ""  # the column of foreign policy ends a year later than that of all votes
    save(folder, "ideal.csv", POINTS, rows)
    points = world_of(folder, 1980).ideal_points[1980]
    assert "FIN" not in points
    assert points["USA"] == 2.0


def test_scale_of_the_release_does_not_matter(tmp_path: Path) -> None:
    """Each release has its own scale: the same record on a wider and shifted one gives the same starts."""
    worlds = []
    for factor, shift in ((1.0, 0.0), (0.4, 0.1), (3.0, -1.0), (-1.0, 0.0)):
        folder = base(tmp_path / f"{factor}", 1980)
        rows = [[*row[:4], row[4], row[5] * factor + shift, row[6]] for row in TWO_GERMANIES]
        save(folder, "ideal.csv", POINTS, rows)
        worlds.append(world_of(folder, 1980, start="observed"))
    for world in worlds[1:]:
        assert starts(world) == starts(worlds[0])
        for state, chances in world.chances.items():
            assert chances == pytest.approx(worlds[0].chances[state])


def test_record_is_no_input_and_kept_apart(tmp_path: Path) -> None:
    folder = base(tmp_path / "data", 1980)
    without = world_of(folder, 1980)
    save(folder, "ideal.csv", POINTS, TWO_GERMANIES)
    world = world_of(folder, 1980)
    assert starts(world) == starts(without)
    assert world.ties.equals(without.ties)
    observed = load_observed(write_world(world, tmp_path / "world"))
    assert observed is not None
    assert [*observed.ideal_points] == [1980, 1981, 1985]
    assert [*observed.fitting.ideal_points] == [1980]


def test_observed_start_reads_the_year_and_says_so(tmp_path: Path) -> None:
    folder = base(tmp_path / "data", 1980)
    save(folder, "ideal.csv", POINTS, TWO_GERMANIES)
    world = world_of(folder, 1980, start="observed")
    found = starts(world)
    likely = {state: max(chances, key=lambda name: chances[name]) for state, chances in world.chances.items()}
    assert (likely["CAN"], likely["DDR"], likely["YUG"], found["MEX"]) == (
        "us_led",
        "front",
        "non_aligned",
        "non_aligned",
    )
    assert (found["USA"], found["CHN"]) == ("us_led", "drawn")
    for chances in world.chances.values():
        assert sum(chances.values()) == pytest.approx(1)
    assert 0.02 < world.chances["CHN"]["front"] < 0.5
    text = (write_world(world, tmp_path / "world") / "world.toml").read_text()
    assert "OBSERVED" in text
    scenario = load_scenario(tmp_path / "world")
    drawn = world_of_scenario(scenario)
    front = np.mean([
        draw_initial_alignment(drawn, 1, replicate)[[*scenario.states].index("CHN")] == 2
        for replicate in range(2000)
    ])  # fmt: skip
    assert front == pytest.approx(world.chances["CHN"]["front"], abs=0.03)
    with pytest.raises(InputError, match="observed needs two leaders"):
        world_of(folder, 1980, start="observed", leaders=["USA"])
    same = [point(code, "X", 1980, 1.0) for code in (2, 365, 20)]
    save(folder, "ideal.csv", POINTS, same)
    with pytest.raises(InputError, match="observed needs two leaders with different ideal points in 1980; use coded"):
        world_of(folder, 1980, start="observed")


def test_eight_states_without_a_point_are_named(tmp_path: Path) -> None:
    folder = base(tmp_path, 1980)
    save(folder, "ideal.csv", POINTS, TWO_GERMANIES[:2])
    example = rule(world_of(folder, 1980, start="observed"), "observed start").example
    assert example == "no point, so as coded: CAN, CHN, CUB, DDR, EGY, FIN, FRG, GBR"


def vote(call: int, code: int, answer: int, day: str = "1970-11-20") -> list[Any]:
    """A row of votes; member is 1 or NA, never 0."""
    return [call, code, "NA" if answer == 9 else 1, answer, "name", day, f"Question {call}"]


CALLS = [
    vote(1, 2, 3), vote(1, 365, 1), vote(1, 713, 3), vote(1, 710, 9), vote(1, 20, 2), vote(1, 375, 8), vote(1, 265, 9),
    vote(2, 2, 1, "1972-12-01"), vote(2, 365, 3, "1972-12-01"), vote(2, 713, 9, "1972-12-01"),
    vote(2, 710, 8, "1972-12-01"), vote(2, 20, 1, "1972-12-01"),
]  # fmt: skip


def test_codes_of_votes(tmp_path: Path) -> None:
    folder = base(tmp_path / "data", 1970)
    save(folder, "UNVotes.csv", VOTES, CALLS)
    world = world_of(folder, 1970)
    first, second = world.votes
    assert (first["yes"], first["no"], first["abstained"], first["absent"]) == (
        ["SUN"],
        ["TWN", "USA"],
        ["CAN"],
        ["FIN"],
    )
    assert (second["yes"], second["no"], second["absent"]) == (["CAN", "USA"], ["SUN"], ["CHN"])
    assert rule(world, "no members dropped").kept == 9
    observed = load_observed(write_world(world, tmp_path / "world"))
    assert observed is not None
    assert [*observed.votes] == ["rc_1"]
    assert observed.votes["rc_1"].cast["TWN"] == "no"
    assert [event.title for event in observed.after] == ["Question 2"]


@pytest.mark.parametrize(("short", "title"), [("Alone", "Alone"), ("", "roll call 5")])
def test_roll_call_with_one_vote(tmp_path: Path, short: str, title: str) -> None:
    folder = base(tmp_path, 1970)
    save(folder, "UNVotes.csv", VOTES, [[5, 713, 1, 3, "name", "1970-11-21", short], *[
        [6, code, 1, 3, "name", "1970-11-22", "Of all"] for code in (2, 365)]])  # fmt: skip
    first, second = world_of(folder, 1970).votes
    assert (first["call"], str(first["day"]), first["title"], first["no"]) == (5, "1970-11-21", title, ["TWN"])
    assert (second["title"], second["no"]) == ("Of all", ["SUN", "USA"])


def test_votes_and_points_until_the_day_and_after(tmp_path: Path) -> None:
    """A vote on the day of the world is of the record, one of the next day comes after; so do points of later years."""
    folder = base(tmp_path / "data", 1970)
    days = [*enumerate(("1970-12-30", "1970-12-31", "1971-01-01"), start=1)]
    save(folder, "UNVotes.csv", VOTES, [vote(n, code, 1, day) for n, day in days for code in (2, 365)])
    save(folder, "ideal.csv", POINTS, [point(2, "USA", year, 1.0) for year in (1970, 1971)])
    text = world_files(world_of(folder, 1970))["observed.toml"]
    heads = [line for line in text.splitlines() if line.startswith(("[", "note"))]
    assert heads == [
        '[votes."rc_1"]', '[votes."rc_2"]', "[[after]]", "[ideal_points.1970]", "[ideal_points.1970.of]",
        "[ideal_points.1971]", 'note = "after the year of the world: scored, never fitted"', "[ideal_points.1971.of]",
    ]  # fmt: skip


def test_unknown_code_of_a_vote_is_a_fault(tmp_path: Path) -> None:
    folder = base(tmp_path, 1970)
    save(folder, "UNVotes.csv", VOTES, [*CALLS, vote(3, 2, 4)])
    with pytest.raises(InputError, match=r"UNVotes\.csv:14: vote: 4 is none of the codes"):
        world_of(folder, 1970)


def test_names_of_today_on_old_seats(tmp_path: Path) -> None:
    folder = base(tmp_path, 1975)
    names = [
        ("United States", "US", "no"), ("Russia", "RU", "yes"), ("Federal Republic of Germany", "NA", "no"),
        ("Yugoslavia", "YU", "yes"), ("German Democratic Republic", "NA", "abstain"),
    ]  # fmt: skip
    save(folder, "un_votes.csv", "rcid,country,country_code,vote", [[7, *row] for row in names])
    save(folder, "un_roll_calls.csv", "rcid,session,importantvote,date,unres,amend,para,short,descr", [
        [7, 30, 0, "1975-11-10", "R/30/3379", 0, 0, "Decade", "x"]
    ])  # fmt: skip
    (only,) = world_of(folder, 1975).votes
    assert (only["yes"], only["no"], only["abstained"]) == (["SUN", "YUG"], ["FRG", "USA"], ["DDR"])
    assert only["title"] == "Decade"
