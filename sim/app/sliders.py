"""Settings in words for readers: the sliders of a scenario, and the name and value of any setting."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from sim.analysis.flips import bloc_candidates, parameter_candidates
from sim.analysis.history.words import Names
from sim.reporting.labels import label_alignments, label_history
from sim.scenario.overrides import setting_places, setting_value
from sim.scenario.parameters import PLAIN, Parameters, Sourced
from sim.scenario.schema import Bloc, Scenario


@dataclass(frozen=True)
class Slider:
    """A number that a slider sets, described by the schema."""

    setting: str  # as --set takes it
    label: str  # in plain words
    small: str  # the name in files and commands, with its unit
    meaning: str  # what a higher value does, in plain words, then what the setting is in the model
    source: str
    value: float  # in the scenario as it is
    low: float
    high: float

    def scale_for(self, value: float) -> tuple[float, float, float, int]:
        """Return minimum, maximum, step and digits of a slider that can show this value too."""
        low, high = min(self.low, self.value, value), max(self.high, self.value, value)
        if low == high:
            high = low + 1.0  # such as the budget of a bloc that no theatre asks for attention
        digits = max(0, math.ceil(-math.log10((high - low) / 50)))
        digits = max(digits, *(count_decimals(number) for number in (low, high, self.value, value)))
        return low, high, 10.0**-digits, digits


def count_decimals(value: float) -> int:
    """Count the digits after the point that a number needs, up to 6."""
    return next(digits for digits in range(7) if digits == 6 or round(value, digits) == value)


def list_sliders(scenario: Scenario) -> dict[str, list[Slider]]:
    """List a scenario's sliders by table: the parameters, then the levers of each bloc."""
    found: dict[str, list[Slider]] = {"parameters": []}
    for one in parameter_candidates(scenario):
        field, number = Parameters.model_fields[one.setting], getattr(scenario.parameters, one.setting)
        unit = dict(field.json_schema_extra or {}).get("unit") if isinstance(field.json_schema_extra, dict) else ""
        details = help_words(one.setting, field.description), source_note(number), one.value, one.low, one.high
        found["parameters"].append(Slider(one.setting, PLAIN[one.setting].name, f"{one.setting}, {unit}", *details))
    names = label_alignments(scenario)
    for one in bloc_candidates(scenario):
        _, bloc, name = one.setting.split(".")
        number = getattr(scenario.blocs[bloc], name)
        if one.value <= 10 * one.high:  # an unlimited budget has no slider
            meaning = help_words(name, Bloc.model_fields[name].description)
            details = meaning, source_note(number), one.value, one.low, one.high
            label, small = bloc_label(names[bloc], name), f"{name} of {bloc}"
            found.setdefault(bloc, []).append(Slider(one.setting, label, small, *details))
    return found


def help_words(name: str, description: str | None) -> str:
    """Say what a higher value does, then what the setting is in the model, without the paragraphs of the article."""
    return f"If higher: {PLAIN[name].higher}. In the model: {re.sub(r' [(]§[^)]*[)]', '', str(description))}"


def bloc_label(bloc: str, name: str) -> str:
    """Return the label of what a bloc can set."""
    label = PLAIN[name].name
    return f"{bloc}: {label[:1].lower()}{label[1:]}"


def setting_label(scenario: Scenario, path: str, names: Names | None = None) -> str:
    """Name any setting in plain words; one without such a name keeps its path."""
    names = names or label_history(scenario)
    match path.removeprefix("parameters.").split("."):
        case [name] if name in Parameters.model_fields:
            return PLAIN[name].name
        case ["blocs", bloc, name] if bloc in scenario.blocs and name in PLAIN:
            return bloc_label(names.alignments[bloc], name)
        case ["states", state, "autonomy"] if state in scenario.states:
            return f"{names.states[state]}: {PLAIN['w_autonomy'].name.lower()}, a multiple"
        case ["ties", "sanction", sender, target] if {sender, target} <= scenario.states.keys():
            return f"Sanctions of {names.state(sender)} on {names.state(target)}"
        case ["ties", kind, a, b] if {a, b} <= scenario.states.keys():
            return f"{kind.capitalize()} of {names.state(a)} and {names.state(b)}"
    return path


def change_words(scenario: Scenario, path: str, value: float, names: Names | None = None) -> str:
    """Say a change of a setting of a scenario: its plain name, and the values before and after."""
    place = setting_places(scenario, path)[0]
    own = place[0] != "world"
    before = setting_value(scenario if own else scenario.anchor or scenario, place if own else place[1:])
    return f"{setting_label(scenario, path, names)} {'none' if before is None else f'{before:.4g}'} → {value:.4g}"


def source_note(number: Sourced) -> str:
    """Return the source and the note of a number."""
    return f"{number.source or 'its author'}{': ' + number.note if number.note else ''}"
