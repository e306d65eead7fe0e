"""Why a state decides as it does at a step, term by term, and what would change its mind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd
import streamlit as st

from sim.app import runs
from sim.app.visit import table, words
from sim.averaging import last_steps
from sim.explain import SMALLEST, Account, Decision
from sim.faults import InputError
from sim.flips import Flips
from sim.naming import alignment_names
from sim.scenario import Scenario
from sim.trajectory import Run

LISTED_STATES, LISTED_FLIPS = 4, 12
MOST_COLUMNS = 3  # alignments side by side; of more, the two that are most likely


def why(scenario: Scenario, digest: str, run: Run, step: int, state: str) -> None:
    """The chosen state's decision at the step, and on demand what would change its mind."""
    names = alignment_names(scenario)
    st.header(f"Why {words(scenario.states[state].name)} ({state}) decides as it does")
    if step == 0:
        st.markdown("At the start nothing is decided yet; the first decision is at step 1.")
    else:
        taken = runs.decisions_of(scenario, run, digest, run.seed, run.replicate, state)[step - 1]
        account = chosen_first(taken)
        st.markdown(words(in_words(taken, names)))
        table(terms(account, names))
        st.caption("Utility of the alignments at its turn, term by term, those that decide first.")
        if len(origins := whose(account, names)):
            table(origins)
    asked = f"{digest} {run.seed} {state}"
    if st.button("What would change its mind?", key="flip"):
        st.session_state["asked"] = asked
        st.rerun()
    st.caption(f"Over {runs.FLIP_REPLICATES} runs, the smallest change of one setting that turns it; takes a while.")
    if st.session_state.get("asked") == asked:
        minds(scenario, names, digest, run.seed, state)


def chosen_first(taken: Decision) -> Account:
    """The account of a decision as what was chosen against the most likely of the others."""
    account = taken.account
    chosen = account.alignments.index(taken.choice)
    other = account.second if account.first == chosen else account.first
    return replace(account, first=chosen, second=other)


def in_words(taken: Decision, names: Mapping[str, str]) -> str:
    """What was likely, and what was chosen."""
    pairs = zip(taken.account.alignments, taken.account.chances, strict=True)
    chances = "; ".join(f"P({names[alignment]}) = {p:.3g}" for alignment, p in pairs)
    fixed = "It is fixed and never decides. " if taken.fixed else ""
    chose = f"with u = {taken.u:.3f} it chose {names[taken.choice]}."
    return f"Step {taken.step}: {fixed}It held {names[taken.held]}; {chances}; {chose}"


def gap(account: Account, names: Mapping[str, str]) -> str:
    """What is subtracted from what."""
    return f"{names[account.most_likely]} − {names[account.runner_up]}"


def terms(account: Account, names: Mapping[str, str]) -> pd.DataFrame:
    """The utility of the alignments term by term, and by how much the first is ahead of the second."""
    few = len(account.alignments) <= MOST_COLUMNS
    shown = list(range(len(account.alignments))) if few else [account.first, account.second]
    rows = [
        (term, *(number(column[k]) for k in shown), f"{difference:+.3f}")
        for term, column, difference, _ in account.rows()
    ]
    lead = account.utilities[account.first] - account.utilities[account.second]
    rows.append(("**utility**", *(f"{account.utilities[k]:.3f}" for k in shown), f"{lead:+.3f}"))
    heads = [words(name) for name in (*(names[account.alignments[k]] for k in shown), gap(account, names))]
    return pd.DataFrame(rows, columns=["term", *heads])


def whose(account: Account, names: Mapping[str, str]) -> pd.DataFrame:
    """The states whose alignment adds most to the difference, by term."""
    found = [(term, sources(states)) for term, _, _, states in account.rows()]
    rows = [*((term, told) for term, told in found if told), ("**utility**", sources(account.from_states()))]
    head = words(f"whose alignment adds to {gap(account, names)}")
    return pd.DataFrame([row for row in rows if row[1]], columns=["term", head])


def number(value: float) -> str:
    """A term's value, nothing where it rounds to 0."""
    return f"{value:.3f}" if abs(value) >= SMALLEST else ""


def sources(found: list[tuple[str, float]]) -> str:
    """The states that add most, each with what it adds."""
    return ", ".join(f"{state} {value:+.3f}" for state, value in found[:LISTED_STATES] if abs(value) >= SMALLEST)


def minds(scenario: Scenario, names: Mapping[str, str], digest: str, seed: int, state: str) -> None:
    """The smallest changes that turn a state in its late steps over many runs."""
    try:
        with st.spinner("Trying every setting over its range …"):
            found = runs.flips_of(scenario, digest, seed, state)
    except InputError as error:
        st.info(words(error.faults[0].message))
        return
    lead, low, high = found.lead
    told = (
        f"Over {found.replicates} runs its most likely alignment in {last_steps(scenario.steps)} is"
        f" {names[found.alignment]}, ahead of the next by {lead:.2f} (95 % interval {low:+.2f} to {high:+.2f}) of them."
        f" {len(found.found)} of {found.tried} settings turn it within their range, each alone."
    )
    st.markdown(words(told))
    if found.found:
        table(turns(found, names))
        st.caption("unclear: the values between which neither alignment leads beyond chance.")


def turns(found: Flips, names: Mapping[str, str]) -> pd.DataFrame:
    """The smallest changes, and the values between which chance decides."""
    rows = []
    for flip in found.found[:LISTED_FLIPS]:
        start = "now" if math.isnan(flip.sure_before) else f"{flip.sure_before:g}"
        end = "the end" if math.isnan(flip.sure_after) else f"{flip.sure_after:g}"
        change = f"{flip.before:g} → {flip.to:g} ({100 * flip.relative:.0f} % of its range)"
        rows.append((flip.setting.replace(".", " "), change, words(names[flip.becomes]), f"{start} to {end}"))
    return pd.DataFrame(rows, columns=["setting", "turns at", "to", "unclear"])
