"""How sure the first page is: the track record since the start, and one grade of confidence by a stated rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sim.analysis.history.words import count_words
from sim.calendar import format_day
from sim.forecast.realignments import horizon_record, recorded_alignments, yearly_horizons
from sim.forecast.record import load_observed
from sim.reporting.dated.findings import Chance, DatedFindings
from sim.reporting.dated.words import likelihood, rounded, words_apart
from sim.reporting.dated.worlds import has_article_starts, has_article_world
from sim.reporting.labels import label_alignments, list_names
from sim.scenario.parameters import ARGUED_FOR

GRADES = ("low", "medium", "high")

FEWEST_ASSUMPTIONS = 3  # scenarios of other assumptions that a grade above medium needs


@dataclass(frozen=True)
class TrackRecord:
    """What happened by the last whole year on record, against the model's chances.

    Parameters
    ----------
    day
        The last whole year after the start on the record.
    moved, free
        States that had moved, and states that may move.
    said
        The moves, each with the model's chance.
    expected
        Moves that the model expected.
    scores
        Brier score of leaving the start: the model's, that of "no change", and the first less the second.
    """

    day: str
    moved: int
    free: int
    said: tuple[str, ...]
    expected: float
    scores: tuple[float, float, Any]

    def grade(self) -> int:
        """Grade it: high if beyond chance closer than "no change", low if beyond chance farther, else medium."""
        gap = self.scores[2]
        return 1 if gap["low"] <= 0 <= gap["high"] else 2 if gap["value"] < 0 else 0

    def comparison(self) -> str:
        """Compare its chances with "no change" in words."""
        return "closer" if self.scores[2]["value"] < 0 else "no closer"

    def reason(self) -> str:
        """Say in short why the grade is as it is."""
        maybe = ", which may be chance" if self.grade() == 1 else ""
        return f"by {self.day[:4]} it was {self.comparison()} to events than “no change”{maybe}"

    def sentence(self) -> str:
        """Say what happened, what the model expected, and how close it came."""
        named = f": {list_names(self.said)}" if self.said else ""
        model, still, _ = self.scores
        surely = "which may be chance" if self.grade() == 1 else "beyond chance"
        return (
            f"By {format_day(self.day)}, {self.moved} of {self.free} states had moved{named}. The model expected"
            f" {self.expected:.1f} moves; in brackets are its chances of these. Its chances were {self.comparison()} to"
            f" what happened than “no change” (mean squared error {model:.4f} against {still:.4f}), {surely}. The runs"
            " start before these moves and do not know of them."
        )


def find_track(found: DatedFindings) -> TrackRecord | str:
    """Compare the chances of the model with what has happened since the start, at the last whole year of the record.

    The record is that of the article's world. It counts for every scenario with this world and these starts, whatever
    its label and settings are. States with a random or drawn start are left out.

    Returns
    -------
    TrackRecord or str
        The track record, or in words why there is none.
    """
    design = found.tally.design
    if not has_article_world(design.scenario):
        return "none for this world"
    if not has_article_starts(design.scenario):
        return "none for these starts"
    observed = load_observed(ARGUED_FOR)
    horizons = yearly_horizons(observed.record_date, [one.date for one in observed.after]) if observed else []
    if observed is None or not horizons or design.scenario.date != observed.record_date.isoformat():
        return "no later events are on record"
    days = [day for day in horizons if day.isoformat() in found.tally.days]
    if not days:
        return f"none by then: it begins on {format_day(horizons[0].isoformat())}"
    world, labels = design.world, label_alignments(design.scenario)
    d = found.tally.days.index(days[-1].isoformat())
    free = ~world.setting.fixed & (world.setting.initial >= 0)
    if not free.any():
        return "none: no state that decides has a coded start"
    truth = recorded_alignments(world, [one for one in observed.after if one.toward], days[-1])
    chances = found.tally.at[d] / found.runs
    moved = [i for i in range(len(world.states)) if free[i] and truth[i] != world.setting.initial[i]]
    stayed = chances[range(len(world.states)), world.setting.initial]
    said = tuple(
        f"{design.scenario.states[world.states[i]].name} to {labels[world.alignments[truth[i]]]}"
        f" ({rounded(float(chances[i, truth[i]]))} in 100)"
        for i in moved
    )
    scores = horizon_record(chances[free], world.setting.initial[free], truth[free], years=float(len(days)))
    model, still, *_ = scores["forecasts"]
    return TrackRecord(
        days[-1].isoformat(), len(moved), int(free.sum()), said, float((1 - stayed)[free].sum()),
        (model["left"]["value"], still["left"]["value"], still["model_less_left"]),
    )  # fmt: skip


def grade_words(chances: Sequence[float]) -> int:
    """Grade how far chances agree: high with one word of likelihood, medium with neighbouring words, else low."""
    return max(0, 2 - words_apart(chances))


def grade_assumptions(chance: float, tried: Sequence[float]) -> int:
    """Grade how far the chance agrees with those under other assumptions: low without any, at most medium with few."""
    if not tried:
        return 0
    return min(grade_words([chance, *tried]), 2 if len(tried) >= FEWEST_ASSUMPTIONS else 1)


def words_of(chance: Chance) -> str:
    """Name the words of likelihood from one end of the interval of a chance to the other."""
    low, high = likelihood(chance.low), likelihood(chance.high)
    return f"“{low}” throughout" if low == high else f"from “{low}” to “{high}”"


def overall_grade(grades: Sequence[int]) -> str:
    """Name the overall grade: from the lowest of three grades to the one in the middle."""
    lowest, middle, _ = sorted(grades)
    return GRADES[lowest] if lowest == middle else f"{GRADES[lowest]} to {GRADES[middle]}"


def confidence_sentence(found: DatedFindings, track: TrackRecord | str) -> str:
    """Grade the confidence in the baseline's chance by its track record, by the assumptions tried and by its interval.

    `track` is the track record, or why there is none. A scenario that fixes the state in question agrees with nothing.
    Empty where no state joins.
    """
    if found.first is None:
        return ""
    chance = found.first.chances[-1]
    tried = [one.chance for one in found.effects if one.role == "assumption" and one.decides]
    grades = (0 if isinstance(track, str) else track.grade(), grade_assumptions(chance.chance, tried),
              grade_words([chance.low, chance.chance, chance.high]))  # fmt: skip
    record = track if isinstance(track, str) else track.reason()
    parts = (
        ("track record", record), ("agreement of assumptions", agreement_words(tried)),
        ("precision", f"95 % interval {rounded(chance.low)} to {rounded(chance.high)}: {words_of(chance)}"),
    )  # fmt: skip
    said = "; ".join(f"{name} {GRADES[grade]} ({why})" for (name, why), grade in zip(parts, grades, strict=True))
    return f"{overall_grade(grades)}. Why: {said}."


def agreement_words(tried: Sequence[float]) -> str:
    """Say over which scenarios the agreement is taken, and the chances in them, without the baseline's."""
    if not tried:
        return "no other assumption under which it decides is among these; sweep some too, which `blocs list` marks"
    count = count_words(len(tried), "scenario")
    few = f"; high needs {FEWEST_ASSUMPTIONS} of them or more" if len(tried) < FEWEST_ASSUMPTIONS else ""
    least, most = rounded(min(tried)), rounded(max(tried))
    span = least if least == most else f"{least} to {most}"
    return f"with the other assumptions of {count} it is {span} of 100{few}"
