"""The state of a visit: the address, uploaded scenarios and notes; and safe display of any text."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any, NamedTuple

import pandas as pd
import streamlit as st

from sim.analysis.history.words import Names
from sim.analysis.paired import timing_of
from sim.app import cache
from sim.app.setting import (
    DEFAULT,
    UPLOAD_PREFIX,
    Address,
    AppSetting,
    from_query,
    normalise_setting,
    resolve_setting,
    to_query,
)
from sim.batch.design import through_lens
from sim.reporting.labels import label_history, shorten_middle
from sim.scenario.schema import Scenario

DEFAULT_ADDRESS = Address(AppSetting(DEFAULT), AppSetting(DEFAULT), 0)

MAX_UPLOADS = 5

MOST_TITLE = 60  # letters of a title in a list of choices

ADDRESS_DELAY = 5.0  # seconds; by then the browser has taken an address that the app wrote


class Resolved(NamedTuple):
    """A setting as a scenario, with its digest and its names, and a text that tells names apart."""

    scenario: Scenario
    digest: str
    names: Names
    names_key: str


MOST_RESOLVED = 4  # settings of a visit: two sides of a comparison, and those before a change


class TakenOver(NamedTuple):
    """A change that the reader took over from a finding of the app: in words, and the settings before and after."""

    words: str
    before: AppSetting
    after: AppSetting


@dataclass
class Visit:
    """A reader's visit; it ends when the page is closed."""

    address: Address = DEFAULT_ADDRESS
    faults: list[str] = field(default_factory=list)  # of the address
    uploads: dict[str, Scenario] = field(default_factory=dict)
    ancestors: dict[str, tuple[str, ...]] = field(default_factory=dict)  # what each uploaded scenario extends
    baselines: dict[str, str] = field(default_factory=dict)  # of each scenario asked about, as `baseline_of` finds it
    checked_upload: tuple[str, str] = ("", "")  # id and faults of the file that was checked last
    version: int = 0  # a new version resets every control to the address
    written: dict[str, str] = field(default_factory=dict)  # the browser's address as last known
    written_at: float = 0.0  # time of the last write, in seconds
    notes: list[str] = field(default_factory=list)  # what the last change of scenario dropped
    noted_for: tuple[object, ...] | None = None  # page, settings, seed and replicate of the notes
    applied: TakenOver | None = None  # the last change that the reader took over from a finding
    first_step: int = 0  # the step at which the server last placed the player
    placements: int = 0  # how often the server placed the player
    resolved: dict[AppSetting, Resolved] = field(default_factory=dict)  # the last settings, computed once

    def load(self, name: str) -> Scenario:
        """Load a scenario by name, uploaded or of the catalogue."""
        return through_lens(self.uploads[name] if name in self.uploads else cache.shipped_scenario(name))

    def resolve(self, setting: AppSetting) -> Resolved:
        """Resolve a setting, which takes a fifth of what a step costs the server, once."""
        if setting not in self.resolved:
            scenario = resolve_setting(self.load(setting.scenario), setting)
            names = label_history(scenario)
            key = hashlib.sha256(repr(names).encode()).hexdigest()
            found = Resolved(scenario, scenario.digest(), names, key)
            self.resolved = dict([*self.resolved.items(), (setting, found)][-MOST_RESOLVED:])
        return self.resolved[setting]

    def names(self) -> list[str]:
        """List every scenario that a reader can choose, uploads first."""
        return [*self.uploads, *cache.scenario_choices()]

    def choice_label(self, name: str) -> str:
        """Return a scenario as a list of choices shows it: its title, and the name of its file."""
        own = self.uploads.get(name)
        title = (own or cache.shipped_scenario(name)).title
        file = f"{name.removeprefix(UPLOAD_PREFIX)}{', uploaded' if own else ''}"
        return f"{plain_label(shorten_middle(title, MOST_TITLE))} ({file})"

    def base(self) -> Scenario:
        """Return the scenario of the first setting, without changes."""
        return self.load(self.address.setting.scenario)

    def ancestors_of(self, name: str) -> list[str]:
        """List the scenarios and the world that a scenario extends and a reader can choose, the nearest first."""
        names = self.names()
        found = self.ancestors.get(name, ()) if name in self.uploads else cache.shipped_ancestors(name)
        return [one for one in found if one in names]

    def baseline_of(self, name: str) -> str:
        """Return what a scenario without changes is set against: the nearest that it extends and changes.

        It has the same calendar, and some bloc and state in common; where there is none, it is the scenario itself.
        """
        if name not in self.baselines:
            own = self.load(name)
            below = {one: self.load(one) for one in self.ancestors_of(name)}
            fit = (key for key, one in below.items() if not why_unlike(one, own) and one.digest() != own.digest())
            self.baselines[name] = next(fit, name)
        return self.baselines[name]

    def query(self) -> dict[str, str]:
        """Return the address of the page as the browser has it."""
        return to_query(self.address, self.base(), self.baseline_of(self.address.setting.scenario))

    def update(self, **parts: Any) -> None:
        """Replace parts of the address."""
        self.address = replace(self.address, **parts)

    def choose_setting(self, setting: AppSetting) -> None:
        """Choose the first setting; another scenario keeps seed, state and step if it has them, else notes it.

        Its baseline takes the place of the last one's, unless the reader has chosen another.
        """
        last = self.address.setting.scenario
        if setting.scenario != last:
            self.keep_position(self.load(setting.scenario), setting.scenario)
            if self.address.other == AppSetting(self.baseline_of(last)):
                self.update(other=AppSetting(self.baseline_of(setting.scenario)))
        self.update(setting=setting)

    def keep_position(self, base: Scenario, name: str) -> None:
        """Keep the step and the state that the reader has chosen in another scenario if it has them."""
        state, step = self.address.state, self.address.step
        if state and state not in base.states:
            self.add_notes([f"state {state} is not in {display_name(name)}; another is shown"])
            state = ""
        if step > base.steps:
            last = f"{display_name(name)} ends at step {base.steps}"
            self.add_notes([f"{last}, which is shown in the place of step {step}"])
            self.place_player(base.steps)
        self.update(state=state)

    def add_notes(self, notes: list[str]) -> None:
        """Add notes, which stay until the reader changes something else."""
        self.notes += notes

    def current_notes(self) -> list[str]:
        """Return the notes on the last change; another page has none of them."""
        address = self.address
        now = (address.page, address.setting, address.other, address.seed, address.replicate)
        if self.noted_for not in (None, now):
            self.notes = []
        self.noted_for = now if self.notes else None
        return self.notes

    def add_upload(self, name: str, scenario: Scenario, ancestors: tuple[str, ...]) -> None:
        """Keep an uploaded scenario among the last few, and choose it with what it extends as the other side."""
        others = [pair for pair in self.uploads.items() if pair[0] != name]
        self.uploads = dict([*others, (name, scenario)][-MAX_UPLOADS:])
        self.ancestors[name] = ancestors
        self.resolved, self.baselines = {}, {}
        self.choose_setting(AppSetting(name))
        self.update(other=AppSetting(self.baseline_of(name)))
        if scenario.sweep.seed != self.address.seed:
            self.add_notes([f"the file's own random seed is {scenario.sweep.seed}; seed {self.address.seed} is kept"])
        self.reset_controls()

    def place_player(self, step: int) -> None:
        """Place the player at a step."""
        self.update(step=step)
        self.first_step = step
        self.placements += 1

    def reset_controls(self, setting: AppSetting | None = None) -> None:
        """Reset every control, to another first setting if one is given."""
        self.version += 1
        if setting is not None:
            self.update(setting=setting)

    def apply(self, path: str, value: float, words: str) -> None:
        """Take a change over into the setting, as every page has it then."""
        before = self.address.setting
        changed = {**dict(before.changed), path: value}
        after = normalise_setting(self.base(), replace(before, changed=tuple(changed.items())))
        self.applied = TakenOver(words, before, after)
        self.reset_controls(after)

    def write_address(self) -> None:
        """Write the address to the browser."""
        query = self.query()
        if self.written != query:
            self.written, self.written_at = query, time.monotonic()
            st.query_params.from_dict(query)

    def read_address(self, query: dict[str, str]) -> None:
        """Read an address from the browser, and reset every control to it."""
        self.go_to(query)
        self.written = query

    def go_to(self, query: dict[str, str]) -> None:
        """Go to an address, which the browser gets afterwards, and reset every control to it."""
        self.address, self.faults = from_query(query, self.names(), self.load, self.baseline_of)
        self.place_player(self.address.step)
        self.reset_controls()


