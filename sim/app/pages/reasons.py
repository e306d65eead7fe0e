"""Why a state decides as it does at a step, term by term, and which changes would flip the decision."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
import streamlit as st

from sim.analysis.flips import Flips
from sim.analysis.history.words import Names
from sim.analysis.states.accounts import SMALLEST, Account, Decision
from sim.app import cache
from sim.app.player.words import chosen_first, place_words
from sim.app.session import escape_markdown, plain_label, show_table
from sim.app.sliders import setting_label
from sim.errors import InputError
from sim.model.outcomes import last_steps
from sim.model.trajectory import Run, window_of
from sim.reporting.labels import label_alignments, label_history
from sim.scenario.schema import Scenario

LISTED_STATES, LISTED_FLIPS = 4, 12

MAX_COLUMNS = 3  # alignments side by side; of more, the two most likely


def show_decision(scenario: Scenario, digest: str, run: Run, step: int, state: str) -> None:
    """Show the numbers of the chosen state's decision at the step and, on demand, the changes that flip it."""
    names, who = label_alignments(scenario), scenario.states[state].name
    with st.expander("The numbers behind the reason", key="numbers"):
        if step == 0:
            st.markdown("At the start nothing is decided yet; the first decision is at step 1.")
        else:
            decision = cache.compute_decisions(scenario, run, digest, run.seed, run.replicate, state)[step - 1]
            account = chosen_first(decision)
            st.markdown(escape_markdown(describe_choice(decision, names)))
            show_table(tabulate_terms(account, names), "Utility by term")
            st.caption("Utility of the alignments at its turn, term by term, those that decide first.")
            if len(origins := tabulate_contributors(account, names)):
                show_table(origins, "States that add most")
    question = f"{digest} {run.seed} {state}"
    with st.expander(f"Beyond this history: which setting would change where {plain_label(who)} usually ends?"):
        st.markdown(
            f"This is not about the history above: it asks over {cache.FLIP_REPLICATES} other histories of this seed"
            " which change of one setting, how small, makes another end the most common one. It takes a while."
        )
        if st.button("Try every setting", key="flip"):
            st.session_state["asked"] = question
        if st.session_state.get("asked") == question:
            show_flips(scenario, digest, run.seed, state)


def describe_choice(decision: Decision, names: Mapping[str, str]) -> str:
    """Describe the probabilities and the choice."""
    pairs = zip(decision.account.alignments, decision.account.chances, strict=True)
    chances = "; ".join(f"P({names[alignment]}) = {p:.3g}" for alignment, p in pairs)
    fixed = "It is fixed and never decides. " if decision.fixed else ""
    return f"Step {decision.step}: {fixed}It held {names[decision.held]}; {chances}; {decision.how(names)}."


def difference_label(account: Account, names: Mapping[str, str]) -> str:
    """Label the difference of two alignments."""
    return f"{names[account.most_likely]} − {names[account.runner_up]}"


def tabulate_terms(account: Account, names: Mapping[str, str]) -> pd.DataFrame:
    """Tabulate the utility of the alignments by term, with the lead of the first over the second."""
    few = len(account.alignments) <= MAX_COLUMNS
    shown = list(range(len(account.alignments))) if few else [account.first, account.second]
    rows = [
        (term, *(term_text(column[k]) for k in shown), f"{difference:+.3f}")
        for term, column, difference, _ in account.rows()
    ]
    lead = account.utilities[account.first] - account.utilities[account.second]
    rows.append(("utility", *(f"{account.utilities[k]:.3f}" for k in shown), f"{lead:+.3f}"))
    heads = [*(names[account.alignments[k]] for k in shown), difference_label(account, names)]
    return pd.DataFrame(rows, columns=["term", *heads])


def tabulate_contributors(account: Account, names: Mapping[str, str]) -> pd.DataFrame:
    """Tabulate the states whose alignment adds most to the difference, by term."""
    found = [(term, describe_contributors(states)) for term, _, _, states in account.rows()]
    rows = [
        *((term, states) for term, states in found if states),
        ("utility", describe_contributors(account.from_states())),
    ]
    head = f"whose alignment adds to {difference_label(account, names)}"
    return pd.DataFrame([row for row in rows if row[1]], columns=["term", head])


def term_text(value: float) -> str:
    """Format a term's value; empty where it rounds to 0."""
    return f"{value:.3f}" if abs(value) >= SMALLEST else ""


def describe_contributors(found: list[tuple[str, float]]) -> str:
    """List the states that add most, each with its contribution."""
    return ", ".join(f"{state} {value:+.3f}" for state, value in found[:LISTED_STATES] if abs(value) >= SMALLEST)


def show_flips(scenario: Scenario, digest: str, seed: int, state: str) -> None:
    """Show the smallest changes that flip a state's late alignment over many runs."""
    try:
        with st.spinner("Trying every setting over its range …"):
            found = cache.compute_flips(scenario, digest, seed, state)
    except InputError as error:
        st.info(escape_markdown(error.faults[0].message))
        return
    names = label_history(scenario)
    lead, low, high = (round(100 * part) for part in found.lead)
    ahead = f"{lead} of 100 histories more than the next (95 % interval {low} to {high})"
    summary = (
        f"In {found.replicates} other histories {names.state(state)} is in {last_steps(window_of(scenario))} most often"
        f" {place_words(found.alignment, names)}: {'in all of them' if low == 100 else ahead}. {len(found.found)} of"
        f" {found.tried} settings turn that within their range, each alone."
    )
    st.markdown(escape_markdown(summary))
    if found.found:
        show_table(tabulate_flips(found, scenario, names), "Changes that turn it")
        st.caption("unclear: the values between which neither alignment leads beyond chance.")


def tabulate_flips(found: Flips, scenario: Scenario, names: Names) -> pd.DataFrame:
    """Tabulate the smallest changes, and the values between which neither alignment leads clearly."""
    rows = []
    for flip in found.found[:LISTED_FLIPS]:
        start = "now" if math.isnan(flip.sure_before) else f"{flip.sure_before:g}"
        end = "the end" if math.isnan(flip.sure_after) else f"{flip.sure_after:g}"
        change = f"{flip.before:g} → {flip.to:g} ({100 * flip.relative:.0f} % of its range)"
        rows.append(
            (setting_label(scenario, flip.setting, names), change, names.alignments[flip.becomes], f"{start} to {end}")
        )
    return pd.DataFrame(rows, columns=["setting", "turns at", "to", "unclear"])
