"""The page of one run: its setting, and the player that shows it step by step."""

from __future__ import annotations

import io
from html import escape

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from sim.analysis.dated.sentences import in_hundred
from sim.analysis.history.others import Condition
from sim.analysis.history.story import Story
from sim.analysis.history.words import Names, capital
from sim.app import cache, histories
from sim.app.histories import happening_of
from sim.app.mechanisms import PLAIN_NAMES
from sim.app.pages.controls import choose_run, choose_state, control_key, upheaval_words
from sim.app.pages.reasons import show_decision
from sim.app.pages.share import show_address, show_applied
from sim.app.player.player import Ghost, show_player
from sim.app.session import (
    Resolved,
    Visit,
    current_visit,
    display_name,
    escape_markdown,
    plain_label,
    show_verbatim,
    why_unlike,
)
from sim.app.setting import (
    UPLOAD_PREFIX,
    AppSetting,
    file_name,
    is_dated,
    main_bloc,
    setting_toml,
    size_fault,
)
from sim.app.sliders import change_words
from sim.app.upheavals import free_states
from sim.app.uploads import MAX_BYTES, read_upload
from sim.batch.tables.spreadsheet import write_csv
from sim.calendar import format_day
from sim.errors import InputError
from sim.model.numerics.jit import interprets_sooner
from sim.model.trajectory import Run
from sim.reporting.labels import label_history
from sim.reporting.story.page import render_story
from sim.scenario.loading import world_names
from sim.scenario.schema import Scenario


def show_run_page() -> None:
    """Show the page."""
    visit = current_visit()
    with st.sidebar:
        setting = choose_run(visit)
        accept_upload(visit)
    base = visit.base()
    made = visit.resolve(setting)
    scenario, digest = made.scenario, made.digest
    show_question(base.question or base.title)
    st.caption(describe_changes(visit))
    show_applied(visit)
    if notes := visit.current_notes():
        st.info(escape_markdown("; ".join(notes) + "."))
    if message := size_fault(scenario):
        st.error(escape_markdown(f"{display_name(setting.scenario)} {message}"))
        return
    run = cache.compute_run(scenario, digest, visit.address.seed, visit.address.replicate)
    st.fragment(show_history)(made, run)
    offer_downloads(visit, base, scenario, run)


def show_question(text: str) -> None:
    """Show the question of the scenario as the heading of the page."""
    st.html(f'<h1 style="font-size:1.6rem;line-height:1.3;padding:0;margin:0">{escape(text)}</h1>')


def show_history(made: Resolved, run: Run) -> None:
    """Show the answer in a sentence, then the history with the reasons of the chosen state."""
    visit, (scenario, digest, names, _) = current_visit(), made
    sentence = st.container()
    left, middle, right = st.columns([2, 3, 2], vertical_alignment="bottom")
    with left:
        state = choose_state(visit, scenario, list(scenario.states))
    with middle:
        offer_search(visit, scenario, digest, run, names, state)
    with right:
        ghost = choose_ghost(visit, scenario)
    show_player(made, run, state, ghost)
    answer = answer_words(scenario, digest, run, names, state, visit.address.step)
    sentence.markdown(f"**{escape_markdown(answer)}**")
    show_decision(scenario, digest, run, visit.address.step, state)
    show_address(visit)


def answer_words(scenario: Scenario, digest: str, run: Run, names: Names, state: str, step: int) -> str:
    """Say how often the state joins the bloc in question, or leaves its own, and what it did in this run so far."""
    bloc, who = main_bloc(scenario, state), names.state(state)
    what = happening_of(scenario, state, bloc)
    i, k = run.states.index(state), run.alignments.index(bloc)
    there = (run.alignment[: step + 1, i] == k) == what.joins
    verb = "joined" if what.joins else "left"
    here = f"In this one it {verb} {names.when(int(np.argmax(there)))}."
    if there[0]:
        here = f"In this one it starts {'in' if what.joins else 'outside'} it."
    elif not there.any():
        here = f"In this one it has not {verb} {'by the end' if step == len(run.alignment) - 1 else 'so far'}."
    if not counts_many(scenario):
        return f"Does {who} {'join' if what.joins else 'leave'} {names.bloc(bloc)}? {here}"
    events = histories.compute_histories(scenario, digest, run.seed, histories.MANY)
    last = histories.count_happening(events, what).iloc[-1]
    low, high = in_hundred(last["low"]), in_hundred(last["high"])
    return (
        f"In {in_hundred(last['chance'])} of 100 histories{what.among()} (95 % interval {low} to {high}) {who} has"
        f" {verb} {names.bloc(bloc)} by {format_day(last['date'])}. {here}"
    )