def why_unlike(without: Scenario, changed: Scenario) -> str:
    """Say why two scenarios cannot be set against each other; empty where they can."""
    if without.steps != changed.steps:
        return f"without the change there are {without.steps} steps and with it {changed.steps}"
    if timing_of(without) != timing_of(changed):
        return "the two have different dates, steps or lenses"
    if not without.blocs.keys() & changed.blocs.keys() or not without.states.keys() & changed.states.keys():
        return "the two have no bloc or no state in common, so there is nothing to pair"
    return ""


def begin_visit() -> Visit:
    """Begin or continue a visit, and follow the browser when it goes back or forward."""
    query = st.query_params.to_dict()
    if "visit" not in st.session_state:
        st.session_state["visit"] = Visit()
        current_visit().read_address(query)
    visit = current_visit()
    if query != visit.written and time.monotonic() - visit.written_at > ADDRESS_DELAY:
        visit.read_address(query)
    if visit.faults:
        with st.container(border=True):
            st.error("Parts of the address could not be taken; what they would set is as it would be without them.")
            show_verbatim("\n".join(visit.faults))
            if st.button("Understood", key="understood"):
                visit.faults = []
                st.rerun()
    return visit


def current_visit() -> Visit:
    """Return the reader's visit."""
    found: Visit = st.session_state["visit"]
    return found


