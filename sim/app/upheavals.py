"""Upheavals that a reader adds to a scenario, as `STATE:STEP:ALIGNMENT` in an address; the alignment may be absent."""

from __future__ import annotations

from collections.abc import Iterable

from sim.errors import quote
from sim.scenario.checks.references import unknown_state
from sim.scenario.schema import NON_ALIGNED_ID, Scenario
from sim.scenario.shocks import Upheaval

MOST_UPHEAVALS = 8


def states_with_governments(scenario: Scenario) -> list[str]:
    """List the states that an upheaval can move; none where dispositions are fresh."""
    return free_states(scenario) if scenario.dispositions == "kept" else []


def free_states(scenario: Scenario) -> list[str]:
    """List the states that decide: those that are not fixed and lead no bloc."""
    leaders = {bloc.leader for bloc in scenario.blocs.values()}
    return [id for id, state in scenario.states.items() if not state.fixed and id not in leaders]


def parse_upheaval(scenario: Scenario, text: str) -> Upheaval:
    """Parse an upheaval of a scenario; raise ValueError with what is wrong."""
    state, _, rest = text.partition(":")
    step, _, toward = rest.partition(":")
    if state not in scenario.states:
        raise ValueError(unknown_state(scenario.states, state))
    if state not in states_with_governments(scenario):
        raise ValueError(f"{state} never decides here by a kept disposition; choose another state")
    if not (step.isascii() and step.isdigit() and len(step) < 6 and 1 <= int(step) <= scenario.steps):
        raise ValueError(f"{quote(step)} is not a step from 1 to {scenario.steps}")
    known = [*scenario.blocs, *([NON_ALIGNED_ID] if scenario.non_aligned_allowed else [])]
    if toward and toward not in known:
        raise ValueError(f"unknown alignment {quote(toward)} (known: {', '.join(known)})")
    return Upheaval(
        kind="upheaval", state=state, step=int(step), toward=toward, source="assumed", note="set in the app"
    )


def parse_upheavals(scenario: Scenario, texts: Iterable[str], faults: list[str], prefix: str = "") -> tuple[str, ...]:
    """Return the upheavals of an address that a scenario can have, in order of time; add faults to `faults`."""
    found: dict[tuple[int, str], str] = {}
    for text in texts:
        try:
            one = parse_upheaval(scenario, text)
        except ValueError as error:
            faults.append(f"{prefix}upheaval: {error}")
            continue
        if (one.step, one.state) in found:
            faults.append(f"{prefix}upheaval: {one.state} has one at step {one.step} already; the first is taken")
        elif len(found) == MOST_UPHEAVALS:
            faults.append(f"{prefix}upheaval: there are more than {MOST_UPHEAVALS}; {quote(text)} is left out")
        else:
            found[one.step, one.state] = f"{one.state}:{one.step}" + (f":{one.toward}" if one.toward else "")
    return tuple(found[key] for key in sorted(found))


def with_upheavals(scenario: Scenario, texts: Iterable[str]) -> Scenario:
    """Add upheavals to a scenario; raise ValueError for one that it cannot have."""
    added = tuple(parse_upheaval(scenario, text) for text in texts)
    return scenario.model_copy(update={"shocks": (*scenario.shocks, *added)}) if added else scenario


def upheaval_toml(scenario: Scenario, text: str) -> list[str]:
    """Write an upheaval as lines of a scenario file."""
    one = parse_upheaval(scenario, text)
    lines = ["", "[[shocks]]", 'kind = "upheaval"', f"step = {one.step}", f'state = "{one.state}"']
    lines += [f'toward = "{one.toward}"'] if one.toward else []
    return [*lines, 'source = "assumed"', 'note = "set in the app"']