def counts_many(scenario: Scenario) -> bool:
    """Whether the first sentence counts many histories: where there are dates, and no rules to compile for it."""
    return is_dated(scenario) and not interprets_sooner(len(scenario.states), scenario.steps)


def offer_search(visit: Visit, scenario: Scenario, digest: str, run: Run, names: Names, state: str) -> None:
    """Offer to find a history in which the state joins the bloc in question, or leaves its own; show the first."""
    what = happening_of(scenario, state, main_bloc(scenario, state))
    text = f"{names.state(state)} {'joins' if what.joins else 'leaves'} {names.bloc(what.bloc)}"
    idle = state not in free_states(scenario)
    if not st.button(f"Find a history in which {plain_label(text)}", key="find", disabled=idle):
        return
    condition = Condition(run.states.index(state), run.alignments.index(what.bloc), what.joins)
    found = histories.compute_search(scenario, condition, digest, run.seed)
    if not found.replicates:
        st.info(escape_markdown(f"{capital(text)} in none of {found.searched:,} replicates of this seed; try another."))
        return
    later = [one for one in found.replicates if one > visit.address.replicate]
    there = visit.address.replicate in found.replicates and later
    replicate = later[0] if there else found.replicates[0]
    visit.update(replicate=replicate, state=state)
    below = f", and the sentence below counts the first {histories.MANY} of them" if counts_many(scenario) else ""
    visit.add_notes(
        [
            f"{capital(text)} in {len(found.replicates):,} of {found.searched:,} histories, replicates 0 to"
            f" {found.searched - 1:,} of this seed{below}; this is replicate {replicate}"
        ]
    )
    other = cache.compute_run(scenario, digest, run.seed, replicate)
    inside = other.alignment[:, condition.state] == condition.alignment
    visit.place_player(1 + int(np.argmax((inside[1:] == what.joins) & (inside[:-1] != what.joins))))
    visit.reset_controls()
    st.rerun()


def choose_ghost(visit: Visit, scenario: Scenario) -> Ghost | None:
    """Offer to show the same run without the reader's changes, or of the baseline, beside this one."""
    setting = visit.address.setting
    plain = AppSetting(setting.scenario)
    other = plain if setting != plain else visit.address.other
    base, digest, *_ = visit.resolve(other)
    name = display_name(other.scenario) + (" without your changes" if other == plain else "")
    why = why_no_ghost(visit, scenario, base, name)
    chosen = st.toggle(
        "Compare with the baseline", key=control_key(f"ghost {visit.version}", visit.address.ghost), disabled=bool(why)
    )
    st.caption(escape_markdown(why or f"{name}, in grey"))
    visit.update(ghost=chosen)
    if why or not chosen:
        return None
    return Ghost(name, digest, cache.compute_run(base, digest, visit.address.seed, visit.address.replicate))


def why_no_ghost(visit: Visit, scenario: Scenario, other: Scenario, name: str) -> str:
    """Say why no other run can be shown beside the one of a scenario; empty where it can."""
    if other.digest() == scenario.digest():
        below = visit.ancestors_of(visit.address.setting.scenario)
        why = why_unlike(visit.load(below[0]), scenario) if below else ""
        beside = f"; no run of {below[0]}, which it builds on, can be beside it: {why}" if why else ""
        return f"This is the baseline itself{beside}."
    why = why_unlike(other, scenario)
    if not why and (other.states.keys(), tuple(other.blocs)) != (scenario.states.keys(), tuple(scenario.blocs)):
        why = "the two have different states or blocs"
    return f"Not with {name}: {why}." if why else ""


def describe_changes(visit: Visit) -> str:
    """Describe the setting in one line."""
    address = visit.address
    parts = [
        visit.base().title,
        display_name(address.setting.scenario),
        f"seed {address.seed}, replicate {address.replicate}",
    ]
    return escape_markdown(", ".join(parts + changes_in_words(visit.base(), address.setting)))


