"""Whether the scenario of each recorded point has its recorded digest."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from sim.scenario.anchor import factual_world
from sim.scenario.overrides import with_settings
from sim.scenario.schema import (
    NOT_COUNTED,
    Scenario,
    Tie,
    computed_content,
    counted_content,
    hash_content,
    text_to_hash,
    ties_digest,
)

CHANGED = (
    "the record was changed, or another version of the program wrote it; take the manifest that the sweep wrote, or"
    " make the results again in another folder"
)
MOST_POINTS = 20  # that are named
PARAMETER = re.compile(r"parameters\.(\w+)")
LEFT_OUT_AT_ZERO = ("w_likeness", "w_hedging")  # parameters that a digest does not count where they are 0
MARKED = re.compile(r'"\\u0000(\w+)"')  # where a value belongs in the text of a digest
ANCHOR = "anchor"
TIES = "ties"
MOST_PARTS = 300_000  # values of a scenario without its ties: 10,000 shocks and 2,000 states have 160,000
TOO_LARGE = "has more than {} values beside its ties"
MOST_LISTED = 1_000  # faults of a model, which take a kilobyte each when they are listed

Values = Mapping[str, str]  # JSON texts by name


class MarkedText:
    """The text that a digest hashes, cut where the values of swept parameters belong."""

    def __init__(self, content: Mapping[str, Any], names: tuple[str, ...]) -> None:
        parameters = content["parameters"] | {name: f"\0{name}" for name in names}
        self.pieces = MARKED.split(text_to_hash({**content, "parameters": parameters}))

    def digest(self, values: Values) -> str:
        """The digest of the scenario with these values."""
        filled = [values[piece] if n % 2 else piece for n, piece in enumerate(self.pieces)]
        return hashlib.sha256("".join(filled).encode()).hexdigest()


class QuickDigest:
    """The digests of a recorded scenario at many values of its parameters, without a model of each point.

    Parameters
    ----------
    record
        The scenario in the manifest.
    names
        The parameters that have other values in a point.
    """

    def __init__(self, record: Mapping[str, Any], names: tuple[str, ...]) -> None:
        content = {key: value for key, value in record.items() if key not in NOT_COUNTED}
        counted = counted_content(content, hash_content(computed_content(record["ties"])))
        self.anchor: MarkedText | None = None
        if record["anchor"] is not None:
            world = factual_world(scenario_of(record))
            believed = counted_content(world.model_dump(exclude=NOT_COUNTED), ties_digest(world.ties))
            self.anchor, counted = MarkedText(believed, names), counted | {ANCHOR: f"\0{ANCHOR}"}
        self.own = MarkedText(counted, names)

    def digest(self, values: Values) -> str:
        """The digest of the scenario with these values."""
        if self.anchor is None:
            return self.own.digest(values)
        return self.own.digest({**values, ANCHOR: f'"{self.anchor.digest(values)}"'})


def changed_points(content: Mapping[str, Any]) -> list[str]:
    """Say which points' recorded scenarios have another digest than the recorded one; the first 20 of them.

    A digest that the quick way does not confirm is computed again from a model of the scenario.
    """
    scenarios: dict[str, Scenario] = {}
    known: dict[tuple[str, tuple[str, ...]], QuickDigest | None] = {}
    large = [name for name, record in content["scenarios"].items() if too_large(record)]
    found = [f"the scenario {name} {TOO_LARGE.format(MOST_PARTS)}: {CHANGED}" for name in large[:MOST_POINTS]]
    for n, point in enumerate(() if found else content["question"]["points"]):
        name, recorded = point["scenario"], content["scenarios"]
        if quick_digest(recorded[name], point, known) == point["digest"]:
            continue
        try:
            if name not in scenarios:
                scenarios[name] = scenario_of(recorded[name])
            scenario = with_settings(scenarios[name], point["settings"])
        except ValueError as error:
            found.append(f"the scenario of point {n} ({name}) cannot be read{first_reason(error)}: {CHANGED}")
        else:
            found += filter(None, [digest_fault(n, point, scenario)])
        if len(found) == MOST_POINTS:
            break
    return found


def scenario_of(record: Any) -> Scenario:
    """The model of a recorded scenario; raises ValueError, a ValidationError with every fault where there are few.

    A model keeps each of its faults, and a large record of a stranger may have a million. So its ties are looked at one
    by one until the first fault, and the rest of it is counted.
    """
    if isinstance(record, dict) and count_parts(record) > MOST_PARTS:
        for n, tie in enumerate(record[TIES] if isinstance(record.get(TIES), list) else ()):
            try:
                Tie.model_validate(tie)
            except ValidationError as error:
                raise ValueError(f"{TIES}[{n}]{first_reason(error)}") from None
        if isinstance(record.get(ANCHOR), dict):
            scenario_of(record[ANCHOR])
        if too_large(record):
            raise ValueError(TOO_LARGE.format(MOST_PARTS))
    return Scenario.model_validate(record)


def too_large(record: Mapping[str, Any]) -> bool:
    """Whether a recorded scenario has more values beside its ties and its factual world than any scenario has."""
    return count_parts([value for key, value in record.items() if key not in (TIES, ANCHOR)]) > MOST_PARTS


def count_parts(content: Any) -> int:
    """Count the values in a record at every depth, up to the first beyond MOST_PARTS."""
    count, waiting = 0, [content]
    while waiting and count <= MOST_PARTS:
        part = waiting.pop()
        count += 1
        if isinstance(part, (dict, list)):
            waiting += part.values() if isinstance(part, dict) else part
    return count


def first_reason(error: ValueError) -> str:
    """The place and the reason of the first error of a model, or how many it has; the text of another error."""
    if not isinstance(error, ValidationError):
        return f" ({error})"
    if error.error_count() > MOST_LISTED:
        return f" ({error.error_count()} faults)"
    one = error.errors(include_input=False)[0]
    return f" ({'.'.join(map(str, one['loc']))}: {one['msg']})"


def quick_digest(
    record: Mapping[str, Any], point: Mapping[str, Any], known: dict[tuple[str, tuple[str, ...]], QuickDigest | None]
) -> str:
    """The digest of a recorded point where only parameters are swept; '' where it needs a model of the scenario."""
    paths = [PARAMETER.fullmatch(path) for path in point["settings"]]
    names = tuple(path[1] for path in paths if path)
    values = {name: float(value) for name, value in zip(names, point["settings"].values(), strict=False)}
    if len(values) < len(paths) or not all(values.get(name, 1.0) for name in LEFT_OUT_AT_ZERO):
        return ""
    key = point["scenario"], names
    try:
        if key not in known:
            known[key] = None
            known[key] = QuickDigest(record, names)
        quick = known[key]
        return quick.digest({name: json.dumps(value) for name, value in values.items()}) if quick else ""
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return ""


def digest_fault(number: int, point: Mapping[str, Any], scenario: Scenario) -> str:
    """Say that a scenario is not the one that a recorded point was run with; '' where it is."""
    if scenario.digest() == point["digest"]:
        return ""
    return f"the scenario of point {number} ({point['scenario']}) does not have its recorded digest: {CHANGED}"
