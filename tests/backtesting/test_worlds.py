"""Worlds of many years: which are used, and every fault of those that cannot be."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from invented_years import STATES, write_invented_world

from sim.backtesting.worlds import load_years, read_years
from sim.errors import InputError


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("1950:1960:5", (1950, 1955, 1960)),
        ("1950:1952", (1950, 1951, 1952)),
        ("1980, 1960", (1960, 1980)),
        ("1950:1960:5,1953", (1950, 1953, 1955, 1960)),
        ("1950", (1950,)),
    ],
)
def test_years_as_text(text: str, years: tuple[int, ...]) -> None:
    assert read_years(text) == years


@pytest.mark.parametrize("text", ["", "1960:1950", "1950:1960:0", "50:60", "1950;1960", "all"])
def test_refused_years(text: str) -> None:
    with pytest.raises(ValueError, match="FIRST:LAST:STEP"):
        read_years(text)


def test_worlds_in_order_with_their_record(invented: Path) -> None:
    years = load_years(invented)
    assert [one.year for one in years] == [1950, 1955, 1960, 1965, 1970, 1975]
    assert years[0].states == STATES
    assert years[0].steps.tolist() == [1, 2, 3, 4, 5]
    assert not np.isnan(years[0].points_after(5)).any()
    assert np.isnan(years[0].points_after(9)).all()
    assert [one.year for one in load_years(invented, [1960, 1970])] == [1960, 1970]


def test_day_before_the_end_of_a_year(tmp_path: Path) -> None:
    path = write_invented_world(tmp_path, 1960)
    for name in ("world.toml", "observed.toml"):
        text = (path / name).read_text().replace("1960-12-31", "1961-06-30")
        (path / name).write_text(text)
    (one,) = load_years(tmp_path)
    assert one.year == 1960, "the ideal points of 1961 are not known in June"


def test_every_fault_of_a_folder(tmp_path: Path) -> None:
    write_invented_world(tmp_path, 1950)
    write_invented_world(tmp_path / "again", 1950).rename(tmp_path / "w1950_again")
    (write_invented_world(tmp_path, 1955) / "observed.toml").unlink()
    broken = write_invented_world(tmp_path, 1960) / "world.toml"
    broken.write_text(broken.read_text().replace('step = "year"', 'step = "week"'))
    with pytest.raises(InputError) as error:
        load_years(tmp_path, [1950, 1955, 1980, 1985])
    text = "\n".join(error.value.lines())
    for part in (
        "w1950_again/world.toml:1: date: is of 1950, as is",
        "w1955/world.toml:1: observed.toml: is missing",
        "step: 'week'",
        "has no world of 1980, 1985; import",
    ):
        assert part in text, part


@pytest.fixture
def unscored(tmp_path: Path) -> Path:
    """Worlds of five years, and what a score needs is missing in four."""
    write_invented_world(tmp_path, 1950)
    (write_invented_world(tmp_path, 1955) / "observed.toml").unlink()
    fresh = write_invented_world(tmp_path, 1965) / "world.toml"
    fresh.write_text(fresh.read_text().replace('dispositions = "kept"', 'dispositions = "fresh"'))
    drawn = write_invented_world(tmp_path, 1975) / "states.csv"
    drawn.write_text(drawn.read_text().replace("0.26,assumed,front", "0.26,assumed,random"))
    late = write_invented_world(tmp_path, 1970) / "observed.toml"
    late.write_text(late.read_text().replace("[ideal_points.1970", "[ideal_points.1969"))
    return tmp_path


WHY = (
    "w1955/world.toml:1: {}observed.toml: is missing beside it, and a backtest scores against its ideal points;"
    " `blocs import 1955` writes it",
    "w1965/world.toml:1: {}dispositions: a backtest needs kept",
    "w1970/observed.toml:1: {}ideal_points: has none of 1970; add",
    "w1975/world.toml:1: {}initial: is drawn for GGG; a backtest needs",
)


@pytest.mark.parametrize(("years", "reasons"), [(None, WHY), ([1950, 1955], WHY[:1]), ([1950], ())])
def test_world_that_cannot_be_scored_is_left_out(
    unscored: Path, years: list[int] | None, reasons: tuple[str, ...]
) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = load_years(unscored, years)
    assert [one.year for one in found] == [1950]
    lines = sorted(str(one.message) for one in said)
    for line, reason in zip(lines, reasons, strict=True):
        assert reason.format("warning: ") in line
        assert line.endswith("; left out")


def test_only_worlds_that_cannot_be_scored(unscored: Path) -> None:
    with pytest.raises(InputError) as error:
        load_years(unscored, [1955, 1965, 1970, 1975])
    lines = error.value.lines()
    assert len(lines) == len(WHY)
    assert all(reason.format("") in line for line, reason in zip(lines, WHY, strict=True))


def test_folder_without_worlds(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no world"):
        load_years(tmp_path)
