"""Load the record of a world's states: to fit parameters and to score forecasts, never an input of the model.

A world's folder may have an `observed.toml`; `load_observed("baseline_2023")` reads that of the scenario's world.

    found.votes["es_11_1"].cast["IND"]     "abstained"; a state without a vote is not in it
    found.ideal_points[2022]["IND"]        −0.393, of the states that have one
    found.fitting                          the part that parameters are fitted to
    found.after                            later events: scored, never fitted
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from sim.errors import InputError, PathInFile, explain_error, quote
from sim.scenario.checks.references import Found, KnownNames, cited_faults, draft_items, draft_table
from sim.scenario.files import read_toml_draft
from sim.scenario.loading import files_of, freeze_content, load_bibliography, load_scenario
from sim.scenario.parameters import Between, Strict, Text
from sim.scenario.schema import NON_ALIGNED_ID, Scenario
from sim.scenario.shocks import Name, StateId

FILE = "observed.toml"

Answer = Literal["yes", "no", "abstained", "absent"]

ANSWERS: tuple[Answer, ...] = ("yes", "no", "abstained", "absent")

CitedRecord = Annotated[Text, Field(min_length=1)]

VoteId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_/]{0,39}$")]

Year = Annotated[str, Field(pattern=r"^[12][0-9]{3}$")]

States = tuple[StateId, ...]


class Recorded(Strict):
    """A recorded event, and how states voted if it is a vote."""

    title: CitedRecord
    date: date
    source: CitedRecord
    note: Text = ""
    yes: States = ()
    no: States = ()
    abstained: States = ()
    absent: States = ()

    @property
    def cast(self) -> Mapping[str, Answer]:
        """The answer of each state that has one."""
        return MappingProxyType({state: answer for answer in ANSWERS for state in getattr(self, answer)})


class Vote(Recorded):
    """A recorded vote of the General Assembly."""

    held_out: bool = Field(default=False, description="not used in fitting, so that it can be forecast")

    @model_validator(mode="after")
    def require_answer(self) -> Vote:
        """Require an answer."""
        if not self.cast:
            raise ValueError("has no answer of any state; give yes, no, abstained or absent as lists of states")
        return self


class LaterEvent(Recorded):
    """An event after the record date: a vote, or a step of states toward an alignment."""

    toward: dict[StateId, Name] = Field(default={}, description="the bloc, or non_aligned, that each moved toward")

    @model_validator(mode="after")
    def require_state(self) -> LaterEvent:
        """Require a state."""
        if not self.cast and not self.toward:
            raise ValueError("names no state; give `toward`, or who voted yes, no or abstained")
        return self


class IdealPoints(Strict):
    """Positions from all foreign-policy votes of a year; higher is nearer to the United States."""

    source: CitedRecord
    note: Text = ""
    of: Annotated[dict[StateId, Annotated[float, Between(-10, 10)]], Field(min_length=1)]


class RecordFile(Strict):
    """An `observed.toml`."""

    record_date: date = Field(description="the day of the world; later events belong in `after`")
    votes: dict[VoteId, Vote] = {}
    ideal_points: dict[Year, IdealPoints] = {}
    after: tuple[LaterEvent, ...] = ()


@dataclass(frozen=True)
class Fitting:
    """The part of a record that parameters are fitted to."""

    votes: Mapping[str, Vote]
    ideal_points: Mapping[int, Mapping[str, float]]


@dataclass(frozen=True)
class Observed:
    """The record of a world's states.

    Parameters
    ----------
    record_date
        The day of the world.
    votes
        Votes until the record date, held out of fitting or not, by id.
    ideal_points
        Ideal points by year and state; higher is nearer to the United States.
    after
        Events after the record date.
    """

    record_date: date
    votes: Mapping[str, Vote]
    ideal_points: Mapping[int, Mapping[str, float]]
    after: tuple[LaterEvent, ...]

    @property
    def fitting(self) -> Fitting:
        """The votes that are not held out, and the ideal points until the year of the world."""
        votes = {name: vote for name, vote in self.votes.items() if not vote.held_out}
        points = {year: one for year, one in self.ideal_points.items() if year <= self.record_date.year}
        return Fitting(MappingProxyType(votes), MappingProxyType(points))


def load_observed(reference: str | Path) -> Observed | None:
    """Load the record of a scenario's world.

    Parameters
    ----------
    reference
        Name or path of the scenario.

    Returns
    -------
    Observed or None
        Votes, ideal points and later events; None where the world has no record.

    Raises
    ------
    InputError
        With every fault of the scenario, or else of the record.
    """
    return recorded_of(reference, load_scenario(reference))


def recorded_of(reference: str | Path, scenario: Scenario) -> Observed | None:
    """Load the record of a loaded scenario's world; raises InputError with every fault of the record."""
    path = observed_file(reference)
    return read_observed(path, scenario) if path.is_file() else None


