"""What a reader has set, to and from an address, a scenario and a scenario file; no page is needed for it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from pydantic import ValidationError

from sim.analysis.flips import bloc_candidates, parameter_candidates
from sim.errors import escape_controls, quote, suggest
from sim.reporting.labels import label_alignments
from sim.scenario.loading import NAME
from sim.scenario.overrides import MECHANISMS, setting_places, with_mechanism_off, with_settings
from sim.scenario.parameters import Parameters, Sourced
from sim.scenario.schema import MAX_REPLICATES, Bloc, Scenario
from sim.scenario.ties import make_tie_key, tie_key

DEFAULT = "baseline_2023"

PAGES = ("run", "compare")

OTHER = "other."  # what the second setting's keys begin with in an address

MOST_STATES, MOST_CELLS = 250, 100_000  # what the app runs; a step costs the square of the states

UPLOADED = "uploaded:"  # what the name of a scenario handed in as a file begins with

LONGEST = 2000  # characters of an address that are read

MOST_SEED = 2**53 - 1  # beyond it a browser's numbers have gaps


@dataclass(frozen=True)
class Setting:
    """A scenario with what is changed in it."""

    scenario: str
    changed: tuple[tuple[str, float], ...] = ()  # settings as --set takes them
    without: tuple[str, ...] = ()  # mechanisms off beyond the scenario's own


@dataclass(frozen=True)
class Address:
    """All that the address of a page holds: two settings on the same luck, and what is looked at."""

    setting: Setting
    other: Setting
    seed: int
    replicate: int = 0
    step: int = 0
    state: str = ""
    page: str = "run"


@dataclass(frozen=True)
class Slider:
    """A number that a slider sets, as the schema describes it."""

    setting: str  # as --set takes it
    label: str
    meaning: str
    source: str
    value: float  # in the scenario as it is
    low: float
    high: float

    def covering(self, value: float) -> tuple[float, float, float, int]:
        """Least and greatest value of a slider that can show a value too, the size of its steps, and their digits."""
        low, high = min(self.low, self.value, value), max(self.high, self.value, value)
        if low == high:
            high = low + 1.0  # such as the budget of a bloc that no theatre asks for attention
        digits = max(0, math.ceil(-math.log10((high - low) / 50)))
        digits = max(digits, *(decimals(number) for number in (low, high, self.value, value)))
        return low, high, 10.0**-digits, digits


def decimals(value: float) -> int:
    """Digits after the point that a number needs, up to 6."""
    return next(digits for digits in range(7) if digits == 6 or round(value, digits) == value)


def list_sliders(scenario: Scenario) -> dict[str, list[Slider]]:
    """What sliders set in a scenario, by table: the parameters, then what each bloc can do."""
    found: dict[str, list[Slider]] = {"parameters": []}
    for one in parameter_candidates(scenario):
        field, number = Parameters.model_fields[one.setting], getattr(scenario.parameters, one.setting)
        unit = dict(field.json_schema_extra or {}).get("unit") if isinstance(field.json_schema_extra, dict) else ""
        told = str(field.description), source_note(number), one.value, one.low, one.high
        found["parameters"].append(Slider(one.setting, f"{one.setting}, {unit}", *told))
    names = label_alignments(scenario)
    for one in bloc_candidates(scenario):
        _, bloc, name = one.setting.split(".")
        label = f"{name.replace('_', ' ')} of {names[bloc]}"
        number = getattr(scenario.blocs[bloc], name)
        if one.value <= 10 * one.high:  # a budget without limit is no slider's
            told = str(Bloc.model_fields[name].description), source_note(number), one.value, one.low, one.high
            found.setdefault(bloc, []).append(Slider(one.setting, label, *told))
    return found


def source_note(number: Sourced) -> str:
    """Where a number comes from, and why it is what it is."""
    return f"{number.source or 'its author'}{': ' + number.note if number.note else ''}"


def canonical_paths(scenario: Scenario, path: str) -> list[str]:
    """The settings that a path names, each as it is written shortest."""
    return [".".join(place).removeprefix("parameters.") for place in setting_places(scenario, path)]


def mechanisms_off(base: Scenario, setting: Setting) -> tuple[str, ...]:
    """Every mechanism that is off: the scenario's own first."""
    return tuple(dict.fromkeys([*base.without, *setting.without]))


def resolve_setting(base: Scenario, setting: Setting) -> Scenario:
    """The scenario with the changes made and the mechanisms off; raises ValueError for a bad setting."""
    scenario = with_settings(base, dict(setting.changed), note="set in the app")
    for mechanism in mechanisms_off(base, setting):
        scenario = with_mechanism_off(scenario, mechanism)
    return scenario.model_copy(update={"without": mechanisms_off(base, setting)})


