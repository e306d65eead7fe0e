"""The controls of one setting: scenario, mechanisms, parameters and what the blocs can do, all from the schema."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from sim.app.setting import UPLOADED, Knob, Setting, canonical, knobs, off, tidy
from sim.app.visit import Visit, verbatim, words
from sim.scenario import Scenario
from sim.settings import MECHANISMS


def controls(visit: Visit, setting: Setting, side: str) -> Setting:
    """Show the controls of a setting as it is now; what they say. `side` tells two settings of a page apart."""
    names = visit.names()
    name = st.selectbox(
        "Scenario", names, format_func=titled, key=begun(f"{side} {visit.version}", setting.scenario),
        help="A named, sourced file; those handed in come first.",
    )  # fmt: skip
    base = visit.load(name)
    if name != setting.scenario:
        setting = tidy(base, replace(setting, scenario=name))
    st.caption(words(base.question or base.title))
    mark = f"{side} {visit.version} {name}"
    without = mechanisms(base, setting, mark)
    held = dict(setting.changed)
    fixed = {path for mechanism in (*base.without, *without) for path in turned_off(base, mechanism)}
    known = set()
    for table, members in knobs(base).items():
        count = sum(knob.setting in held for knob in members)
        title = "Parameters" if table == "parameters" else f"Levers of {words(base.blocs[table].name)}"
        with st.expander(f"{title} ({count} changed)" if count else title, key=f"{mark} {table}"):
            for knob in members:
                known.add(knob.setting)
                value = slider(
                    knob, held.get(knob.setting, knob.value), f"{mark} {knob.setting}", knob.setting in fixed
                )
                if value == knob.value:
                    held.pop(knob.setting, None)
                else:
                    held[knob.setting] = value
    beyond = [f"{path} = {value:g}" for path, value in held.items() if path not in known]
    if beyond:
        st.caption("Also changed, by the address:")
        verbatim("\n".join(beyond))
    return tidy(base, Setting(name, tuple(held.items()), without))


def begun(key: str, value: object) -> str:
    """The key of a control that begins at a value; given again with the value, a control would be made anew."""
    st.session_state.setdefault(key, value)
    return key


def titled(name: str) -> str:
    """A scenario's name as the list of choices has it."""
    return f"{name.removeprefix(UPLOADED)} (handed in)" if name.startswith(UPLOADED) else name


def turned_off(base: Scenario, mechanism: str) -> list[str]:
    """The settings that a mechanism sets when it is off."""
    return [place for path in MECHANISMS[mechanism] for place in canonical(base, path)]


def mechanisms(base: Scenario, setting: Setting, mark: str) -> tuple[str, ...]:
    """A switch for each mechanism; those that are off beyond the scenario's own."""
    count = len(off(base, setting))
    without = []
    with st.expander(f"Mechanisms ({count} off)" if count else "Mechanisms", key=f"{mark} mechanisms"):
        for mechanism, sets in MECHANISMS.items():
            told = ", ".join(f"{path.removeprefix('parameters.')} = {value:g}" for path, value in sets.items())
            own = mechanism in base.without
            help_ = words(f"Off sets {told}." + (" The scenario itself has it off." if own else ""))
            key = begun(f"{mark} without {mechanism}", not own and mechanism not in setting.without)
            on = st.toggle(mechanism.replace("_", " "), key=key, help=help_, disabled=own)
            if not on and not own:
                without.append(mechanism)
    return tuple(without)


def slider(knob: Knob, value: float, key: str, fixed: bool) -> float:
    """A slider for a number, with what it means and where its value comes from."""
    first = st.session_state.setdefault(f"{key} first", value)
    low, high, step, digits = knob.covering(first)
    told = f"{knob.meaning}. In the scenario {knob.value:g}. {knob.source}"
    told += " A mechanism that is off sets it." if fixed else ""
    shown = st.slider(
        knob.label, low, high, step=step, format=f"%.{digits}f", key=begun(key, value), help=words(told), disabled=fixed
    )
    found = round(float(shown), digits)
    return value if fixed else found
