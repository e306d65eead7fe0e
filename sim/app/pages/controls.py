"""The controls of one setting, from the schema: scenario, mechanisms, parameters and levers of the blocs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain

import streamlit as st

from sim.app.mechanisms import mechanisms_without_effect
from sim.app.session import Visit, display_name, escape_markdown, show_verbatim
from sim.app.setting import (
    AppSetting,
    Slider,
    canonical_paths,
    list_sliders,
    missing_settings,
    normalise_setting,
    question_state,
)
from sim.model.world import world_of
from sim.reporting.labels import shorten_middle
from sim.scenario.overrides import MECHANISMS, with_settings
from sim.scenario.schema import Scenario


def show_controls(visit: Visit, setting: AppSetting, side: str) -> AppSetting:
    """Show the controls of a setting and return the setting chosen. `side` identifies one of a page's two settings."""
    names = visit.names()
    name = st.selectbox(
        "Scenario", names, format_func=display_name, key=control_key(f"{side} {visit.version}", setting.scenario),
        help="A named, sourced file; those handed in come first.",
    )  # fmt: skip
    base = visit.load(name)
    if name != setting.scenario:
        moved = replace(setting, scenario=name)
        missing = missing_settings(base, moved)
        visit.add_notes([f"{path} is no setting of {display_name(name)} and is left out" for path in missing])
        setting = normalise_setting(base, moved)
    st.caption(escape_markdown(base.question or base.title))
    prefix = f"{side} {visit.version} {name}"
    without = mechanisms_switched_off(base, setting, prefix)
    fixed = {path for mechanism in (*base.without, *without) for path in mechanism_settings(base, mechanism)}
    changed = dict(setting.changed)
    groups = list_sliders(base)
    for slider in chain(*groups.values()):
        value = changed.get(slider.setting, slider.value)
        value = slider_value(slider, value, f"{prefix} {slider.setting}", slider.setting in fixed)
        if value == slider.value:
            changed.pop(slider.setting, None)
        else:
            changed[slider.setting] = value
    show_mechanisms(base, without, mechanisms_without_effect(with_settings(base, changed)), prefix)
    for table, members in groups.items():
        count = sum(slider.setting in changed for slider in members)
        title = (
            "Parameters"
            if table == "parameters"
            else f"Levers of {escape_markdown(shorten_middle(base.blocs[table].name))}"
        )
        with st.expander(f"{title} ({count} changed)" if count else title, key=f"{prefix} {table}"):
            for slider in members:
                show_slider(slider, f"{prefix} {slider.setting}", slider.setting in fixed)
    known = {slider.setting for slider in chain(*groups.values())}
    beyond = [f"{path} = {value:g}" for path, value in changed.items() if path not in known]
    if beyond:
        st.caption("Also changed, by the address:")
        show_verbatim("\n".join(beyond))
    return normalise_setting(base, AppSetting(name, tuple(changed.items()), without))


def control_key(key: str, value: object) -> str:
    """Return the key of a control with this initial value, which Streamlit must not get twice."""
    st.session_state.setdefault(key, value)
    return key


def mechanism_settings(base: Scenario, mechanism: str) -> list[str]:
    """Return the settings that a mechanism sets when it is off."""
    return [place for path in MECHANISMS[mechanism] for place in canonical_paths(base, path)]


def mechanisms_switched_off(base: Scenario, setting: AppSetting, prefix: str) -> tuple[str, ...]:
    """Return the mechanisms whose switches are off, besides the scenario's own, before the switches are drawn."""
    switches = {
        mechanism: st.session_state[control_key(f"{prefix} without {mechanism}", mechanism not in setting.without)]
        for mechanism in MECHANISMS
        if mechanism not in base.without
    }
    return tuple(mechanism for mechanism, on in switches.items() if not on)


def show_mechanisms(base: Scenario, without: tuple[str, ...], idle: Mapping[str, str], prefix: str) -> None:
    """Show a switch for each mechanism, with what it sets. An idle mechanism cannot be switched off."""
    count = len({*base.without, *without})
    with st.expander(f"Mechanisms ({count} off)" if count else "Mechanisms", key=f"{prefix} mechanisms"):
        for mechanism, sets in MECHANISMS.items():
            values = ", ".join(f"{path.removeprefix('parameters.')} = {value:g}" for path, value in sets.items())
            own = mechanism in base.without
            key = control_key(f"{prefix} without {mechanism}", not own)
            locked = own or (mechanism in idle and mechanism not in without)
            st.toggle(mechanism.replace("_", " "), key=key, disabled=locked)
            if own:
                st.caption(escape_markdown(f"The scenario itself has it off: {values}."))
            elif mechanism in idle:
                st.caption(escape_markdown(f"Cannot matter here: {idle[mechanism]}."))
            else:
                st.caption(escape_markdown(f"Off sets {values}."))


def slider_value(slider: Slider, value: float, key: str, fixed: bool) -> float:
    """Return the number of a slider with this initial value, before the slider is drawn."""
    digits = slider.scale_for(st.session_state.setdefault(f"{key} first", value))[3]
    found = round(float(st.session_state[control_key(key, value)]), digits)
    return value if fixed else found


def show_slider(slider: Slider, key: str, fixed: bool) -> None:
    """Show a slider for a number, with its meaning and source."""
    low, high, step, digits = slider.scale_for(st.session_state[f"{key} first"])
    label = escape_markdown(slider.label) if slider.setting.startswith("blocs.") else slider.label
    text = f"{slider.meaning}. In the scenario {slider.value:g}. {slider.source}"
    text += " A mechanism that is off sets it." if fixed else ""
    st.slider(label, low, high, step=step, format=f"%.{digits}f", key=key, help=escape_markdown(text), disabled=fixed)


def choose_state(visit: Visit, scenario: Scenario, states: Sequence[str]) -> str:
    """Choose a state; by default the one in question, else the largest of those that decide."""
    free = ~world_of(scenario).setting.fixed
    sizes = dict(zip(scenario.states, free * [one.capability.value for one in scenario.states.values()], strict=True))
    asked, own = question_state(scenario), visit.address.state
    first = asked if asked in states else max(states, key=sizes.__getitem__)
    key = control_key(f"state {visit.version} {visit.address.setting.scenario}", own if own in states else first)
    if st.session_state[key] not in states:
        st.session_state[key] = first
    state = st.selectbox(
        "State", states, format_func=lambda s: f"{scenario.states[s].name} ({s})", key=key,
        help="The state that is followed; a click on the map or the network chooses it too.",
    )  # fmt: skip
    visit.shown_state = str(state)
    visit.update(state=state if visit.address.state or state != first else "")
    return str(state)
