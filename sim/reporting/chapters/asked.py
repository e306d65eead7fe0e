"""Which scenario a report asks about, and the title that follows from it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sim.analysis.compare import Sample
from sim.analysis.dated.events import list_designs
from sim.article.robustness import VARIED
from sim.batch.manifest import recorded_command
from sim.batch.store import Results
from sim.errors import Fault, InputError, escape_controls, quote, suggest
from sim.reporting.dated.findings import fixed_states
from sim.reporting.labels import name_settings, shorten_middle
from sim.scenario.checks.references import find_state_id, unknown_state
from sim.scenario.overrides import BY_COMMAND, BY_HAND
from sim.scenario.schema import SAMPLED

NAMED_SETTINGS = 3

MOST_POINTS = 24  # design points of one scenario in figures and tables


def choose_asked(found: Sample, base: str, scenario: str | None) -> str:
    """Choose the scenario whose question is the title.

    Parameters
    ----------
    found
        The finished runs.
    base
        Label of the baseline.
    scenario
        The scenario asked for, if any.

    Returns
    -------
    str
        The label asked for; else the only other scenario, or the only lever, at the baseline's settings; else the
        baseline.

    Raises
    ------
    InputError
        If no finished run has the label.
    """
    finished = set(found.runs["design"])
    if scenario is not None:
        if scenario in finished:
            return scenario
        unknown = f"no such scenario in these results{suggest(scenario, found.designs)}"
        message = "has no finished run yet; resume its sweep" if scenario in found.designs else unknown
        raise InputError([Fault("--scenario", 1, scenario, message)])
    others = [one for one in found.designs if one in finished - {base} and same_settings(found, one, base)]
    levers = [design for design in others if found.scenarios[design].get("role") == "lever"]
    return next((only[0] for only in (others, levers) if len(only) == 1), base)


def choose_asked_state(results: Results, base: str, word: str | None) -> str | None:
    """Find the state that the first page asks about by its id or name; None without a word.

    Raises
    ------
    InputError
        If it is not in the baseline's world, is fixed there, or the runs have no dates.
    """
    if word is None:
        return None
    designs = list_designs(results)
    design = next(one for one in designs if one.label == base)
    states, fixed = design.scenario.states, fixed_states(design)
    id = find_state_id(states, word)
    message = ""
    if id not in states:
        message = f"{unknown_state(states, word)} in {base}; `blocs show {design.name}` lists its states"
    elif not all(one.dated for one in designs):
        message = f"needs histories with dates, and {base} has none; leave it out, or sweep with --lens histories"
    elif id in fixed:
        decides = next((f", such as {quote(states[one].name)}" for one in states if one not in fixed), "")
        message = f"{quote(states[id].name)} is fixed in {base} and never moves; give a state that decides{decides}"
    if message:
        raise InputError([Fault("report", 1, "state", message)])
    return id


def same_settings(found: Sample, one: str, other: str) -> bool:
    """Return whether two designs have the same swept settings, whatever their labels are."""
    return settings_key(found, one) == settings_key(found, other)


def settings_key(found: Sample, design: str) -> tuple[tuple[str, float], ...]:
    """Return the swept settings of a design in an order of their own, which designs at the same settings share."""
    return tuple(sorted(found.settings.get(design, {}).items()))


def scenario_at(design: str) -> str:
    """Return the name of the scenario of a design point from its label; names have no bracket after a space."""
    return design.partition(" [")[0]


def count_points(found: Sample, design: str) -> int:
    """Count the design points of the scenario of a design."""
    return sum(scenario_at(one) == scenario_at(design) for one in found.designs)


def order_designs(found: Sample, base: str, focus: str) -> list[str]:
    """Order the finished designs: the baseline, the one asked for, those at the baseline's settings, the others."""
    finished = set(found.runs["design"])
    nearest = sorted(found.designs, key=lambda design: not same_settings(found, design, base))
    return [design for design in dict.fromkeys((base, focus, *nearest)) if design in finished]


def name_asked(found: Sample, base: str, focus: str, names: Mapping[str, str]) -> str:
    """Name the scenario asked about, without the settings that it shares with the baseline."""
    return title_without_settings(found, focus) if same_settings(found, base, focus) else names[focus]


def title_without_settings(found: Sample, design: str) -> str:
    """Return the title of a scenario on one line."""
    return shorten_middle(escape_controls(str(found.scenarios[design]["title"])))