def changes_in_words(base: Scenario, setting: AppSetting) -> list[str]:
    """Say in words how a setting differs from its scenario."""
    names = label_history(base)
    parts = [change_words(base, path, value, names) for path, value in setting.changed]
    parts += [f"without {PLAIN_NAMES[mechanism]}" for mechanism in setting.without]
    return parts + [f"government falls: {upheaval_words(base, one, names)}" for one in setting.upheavals]


def accept_upload(visit: Visit) -> None:
    """Accept a scenario file, or show its faults as `blocs check` does."""
    with st.expander("Upload a scenario file"):
        upload = st.file_uploader(
            f"A scenario file (TOML, at most {MAX_BYTES // 1024} kB)", type=["toml"], key="upload",
            help="A file that extends one of the scenarios or has one of the worlds listed here.",
        )  # fmt: skip
        if upload is not None and upload.file_id != visit.checked_upload[0]:
            visit.checked_upload = (upload.file_id, upload_faults(visit, upload))
            if not visit.checked_upload[1]:
                st.rerun()
        if upload is not None and visit.checked_upload[1]:
            st.error("The file has faults and is not used.")
            show_verbatim(visit.checked_upload[1])


def upload_faults(visit: Visit, upload: UploadedFile) -> str:
    """Check a file and return its faults; choose its scenario if there are none."""
    try:
        stem, scenario, ancestors = read_upload(upload.name, upload.size, upload.getvalue)
    except InputError as error:
        return "\n".join(error.lines())
    visit.add_upload(UPLOAD_PREFIX + stem, scenario, ancestors)
    return ""


def offer_downloads(visit: Visit, base: Scenario, scenario: Scenario, run: Run) -> None:
    """Offer the setting as a scenario file, the run as a table, and the command that repeats the run."""
    address = visit.address
    setting = address.setting
    st.header("Take it with you")
    name = file_name(setting)
    uploaded, changed = setting.scenario.startswith(UPLOAD_PREFIX), setting != AppSetting(setting.scenario)
    file = f"{name}.toml" if changed or uploaded else name
    command = f"blocs run {file} --seed {address.seed} --replicate {address.replicate}"
    left, right = st.columns(2)
    if changed:
        key = "world" if setting.scenario in world_names() and setting.scenario not in visit.uploads else "extends"
        left.download_button(
            "Scenario file (TOML)", setting_toml(base, setting, address.seed, key=key), f"{name}.toml",
            "application/toml", on_click="ignore",
        )  # fmt: skip
        left.caption("A file for the command line that says what is changed here.")
    else:
        left.caption("Nothing is changed here, so there is no file to take: the command below names the scenario.")
    right.download_button("Run (CSV)", lambda: run_csv(run), f"{name}.csv", "text/csv", on_click="ignore")
    right.caption("Every step: the outcomes, and the alignment of each state.")
    if is_dated(scenario):
        place = (scenario.digest(), run.seed, run.replicate)
        page = lambda: story_page(base, setting, cache.compute_reading(scenario, run, *place), command)  # noqa: E731
        right.download_button("History as a page (HTML)", page, f"{name}.html", "text/html", on_click="ignore")
        right.caption("The map plays, with every event and reason; it needs no server.")
    if uploaded and changed:
        st.caption(
            escape_markdown(
                f"The scenario file extends {setting.scenario.removeprefix(UPLOAD_PREFIX)}.toml: put it beside it."
            )
        )
    if uploaded:
        st.caption("The address of this page does not contain a file that you uploaded.")
    st.caption("The same run on the command line:")
    show_verbatim(command)


def run_csv(run: Run) -> str:
    """Write a run as CSV: a row per step, with its outcomes, then each state's alignment."""
    alignments = np.array(run.alignments, dtype=object)[run.alignment]
    outcomes = pd.DataFrame(run.outcomes, columns=list(run.outcome_names))
    file = io.StringIO(newline="")
    write_csv(
        pd.concat([outcomes, pd.DataFrame(alignments, columns=list(run.states))], axis=1), file, index_label="step"
    )
    return file.getvalue()


def story_page(base: Scenario, setting: AppSetting, story: Story, command: str) -> str:
    """Write a history as a page, which says how the setting differs from its scenario."""
    return render_story(story, command=command, changes=changes_in_words(base, setting))
