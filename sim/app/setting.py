"""Settings of a reader: convert them to and from an address, a scenario and a scenario file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from pydantic import ValidationError

from sim.app.sliders import list_sliders
from sim.app.upheavals import parse_upheavals, upheaval_toml, with_upheavals
from sim.errors import escape_controls, quote, suggest
from sim.names import scenario_name
from sim.scenario.checks.references import unknown_state
from sim.scenario.loading import NAME, files_of
from sim.scenario.overrides import MECHANISMS, setting_places, with_mechanism_off, with_settings
from sim.scenario.schema import MAX_REPLICATES, Scenario
from sim.scenario.ties import make_tie_key, tie_key

DEFAULT = "baseline_2023"

RUNS = (50, 100, 200, 400)  # numbers of runs that the page of comparison offers

PAGES = ("run", "what_if", "tipping", "compare", "lessons")

VIEW = ("page", "seed", "replicate", "step", "state", "ghost", "to", "at", "runs")  # keys that no setting has

OTHER_PREFIX = "other."  # prefix of the second setting's keys in an address

MAX_APP_STATES, MAX_APP_CELLS = 250, 100_000  # the app's limits: a step costs the square of the states

UPLOAD_PREFIX = "uploaded:"  # prefix of an uploaded scenario's name

MAX_ADDRESS = 2000  # characters of an address

MAX_SEED = 2**53 - 1  # beyond it a browser's numbers have gaps


@dataclass(frozen=True)
class AppSetting:
    """A scenario and the changes to it."""

    scenario: str
    changed: tuple[tuple[str, float], ...] = ()  # settings as --set takes them
    without: tuple[str, ...] = ()  # mechanisms switched off, besides the scenario's own
    upheavals: tuple[str, ...] = ()  # governments that fall, as `parse_upheaval` reads them


@dataclass(frozen=True)
class Address:
    """The content of a page's address: two settings with common random numbers, and the view."""

    setting: AppSetting
    other: AppSetting
    seed: int
    replicate: int = 0
    step: int = 0
    state: str = ""
    page: str = "run"
    ghost: bool = False  # whether the run is shown beside that of the baseline
    to: str = ""  # the alignment of *What would it take* and the bloc of *Compare*; empty for the one in question
    at: int | None = None  # the step of the maps of *What if*; None for the last
    runs: int = RUNS[2]  # of each setting, on the page of comparison


def is_dated(scenario: Scenario) -> bool:
    """Whether the runs of a scenario are histories with dates."""
    return scenario.sweep.lens == "histories" and bool(scenario.dates())


def ancestors_of(reference: str | Path) -> tuple[str, ...]:
    """Return the names of what a valid scenario extends, the nearest first and its world last."""
    return tuple(scenario_name(file) for file in files_of(reference)[1:])


def question_state(scenario: Scenario) -> str:
    """The state that the article asks about, China; empty in other worlds."""
    return "CHN" if "CHN" in scenario.states and "front" in scenario.blocs else ""


def main_bloc(scenario: Scenario, state: str) -> str:
    """The bloc that a state is asked about: the one in which it starts, else the last that it does not lead."""
    start = scenario.states[state].initial
    return start if start in scenario.blocs else list(scenario.blocs)[-1]


def canonical_paths(scenario: Scenario, path: str) -> list[str]:
    """Return the settings that a path names, each in its shortest spelling."""
    return [".".join(place).removeprefix("parameters.") for place in setting_places(scenario, path)]


def mechanisms_off(base: Scenario, setting: AppSetting) -> tuple[str, ...]:
    """Return every mechanism that is off, the scenario's own first."""
    return tuple(dict.fromkeys([*base.without, *setting.without]))


def resolve_setting(base: Scenario, setting: AppSetting) -> Scenario:
    """Apply the changes and switch the mechanisms off; raise ValueError for a bad setting."""
    scenario = with_settings(base, dict(setting.changed), note="set in the app")
    scenario = with_upheavals(scenario, setting.upheavals)
    for mechanism in mechanisms_off(base, setting):
        scenario = with_mechanism_off(scenario, mechanism)
    return scenario.model_copy(update={"without": mechanisms_off(base, setting)})


def size_fault(scenario: Scenario) -> str:
    """Return why the app does not run a scenario, or an empty text."""
    states, cells = len(scenario.states), len(scenario.states) * scenario.steps * len(scenario.alignments())
    if states > MAX_APP_STATES:
        return f"has {states} states; the app runs at most {MAX_APP_STATES}, `blocs run` more"
    if cells > MAX_APP_CELLS:
        most = MAX_APP_CELLS // (states * len(scenario.alignments()))
        return f"has {scenario.steps} steps; with {states} states the app runs at most {most}, `blocs run` more"
    return ""


