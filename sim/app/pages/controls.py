"""The controls of one setting, from the schema: scenario, mechanisms, parameters and levers of the blocs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import chain

import streamlit as st

from sim.analysis.history.words import Names
from sim.app.mechanisms import PLAIN_NAMES, mechanisms_without_effect, settings_without_effect
from sim.app.session import Visit, display_name, escape_markdown, plain_label
from sim.app.setting import (
    MAX_SEED,
    AppSetting,
    canonical_paths,
    missing_settings,
    normalise_setting,
    question_state,
)
from sim.app.sliders import Slider, change_words, list_sliders
from sim.app.upheavals import free_states, parse_upheaval, parse_upheavals, states_with_governments
from sim.reporting.labels import label_history, shorten_middle
from sim.scenario.overrides import MECHANISMS, with_settings
from sim.scenario.schema import MAX_REPLICATES, NON_ALIGNED_ID, Scenario
from sim.scenario.shocks import Shock


def show_controls(visit: Visit, setting: AppSetting, side: str) -> AppSetting:
    """Show the controls of a setting and return the setting chosen. `side` identifies one of a page's two settings."""
    names = visit.names()
    name = st.selectbox(
        "Scenario", names, format_func=visit.choice_label, key=control_key(f"{side} {visit.version}", setting.scenario),
        help="A named, sourced file, by its title and its name; uploaded ones come first.",
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
    resolved = with_settings(base, changed)
    idle = {path: why for path, why in settings_without_effect(resolved).items() if path not in changed}
    idle |= dict.fromkeys(fixed, "a mechanism that is off sets it")
    parameters = groups.pop("parameters")
    for table, members in groups.items():
        show_sliders(base, table, members, changed, idle, prefix)
    upheavals = choose_upheavals(base, setting, prefix)
    show_mechanisms(base, without, mechanisms_without_effect(resolved), prefix)
    show_sliders(base, "parameters", parameters, changed, idle, prefix)
    known = {slider.setting for slider in chain(parameters, *groups.values())}
    changed = keep_others(base, changed, known, prefix)
    return normalise_setting(base, AppSetting(name, tuple(changed.items()), without, upheavals))


def keep_others(base: Scenario, changed: Mapping[str, float], known: Collection[str], prefix: str) -> dict[str, float]:
    """Show the changes that have no slider, such as of a tie, each with a switch; return all that are kept."""
    beyond = [path for path in changed if path not in known]
    if beyond:
        st.caption("Also changed:")
    kept = {
        path
        for path in beyond
        if st.checkbox(
            plain_label(change_words(base, path, changed[path])), key=control_key(f"{prefix} kept {path}", True)
        )
    }
    return {path: value for path, value in changed.items() if path in known or path in kept}


def show_sliders(
    base: Scenario, table: str, members: Sequence[Slider], changed: Mapping[str, float], idle: Mapping[str, str],
    prefix: str,
) -> None:  # fmt: skip
    """Show the sliders of the parameters, or of a bloc, in a panel that says how many are changed."""
    count = sum(slider.setting in changed for slider in members)
    title = "Parameters"
    if table != "parameters":
        title = f"Levers of {plain_label(shorten_middle(base.blocs[table].name))}"
    with st.expander(f"{title} ({count} changed)" if count else title, key=f"{prefix} {table}"):
        for slider in members:
            show_slider(slider, f"{prefix} {slider.setting}", idle.get(slider.setting, ""))


def choose_upheavals(base: Scenario, setting: AppSetting, prefix: str) -> tuple[str, ...]:
    """Show the governments that fall, with controls to add and remove one; return them as an address has them."""
    key = control_key(f"{prefix} upheavals", setting.upheavals)
    chosen: tuple[str, ...] = st.session_state[key]
    states = sorted(states_with_governments(base), key=lambda one: base.states[one].name)
    title = f"Governments that fall ({len(chosen)})" if chosen else "Governments that fall"
    with st.expander(title, key=f"{prefix} upheaval panel"):
        if not states:
            st.caption("Every state draws its disposition at each step here, so no government can change it.")
            return ()
        names = label_history(base)
        for one in chosen:
            if st.button(f"Remove: {plain_label(upheaval_words(base, one, names))}", key=f"{key} {one}"):
                st.session_state[key] = tuple(other for other in chosen if other != one)
                st.rerun()
        asked = question_state(base)
        state = st.selectbox(
            "Government of", states, index=states.index(asked) if asked in states else 0,
            format_func=names.states.__getitem__, key=f"{key} state",
        )  # fmt: skip
        step = st.selectbox(
            "falls in the step that ends", range(1, base.steps + 1), format_func=names.month, key=f"{key} step"
        )
        ends = ["", *(a for a in base.alignments() if a != NON_ALIGNED_ID or base.non_aligned_allowed)]
        toward = st.selectbox(
            "and the new one prefers", ends, key=f"{key} toward",
            format_func=lambda one: names.alignments[one] if one else "what chance brings",
        )  # fmt: skip
        st.caption("Its disposition is drawn again for certain. An average change of government does less.")
        if st.button("Add", key=f"{key} add"):
            new = f"{state}:{step}" + (f":{toward}" if toward else "")
            st.session_state[key] = parse_upheavals(base, [*chosen, new], [])
            st.rerun()
    return chosen


def upheaval_words(scenario: Scenario, text: str, names: Names) -> str:
    """Say an upheaval in words."""
    one = parse_upheaval(scenario, text)
    toward = f", towards {names.alignments[one.toward]}" if one.toward else ""
    return f"{names.states[one.state]}, {names.month(one.step)}{toward}"


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
            st.toggle(PLAIN_NAMES[mechanism], key=key, disabled=locked)
            if own:
                text = f"{mechanism}: the scenario itself has it off: {values}."
            elif mechanism in idle:
                text = f"{mechanism}: cannot matter here: {idle[mechanism]}."
            else:
                text = f"{mechanism}: off sets {values}."
            st.caption(escape_markdown(text))


def slider_value(slider: Slider, value: float, key: str, fixed: bool) -> float:
    """Return the number of a slider with this initial value, before the slider is drawn."""
    digits = slider.scale_for(st.session_state.setdefault(f"{key} first", value))[3]
    found = round(float(st.session_state[control_key(key, value)]), digits)
    return value if fixed else found


def show_slider(slider: Slider, key: str, locked: str) -> None:
    """Show a slider for a number, with its meaning and source, and why it is locked if it is."""
    low, high, step, digits = slider.scale_for(st.session_state[f"{key} first"])
    text = f"{slider.meaning}. In the scenario {slider.value:g}. {slider.source}"
    st.slider(
        plain_label(slider.label), low, high, step=step, format=f"%.{digits}f", key=key,
        help=escape_markdown(text), disabled=bool(locked),
    )  # fmt: skip
    st.caption(escape_markdown(f"{slider.small}{f': does nothing here, as {locked}' if locked else ''}"))


def choose_run(visit: Visit) -> AppSetting:
    """Show the controls of the setting, seed and replicate of the visit, and return the setting chosen."""
    setting = show_controls(visit, visit.address.setting, "run")
    visit.choose_setting(setting)
    choose_random_numbers(visit)
    if setting != AppSetting(setting.scenario) and st.button("Undo all changes", key="undo"):
        visit.reset_controls(AppSetting(setting.scenario))
        st.rerun()
    return setting


def choose_random_numbers(visit: Visit) -> None:
    """Show the controls of seed and replicate, which change the random numbers only."""
    left, right = st.columns(2)
    prefix = f"{visit.version} {visit.address.setting.scenario}"
    seed = left.number_input(
        "Seed", 0, MAX_SEED, step=1, key=control_key(f"seed {prefix}", visit.address.seed),
        help="The same seed and replicate give the same run.",
    )  # fmt: skip
    replicate = right.number_input(
        "Replicate", 0, MAX_REPLICATES, step=1, key=control_key(f"replicate {prefix}", visit.address.replicate),
        help="Which run of the seed.",
    )  # fmt: skip
    visit.update(seed=int(seed), replicate=int(replicate))


def state_key(visit: Visit) -> str:
    """Return the key of the control that chooses a state."""
    return f"state {visit.version} {visit.address.setting.scenario}"


def first_state(scenario: Scenario, states: Sequence[str], below: Sequence[Shock] = ()) -> str:
    """Return the first state outside the blocs that a shock names, else the one in question, else the largest.

    Shocks that are not among those `below`, of what the scenario extends, come first. The state decides.
    """
    free, asked = set(free_states(scenario)), question_state(scenario)
    for shock in sorted(scenario.shocks, key=lambda one: one in below):
        for state in (getattr(shock, part, "") for part in ("target", "sender", "state", "a", "b")):
            if state in free and state in states and scenario.states[state].initial == NON_ALIGNED_ID:
                return str(state)
    largest = max(states, key=lambda one: (one in free, scenario.states[one].capability.value))
    return asked if asked in states else largest


def choose_state(visit: Visit, scenario: Scenario, states: Sequence[str]) -> str:
    """Choose a state, from a list by name; by default the one of `first_state` without the reader's changes."""
    name = visit.address.setting.scenario
    below = visit.baseline_of(name)
    shocks = visit.load(below).shocks if below != name else ()
    own, first = visit.address.state, first_state(visit.base(), states, shocks)
    states = sorted(states, key=lambda one: scenario.states[one].name)
    key = control_key(state_key(visit), own if own in states else first)
    if st.session_state[key] not in states:
        st.session_state[key] = first
    state = st.selectbox(
        "State", states, format_func=lambda s: f"{scenario.states[s].name} ({s})", key=key,
        help="The state that is followed; a click on the map or the network chooses it too. At first it is one outside"
        " the blocs that a shock of the scenario names; without one, China, or the largest that decides.",
    )  # fmt: skip
    visit.update(state=state if state != first else "")
    return str(state)
