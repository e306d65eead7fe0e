"""Define the schema of a scenario: every field with its meaning, unit, bounds and default."""

from __future__ import annotations

import calendar
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from sim.calendar import ROUND, step_ends
from sim.errors import quote
from sim.scenario.parameters import (
    LARGEST_SIZE,
    Between,
    NonNegative,
    Parameters,
    PlainShare,
    Share,
    Size,
    Sourced,
    Strict,
    Text,
)
from sim.scenario.shocks import MAX_STEPS, Level, Name, Selector, Shock, StateId

MAX_STATES = 2_000  # a run needs a dozen matrices of all pairs, 32 MB each at this size
MAX_TIES = 500_000
MAX_BLOCS = 8
MAX_SHOCKS = 10_000
MAX_POINTS = 100_000
MAX_REPLICATES = 10_000_000
MAX_SPREAD = 10_000  # values of one swept setting
NON_ALIGNED_ID = "non_aligned"
RANDOM_ID, DRAWN_ID = "random", "drawn"  # the latter from stated chances

TIE_KINDS = ("bond", "rivalry", "sanction", "trade", "propensity")


def to_iso_date(given: object) -> str:
    """ISO text of a day that a file gives as a date or as text; raises ValueError if it is none."""
    try:
        text = given.isoformat() if type(given) is date else str(given)
        if type(given) in (date, str) and date.fromisoformat(text[:11]).isoformat() == text:
            return text
    except ValueError:
        pass
    shown = quote(given) if isinstance(given, (str, int, float, list, dict)) else given
    raise ValueError(f"{shown} is not a date; write year-month-day, such as 2023-10-25")


IsoDate = Annotated[str, BeforeValidator(to_iso_date)]


ScaleKind = Annotated[str, Field(pattern="^(bond|rivalry|sanction)$")]


class Bloc(Strict):
    """A bloc that states can align with."""

    name: Text
    leader: StateId | None = Field(default=None, description="a state that is fixed in the bloc")
    enforcement: Share = Field(description="how hard it presses states that align elsewhere")
    attention_budget: NonNegative = Field(description="attention it can give to all theatres together")
    accommodation: NonNegative = Field(description="what coexistence offers whoever joins (§23)")
    priority: dict[Name, NonNegative] = Field(default={}, description="attention asked by each theatre")


class Institution(Strict):
    """An international institution and the cohesion its members share."""

    name: Text
    cohesion: Share
    members: tuple[StateId, ...]
    members_source: Text = ""


class State(Strict):
    """A state: an agent of the model."""

    name: Text
    theatre: Name
    capability: Size = Field(description="material capability in any unit, normalised to shares")
    gdp: Size = Field(default=Sourced(value=0), description="product in any unit, normalised to shares")
    autonomy: NonNegative = Field(default=Sourced(value=1), description="multiplier of w_autonomy")
    polyarchy: Share | None = Field(default=None, description="electoral democracy (V-Dem); likeness compares it")
    renewal: NonNegative = Field(default=Sourced(value=1), description="multiplier of the parameter renewal")
    initial: Name = Field(default=RANDOM_ID, description="bloc, `non_aligned`, `random` or `drawn`")
    initial_chances: dict[Name, PlainShare] = Field(default={}, description="of a `drawn` start; they sum to 1")
    initial_source: Text = ""
    fixed: bool = Field(default=False, description="never decides")
    note: Text = ""


UNIT = Between(0, 1)

TIE_BOUNDS = {"propensity": Between(-1e6, 1e6), "trade": Between(0, LARGEST_SIZE, "in the unit of gdp")}


def check_tie_value(value: float, info: ValidationInfo) -> float:
    """Check the value of a tie against the bounds of its kind."""
    return float(TIE_BOUNDS.get(info.data.get("kind", ""), UNIT).check(value))


class Tie(Strict):
    """A tie between two states; in a sanction a is the sender and b the target, other kinds have no direction."""

    kind: Literal["bond", "rivalry", "sanction", "trade", "propensity"]
    a: Selector
    b: Selector
    value: float = Field(description="in [0, 1]; trade in the unit of gdp; propensity any number")
    level: Level = ""
    regime: Annotated[str, Field(max_length=40)] = Field(default="", description="bloc of a sanction's regime")
    since: Since = Field(default="", description="when a sanction began and grew")
    source: Text = ""
    note: Text = ""

    bounds = field_validator("value")(check_tie_value)