def observed_file(reference: str | Path) -> Path:
    """Return the path of the record of a valid scenario's world, whether it exists or not."""
    return files_of(reference)[-1].with_name(FILE)


def read_observed(path: Path, scenario: Scenario) -> Observed:
    """Read the record in a file, of the states of a scenario; raises InputError with every fault."""
    draft = read_toml_draft(path)
    if not draft.whole:
        raise InputError(draft.faults)
    names = KnownNames({"states": dict(scenario.states), "blocs": dict(scenario.blocs)}, whole=True)
    found = [*record_faults(draft.content, names), *cited_faults(draft.content, (), load_bibliography(path))]
    record: RecordFile | None = None
    try:
        record = RecordFile.model_validate(freeze_content(draft.content), strict=True)
    except ValidationError as error:
        found += [
            (record_error_path(item["loc"]), explain_error(item, record_keys_beside(item["loc"])))
            for item in error.errors()
        ]
    if found or record is None:
        raise InputError(draft.fault(at, message) for at, message in found)
    points = {int(year): MappingProxyType(dict(one.of)) for year, one in record.ideal_points.items()}
    return Observed(record.record_date, MappingProxyType(record.votes), MappingProxyType(points), record.after)


def record_error_path(loc: tuple[str | int, ...]) -> PathInFile:
    """Return the path of a validation error in the file."""
    return tuple(part for part in loc if part != "[key]")


def record_keys_beside(loc: tuple[str | int, ...]) -> list[str]:
    """List the keys that are valid at a validation error."""
    if len(loc) < 2:
        return [*RecordFile.model_fields]
    models: dict[str, type[Strict]] = {"votes": Vote, "ideal_points": IdealPoints}
    return [*models.get(str(loc[0]), LaterEvent).model_fields]


def record_faults(content: Mapping[str, Any], names: KnownNames) -> Found:
    """Find unknown states and blocs, states that vote twice, and events on the wrong side of the record date."""
    day = content.get("record_date")
    for at, one in record_entries(content):
        when = one.get("date")
        if type(when) is date and type(day) is date and (when > day) != (at[0] == "after"):
            wrong = f"is not after the record date, {day}; give a vote under [votes]"
            late = f"is after the record date, {day}; give it as [[after]]"
            yield (*at, "date"), f"{when} {late if when > day else wrong}"
        yield from answer_faults(one, at, names)
        for state, alignment in draft_table(one, "toward").items():
            yield from names.check("state", state, (*at, "toward"))
            if alignment != NON_ALIGNED_ID:
                yield from names.check("bloc", alignment, (*at, "toward", state))
    for year, points in draft_table(content, "ideal_points").items():
        for state in draft_table(points, "of"):
            yield from names.check("state", state, ("ideal_points", year, "of", state))


def record_entries(content: Mapping[str, Any]) -> Iterator[tuple[PathInFile, dict[str, Any]]]:
    """Yield the votes and events of a draft, with their paths."""
    votes = draft_table(content, "votes")
    yield from ((("votes", name), vote) for name, vote in votes.items() if isinstance(vote, dict))
    yield from ((("after", n), event) for n, event in draft_items(content, "after"))


def answer_faults(one: Mapping[str, Any], at: PathInFile, names: KnownNames) -> Found:
    """Find voters that are not states of the world, or vote twice."""
    seen: dict[str, str] = {}
    for answer in ANSWERS:
        voters = one.get(answer)
        for state in voters if isinstance(voters, list) else []:
            yield from names.check("state", state, (*at, answer))
            if isinstance(state, str) and state in seen:
                yield (*at, answer), f"{quote(state)} is under {seen[state]} already; a state votes once"
            elif isinstance(state, str):
                seen[state] = answer