def size_fault(scenario: Scenario) -> str:
    """Why the app does not run a scenario, or nothing."""
    states, cells = len(scenario.states), len(scenario.states) * scenario.steps * len(scenario.alignments())
    if states > MOST_STATES:
        return f"has {states} states; the app runs at most {MOST_STATES}, `blocs run` more"
    if cells > MOST_CELLS:
        most = MOST_CELLS // (states * len(scenario.alignments()))
        return f"has {scenario.steps} steps; with {states} states the app runs at most {most}, `blocs run` more"
    return ""


def to_query(address: Address, base: Scenario) -> dict[str, str]:
    """The keys of an address, in a fixed order: nothing where nothing is chosen yet, else all but what is at rest."""
    if address == Address(Setting(DEFAULT), Setting(DEFAULT), base.sweep.seed):
        return {}
    query = {} if address.page == PAGES[0] else {"page": address.page}
    query |= setting_query(address.setting) | {"seed": str(address.seed)}
    query |= {"replicate": str(address.replicate)} if address.replicate else {}
    query |= {"step": str(address.step)} if address.step else {}
    query |= {"state": address.state} if address.state else {}
    if address.other != Setting(DEFAULT):
        query |= {f"{OTHER}{key}": value for key, value in setting_query(address.other).items()}
    return query


def setting_query(setting: Setting) -> dict[str, str]:
    """The keys of one setting."""
    query = {"scenario": setting.scenario, **{path: f"{value:.12g}" for path, value in setting.changed}}
    return query | ({"without": ",".join(setting.without)} if setting.without else {})


def from_query(
    query: Mapping[str, str], known: Iterable[str], load: Callable[[str], Scenario]
) -> tuple[Address, list[str]]:
    """What an address says, and what is wrong with it in words; what is wrong is as if it were not said."""
    wrong: list[str] = []
    if sum(len(key) + len(value) for key, value in query.items()) > LONGEST:
        query, wrong = {}, [f"is longer than {LONGEST} characters and was not read"]
    names = list(known)
    mine = {key: value for key, value in query.items() if not key.startswith(OTHER)}
    theirs = {key.removeprefix(OTHER): value for key, value in query.items() if key.startswith(OTHER)}
    luck: dict[str, str] = {key: mine.pop(key) for key in ("page", "seed", "replicate", "step", "state") if key in mine}
    setting, base = setting_from(mine, names, load, wrong, "")
    other, _ = setting_from(theirs, names, load, wrong, OTHER)
    own = base.sweep.seed
    if own > MOST_SEED and "seed" not in luck:
        wrong.append(f"seed: the scenario's own, {own}, is more than the {MOST_SEED} a browser holds; 0 is taken")
    seed = whole_number(luck, "seed", own if own <= MOST_SEED else 0, MOST_SEED, wrong)
    replicate = whole_number(luck, "replicate", 0, MAX_REPLICATES, wrong)
    step = whole_number(luck, "step", 0, base.steps, wrong)
    state = luck.get("state", "")
    if state and state not in base.states:
        wrong.append(f"state: unknown state {quote(state)}{suggest(state, base.states)}")
        state = ""
    page = luck.get("page", PAGES[0])
    if page not in PAGES:
        wrong.append(f"page: {quote(page)} is not one of {' and '.join(PAGES)}; {PAGES[0]} is shown")
        page = PAGES[0]
    return Address(setting, other, seed, replicate, step, state, page), [escape_controls(line) for line in wrong]


def setting_from(
    query: Mapping[str, str], names: list[str], load: Callable[[str], Scenario], wrong: list[str], prefix: str
) -> tuple[Setting, Scenario]:
    """One setting of an address with its scenario as it is; what is wrong is added to `wrong`."""
    name = query.get("scenario", DEFAULT)
    if name not in names:
        why = f"unknown scenario {quote(name)}{suggest(name, names)}"
        if name.startswith(UPLOADED):
            why = f"{quote(name)} was handed in as a file, which no address holds; hand it in again"
        wrong.append(f"{prefix}scenario: {why}; {DEFAULT} is shown")
        name = DEFAULT
    base = load(name)
    changed: dict[str, float] = {}
    for path, text in query.items():
        if path in ("scenario", "without"):
            continue
        try:
            value = float(text)
            with_settings(base, {path: value})
            changed |= dict.fromkeys(canonical_paths(base, path), value)
        except ValidationError as error:
            wrong.append(f"{prefix}{path}: {error.errors()[0]['msg'].removeprefix('Value error, ')}")
        except ValueError as error:
            problem = f"{quote(text)} is not a number" if "could not convert" in str(error) else str(error)
            wrong.append(f"{prefix}{quote(path)[1:-1]}: {problem}")
    without = [word for word in query.get("without", "").split(",") if word]
    for mechanism in without:
        if mechanism not in MECHANISMS:
            near = suggest(mechanism, MECHANISMS) or f" (known: {', '.join(MECHANISMS)})"
            wrong.append(f"{prefix}without: unknown mechanism {quote(mechanism)}{near}")
    return normalise_setting(base, Setting(name, tuple(changed.items()), tuple(without))), base


