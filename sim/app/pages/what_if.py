"""The page that sets what governments can choose, and shows two futures with common random numbers side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from sim.analysis.dated.events import RunEvents
from sim.analysis.history.sentences import list_largest
from sim.analysis.history.words import Names, capital, join_names
from sim.app import cache, histories
from sim.app.histories import SIDES, happening_of
from sim.app.pages.controls import choose_run, choose_state, control_key
from sim.app.pages.dated import (
    describe_change,
    describe_state,
    names_of_both,
    select_movers,
    show_state,
)
from sim.app.pages.share import offer_change, show_address, show_applied
from sim.app.player.drawing import draw_key, draw_still
from sim.app.session import Visit, current_visit, display_name, escape_markdown, plain_label
from sim.app.setting import AppSetting, is_dated, main_bloc, question_state, size_fault
from sim.calendar import format_day
from sim.model.trajectory import Run
from sim.reporting.labels import list_names
from sim.scenario.schema import NON_ALIGNED_ID, Scenario

SAID = 3  # states beside the one in question

DIRECTION = (
    "Set on the left what a bloc can choose (*Levers*) or let a government fall. Both futures have the same random"
    " numbers, so what differs between these two is what you changed. How large the effect is on average stays"
    " uncertain."
)


def show_what_if_page() -> None:
    """Show the page."""
    visit = current_visit()
    visit.place_player(visit.address.step)
    with st.sidebar:
        setting = choose_run(visit)
    st.title("What if …?")
    show_both_futures(visit, setting)
    show_address(visit)


def show_both_futures(visit: Visit, setting: AppSetting) -> None:
    """Show the futures without and with the reader's changes."""
    base = visit.base()
    before, after = visit.resolve(AppSetting(setting.scenario)), visit.resolve(setting)
    other = choose_other_future(visit, setting.scenario) if before.digest == after.digest else ""
    if other:
        before = visit.resolve(AppSetting(other))
    plain, changed = before.scenario, after.scenario
    st.markdown(f"**{escape_markdown(base.title)}.** {DIRECTION}")
    show_applied(visit)
    if notes := visit.current_notes():
        st.info(escape_markdown("; ".join(notes) + "."))
    if message := size_fault(changed):
        st.error(escape_markdown(f"{display_name(setting.scenario)} {message}"))
        return
    state = choose_state(visit, changed, list(changed.states))
    pair, digests = [plain, changed], (before.digest, after.digest)
    if other:
        st.info(
            f"Nothing is changed yet, so the future without the change is that of {plain_label(plain.title)}, which"
            " this scenario changes. What you change on the left is set against this scenario instead."
        )
    elif digests[0] == digests[1]:
        st.info("Nothing is changed yet, so there is one future: open *Levers* or *Governments that fall* on the left.")
    names = names_of_both(pair)
    runs = [
        cache.compute_run(one, digest, visit.address.seed, visit.address.replicate)
        for one, digest in zip(pair, digests, strict=True)
    ]
    if digests[0] != digests[1]:
        show_in_words(visit, pair, digests, names, state, runs)
    offer_turns(visit, changed, digests[1], names, state)
    if digests[0] != digests[1]:
        show_futures(visit, changed, runs, names, state)
    if digests[0] != digests[1] and is_dated(changed):
        show_numbers(visit, pair, digests, names, state)


def choose_other_future(visit: Visit, name: str) -> str:
    """Choose the scenario that one without changes is set against: the one that it extends; empty if there is none."""
    below = visit.baseline_of(name)
    one, other = (visit.load(each) for each in (name, below))
    alike = one.states.keys() == other.states.keys() and one.blocs.keys() == other.blocs.keys()
    return below if alike and below != name else ""


def offer_turns(visit: Visit, scenario: Scenario, digest: str, names: Names, state: str) -> None:
    """Offer to try every lever of the blocs: which makes the state end elsewhere in this history."""
    address, who = visit.address, names.state(state)
    question = f"{digest} {address.seed} {address.replicate} {state}"
    if st.button(f"Which lever makes {plain_label(who)} end elsewhere in this history?", key="turns"):
        st.session_state["turns asked"] = question
    if st.session_state.get("turns asked") != question:
        return
    found = histories.compute_turns(scenario, digest, address.seed, address.replicate, state)
    if not found:
        st.markdown(escape_markdown(f"None: no lever takes {who} elsewhere in this history within its range."))
    for one in found:
        words = f"{one.label} {one.before:g} → {one.after:g}"
        st.markdown(f"- {escape_markdown(f'{words}: {who} ends {end_words(one.ends, names)} in this history.')}")
        offer_change(visit, one.setting, one.after, words, plain_label(f"Set this: {one.label} to {one.after:g}"))


def end_words(alignment: str, names: Names) -> str:
    """Say where a state ends."""
    return "outside the blocs" if alignment == NON_ALIGNED_ID else f"in {names.bloc(alignment)}"


def many_histories(visit: Visit, pair: Sequence[Scenario], digests: tuple[str, str]) -> list[RunEvents]:
    """Run many histories without and with the changes."""
    seed = visit.address.seed
    return [histories.compute_histories(*one, seed, histories.MANY) for one in zip(pair, digests, strict=True)]