SAMPLED = ("latin_hypercube", "sobol")


class Spread(Strict):
    """The range of a swept setting: evenly spaced values, ends included, or a range to sample."""

    start: float
    stop: float
    points: Annotated[int, Field(ge=2, le=MAX_SPREAD)] | None = Field(
        default=None, description="number of values; leave it out if the design samples the range"
    )

    def is_too_narrow(self) -> bool:
        """Whether some evenly spaced values would be equal to the bit."""
        step = abs(self.stop - self.start) / ((self.points or 2) - 1)
        return step < 2 * math.ulp(max(abs(self.start), abs(self.stop)))


class Sweep(Strict):
    """What a sweep runs: replicates of each design point, random seed, design, and the settings it varies."""

    replicates: Annotated[int, Field(ge=1, le=MAX_REPLICATES)] = 30
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 2023
    design: Literal["grid", "list", "latin_hypercube", "sobol"] = Field(
        default="grid",
        description="`grid` crosses the values of all settings, `list` pairs them, the others sample their ranges",
    )
    points: Annotated[int, Field(ge=1, le=MAX_POINTS)] | None = Field(
        default=None, description="number of points of a sampling design"
    )
    vary: dict[str, tuple[float, ...] | Spread] = {}
    lens: Literal["histories", "tendency"] = Field(
        default="histories",
        description="`histories`: what happens by when; `tendency`: where the ties pull in the long run",
    )

    @field_validator("vary")
    @classmethod
    def check_values(
        cls, vary: dict[str, tuple[float, ...] | Spread], info: ValidationInfo
    ) -> dict[str, tuple[float, ...] | Spread]:
        """Check that each swept setting has values, and that crossed or sampled values differ."""
        for path, values in vary.items():
            if values == ():
                raise ValueError(f"{path} has no values; give [0, 0.5, 1] or {{ start = 0, stop = 1, points = 3 }}")
            if isinstance(values, Spread) and values.is_too_narrow():
                ends = f"from {values.start!r} to {values.stop!r}"
                raise ValueError(f"{path}, {ends}, has fewer different values than points; give a wider range")
            if isinstance(values, tuple) and info.data.get("design") == "grid":
                twice = [value for value, count in Counter(values).items() if count > 1]
                if twice:
                    raise ValueError(f"{path} has the value {twice[0]!r} twice; give each value once")
        return vary

    @model_validator(mode="after")
    def check_design(self) -> Sweep:
        """Check that a sampling design has ranges and points, and that other designs have values, not too many."""
        sampled = self.design in SAMPLED
        if sampled and self.points is None:
            raise ValueError(f"a {self.design} design needs points, such as points = 1024")
        for path, values in self.vary.items():
            if sampled and not isinstance(values, Spread):
                raise ValueError(f"a {self.design} design samples ranges; give {path} as {{ start = 0, stop = 1 }}")
            if not sampled and isinstance(values, Spread) and values.points is None:
                raise ValueError(f"{path} needs points, such as {{ start = 0, stop = 1, points = 3 }}")
        counts = [values.points or 2 if isinstance(values, Spread) else len(values) for values in self.vary.values()]
        made, size = ("crosses", math.prod(counts)) if self.design == "grid" else ("pairs", max(counts, default=0))
        if not sampled and size > MAX_POINTS:
            raise ValueError(f"{made} to {size} design points; give at most {MAX_POINTS}")
        return self