def title_of_report(found: Sample, base: str, focus: str, names: Mapping[str, str]) -> str:
    """Name the scenario asked about beside the baseline, with the settings that they share only once."""
    if focus == base:
        return names[base]
    settings = found.settings.get(base, {})
    if not settings or not same_settings(found, base, focus):
        return f"“{names[focus]}” beside “{names[base]}”"
    one, other = (title_without_settings(found, design) for design in (focus, base))
    return f"“{one}” beside “{other}”, both with {words_of_settings(name_settings(settings))}"


def note_of_settings(found: Sample, base: str) -> str:
    """Name the settings of a page where the sweep has several, and how to choose others; '' for one point."""
    own = name_settings(found.settings[base])
    points = count_points(found, base)
    if points < 2 or not own:
        return ""
    return (
        f"The sweep has {points} settings. This page is of {words_of_settings(own)}, which may differ from the"
        " assumed values; --baseline chooses another by its label, which `blocs compare --all` prints."
    )


def require_chosen_settings(found: Sample, base: str, folder: str) -> None:
    """Refuse a sweep over sampled settings or draws, since one of its points answers nothing; raises InputError."""
    name, points = scenario_at(base), count_points(found, base)
    sweep = found.scenarios[base]["sweep"]
    drawn = is_of_draws(sweep)
    if points < 2 or (points <= MOST_POINTS and sweep["design"] not in SAMPLED and not drawn):
        return
    alone = points == len(found.designs)
    over = f"`blocs query {folder} SQL` reads all of them" if alone else (
        f"`blocs compare {folder}` compares each scenario with the baseline over all of them"
    )  # fmt: skip
    count, again = f"{points} design points of {name}", (
        "sweep without ranges: its --points vary the parameters, and `blocs sensitivity` and `blocs regret` do so in"
        " more detail. A point"
    )  # fmt: skip
    if drawn:
        count, again = f"{points} draws of the parameters of {name}", (
            "sweep without --parameters: with the same option a report judges the article's claims over draws. A draw"
        )  # fmt: skip
    message = (
        f"has {count}, and a report is of one. {over}. For a report, {again} that you choose has a report too: give its"
        " label as --baseline"
    )
    raise InputError([Fault(folder, 1, "", message)])


def is_of_draws(sweep: Mapping[str, Any]) -> bool:
    """Return whether a recorded sweep is over draws of calibrated parameters: a list of points of most parameters."""
    varied = {f"parameters.{name}" for name in VARIED} & sweep["vary"].keys()
    return sweep["design"] == "list" and 2 * len(varied) > len(VARIED)


def changed_by_hand(manifest: Mapping[str, Any], base: Mapping[str, Any]) -> list[str]:
    """List the settings and mechanisms that a command or a program changed in every scenario of a sweep.

    They are those of the recorded command; without one, the numbers of the baseline that are noted as set by hand.
    """
    words = shlex.split(recorded_command(manifest))
    if words:
        pairs = list(zip(words, [*words[1:], ""], strict=True))
        return [value for word, value in (*pairs, *map(split_option, words)) if word == "--set"] + [
            f"without {value}" for word, value in (*pairs, *map(split_option, words)) if word == "--without"
        ]
    return list(noted_by_hand(base))


def split_option(word: str) -> tuple[str, str]:
    """Split `--option=value`; the option is '' where the word is none."""
    option, sign, value = word.partition("=")
    return (option, value) if sign and option.startswith("--") else ("", "")


def noted_by_hand(content: Any, at: str = "") -> Iterator[str]:
    """Yield the numbers of a recorded scenario whose note says that they were set by hand."""
    if isinstance(content, Mapping):
        if content.get("note") in (BY_COMMAND, BY_HAND):
            place = f"ties.{content['kind']}.{content['a']}.{content['b']}" if "kind" in content else at
            yield f"{place}={content['value']:g}"
            return
        for key, value in content.items():
            if key != "anchor":
                yield from noted_by_hand(value, f"{at}.{key}" if at else str(key))
    elif isinstance(content, list):
        for value in content:
            yield from noted_by_hand(value, at)


def words_of_settings(settings: Sequence[str]) -> str:
    """List the first settings, and count the others."""
    more = f" and {len(settings) - NAMED_SETTINGS} more" if len(settings) > NAMED_SETTINGS else ""
    return ", ".join(settings[:NAMED_SETTINGS]) + more
