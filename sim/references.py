"""Names that must exist: states, blocs, theatres, institutions, mechanisms and sources that a draft refers to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sim.faults import PathInFile, quoted, suggestion
from sim.parameters import Parameters
from sim.scenario import NON_ALIGNED_ID, RANDOM_ID
from sim.settings import MECHANISMS
from sim.sources import Bibliography, source_faults

Found = Iterator[tuple[PathInFile, str]]


def table(content: Any, key: str) -> dict[str, Any]:
    """A table of a draft, empty where it is missing or no table (which validation reports)."""
    value = content.get(key) if isinstance(content, Mapping) else None
    return value if isinstance(value, dict) else {}


def items(content: Any, key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """The tables of a list of a draft, with their places in it."""
    value = content.get(key) if isinstance(content, Mapping) else None
    for n, item in enumerate(value if isinstance(value, (list, tuple)) else []):
        if isinstance(item, dict):
            yield n, item


class Names:
    """What a draft defines, and the fault of a name that it doesn't."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.known = {
            "state": table(content, "states").keys(),
            "bloc": table(content, "blocs").keys(),
            "theatre": table(content, "theatres").keys(),
            "institution": table(content, "institutions").keys(),
            "parameter": Parameters.model_fields.keys(),
            "mechanism": MECHANISMS.keys(),
        }

    def check(self, what: str, name: Any, place: PathInFile) -> Found:
        """A fault where a name isn't defined."""
        if isinstance(name, str) and name not in self.known[what]:
            yield place, f"unknown {what} {quoted(name)}{suggestion(name, self.known[what])}"

    def selector(self, name: Any, place: PathInFile) -> Found:
        """A fault where a selector names no state or institution."""
        if isinstance(name, str) and name != "*":
            yield from self.check(*(("institution", name[1:]) if name.startswith("@") else ("state", name)), place)


def reference_faults(content: Mapping[str, Any], sources: Bibliography) -> Found:
    """Every reference in a draft that leads nowhere."""
    names = Names(content)
    yield from state_faults(content, names)
    yield from bloc_faults(content, names)
    yield from tie_faults(content, names)
    yield from shock_faults(content, names)
    for n, mechanism in enumerate(content.get("without", []) if isinstance(content.get("without"), list) else []):
        yield from names.check("mechanism", mechanism, ("without", n))
    yield from cited_faults(content, (), sources)


def state_faults(content: Mapping[str, Any], names: Names) -> Found:
    """States of unknown theatres, or starting where they may not."""
    leaders = {b.get("leader"): bloc for bloc, b in table(content, "blocs").items() if isinstance(b, dict)}
    for state, record in table(content, "states").items():
        if not isinstance(record, dict):
            continue
        place = ("states", state)
        yield from names.check("theatre", record.get("theatre"), (*place, "theatre"))
        initial = record.get("initial", RANDOM_ID)
        if initial not in (NON_ALIGNED_ID, RANDOM_ID):
            yield from names.check("bloc", initial, (*place, "initial"))
        if initial == NON_ALIGNED_ID and content.get("non_aligned_allowed") is False:
            yield (*place, "initial"), "this scenario forbids non-alignment; start it in a bloc or `random`"
        if state in leaders and initial != leaders[state]:
            yield (*place, "initial"), f"leads {leaders[state]!r}, so it must start there"
    capabilities = [table(record, "capability").get("value") for record in table(content, "states").values()]
    if capabilities and all(str(c) in ("0", "0.0") for c in capabilities):
        yield ("states",), "no state has any capability; give at least one a capability above 0"


def bloc_faults(content: Mapping[str, Any], names: Names) -> Found:
    """Leaders, theatres and members that are not there."""
    leaders: dict[Any, str] = {}
    for bloc, record in table(content, "blocs").items():
        if bloc in (NON_ALIGNED_ID, RANDOM_ID):
            yield ("blocs", bloc), f"{bloc!r} is a word of the model; name the bloc otherwise"
        leader = record.get("leader") if isinstance(record, dict) else None
        yield from names.check("state", leader, ("blocs", bloc, "leader"))
        if leader is not None and leader in leaders:
            yield ("blocs", bloc, "leader"), f"{quoted(leader)} leads {leaders[leader]!r} already"
        leaders[leader] = bloc
        for theatre in table(record, "priority"):
            yield from names.check("theatre", theatre, ("blocs", bloc, "priority", theatre))
    for institution, record in table(content, "institutions").items():
        members = record.get("members") if isinstance(record, dict) else None
        for n, member in enumerate(members if isinstance(members, list) else []):
            yield from names.check("state", member, ("institutions", institution, "members", n))


def tie_faults(content: Mapping[str, Any], names: Names) -> Found:
    """Ties to states that are not there, or to oneself."""
    for n, tie in items(content, "ties"):
        a, b = tie.get("a"), tie.get("b")
        yield from names.selector(a, ("ties", n, "a"))
        yield from names.selector(b, ("ties", n, "b"))
        if a == b and isinstance(a, str) and a[:1] not in ("*", "@"):
            yield ("ties", n, "b"), f"ties {quoted(a)} to itself; a tie joins two states"
        yield from regime_faults(tie, ("ties", n), names)


def regime_faults(record: Mapping[str, Any], place: PathInFile, names: Names) -> Found:
    """A regime that is no bloc, or of a tie that is no sanction."""
    if record.get("regime"):
        yield from names.check("bloc", record["regime"], (*place, "regime"))
        if record.get("kind") != "sanction":
            yield (*place, "regime"), "only a sanction belongs to a regime; leave it out"


def shock_faults(content: Mapping[str, Any], names: Names) -> Found:
    """Shocks to what is not there, or after the last step."""
    steps = content.get("steps", 40)
    for n, shock in items(content, "shocks"):
        place = ("shocks", n)
        for key in ("a", "b", "sender", "target"):
            yield from names.selector(shock.get(key), (*place, key))
        for key in ("state", "bloc", "theatre", "institution", "parameter"):
            yield from names.check(key, shock.get(key), (*place, key))
        yield from regime_faults(shock, place, names)
        step = shock.get("step")
        if isinstance(step, int) and isinstance(steps, int) and step > steps:
            yield (*place, "step"), f"{step} is after the last step, {steps}"


def cited_faults(content: Any, place: PathInFile, sources: Bibliography) -> Found:
    """Source cells anywhere in a draft that do not resolve."""
    if isinstance(content, dict):
        for key, value in content.items():
            if isinstance(value, str) and (key == "source" or key.endswith("_source")) and value:
                for message in source_faults(value, str(content.get("note", "")), sources):
                    yield (*place, key), message
            else:
                yield from cited_faults(value, (*place, key), sources)
    elif isinstance(content, list):
        for n, item in enumerate(content):
            yield from cited_faults(item, (*place, n), sources)