class Scenario(Strict):
    """A scenario with everything that a run needs, resolved and frozen."""

    title: Text
    question: Text = ""
    description: Text = ""
    source: Text = Field(default="", description="the paragraphs that the scenario comes from")
    note: Text = ""
    role: Literal["", "lever", "circumstance", "assumption"] = Field(
        default="", description="what a government can choose, what it cannot, or what only the modeller can"
    )
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] = 40
    step: Literal["round", "month", "quarter", "year"] = Field(
        default="round", description="length of a step; a round has none, and its rates are per step"
    )
    date: IsoDate | None = Field(default=None, description="day of the world, on which the first step begins")
    dispositions: Literal["fresh", "kept"] = Field(
        default="fresh", description="drawn at every decision, or kept until they are renewed"
    )
    anchored: bool = Field(
        default=True, description="kept dispositions are drawn given the coded start, not from all that are possible"
    )
    activation: Literal["random", "fixed_order", "simultaneous"] = "random"
    non_aligned_allowed: bool = True
    without: tuple[str, ...] = Field(default=(), description="mechanisms switched off")
    theatres: dict[Name, Text]
    blocs: Annotated[dict[Name, Bloc], Field(min_length=1, max_length=MAX_BLOCS)]
    institutions: dict[Name, Institution] = {}
    parameters: Parameters = Parameters()
    states: Annotated[dict[StateId, State], Field(min_length=1, max_length=MAX_STATES)]
    scales: dict[ScaleKind, dict[Name, Share]] = Field(
        default={}, description="named levels of a kind of tie, which may be given in place of a value"
    )
    ties: Annotated[tuple[Tie, ...], Field(max_length=MAX_TIES)] = ()
    shocks: Annotated[tuple[Shock, ...], Field(max_length=MAX_SHOCKS)] = ()
    sweep: Sweep = Sweep()
    anchor: Scenario | None = Field(
        default=None, description="the factual world, before any change by the scenario; anchors kept dispositions"
    )  # loading attaches it; no file gives it

    def __repr__(self) -> str:
        return (
            f"<Scenario {self.title!r}: {len(self.states)} states, blocs {', '.join(self.blocs)}, {self.steps} steps>"
        )

    __str__ = __repr__

    def alignments(self) -> tuple[str, ...]:
        """Ids of the alignments by their index: `non_aligned` first, then the blocs."""
        return (NON_ALIGNED_ID, *self.blocs)

    def dates(self) -> tuple[str, ...]:
        """End date of each step from 0 on, as ISO texts, (T + 1,); empty for a world without a date."""
        return step_ends(self.date, self.step, self.steps)

    def with_settings(self, settings: dict[str, float]) -> Scenario:
        """Return the scenario with settings changed; raises InputError with every fault. The scenario itself stays.

        Parameters
        ----------
        settings
            Values by setting, as ``--set`` takes them: ``{"erosion": 0.5, "blocs.us_led.accommodation": 0.1}``.
        """
        from sim import scenario  # the rule is in a module that imports this one

        return scenario.change_settings(self, settings)

    def digest(self) -> str:
        """SHA-256 of everything that a run depends on; titles, sources, notes and the sweep do not count."""
        content = counted_content(self.model_dump(exclude=NOT_COUNTED), ties_digest(self.ties))
        if self.anchor is not None:
            from sim import scenario  # the rule is in a module that imports this one

            content["anchor"] = scenario.factual_world(self).digest()
        return hash_content(content)


@cache
def scenario_json_schema() -> dict[str, Any]:
    """JSON Schema of what files give of a scenario: as pydantic makes it, with dates, and without the anchor."""
    found = Scenario.model_json_schema()
    scenario = found["$defs"].pop("Scenario")  # its anchor refers to it
    fields = scenario["properties"]
    del fields["anchor"]
    day = {"type": "string", "description": "year-month-day, such as 2023-10-25"}
    fields["until"] = {**day, "description": "in place of steps: the last step ends on this day or before it"}
    scenario["not"] = {"required": ["steps", "until"]}
    for reference in set(fields["shocks"]["items"]["discriminator"]["mapping"].values()):
        shock = found["$defs"][reference.rpartition("/")[2]]
        shock["properties"]["date"] = {**day, "description": "in place of step: the day on which the shock comes"}
        shock["required"].remove("step")
        shock["allOf"] = [one_of("step", "date")]
        if "duration" in shock["required"]:
            shock["properties"]["until"] = {**day, "description": "in place of duration: the last day of the crisis"}
            shock["required"].remove("duration")
            shock["allOf"].append(one_of("duration", "until"))
    return {"$defs": found["$defs"], **scenario}


def one_of(*keys: str) -> dict[str, Any]:
    """JSON Schema of a table that has exactly one of these keys."""
    return {"oneOf": [{"required": [key]} for key in keys]}