def to_query(address: Address, base: Scenario, beside: str = DEFAULT) -> dict[str, str]:
    """Return the keys of an address in a fixed order, without defaults; empty if all are defaults.

    `beside` names the other scenario where the address does not.
    """
    if address == Address(AppSetting(DEFAULT), AppSetting(DEFAULT), base.sweep.seed):
        return {}
    query = {} if address.page == PAGES[0] else {"page": address.page}
    query |= setting_query(address.setting) | {"seed": str(address.seed)}
    query |= {"replicate": str(address.replicate)} if address.replicate else {}
    query |= {"step": str(address.step)} if address.step else {}
    query |= {"state": address.state} if address.state else {}
    query |= {"ghost": "1"} if address.ghost else {}
    query |= {"to": address.to} if address.to else {}
    query |= {"at": str(address.at)} if address.at is not None else {}
    query |= {"runs": str(address.runs)} if address.runs != RUNS[2] else {}
    if address.other != AppSetting(beside):
        query |= {f"{OTHER_PREFIX}{key}": value for key, value in setting_query(address.other).items()}
    return query


def setting_query(setting: AppSetting) -> dict[str, str]:
    """Return the keys of one setting."""
    query = {"scenario": setting.scenario, **{path: f"{value:.12g}" for path, value in setting.changed}}
    query |= {"without": ",".join(setting.without)} if setting.without else {}
    return query | ({"upheaval": ",".join(setting.upheavals)} if setting.upheavals else {})


def from_query(
    query: Mapping[str, str], known: Iterable[str], load: Callable[[str], Scenario],
    beside: Callable[[str], str] = lambda name: DEFAULT,
) -> tuple[Address, list[str]]:  # fmt: skip
    """Parse an address; return it with the faults found. A faulty part counts as absent.

    `beside` returns the other scenario of one where the address does not name it.
    """
    faults: list[str] = []
    if sum(len(key) + len(value) for key, value in query.items()) > MAX_ADDRESS:
        query, faults = {}, [f"is longer than {MAX_ADDRESS} characters and was not read"]
    names = list(known)
    mine = {key: value for key, value in query.items() if not key.startswith(OTHER_PREFIX)}
    theirs = {key.removeprefix(OTHER_PREFIX): value for key, value in query.items() if key.startswith(OTHER_PREFIX)}
    view: dict[str, str] = {key: mine.pop(key) for key in VIEW if key in mine}
    setting, base = setting_from(mine, names, load, faults, "")
    other, _ = setting_from({"scenario": beside(setting.scenario), **theirs}, names, load, faults, OTHER_PREFIX)
    own = base.sweep.seed
    if own > MAX_SEED and "seed" not in view:
        faults.append(f"seed: the scenario's own, {own}, is more than the {MAX_SEED} a browser holds; 0 is taken")
    seed = whole_number(view, "seed", own if own <= MAX_SEED else 0, MAX_SEED, faults)
    replicate = whole_number(view, "replicate", 0, MAX_REPLICATES, faults)
    step = whole_number(view, "step", 0, base.steps, faults)
    state = view.get("state", "")
    if state and state not in base.states:
        faults.append(f"state: {unknown_state(base.states, state)}")
        state = ""
    page = view.get("page", PAGES[0])
    if page not in PAGES:
        faults.append(f"page: {quote(page)} is not one of {', '.join(PAGES)}; {PAGES[0]} is shown")
        page = PAGES[0]
    ghost = whole_number(view, "ghost", 0, 1, faults) == 1
    to = view.get("to", "")
    if to and to not in base.alignments():
        faults.append(f"to: unknown alignment {quote(to)}{suggest(to, base.alignments())}; another is shown")
        to = ""
    at = whole_number(view, "at", base.steps, base.steps, faults) if "at" in view else None
    runs = whole_number(view, "runs", RUNS[2], RUNS[-1], faults)
    if runs not in RUNS:
        faults.append(f"runs: {runs} is not one of {', '.join(map(str, RUNS))}; {RUNS[2]} are made")
        runs = RUNS[2]
    found = Address(setting, other, seed, replicate, step, state, page, ghost, to, at, runs)
    return found, [escape_controls(line) for line in faults]


