"""The controls of one setting: scenario, mechanisms, parameters and what the blocs can do, all from the schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain

import streamlit as st

from sim.app.mechanisms import mechanisms_without_effect
from sim.app.session import Visit, escape_markdown, show_verbatim, title_of
from sim.app.setting import Setting, Slider, canonical_paths, list_sliders, normalise_setting, not_in
from sim.reporting.labels import shorten_middle
from sim.scenario.overrides import MECHANISMS, with_settings
from sim.scenario.schema import Scenario


def show_controls(visit: Visit, setting: Setting, side: str) -> Setting:
    """Show the controls of a setting as it is now; what they say. `side` tells two settings of a page apart."""
    names = visit.names()
    name = st.selectbox(
        "Scenario", names, format_func=title_of, key=control_key(f"{side} {visit.version}", setting.scenario),
        help="A named, sourced file; those handed in come first.",
    )  # fmt: skip
    base = visit.load(name)
    if name != setting.scenario:
        moved = replace(setting, scenario=name)
        visit.say([f"{path} is no setting of {title_of(name)} and is left out" for path in not_in(base, moved)])
        setting = normalise_setting(base, moved)
    st.caption(escape_markdown(base.question or base.title))
    mark = f"{side} {visit.version} {name}"
    without = switched_off(base, setting, mark)
    fixed = {path for mechanism in (*base.without, *without) for path in mechanism_settings(base, mechanism)}
    held = dict(setting.changed)
    groups = list_sliders(base)
    for knob in chain(*groups.values()):
        value = slid(knob, held.get(knob.setting, knob.value), f"{mark} {knob.setting}", knob.setting in fixed)
        if value == knob.value:
            held.pop(knob.setting, None)
        else:
            held[knob.setting] = value
    show_mechanisms(base, without, mechanisms_without_effect(with_settings(base, held)), mark)
    for table, members in groups.items():
        count = sum(knob.setting in held for knob in members)
        title = (
            "Parameters"
            if table == "parameters"
            else f"Levers of {escape_markdown(shorten_middle(base.blocs[table].name))}"
        )
        with st.expander(f"{title} ({count} changed)" if count else title, key=f"{mark} {table}"):
            for knob in members:
                show_slider(knob, f"{mark} {knob.setting}", knob.setting in fixed)
    known = {knob.setting for knob in chain(*groups.values())}
    beyond = [f"{path} = {value:g}" for path, value in held.items() if path not in known]
    if beyond:
        st.caption("Also changed, by the address:")
        show_verbatim("\n".join(beyond))
    return normalise_setting(base, Setting(name, tuple(held.items()), without))


def control_key(key: str, value: object) -> str:
    """The key of a control that begins at a value; given again with the value, a control would be made anew."""
    st.session_state.setdefault(key, value)
    return key


def mechanism_settings(base: Scenario, mechanism: str) -> list[str]:
    """The settings that a mechanism sets when it is off."""
    return [place for path in MECHANISMS[mechanism] for place in canonical_paths(base, path)]


def switched_off(base: Scenario, setting: Setting, mark: str) -> tuple[str, ...]:
    """The mechanisms whose switches are off beyond the scenario's own; known before the switches are drawn."""
    ons = {
        mechanism: st.session_state[control_key(f"{mark} without {mechanism}", mechanism not in setting.without)]
        for mechanism in MECHANISMS
        if mechanism not in base.without
    }
    return tuple(mechanism for mechanism, on in ons.items() if not on)


def show_mechanisms(base: Scenario, without: tuple[str, ...], idle: Mapping[str, str], mark: str) -> None:
    """A switch for each mechanism, with what it sets below it; idle ones cannot matter and cannot be switched off."""
    count = len({*base.without, *without})
    with st.expander(f"Mechanisms ({count} off)" if count else "Mechanisms", key=f"{mark} mechanisms"):
        for mechanism, sets in MECHANISMS.items():
            told = ", ".join(f"{path.removeprefix('parameters.')} = {value:g}" for path, value in sets.items())
            own = mechanism in base.without
            key = control_key(f"{mark} without {mechanism}", not own)
            locked = own or (mechanism in idle and mechanism not in without)
            st.toggle(mechanism.replace("_", " "), key=key, disabled=locked)
            if own:
                st.caption(escape_markdown(f"The scenario itself has it off: {told}."))
            elif mechanism in idle:
                st.caption(escape_markdown(f"Cannot matter here: {idle[mechanism]}."))
            else:
                st.caption(escape_markdown(f"Off sets {told}."))


def slid(knob: Slider, value: float, key: str, fixed: bool) -> float:
    """The number that a slider says, which begins at a value; known before the slider is drawn."""
    digits = knob.covering(st.session_state.setdefault(f"{key} first", value))[3]
    found = round(float(st.session_state[control_key(key, value)]), digits)
    return value if fixed else found


def show_slider(knob: Slider, key: str, fixed: bool) -> None:
    """A slider for a number, with what it means and where its value comes from."""
    low, high, step, digits = knob.covering(st.session_state[f"{key} first"])
    label = escape_markdown(knob.label) if knob.setting.startswith("blocs.") else knob.label
    told = f"{knob.meaning}. In the scenario {knob.value:g}. {knob.source}"
    told += " A mechanism that is off sets it." if fixed else ""
    st.slider(label, low, high, step=step, format=f"%.{digits}f", key=key, help=escape_markdown(told), disabled=fixed)