@lru_cache(maxsize=64)
def ties_digest(ties: tuple[Tie, ...]) -> str:
    """SHA-256 of a list of ties; cached, because the points of a design share it."""
    return hash_content(computed_content([tie.model_dump() for tie in ties]))


def counted_content(dumped: Mapping[str, Any], ties: str) -> dict[str, Any]:
    """What the digest of a scenario counts, from its dump without NOT_COUNTED and the digest of its ties."""
    content = {**computed_content(dumped), "ties": ties}
    remove_unused(content)
    content["states"] = [[key, value] for key, value in content["states"].items()]
    content["blocs"] = [[key, value] for key, value in content["blocs"].items()]
    content["theatres"] = list(content["theatres"])
    for institution in content["institutions"].values():
        institution["members"] = sorted(institution["members"])
    return content


def hash_content(content: Any) -> str:
    """SHA-256 of a record, whatever the order of its keys."""
    return hashlib.sha256(text_to_hash(content).encode()).hexdigest()


def text_to_hash(content: Any) -> str:
    """The one text of a record, whatever the order of its keys."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def remove_unused(content: dict[str, Any]) -> None:
    """Remove a calendar and kept dispositions that a scenario does not use; its digest is that of earlier versions."""
    parameters, states = content["parameters"], content["states"].values()
    if content["dispositions"] == "fresh":
        for record, key in [(content, "dispositions"), (content, "anchored"), (parameters, "renewal")]:
            del record[key]
        for state in states:
            del state["renewal"]
    unused: list[tuple[dict[str, Any], str, Any]] = [(content, "step", ROUND), (content, "date", None)]
    unused += [(parameters, "w_likeness", 0), (parameters, "w_hedging", 0)]
    unused += [(one, key, none) for one in states for key, none in (("polyarchy", None), ("initial_chances", {}))]
    for record, key, value in unused:
        if record[key] == value:
            del record[key]


NOT_COUNTED = {"title", "question", "description", "role", "sweep", "without", "scales", "ties", "anchor"}
NOT_COMPUTED = ("level", "source", "note", "since", "name", "members_source", "initial_source")


def computed_content(content: Any) -> Any:
    """The part of a dumped record that a run depends on, each sourced number as its value."""
    if isinstance(content, dict):
        if content.keys() == {"value", "source", "note"}:
            return content["value"]
        return {key: computed_content(value) for key, value in content.items() if key not in NOT_COMPUTED}
    return [computed_content(item) for item in content] if isinstance(content, (list, tuple)) else content


STEP = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?: (\d(?:\.\d{1,3})?))?")

FORM = "give days with the strength from each day on, the last day without one: 2014-07-16 0.6; 2022-02-28"


def parse_steps(since: str) -> list[tuple[date, float | None]]:
    """Days from which a sanction had a strength, None for the coded strength; raises ValueError."""
    steps: list[tuple[date, float | None]] = []
    for part in since.split(";") if since else ():
        found = STEP.fullmatch(part.strip())
        if not found:
            raise ValueError(f"{part.strip()!r} is not a step of a sanction; {FORM}")
        steps.append((last_day(found[1], found[2], found[3]), float(found[4]) if found[4] else None))
    days, strengths = [day for day, _ in steps], [strength for _, strength in steps]
    if steps and (strengths[-1] is not None or None in strengths[:-1]):
        raise ValueError(f"only the last step has no strength, because it is the coded one; {FORM}")
    if days != sorted(set(days)):
        raise ValueError(f"its days are not in order; {FORM}")
    if any(strength is not None and strength > 1 for strength in strengths):
        raise ValueError("a strength is a number in [0, 1]")
    return steps


def check_dates(since: str) -> str:
    """Return the text if its steps can be read; raises ValueError otherwise."""
    parse_steps(since)
    return since


Since = Annotated[str, Field(max_length=200), AfterValidator(check_dates)]


def last_day(year: str, month: str | None, day: str | None) -> date:
    """The day itself, or the last day of a month or year; raises ValueError if it does not exist."""
    months = int(month or 12)
    days = int(day) if day else calendar.monthrange(int(year), months)[1] if 1 <= months <= 12 else 0
    try:
        return date(int(year), months, days)
    except ValueError:
        raise ValueError(f"not a day of the calendar: {'-'.join(filter(None, (year, month, day)))}") from None