def whole_number(query: Mapping[str, str], key: str, default: int, most: int, wrong: list[str]) -> int:
    """A whole number of an address from 0 to `most`, the default where it is none."""
    text = query.get(key)
    if text is None:
        return default
    if re.fullmatch(r"[0-9]{1,19}", text) and int(text) <= most:
        return int(text)
    wrong.append(f"{key}: {quote(text)} is not a whole number from 0 to {most}; {default} is taken")
    return default


def normalise_setting(base: Scenario, setting: Setting) -> Setting:
    """The same setting written one way: what the scenario says anyway left out, the rest in a fixed order."""
    known = {knob.setting: knob.value for knob in chain(*list_sliders(base).values())}
    order = {path: n for n, path in enumerate(known)}
    changed = {}
    for path, value in setting.changed:
        try:
            told = with_settings(base, {path: value})
        except ValueError:
            continue  # another scenario's setting, which this one has not
        if value != known[path] if path in known else told.digest() != base.digest():
            changed[path] = value
    ordered = sorted(changed.items(), key=lambda pair: (order.get(pair[0], len(order)), pair[0]))
    without = [name for name in MECHANISMS if name in setting.without and name not in base.without]
    return Setting(setting.scenario, tuple(ordered), tuple(without))


def not_in(base: Scenario, setting: Setting) -> list[str]:
    """The changed settings that a scenario does not have."""
    found = []
    for path, value in setting.changed:
        try:
            with_settings(base, {path: value})
        except ValueError:
            found.append(path)
    return found


def file_name(setting: Setting) -> str:
    """The name of what is handed out of a setting, without its ending."""
    changed = "_changed" if setting != Setting(setting.scenario) else ""
    return f"{setting.scenario.removeprefix(UPLOADED)[:40]}{changed}"


def setting_toml(base: Scenario, setting: Setting, seed: int, *, key: str = "extends") -> str:
    """The setting as a scenario file that extends its scenario (or stands on its world, by `key`)."""
    lines = [
        f"title = {toml_string(base.title[:3900] + ', changed in the app')}",
        f"question = {toml_string(base.question)}",
        f"{key} = {toml_string(setting.scenario.removeprefix(UPLOADED))}",
        'source = "assumed"',
        'note = "set in the app"',
    ]
    if mechanisms_off(base, setting):
        lines.append(f"without = [{', '.join(toml_string(name) for name in mechanisms_off(base, setting))}]")
    tables: dict[str, list[str]] = {}
    ties: list[str] = []
    for path, value in setting.changed:
        parts = path.split(".")
        if parts[0] == "ties":
            ties += tie_toml(base, *parts[1:], value=value)
            continue
        table = ".".join(parts[:-1]) or "parameters"
        line = f'{parts[-1]} = {{ value = {value!r}, source = "assumed", note = "set in the app" }}'
        tables.setdefault(table, []).append(line)
    for table, settings in tables.items():
        lines += ["", f"[{table}]", *settings]
    return "\n".join([*lines, *ties, "", "[sweep]", f"seed = {seed}", ""])


def tie_toml(base: Scenario, kind: str, a: str, b: str, *, value: float) -> list[str]:
    """A tie of a scenario file; a sanction stays one of the regime that it was of."""
    held = [tie.regime for tie in base.ties if tie_key(tie) == make_tie_key(kind, a, b)]
    lines = [
        "",
        "[[ties]]",
        f"kind = {toml_string(kind)}",
        f"a = {toml_string(a)}",
        f"b = {toml_string(b)}",
        f"value = {value!r}",
    ]
    lines += [f"regime = {toml_string(held[0])}"] if held and held[0] else []
    return [*lines, 'source = "assumed"', 'note = "set in the app"']


def toml_string(words: str) -> str:
    """Words as a TOML string (a JSON string is one, but for the delete character)."""
    return json.dumps(words, ensure_ascii=False).replace("\x7f", "\\u007f")


def safe_name(name: str) -> str:
    """A scenario name made of an uploaded file's name, whatever that is."""
    stem = re.split(r"[/\\]", name)[-1].removesuffix(".toml").lower()
    stem = re.sub(r"[^a-z0-9_]+", "_", stem).strip("_")[:40]
    return stem if NAME.fullmatch(stem) and stem not in ("world", "sources") else "uploaded"
