"""Why a state decides as it does at a step, term by term, and what would change its mind."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from sim.app import runs
from sim.app.visit import table, words
from sim.averaging import last_steps
from sim.charts import readable
from sim.explain import SMALLEST, Account, Decision
from sim.faults import InputError
from sim.flips import Flips
from sim.scenario import Scenario
from sim.trajectory import Run

LISTED_STATES, LISTED_FLIPS = 4, 12
MOST_COLUMNS = 3  # alignments side by side; of more, the two that are most likely


def why(scenario: Scenario, digest: str, run: Run, step: int, state: str) -> None:
    """The chosen state's decision at the step, and on demand what would change its mind."""
    st.header(f"Why {words(scenario.states[state].name)} ({state}) decides as it does")
    if step == 0:
        st.markdown("At the start nothing is decided yet; the first decision is at step 1.")
    else:
        taken = runs.decisions_of(scenario, run, digest, run.seed, run.replicate, state)[step - 1]
        st.markdown(words(in_words(taken)))
        table(terms(taken.account))
        st.caption("Utility of the alignments at its turn, term by term, those that decide first.")
        if len(origins := whose(taken.account)):
            table(origins)
    asked = f"{digest} {run.seed} {state}"
    told = f"Over {runs.FLIP_REPLICATES} runs, the smallest change of one setting that turns it; takes a while."
    if st.button("What would change its mind?", key="flip", help=told):
        st.session_state["asked"] = asked
        st.rerun()
    if st.session_state.get("asked") == asked:
        minds(scenario, digest, run.seed, state)


def in_words(taken: Decision) -> str:
    """What was likely, and what was chosen."""
    account = taken.account
    chances = ", ".join(f"P({readable(a)}) = {p:.3g}" for a, p in zip(account.alignments, account.chances, strict=True))
    fixed = "It is fixed and never decides. " if taken.fixed else ""
    chose = f"with u = {taken.u:.3f} it chose {readable(taken.choice)}."
    return f"Step {taken.step}: {fixed}It held {readable(taken.held)}; {chances}; {chose}"


def gap(account: Account) -> str:
    """What is subtracted from what."""
    return f"{readable(account.most_likely)} − {readable(account.runner_up)}"


def terms(account: Account) -> pd.DataFrame:
    """The utility of the alignments term by term, and by how much the most likely is ahead of the runner-up."""
    few = len(account.alignments) <= MOST_COLUMNS
    shown = list(range(len(account.alignments))) if few else [account.first, account.second]
    rows = [
        (term, *(number(column[k]) for k in shown), f"{difference:+.3f}")
        for term, column, difference, _ in account.rows()
    ]
    lead = account.utilities[account.first] - account.utilities[account.second]
    rows.append(("**utility**", *(f"{account.utilities[k]:.3f}" for k in shown), f"{lead:+.3f}"))
    return pd.DataFrame(rows, columns=["term", *(readable(account.alignments[k]) for k in shown), gap(account)])


def whose(account: Account) -> pd.DataFrame:
    """The states whose alignment adds most to the difference, by term."""
    found = [(term, sources(states)) for term, _, _, states in account.rows()]
    rows = [*((term, told) for term, told in found if told), ("**utility**", sources(account.from_states()))]
    return pd.DataFrame([row for row in rows if row[1]], columns=["term", f"whose alignment adds to {gap(account)}"])


def number(value: float) -> str:
    """A term's value, nothing where it rounds to 0."""
    return f"{value:.3f}" if abs(value) >= SMALLEST else ""


def sources(found: list[tuple[str, float]]) -> str:
    """The states that add most, each with what it adds."""
    return ", ".join(f"{state} {value:+.3f}" for state, value in found[:LISTED_STATES] if abs(value) >= SMALLEST)


def minds(scenario: Scenario, digest: str, seed: int, state: str) -> None:
    """The smallest changes that turn a state in its late steps over many runs."""
    try:
        with st.spinner("Trying every setting over its range …"):
            found = runs.flips_of(scenario, digest, seed, state)
    except InputError as error:
        st.info(words(error.faults[0].message))
        return
    lead, low, high = found.lead
    told = (
        f"Over {found.replicates} runs it stands mostly with {readable(found.alignment)} in"
        f" {last_steps(scenario.steps)}, ahead of the next by {lead:.2f} (95 % interval {low:+.2f} to {high:+.2f}) of"
        f" them. {len(found.found)} of {found.tried} settings turn it within their range, each alone."
    )
    st.markdown(words(told))
    if found.found:
        table(turns(found))
        st.caption("unclear: the values between which neither alignment leads beyond chance.")


def turns(found: Flips) -> pd.DataFrame:
    """The smallest changes, and the values between which chance decides."""
    rows = []
    for flip in found.found[:LISTED_FLIPS]:
        start = "now" if math.isnan(flip.sure_before) else f"{flip.sure_before:g}"
        end = "the end" if math.isnan(flip.sure_after) else f"{flip.sure_after:g}"
        change = f"{flip.before:g} → {flip.to:g} ({100 * flip.relative:.0f} % of its range)"
        rows.append((flip.setting.replace(".", " "), change, readable(flip.becomes), f"{start} to {end}"))
    return pd.DataFrame(rows, columns=["setting", "turns at", "to", "unclear"])
