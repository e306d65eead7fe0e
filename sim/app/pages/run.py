"""The page of one run: its setting, and the player that shows it step by step."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from sim.analysis.history.words import capital
from sim.app import cache
from sim.app.pages.controls import choose_random_numbers, show_controls
from sim.app.player.player import show_player
from sim.app.session import Visit, current_visit, display_name, escape_markdown, show_verbatim
from sim.app.setting import UPLOAD_PREFIX, AppSetting, file_name, resolve_setting, setting_toml, size_fault
from sim.app.uploads import MAX_BYTES, read_upload
from sim.batch.tables.spreadsheet import write_csv
from sim.errors import InputError
from sim.model.trajectory import Run
from sim.reporting.labels import label_history
from sim.scenario.loading import world_names
from sim.scenario.schema import Scenario


def show_run_page() -> None:
    """Show the page."""
    visit = current_visit()
    with st.sidebar:
        setting = show_controls(visit, visit.address.setting, "run")
        visit.choose_setting(setting)
        choose_random_numbers(visit)
        if setting != AppSetting(setting.scenario) and st.button("Undo all changes", key="undo"):
            visit.reset_controls(AppSetting(setting.scenario))
            st.rerun()
        accept_upload(visit)
    base = visit.base()
    scenario = resolve_setting(base, setting)
    digest = scenario.digest()
    st.title("How states form blocs")
    st.markdown(
        f"**{escape_markdown(base.title)}**" + (f" · {escape_markdown(base.question)}" if base.question else "")
    )
    st.caption(describe_changes(visit))
    if notes := visit.current_notes():
        st.info(escape_markdown("; ".join(notes) + "."))
    if message := size_fault(scenario):
        st.error(escape_markdown(f"{display_name(setting.scenario)} {message}"))
        return
    run = cache.compute_run(scenario, digest, visit.address.seed, visit.address.replicate)
    show_story(scenario, digest, run)
    st.fragment(show_player)(scenario, digest, run)
    offer_downloads(visit, base, scenario, run)


def show_story(scenario: Scenario, digest: str, run: Run) -> None:
    """Show the turning points of a history with dates, each with its reason and who followed."""
    names = label_history(scenario)
    if not names.dates:
        return
    st.subheader("What happened")
    points = [p for p in cache.compute_story(scenario, run, digest, run.seed, run.replicate) if p["kind"] != "renewal"]
    if not points:
        st.markdown(escape_markdown(f"No state changes its alignment until {names.dates[-1]}. Try another seed."))
    for point in points:
        bond = f" Strongest bond there: {point['strongest_bond']}" if point["strongest_bond"] else ""
        followed = f" Followed by: {point['followed_by']}" if point["followed_by"] else ""
        what = f"{capital(names.when(point['step']))}: {point['what']}"
        st.markdown(f"- **{escape_markdown(what)}** {escape_markdown(point['why'] + bond + followed)}")


def describe_changes(visit: Visit) -> str:
    """Describe the setting in one line."""
    address = visit.address
    parts = [display_name(address.setting.scenario), f"seed {address.seed}, replicate {address.replicate}"]
    parts += [f"{path} = {value:g}" for path, value in address.setting.changed]
    parts += [f"without {mechanism}" for mechanism in address.setting.without]
    return escape_markdown(", ".join(parts))


def accept_upload(visit: Visit) -> None:
    """Accept a scenario file, or show its faults as `blocs check` does."""
    with st.expander("Hand in a scenario file"):
        upload = st.file_uploader(
            f"A scenario file (TOML, at most {MAX_BYTES // 1024} kB)", type=["toml"], key="upload",
            help="A file that extends one of the scenarios or stands on one of the worlds listed here.",
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
        stem, scenario = read_upload(upload.name, upload.size, upload.getvalue)
    except InputError as error:
        return "\n".join(error.lines())
    visit.add_upload(UPLOAD_PREFIX + stem, scenario)
    return ""


def offer_downloads(visit: Visit, base: Scenario, scenario: Scenario, run: Run) -> None:
    """Offer the setting as a scenario file, the run as a table, and the command that repeats the run."""
    address = visit.address
    setting = address.setting
    st.header("Take it with you")
    name = file_name(setting)
    left, right = st.columns(2)
    if changed := setting != AppSetting(setting.scenario):
        key = "world" if setting.scenario in world_names() and setting.scenario not in visit.uploads else "extends"
        left.download_button(
            "Scenario file (TOML)", setting_toml(base, setting, address.seed, key=key), f"{name}.toml",
            "application/toml", on_click="ignore",
        )  # fmt: skip
        left.caption("A file for the command line that says what is changed here.")
    else:
        left.caption("Nothing is changed here, so there is no file to take: the command below names the scenario.")
    right.download_button("Run (CSV)", lambda: run_csv(run), f"{name}.csv", "text/csv", on_click="ignore")
    right.caption("Every step: the outcomes, and where each state stands.")
    uploaded = setting.scenario.startswith(UPLOAD_PREFIX)
    if uploaded and changed:
        st.caption(
            escape_markdown(
                f"The scenario file extends {setting.scenario.removeprefix(UPLOAD_PREFIX)}.toml: put it beside it."
            )
        )
    if uploaded:
        st.caption("The address of this page does not hold a file that was handed in.")
    st.caption("The same run on the command line:")
    file = f"{name}.toml" if changed or uploaded else name
    show_verbatim(f"blocs run {file} --seed {address.seed} --replicate {address.replicate}")


def run_csv(run: Run) -> str:
    """Write a run as CSV: a row per step, with its outcomes, then each state's alignment."""
    alignments = np.array(run.alignments, dtype=object)[run.alignment]
    outcomes = pd.DataFrame(run.outcomes, columns=list(run.outcome_names))
    file = io.StringIO(newline="")
    write_csv(
        pd.concat([outcomes, pd.DataFrame(alignments, columns=list(run.states))], axis=1), file, index_label="step"
    )
    return file.getvalue()
