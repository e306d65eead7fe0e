"""What is kept of a reader's visit: the address, scenarios handed in, and text made harmless to the page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st

from sim.app import runs
from sim.app.setting import Address, Setting, from_query, too_large, to_query
from sim.scenario import Scenario


@dataclass
class Visit:
    """A reader's visit; it lasts as long as the page is open."""

    address: Address
    wrong: list[str]
    uploads: dict[str, Scenario] = field(default_factory=dict)
    version: int = 0  # a new one makes every control anew, as the address says
    playing: bool = False
    stepped: float = 0.0  # when the step last moved by itself, in seconds

    def load(self, name: str) -> Scenario:
        """A scenario by its name, handed in or of the catalogue."""
        return self.uploads[name] if name in self.uploads else runs.shipped(name)

    def names(self) -> list[str]:
        """Every scenario that can be chosen, those handed in first."""
        return [*self.uploads, *(name for name in runs.choices() if not too_large(runs.shipped(name)))]

    def base(self) -> Scenario:
        """The scenario of the first setting as it is."""
        return self.load(self.address.setting.scenario)

    def change(self, **parts: Any) -> None:
        """Put parts of the address otherwise."""
        self.address = replace(self.address, **parts)

    def anew(self, setting: Setting | None = None) -> None:
        """Make every control anew, for another first setting where one is given."""
        self.version += 1
        if setting is not None:
            self.change(setting=setting)

    def write_address(self) -> None:
        """Put the address into the browser's, where it differs."""
        query = to_query(self.address, self.base())
        if st.query_params.to_dict() != query:
            st.query_params.from_dict(query)


def begin() -> None:
    """Begin the visit with what the browser's address says, where it has not begun."""
    if "visit" not in st.session_state:
        made = Visit(Address(Setting("")  , Setting(""), 0), [])
        made.address, made.wrong = from_query(st.query_params.to_dict(), made.names(), made.load)
        st.session_state["visit"] = made
    visit = current()
    if visit.wrong:
        with st.container(border=True):
            st.error("Parts of the address could not be taken; what they would set is as it would be without them.")
            verbatim("\n".join(visit.wrong))
            if st.button("Understood", key="understood"):
                visit.wrong = []
                st.rerun()


def current() -> Visit:
    """The reader's visit."""
    found: Visit = st.session_state["visit"]
    return found


def words(text: object) -> str:
    """Text that may be anybody's, so that markdown shows it as it is: no link, image, mathematics or markup."""
    flat = " ".join(str(text).split())
    return re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", "".join(c if c.isprintable() else "�" for c in flat))


def verbatim(text: str) -> None:
    """Text that may be anybody's, line by line as it is."""
    st.code(text, language=None, wrap_lines=True)