def display_name(name: str) -> str:
    """Return a scenario's name as texts show it."""
    return f"{name.removeprefix(UPLOAD_PREFIX)} (uploaded)" if name.startswith(UPLOAD_PREFIX) else name


# Markdown makes a link of an address whose signs are escaped, too: an invisible word joiner parts it.
LINK_STARTS = re.compile(r"(?i)(?<=http:)(?=//)|(?<=https:)(?=//)|(?<=www)(?=[.])|(?<=@)(?=[\w-])")


def escape_markdown(text: object) -> str:
    """Escape untrusted text, so that markdown shows no link, image, mathematics or markup in it."""
    flat = "".join(c if c.isprintable() else "�" for c in " ".join(str(text).split()))
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", LINK_STARTS.sub("\u2060", flat))


MARKUP = str.maketrans("`*_~[]<>$#|\\@", "＇∗＿∼［］＜＞＄＃｜＼＠")


def plain_label(text: object) -> str:
    """Write untrusted text as the label of a control, which a screen reader reads: no markup, and no escapes in it."""
    flat = "".join(c if c.isprintable() else "�" for c in " ".join(str(text).split()))
    return re.sub(r"(?i)(www)[.]", r"\1․", re.sub(r":(?=\S)", "：", flat.translate(MARKUP)))


def show_verbatim(text: str) -> None:
    """Show untrusted text line by line, without markup."""
    st.code(text, language=None, wrap_lines=True)


TABLE_STYLE = (
    "<style>.blocs-table{overflow-x:auto;margin-bottom:1rem;container-type:inline-size}"
    ".blocs-table table{border-collapse:collapse;width:100%;font-size:.9rem}"
    ".blocs-table th,.blocs-table td{text-align:left;vertical-align:top;font-weight:400;"
    "padding:.3rem .6rem .3rem 0;border-bottom:1px solid #8885}.blocs-table thead th{font-size:.85rem}"
    ".blocs-table :focus-visible,.blocs-table:focus-visible{outline:3px solid #2A7DE1}"
    "@container (max-width:560px){.blocs-table .wide thead{position:absolute;clip-path:inset(50%);height:1px;width:1px"
    "}.blocs-table .wide,.blocs-table .wide tbody{display:block}.blocs-table .wide tbody tr{display:grid;"
    "grid-template-columns:1fr 1fr;column-gap:1rem;padding:.5rem 0;border-bottom:1px solid #8885}.blocs-table .wide"
    " tbody th,.blocs-table .wide td{border:0;padding:.1rem 0}.blocs-table .wide tbody th{grid-column:1/-1;"
    "font-weight:600}.blocs-table .wide td:first-of-type:nth-last-of-type(odd){grid-column:1/-1}"
    ".blocs-table .wide td::before{content:attr(data-head) ': ' / '';opacity:.8}}</style>"
)

MOST_COLUMNS = 4  # beside each other on a phone; of more, each row is a block there


def show_table(rows: pd.DataFrame, label: str) -> None:
    """Show a table of untrusted text whose first column names the rows; on a phone it scrolls by keyboard too."""
    st.html(TABLE_STYLE + html_table(rows, label))


def html_table(rows: pd.DataFrame, label: str) -> str:
    """Write a table as HTML with a label for screen readers; roles stay where a phone shows rows as blocks."""
    names = [escape(str(head)) for head in rows.columns]
    heads = "".join(f'<th scope="col" role="columnheader">{head}</th>' for head in names)
    body = ""
    for name, *cells in rows.itertuples(index=False):
        pairs = zip(names[1:], cells, strict=True)
        row = "".join(f'<td role="cell" data-head="{head}">{escape(str(cell))}</td>' for head, cell in pairs)
        body += f'<tr role="row"><th scope="row" role="rowheader">{escape(str(name))}</th>{row}</tr>'
    wide = ' class="wide"' * (len(names) > MOST_COLUMNS)
    return (
        f'<div class="blocs-table" role="region" tabindex="0" aria-label="{escape(label)}"><table{wide} role="table">'
        f'<thead role="rowgroup"><tr role="row">{heads}</tr></thead><tbody role="rowgroup">{body}</tbody></table></div>'
    )
