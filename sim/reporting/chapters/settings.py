"""What a scenario changes, in words: ties and shocks by sender and target, with their dates, and other settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sim.calendar import format_day
from sim.reporting.labels import label_alignments, list_names
from sim.scenario.overrides import list_changes
from sim.scenario.schema import Scenario
from sim.scenario.shocks import SanctionShock
from sim.scenario.ties import place_of_tie, tie_key

NAMED = 8  # states in a list of senders or targets

NONE = "none"


def lines_of_changes(base: Scenario, scenario: Scenario) -> list[str]:
    """Describe what a scenario changes: one line for ties, or for shocks, that are alike."""
    listed = list_changes(base, scenario)
    ties = [one for one in listed if one[0].startswith("ties.")]
    shocks = [one for one in listed if one[0].startswith("shocks[")]
    others = [one for one in listed if not one[0].startswith(("ties.", "shocks["))]
    return [
        *lines_of_ties(base, scenario, ties),
        *lines_of_shocks(base, scenario),
        *(f"shock no longer there: {before}" for _, before, after in shocks if after == NONE),
        *(f"{place}: {after}" if before == NONE else f"{place} {before} → {after}" for place, before, after in others),
    ]


def lines_of_ties(base: Scenario, scenario: Scenario, changes: Iterable[tuple[str, str, str]]) -> list[str]:
    """Describe changed ties, those with the same first states and the same new value in one line."""
    keys = {place_of_tie(tie): tie_key(tie) for tie in (*base.ties, *scenario.ties)}
    by_target: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for place, before, after in changes:
        kind, a, b = keys[place]
        by_target.setdefault((kind, b, after), []).append((a, before))
    alike: dict[tuple[str, tuple[str, ...], str], list[tuple[str, set[str]]]] = {}
    for (kind, b, after), found in by_target.items():
        alike.setdefault((kind, tuple(a for a, _ in found), after), []).append((b, {old for _, old in found}))
    lines = []
    for (kind, firsts, after), targets in alike.items():
        old = sorted({"0" if one == NONE else one for _, values in targets for one in values}, key=float)
        before = old[0] if len(old) == 1 else f"{old[0]} to {old[-1]}"
        by, on = ("by", "on") if kind == "sanction" else ("of", "with")
        ends = name_states([b for b, _ in targets], scenario)
        new = "0" if after == NONE else after
        lines.append(f"{kind} {by} {name_states(firsts, scenario)} {on} {ends}: {before} → {new} from the start")
    return lines


def lines_of_shocks(base: Scenario, scenario: Scenario) -> list[str]:
    """Describe the shocks that the baseline lacks, sanctions of one sender, value and step in one line."""
    new = [shock for shock in scenario.shocks if shock not in base.shocks]
    dates = scenario.dates()
    alike: dict[tuple[int, str, str, float], list[str]] = {}
    lines = []
    for shock in new:
        if isinstance(shock, SanctionShock):
            alike.setdefault((shock.step, shock.sender, shock.regime, shock.value), []).append(shock.target)
        else:
            content = shock.model_dump(exclude={"step", "kind", "source", "note"})
            said = ", ".join(f"{key} {value}" for key, value in content.items() if value not in ("", None))
            lines.append(f"{shock.kind} ({said}) {when_of(shock.step, dates)}")
    for (step, sender, regime, value), targets in alike.items():
        by = name_states([sender], scenario)
        under = f" under {label_alignments(scenario).get(regime, regime)}" if regime else ""
        lines.append(f"sanction by {by} on {name_states(targets, scenario)}{under}: {value:g} {when_of(step, dates)}")
    return lines


def when_of(step: int, dates: tuple[str, ...]) -> str:
    """Name the step of a shock by its dates."""
    if not dates:
        return f"from step {step}"
    return f"from {format_day(dates[step - 1])}, where its step starts"


def name_states(selectors: Iterable[str], scenario: Scenario) -> str:
    """Name the states that selectors mean: a state, the members of an institution, or every state with such a tie."""
    names = [name_of(one, scenario) for one in selectors]
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return list_names(names[:NAMED]) + more


def name_of(selector: str, scenario: Scenario) -> str:
    """Name the states of one selector."""
    if selector == "*":
        return "every state with such a tie"
    institution: Any = scenario.institutions.get(selector.removeprefix("@"))
    if selector.startswith("@") and institution:
        return f"the {len(institution.members)} members of {institution.name or selector}"
    return scenario.states[selector].name if selector in scenario.states else selector


def list_settings(ran: Mapping[str, Scenario], names: Mapping[str, str], most: int) -> list[tuple[str, list[str], int]]:
    """List what each scenario changes from the baseline: its title, the first lines, and their number."""
    base, *others = names
    changes = {design: lines_of_changes(ran[base], ran[design]) for design in others}
    return [(names[design], lines[:most], len(lines)) for design, lines in changes.items()]