def setting_from(
    query: Mapping[str, str], names: list[str], load: Callable[[str], Scenario], faults: list[str], prefix: str
) -> tuple[AppSetting, Scenario]:
    """Parse one setting of an address and load its scenario; add faults to `faults`."""
    name = query.get("scenario", DEFAULT)
    if name not in names:
        why = f"unknown scenario {quote(name)}{suggest(name, names)}"
        if name.startswith(UPLOAD_PREFIX):
            why = f"{quote(name)} is an uploaded file, which no address contains; upload it again"
        faults.append(f"{prefix}scenario: {why}; {DEFAULT} is shown")
        name = DEFAULT
    base = load(name)
    changed: dict[str, float] = {}
    for path, text in query.items():
        if path in ("scenario", "without", "upheaval"):
            continue
        try:
            value = float(text)
            with_settings(base, {path: value})
            changed |= dict.fromkeys(canonical_paths(base, path), value)
        except ValidationError as error:
            faults.append(f"{prefix}{path}: {error.errors()[0]['msg'].removeprefix('Value error, ')}")
        except ValueError as error:
            problem = f"{quote(text)} is not a number" if "could not convert" in str(error) else str(error)
            faults.append(f"{prefix}{quote(path)[1:-1]}: {problem}")
    without = [word for word in query.get("without", "").split(",") if word]
    for mechanism in without:
        if mechanism not in MECHANISMS:
            near = suggest(mechanism, MECHANISMS) or f" (known: {', '.join(MECHANISMS)})"
            faults.append(f"{prefix}without: unknown mechanism {quote(mechanism)}{near}")
    upheavals = parse_upheavals(base, filter(None, query.get("upheaval", "").split(",")), faults, prefix)
    return normalise_setting(base, AppSetting(name, tuple(changed.items()), tuple(without), upheavals)), base


def whole_number(query: Mapping[str, str], key: str, default: int, most: int, faults: list[str]) -> int:
    """Parse a whole number from 0 to `most`; return the default where it is absent or faulty."""
    text = query.get(key)
    if text is None:
        return default
    if re.fullmatch(r"[0-9]{1,19}", text) and int(text) <= most:
        return int(text)
    faults.append(f"{key}: {quote(text)} is not a whole number from 0 to {most}; {default} is taken")
    return default


def normalise_setting(base: Scenario, setting: AppSetting) -> AppSetting:
    """Bring a setting into its one form: no change that the scenario has already, in a fixed order."""
    known = {slider.setting: slider.value for slider in chain(*list_sliders(base).values())}
    order = {path: n for n, path in enumerate(known)}
    changed = {}
    for path, value in setting.changed:
        try:
            resolved = with_settings(base, {path: value})
        except ValueError:
            continue  # a setting that this scenario does not have
        if value != known[path] if path in known else resolved.digest() != base.digest():
            changed[path] = value
    ordered = sorted(changed.items(), key=lambda pair: (order.get(pair[0], len(order)), pair[0]))
    without = [name for name in MECHANISMS if name in setting.without and name not in base.without]
    return AppSetting(setting.scenario, tuple(ordered), tuple(without), parse_upheavals(base, setting.upheavals, []))


def missing_settings(base: Scenario, setting: AppSetting) -> list[str]:
    """List the changed settings that a scenario does not have."""
    found = []
    for path, value in setting.changed:
        try:
            with_settings(base, {path: value})
        except ValueError:
            found.append(path)
    return found + [f"upheaval {one}" for one in setting.upheavals if one not in parse_upheavals(base, [one], [])]


def file_name(setting: AppSetting) -> str:
    """Return the name of a setting's downloads, without suffix."""
    changed = "_changed" if setting != AppSetting(setting.scenario) else ""
    return f"{setting.scenario.removeprefix(UPLOAD_PREFIX)[:40]}{changed}"


def setting_toml(base: Scenario, setting: AppSetting, seed: int, *, key: str = "extends") -> str:
    """Write the setting as a scenario file that extends its scenario, or builds on its world (`key`)."""
    lines = [
        f"title = {toml_string(base.title[:3900] + ', changed in the app')}",
        f"question = {toml_string(base.question)}",
        f"{key} = {toml_string(setting.scenario.removeprefix(UPLOAD_PREFIX))}",
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
    shocks = [line for one in setting.upheavals for line in upheaval_toml(base, one)]
    return "\n".join([*lines, *ties, *shocks, "", "[sweep]", f"seed = {seed}", ""])


def tie_toml(base: Scenario, kind: str, a: str, b: str, *, value: float) -> list[str]:
    """Write a tie as lines of a scenario file; a sanction keeps its regime."""
    regimes = [tie.regime for tie in base.ties if tie_key(tie) == make_tie_key(kind, a, b)]
    lines = [
        "",
        "[[ties]]",
        f"kind = {toml_string(kind)}",
        f"a = {toml_string(a)}",
        f"b = {toml_string(b)}",
        f"value = {value!r}",
    ]
    lines += [f"regime = {toml_string(regimes[0])}"] if regimes and regimes[0] else []
    return [*lines, 'source = "assumed"', 'note = "set in the app"']


def toml_string(text: str) -> str:
    """Write text as a TOML string: a JSON string, except for the delete character."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def safe_name(name: str) -> str:
    """Make a valid scenario name from any uploaded file's name."""
    stem = re.split(r"[/\\]", name)[-1].removesuffix(".toml").lower()
    stem = re.sub(r"[^a-z0-9_]+", "_", stem).strip("_")[:40]
    return stem if NAME.fullmatch(stem) and stem not in ("world", "sources") else "uploaded"