def show_in_words(
    visit: Visit, pair: Sequence[Scenario], digests: tuple[str, str], names: Names, state: str, runs: Sequence[Run]
) -> None:
    """Say what the changes do: to this history, to the chosen state, and to those that they move most."""
    st.header("The difference in words")
    lines = [f"**In this history:** {escape_markdown(describe_difference(runs, names))}"]
    if is_dated(pair[1]):
        day = pair[1].dates()[-1]
        key = (digests, visit.address.seed, histories.MANY)
        effects = histories.compute_effects(many_histories(visit, pair, digests), (day,), *key)
        what = happening_of(pair[0], state, main_bloc(pair[1], state))
        text = describe_state(effects, names, [day], what)
        lines.append(f"**In {histories.MANY} histories:** {escape_markdown(text)}")
        asked = dict.fromkeys([state, *filter(None, [question_state(pair[1])])])
        rows = select_movers(effects, day, [])
        rest = [row for row in rows.itertuples() if row.state not in asked and (row.low > 0 or row.high < 0)]
        for row in rest[:SAID]:
            where = f"{names.state(row.state)} is in {names.bloc(row.alignment)} on {format_day(day)}"
            lines.append(escape_markdown(describe_change(row, where)))
    st.markdown("\n".join(f"- {line}" for line in lines))


def describe_difference(runs: Sequence[Run], names: Names) -> str:
    """Say from when two runs of one seed differ, and which states end elsewhere with the change."""
    without, changed = runs
    if len(without.alignment) != len(changed.alignment) or without.states != changed.states:
        return "The two have different states or lengths."
    differs = (without.alignment != changed.alignment).any(axis=1)
    if not differs.any():
        return "It is the same without and with the change; look at many histories below, or try another replicate."
    first = names.month(int(np.argmax(differs)))
    groups: dict[tuple[str, str], list[str]] = {}
    for n, id in enumerate(without.states):
        if without.alignment[-1, n] != changed.alignment[-1, n]:
            groups.setdefault((place(changed, n, names), place(without, n, names)), []).append(id)
    ends = [
        f"{list_largest(ids, names)} end{'s' * (len(ids) == 1)} {there} with the change, and {here} without it"
        for (there, here), ids in groups.items()
    ]
    said = f"{capital('; '.join(ends))}." if ends else "They end alike."
    return f"The two are alike until {first}. {said}"


def place(run: Run, n: int, names: Names) -> str:
    """Say where a state ends in a run."""
    return end_words(run.alignments[int(run.alignment[-1, n])], names)


def show_futures(visit: Visit, scenario: Scenario, runs: Sequence[Run], names: Names, state: str) -> None:
    """Show both futures at one date, and who has moved by then."""
    last, address = len(runs[1].alignment) - 1, visit.address
    first = last if address.at is None else min(address.at, last)
    key = control_key(f"date {visit.version} {address.setting.scenario} {last}", first)
    step = int(st.select_slider("Date of the maps", range(last + 1), format_func=names.month, key=key))
    visit.update(at=step if step != last else None)
    for column, side, run in zip(st.columns(2), SIDES, runs, strict=True):
        with column:
            at = min(step, len(run.alignment) - 1)
            st.subheader(side.capitalize())
            moved = moved_words(run, at, names)
            sizes = {id: one.capability.value for id, one in scenario.states.items()}
            picture = draw_still(run, at, state, main_bloc(scenario, state), names.states, sizes)
            if picture:
                st.image(picture, width="stretch", alt=f"Map of alignments {side}, {names.month(at)}. {moved}")
            st.markdown(escape_markdown(moved))
    labels = {alignment: names.alignments[alignment] for alignment in runs[1].alignments}
    st.image(draw_key(labels), width="content", alt=f"Key: {list_names(list(labels.values()))}")


def moved_words(run: Run, step: int, names: Names) -> str:
    """Say which states stand elsewhere than at the start."""
    parts = []
    for k, alignment in enumerate(run.alignments):
        new = [
            s for s, was, now in zip(run.states, run.alignment[0], run.alignment[step], strict=True) if was != now == k
        ]
        if new:
            where = f"in {names.bloc(alignment)}" if k else "outside the blocs"
            parts.append(f"{where}: {join_names(sorted(names.states[s] for s in new))}")
    return f"New {'; '.join(parts)}." if parts else "No state is elsewhere than at the start."


def show_numbers(visit: Visit, pair: Sequence[Scenario], digests: tuple[str, str], names: Names, state: str) -> None:
    """Show the effect on the chosen state over time."""
    ends, events = pair[1].dates(), many_histories(visit, pair, digests)
    days = tuple(dict.fromkeys([ends[(len(ends) - 1) // 2], ends[-1]]))
    key = (digests, visit.address.seed, histories.MANY)
    what = happening_of(pair[0], state, main_bloc(pair[1], state))
    show_state(histories.compute_effects(events, days, *key), events, names, days, what, key)
