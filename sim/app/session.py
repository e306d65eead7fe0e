"""What is kept of a reader's visit: the address, scenarios handed in, and text made harmless to the page."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd
import streamlit as st

from sim.app import cache
from sim.app.setting import DEFAULT, UPLOADED, Address, Setting, from_query, size_fault, to_query
from sim.scenario.schema import Scenario

NOTHING_CHOSEN = Address(Setting(DEFAULT), Setting(DEFAULT), 0)

MOST_UPLOADS = 5

SETTLED = 5.0  # seconds after which the browser has surely taken an address that was put into it


@dataclass
class Visit:
    """A reader's visit; it lasts as long as the page is open."""

    address: Address = NOTHING_CHOSEN
    wrong: list[str] = field(default_factory=list)
    uploads: dict[str, Scenario] = field(default_factory=dict)
    handed: tuple[str, str] = ("", "")  # the file that was judged last, and what is wrong with it
    version: int = 0  # a new one makes every control anew, as the address says
    written: dict[str, str] = field(default_factory=dict)  # what the browser's address was last known to say
    written_at: float = 0.0  # and since when, in seconds
    shown: str = ""  # the state whose decision is shown, chosen or not
    notes: list[str] = field(default_factory=list)  # what could not be kept when the scenario was changed
    noted: tuple[Setting, Setting, int, int] | None = None  # and the settings and the luck for which it is said
    first: int = 0  # the step at which the player was last placed from here, as by an address
    placed: int = 0  # and how many times it was

    def load(self, name: str) -> Scenario:
        """A scenario by its name, handed in or of the catalogue."""
        return self.uploads[name] if name in self.uploads else cache.shipped_scenario(name)

    def names(self) -> list[str]:
        """Every scenario that can be chosen, those handed in first."""
        return [
            *self.uploads,
            *(name for name in cache.scenario_choices() if not size_fault(cache.shipped_scenario(name))),
        ]

    def base(self) -> Scenario:
        """The scenario of the first setting as it is."""
        return self.load(self.address.setting.scenario)

    def change(self, **parts: Any) -> None:
        """Put parts of the address otherwise."""
        self.address = replace(self.address, **parts)

    def set(self, setting: Setting) -> None:
        """Take a first setting; another scenario keeps seed, state and step where it has them, and says where not."""
        if setting.scenario != self.address.setting.scenario:
            self.move(self.load(setting.scenario), setting.scenario)
        self.change(setting=setting)

    def move(self, base: Scenario, name: str) -> None:
        """Keep the state and the step in another scenario, as far as it has them."""
        state, step = self.address.state or self.shown, self.address.step
        if state and state not in base.states:
            self.say([f"state {state} is not in {title_of(name)}; another is shown"])
            state = ""
        if step > base.steps:
            self.say([f"{title_of(name)} ends at step {base.steps}, which is shown in the place of step {step}"])
            self.go(base.steps)
        self.change(state=state)

    def say(self, notes: list[str]) -> None:
        """Say what could not be kept, until the reader changes something else."""
        self.notes += notes

    def said(self) -> list[str]:
        """What could not be kept in the change that was made last."""
        now = (self.address.setting, self.address.other, self.address.seed, self.address.replicate)
        if self.noted not in (None, now):
            self.notes = []
        self.noted = now if self.notes else None
        return self.notes

    def keep(self, name: str, scenario: Scenario) -> None:
        """Keep a scenario that was handed in, the last few of them, and take it."""
        others = [pair for pair in self.uploads.items() if pair[0] != name]
        self.uploads = dict([*others, (name, scenario)][-MOST_UPLOADS:])
        if self.address.other.scenario not in self.names():
            self.change(other=Setting(DEFAULT))
        self.set(Setting(name))
        if scenario.sweep.seed != self.address.seed:
            self.say([f"the file's own random seed is {scenario.sweep.seed}; seed {self.address.seed} is kept"])
        self.anew()

    def go(self, step: int) -> None:
        """Place the player at a step."""
        self.change(step=step)
        self.first = step
        self.placed += 1

    def anew(self, setting: Setting | None = None) -> None:
        """Make every control anew, for another first setting where one is given."""
        self.version += 1
        if setting is not None:
            self.change(setting=setting)

    def write_address(self) -> None:
        """Put the address into the browser's."""
        query = to_query(self.address, self.base())
        if self.written != query:
            self.written, self.written_at = query, time.monotonic()
            st.query_params.from_dict(query)

    def read_address(self, query: dict[str, str]) -> None:
        """Take an address from the browser, and make every control as it says."""
        self.address, self.wrong = from_query(query, self.names(), self.load)
        self.written = query
        self.go(self.address.step)
        self.anew()


def begin_visit() -> Visit:
    """Begin the visit as the browser's address says, or go on with it; where it went back or forward, follow."""
    query = st.query_params.to_dict()
    if "visit" not in st.session_state:
        st.session_state["visit"] = Visit()
        current_visit().read_address(query)
    visit = current_visit()
    if query != visit.written and time.monotonic() - visit.written_at > SETTLED:
        visit.read_address(query)
    if visit.wrong:
        with st.container(border=True):
            st.error("Parts of the address could not be taken; what they would set is as it would be without them.")
            show_verbatim("\n".join(visit.wrong))
            if st.button("Understood", key="understood"):
                visit.wrong = []
                st.rerun()
    return visit


def current_visit() -> Visit:
    """The reader's visit."""
    found: Visit = st.session_state["visit"]
    return found


def title_of(name: str) -> str:
    """A scenario's name as the list of choices has it."""
    return f"{name.removeprefix(UPLOADED)} (handed in)" if name.startswith(UPLOADED) else name


def escape_markdown(text: object) -> str:
    """Text that may be anybody's, so that markdown shows it as it is: no link, image, mathematics or markup."""
    flat = " ".join(str(text).split())
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", "".join(c if c.isprintable() else "�" for c in flat))


def show_verbatim(text: str) -> None:
    """Text that may be anybody's, line by line as it is."""
    st.code(text, language=None, wrap_lines=True)


def show_table(rows: pd.DataFrame) -> None:
    """A table to read, whose first column names the rows."""
    st.table(rows, border="horizontal", hide_index=True)
