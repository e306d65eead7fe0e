"""Check what a draft refers to: states, blocs, theatres, institutions, mechanisms, settings and sources."""

from __future__ import annotations

import difflib
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from sim.errors import PathInFile, quote, shorten, suggest
from sim.scenario.checks.codes import ids_in_its_place
from sim.scenario.checks.sources import Bibliography, source_faults
from sim.scenario.lens import SET_BY_TENDENCY, set_by_tendency
from sim.scenario.overrides import MECHANISMS, mechanism_paths, settings_given_twice, with_settings
from sim.scenario.parameters import Parameters, Sourced
from sim.scenario.schema import DRAWN_ID, NON_ALIGNED_ID, RANDOM_ID, Bloc, Scenario, State

Found = Iterator[tuple[PathInFile, str]]  # path of each fault, and its message

LONGEST_NAME = 60  # letters of a state's name in a message

MOST_SUGGESTIONS = 20  # unknown names for which similar ones are searched, which is slow among thousands


def draft_table(content: Any, key: str) -> dict[str, Any]:
    """A table of a draft; empty if it is missing or not a table, which validation reports."""
    value = content.get(key) if isinstance(content, Mapping) else None
    return value if isinstance(value, dict) else {}


def draft_items(content: Any, key: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Index and content of each table in a list of a draft."""
    value = content.get(key) if isinstance(content, Mapping) else None
    for n, item in enumerate(value if isinstance(value, (list, tuple)) else []):
        if isinstance(item, dict):
            yield n, item


class KnownNames:
    """Names that a draft defines, and faults of other names; a draft that is not whole has no unknown names."""

    def __init__(self, content: Mapping[str, Any], whole: bool) -> None:
        self.whole = whole
        self.known = {"parameter": Parameters.model_fields.keys(), "mechanism": MECHANISMS.keys()}
        for what in ("state", "bloc", "theatre", "institution"):
            if whole and isinstance(content.get(f"{what}s", {}), dict):
                self.known[what] = draft_table(content, f"{what}s").keys()
        named = draft_table(content, "states").items()
        self.states = {id: str(one.get("name", id)) if isinstance(one, dict) else id for id, one in named}
        self.messages: dict[tuple[str, str], str] = {}

    def check(self, what: str, name: Any, place: PathInFile) -> Found:
        """Fault of a name that is not defined."""
        if isinstance(name, str) and name not in self.known.get(what, (name,)):
            if (what, name) not in self.messages:
                near = self.suggest(what, name) if len(self.messages) < MOST_SUGGESTIONS else ""
                self.messages[what, name] = f"unknown {what} {quote(name)}{near}"
            yield place, self.messages[what, name]

    def suggest(self, what: str, name: str) -> str:
        """Suggest a name that is defined."""
        return suggest_state(self.states, name) if what == "state" else suggest(name, self.known[what])

    def check_selector(self, selector: Any, place: PathInFile) -> Found:
        """Fault of a selector that names an unknown state or institution."""
        if isinstance(selector, str) and selector != "*":
            is_institution = selector.startswith("@")
            what, name = ("institution", selector[1:]) if is_institution else ("state", selector)
            yield from self.check(what, name, place)


def find_similar_words(word: str, known: Mapping[str, str]) -> list[str]:
    """Known words that begin with the word, else the most similar ones."""
    return [name for name in known if len(word) > 2 and name.startswith(word)] or difflib.get_close_matches(word, known)


def suggest_state(names: Mapping[str, str], word: str) -> str:
    """Suggest a state for a word that is not an id, from the names of the states by id.

    That is the state of this name, else the one that was or is in the place of the one that the word means, such as the
    Soviet Union for RUS, else one whose id or name is similar.
    """
    ids = {name.casefold(): id for id, name in names.items()} | {id.casefold(): id for id in names}
    near = [word.casefold()] if word.casefold() in ids else find_similar_words(word.casefold(), ids)
    if word.casefold() not in ids and (meant := ids_in_its_place(word)):
        there = next((id for id in meant if id in names), None)
        if there is None:
            return suggest("", names) or " (not in this world)"
        return f" (in its place is {quote(there)}, {shorten(names[there], LONGEST_NAME)})"
    return f" (did you mean {quote(ids[near[0]])}?)" if near else suggest(word, names)


def unknown_state(states: Mapping[str, State], word: str) -> str:
    """Describe a word that is the id of no state, with a suggestion."""
    return f"unknown state {quote(word)}{suggest_state({id: one.name for id, one in states.items()}, word)}"


def find_state_id(states: Mapping[str, State], word: str) -> str:
    """Return the id of the one state with this full name, in any case; else the word itself."""
    found = [id for id, record in states.items() if record.name.casefold() == word.casefold()]
    return found[0] if len(found) == 1 and word not in states else word


def reference_faults(content: Mapping[str, Any], sources: Bibliography | None, whole: bool) -> Found:
    """Faults of all references in a draft; `sources` is None if the bibliography could not be read."""
    names = KnownNames(content, whole)
    yield from state_faults(content, names)
    yield from bloc_faults(content, names)
    yield from tie_faults(content, names)
    yield from shock_faults(content, names)
    for n, mechanism in enumerate(content.get("without", []) if isinstance(content.get("without"), list) else []):
        yield from names.check("mechanism", mechanism, ("without", n))
    yield from cited_faults(content, (), sources)


def state_faults(content: Mapping[str, Any], names: KnownNames) -> Found:
    """Faults of the theatre and the initial alignment of each state."""
    blocs = draft_table(content, "blocs")
    for state, record in draft_table(content, "states").items():
        if not isinstance(record, dict):
            continue
        place = ("states", state)
        yield from names.check("theatre", record.get("theatre"), (*place, "theatre"))
        initial = record.get("initial", RANDOM_ID)
        if initial not in (NON_ALIGNED_ID, RANDOM_ID, DRAWN_ID):
            yield from names.check("bloc", initial, (*place, "initial"))
        yield from chances_faults(content, record, place, names)
        if initial == NON_ALIGNED_ID and content.get("non_aligned_allowed") is False:
            yield (*place, "initial"), "this scenario forbids non-alignment; start it in a bloc or `random`"
        led = [bloc for bloc in blocs if draft_table(blocs, bloc).get("leader") == state]
        if led and initial not in led and ("initial" in record or names.whole):
            yield (*place, "initial"), f"leads {led[0]!r}, so it must start there"
    sizes = [r.get("capability") if isinstance(r, dict) else None for r in draft_table(content, "states").values()]
    if names.whole and sizes and all((c.get("value") if isinstance(c, dict) else c) == 0 for c in sizes):
        yield ("states",), "no state has any capability; give at least one a capability above 0"


SUM_TOLERANCE = 0.01  # chances are written with few digits


def chances_faults(
    content: Mapping[str, Any], record: Mapping[str, Any], place: PathInFile, names: KnownNames
) -> Found:
    """Faults of the chances of a drawn start."""
    chances, drawn = draft_table(record, "initial_chances"), record.get("initial") == DRAWN_ID
    at = (*place, "initial_chances")
    for alignment in chances:
        if alignment != NON_ALIGNED_ID:
            yield from names.check("bloc", alignment, at)
        elif content.get("non_aligned_allowed") is False and chances[alignment]:
            yield at, "this scenario forbids non-alignment, so its chance has to be 0"
    if drawn and "initial_chances" not in record and names.whole:
        yield (*place, "initial"), "is drawn, so give initial_chances, such as us_led 0.7; non_aligned 0.3"
    if not drawn and chances:
        yield at, f"has no effect unless initial is {DRAWN_ID!r}"
    known = [value for value in chances.values() if isinstance(value, (int, float))]
    if chances and len(known) == len(chances) and abs(math.fsum(known) - 1) > SUM_TOLERANCE:
        yield at, f"sums to {math.fsum(known):g}; give chances that sum to 1"


def bloc_faults(content: Mapping[str, Any], names: KnownNames) -> Found:
    """Faults of the leaders and priorities of blocs, and of the members of institutions."""
    leaders: dict[str, str] = {}
    for bloc, record in draft_table(content, "blocs").items():
        if bloc in (NON_ALIGNED_ID, RANDOM_ID, DRAWN_ID):
            yield ("blocs", bloc), f"{bloc!r} is a word of the model; give the bloc another name"
        leader = record.get("leader") if isinstance(record, dict) else None
        yield from names.check("state", leader, ("blocs", bloc, "leader"))
        if isinstance(leader, str):
            if leader in leaders:
                yield ("blocs", bloc, "leader"), f"{quote(leader)} leads {leaders[leader]!r} already"
            leaders[leader] = bloc
        for theatre in draft_table(record, "priority"):
            yield from names.check("theatre", theatre, ("blocs", bloc, "priority", theatre))
    for institution, record in draft_table(content, "institutions").items():
        members: Any = record.get("members") if isinstance(record, dict) else None
        for n, member in enumerate(members if isinstance(members, list) else []):
            place = ("institutions", institution, "members", n)
            yield from names.check("state", member, place)
            if member in members[:n]:
                yield place, f"{quote(member)} is given twice; give it once"


def tie_faults(content: Mapping[str, Any], names: KnownNames) -> Found:
    """Faults of the ends, regime and dates of each tie."""
    states = names.known.get("state", ())
    for n, tie in draft_items(content, "ties"):
        a, b = tie.get("a"), tie.get("b")
        ends_are_states = isinstance(a, str) and isinstance(b, str) and a in states and b in states
        if a == b or not ends_are_states:  # nearly all ties skip these slow checks
            yield from names.check_selector(a, ("ties", n, "a"))
            yield from names.check_selector(b, ("ties", n, "b"))
            yield from loop_faults(a, b, ("ties", n, "b"))
        if tie.get("regime"):
            yield from regime_faults(tie, ("ties", n), names)
            if tie.get("kind") != "sanction":
                yield ("ties", n, "regime"), "only a sanction belongs to a regime; leave it out"
        if tie.get("since") and tie.get("kind") != "sanction":
            yield ("ties", n, "since"), "only a sanction is dated; leave it out"


def loop_faults(a: Any, b: Any, place: PathInFile) -> Found:
    """Fault of a tie from a state to itself."""
    if a == b and isinstance(a, str) and a[:1] not in ("*", "@"):
        yield place, f"ties {quote(a)} to itself; a tie joins two states"


def regime_faults(record: Mapping[str, Any], place: PathInFile, names: KnownNames) -> Found:
    """Fault of the regime of a sanction if it is not a bloc."""
    if record.get("regime") and record.get("kind") == "sanction":
        yield from names.check("bloc", record["regime"], (*place, "regime"))


def shock_faults(content: Mapping[str, Any], names: KnownNames) -> Found:
    """Faults of what shocks refer to, of shocks after the last step, and of upheavals that cannot be."""
    steps = content.get("steps", Scenario.model_fields["steps"].default if names.whole else None)
    for n, shock in draft_items(content, "shocks"):
        place = ("shocks", n)
        for key in ("a", "b", "sender", "target"):
            yield from names.check_selector(shock.get(key), (*place, key))
        for key in ("state", "bloc", "theatre", "institution", "parameter"):
            yield from names.check(key, shock.get(key), (*place, key))
        yield from loop_faults(shock.get("a"), shock.get("b"), (*place, "b"))
        yield from loop_faults(shock.get("sender"), shock.get("target"), (*place, "target"))
        yield from regime_faults(shock, place, names)
        step = shock.get("step")
        if isinstance(step, int) and isinstance(steps, int) and step > steps:
            yield (*place, "step"), f"{quote(step)} is after the last step, {quote(steps)}"
    yield from upheaval_faults(content, names)


def upheaval_faults(content: Mapping[str, Any], names: KnownNames) -> Found:
    """Faults of upheavals: fresh dispositions, states that never decide, two in a step, and what they prefer."""
    leaders = [record.get("leader") for record in draft_table(content, "blocs").values() if isinstance(record, dict)]
    states = draft_table(content, "states")
    seen: set[tuple[int, str]] = set()
    for n, shock in draft_items(content, "shocks"):
        if shock.get("kind") != "upheaval":
            continue
        place, state, step, toward = ("shocks", n), shock.get("state"), shock.get("step"), shock.get("toward", "")
        if names.whole and content.get("dispositions", "fresh") == "fresh":
            yield (*place, "kind"), 'dispositions are fresh, so none lasts that is renewed; set dispositions = "kept"'
        if toward == NON_ALIGNED_ID and content.get("non_aligned_allowed") is False:
            yield (*place, "toward"), "this scenario forbids non-alignment; give a bloc"
        elif toward not in (NON_ALIGNED_ID, ""):
            yield from names.check("bloc", toward, (*place, "toward"))
        if not isinstance(state, str):
            continue
        record = states.get(state)
        if state in leaders or (isinstance(record, dict) and record.get("fixed") is True):
            why = "leads its bloc" if state in leaders else "is fixed"
            yield (*place, "state"), f"{quote(state)} {why}, so it never decides"
        if isinstance(step, int):
            if (step, state) in seen:
                yield place, f"{quote(state)} has an upheaval at step {quote(step)} already; give one of them"
            seen.add((step, state))


def sweep_faults(content: Mapping[str, Any]) -> Found:
    """Faults of swept settings: unknown, out of bounds, given twice, set by the lens, or lists of different lengths."""
    zero = Sourced(value=0)
    bloc = Bloc(name="", enforcement=zero, attention_budget=zero, accommodation=zero)
    stub = Scenario.model_construct(
        scales={
            kind: dict.fromkeys(draft_table(draft_table(content, "scales"), kind), zero)
            for kind in draft_table(content, "scales")
        },
        theatres=dict.fromkeys(draft_table(content, "theatres"), ""),
        blocs=dict.fromkeys(draft_table(content, "blocs"), bloc),
        states=dict.fromkeys(draft_table(content, "states"), State(name="", theatre="anywhere", capability=zero)),
    )  # only has the names of the draft, so it exists even if the draft has faults
    if content.get("dispositions") == "kept" and content.get("anchored", True):
        stub = stub.model_copy(update={"anchor": stub})
    sweep = draft_table(content, "sweep")
    lengths = set()
    yield from repeated_setting_faults(content, stub)
    for path, entry in draft_table(sweep, "vary").items():
        spread = entry if isinstance(entry, dict) else {}
        values = entry if isinstance(entry, list) else [spread.get("start"), spread.get("stop")]
        lengths.add(quote(len(entry) if isinstance(entry, list) else spread.get("points")))
        for value in values:
            if isinstance(value, (int, float)) and abs(value) <= 1e300:
                yield from ((("sweep", "vary", path), message) for message in setting_faults(stub, path, value))
        if sweep.get("lens") == "tendency" and set_by_tendency(path):
            yield ("sweep", "vary", path), f"varies {path}, {SET_BY_TENDENCY}"
    if sweep.get("design") == "list" and len(lengths) > 1:
        yield ("sweep", "design"), "a list pairs settings, so all need equally many values"


def repeated_setting_faults(content: Mapping[str, Any], stub: Scenario) -> Found:
    """Faults of settings that are swept or switched off twice, and of equal points of a list."""
    off = content.get("without")
    named = [name for name in off if isinstance(name, str)] if isinstance(off, list) else []
    vary = draft_table(draft_table(content, "sweep"), "vary")
    owners = [(f"without {name}", [*mechanism_paths(name)]) for name in named] + [(path, [path]) for path in vary]
    for path, setting, other in settings_given_twice(stub, owners):
        if path in vary:
            yield ("sweep", "vary", path), f"sets {setting}, and so does {other}; leave one of them out"
    if draft_table(content, "sweep").get("design") == "list" and all(
        isinstance(values, list) for values in vary.values()
    ):
        rows = [row for row in zip(*vary.values(), strict=False) if all(isinstance(v, (int, float)) for v in row)]
        if twice := [row for row, count in Counter(rows).items() if count > 1]:
            point = ", ".join(f"{path} = {value!r}" for path, value in zip(vary, twice[0], strict=True))
            yield ("sweep", "vary"), f"the point {point} is given twice; give it once"


def setting_faults(scenario: Scenario, path: str, value: float) -> Iterator[str]:
    """Fault of a setting or its value."""
    try:
        with_settings(scenario, {path: value})
    except ValidationError as error:
        yield f"{path}: {error.errors()[0]['msg'].removeprefix('Value error, ')}"
    except ValueError as error:
        yield str(error)


CellFaults = dict[tuple[str, str], tuple[str, ...]]  # messages by source cell and the first letter of its note


def cited_faults(
    content: Any, place: PathInFile, sources: Bibliography | None, known: CellFaults | None = None
) -> Found:
    """Faults of all source cells in a draft; each different cell is checked once."""
    known = {} if known is None else known
    if isinstance(content, dict):
        for key, value in content.items():
            if isinstance(value, str):
                if value and (key == "source" or key.endswith("_source")):
                    note = content.get("note")
                    cell = value, note.strip()[:1] if isinstance(note, str) else ""
                    if cell not in known:
                        known[cell] = tuple(source_faults(*cell, sources))
                    for message in known[cell]:
                        yield (*place, key), message
            elif isinstance(value, (dict, list)):
                yield from cited_faults(value, (*place, key), sources, known)
    elif isinstance(content, list):
        for n, item in enumerate(content):
            yield from cited_faults(item, (*place, n), sources, known)
