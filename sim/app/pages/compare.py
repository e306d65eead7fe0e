"""The page that compares two settings with common random numbers, without and with a change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from sim.analysis.compare import interval_words
from sim.analysis.dated.events import spread_dates
from sim.analysis.dated.incidence import LARGE
from sim.analysis.history.words import capital
from sim.analysis.paired import CLEAR_MEANS, compare_columns
from sim.analysis.statistics import share_interval
from sim.app import cache, histories
from sim.app.histories import SIDES, happening_of
from sim.app.pages.controls import choose_state, control_key, show_controls
from sim.app.pages.dated import ITSELF_EXPLAINED, SURE, names_of_both, show_movers, show_sizes, show_state, sureness
from sim.app.pages.share import show_address
from sim.app.session import Visit, current_visit, display_name, escape_markdown, show_table, why_unlike
from sim.app.setting import MAX_SEED, RUNS, AppSetting, is_dated, main_bloc, question_state, size_fault
from sim.model.outcomes import last_steps
from sim.model.trajectory import window_of
from sim.reporting.chapters.titles import title_of_shares, title_of_sizes
from sim.reporting.colours import alignment_colours
from sim.reporting.labels import label_alignments, label_history, label_outcome
from sim.scenario.schema import Scenario

MOST_DATES = 5


def show_compare_page() -> None:
    """Show the page."""
    visit = current_visit()
    visit.place_player(visit.address.step)  # where the player starts when the reader comes back
    st.title("Without and with a change")
    st.markdown(
        "Each pair of runs, one of either setting, has the same random numbers, so most of what is chance cancels in"
        " their difference. How large the average effect is stays uncertain: an interval goes with each difference, and"
        " words say how sure it is. The other pages have the setting with the change."
    )
    settings = []
    for column, side, setting in zip(st.columns(2), SIDES, (visit.address.other, visit.address.setting), strict=True):
        with column:
            st.header(side.capitalize())
            settings.append(show_controls(visit, setting, side))
    chosen = settings[0] != visit.address.other
    visit.choose_setting(settings[1])
    if not chosen and settings[0] != visit.address.other:  # another scenario on the right has its own baseline
        visit.reset_controls()
        st.rerun()
    visit.update(other=settings[0])
    replicates = choose_replicates(visit)
    show_both_sides(visit, settings, replicates)
    show_address(visit)


def show_both_sides(visit: Visit, settings: Sequence[AppSetting], replicates: int) -> None:
    """Show what differs between two settings, or why they cannot be compared."""
    if notes := visit.current_notes():
        st.info(escape_markdown("; ".join(notes) + "."))
    scenarios = [visit.resolve(setting).scenario for setting in settings]
    for setting, scenario in zip(settings, scenarios, strict=True):
        if message := size_fault(scenario):
            st.error(escape_markdown(f"{display_name(setting.scenario)} {message}"))
            return
    if difference := describe_world_difference(*scenarios):
        st.warning(escape_markdown(difference))
    if why := why_unlike(*scenarios):
        st.info(escape_markdown(unlike_words(visit, settings[1].scenario, why)))
        return
    show_comparison(visit, scenarios, [visit.resolve(setting).digest for setting in settings], replicates)


def choose_replicates(visit: Visit) -> int:
    """Show the controls of seed and replicates; return the number of replicates."""
    left, right = st.columns(2)
    key = control_key(f"compare seed {visit.version}", visit.address.seed)
    seed = left.number_input(
        "Seed", 0, MAX_SEED, step=1, key=key, help="Replicate r of both settings has the random numbers of this seed."
    )
    visit.update(seed=int(seed))
    own = visit.address.runs
    runs = control_key(f"replicates {visit.version}", own if own in RUNS else RUNS[2])
    visit.update(runs=int(right.selectbox("Runs of each setting", RUNS, key=runs)))
    return visit.address.runs


def unlike_words(visit: Visit, changed: str, why: str) -> str:
    """Say why two settings cannot be compared, and what to choose instead."""
    below = visit.baseline_of(changed)
    which = "which it extends" if below != changed else "and change something on the right"
    return f"{capital(why)}. As the scenario without the change, choose {visit.choice_label(below)}, {which}."


def show_comparison(visit: Visit, scenarios: list[Scenario], digests: list[str], replicates: int) -> None:
    """Show what differs: at dates where there are dates, and at the end."""
    seed = visit.address.seed
    samples = [
        cache.compute_runs(scenario, digest, seed, replicates)
        for scenario, digest in zip(scenarios, digests, strict=True)
    ]
    key = ((digests[0], digests[1]), seed, replicates)
    same = are_identical(samples)
    if same:
        what = "Both settings compute the same" if digests[0] == digests[1] else "What was changed changes nothing"
        st.info(
            f"{what}: identical runs, all {replicates} pairs. Change something in one of the settings to see what"
            " it does."
        )
    elif is_dated(scenarios[1]):
        show_dated(visit, scenarios, replicates, key)
    show_bands(scenarios, samples, digests, seed, replicates)
    names = label_alignments(*scenarios)
    averaged = last_steps(window_of(scenarios[1]))
    common = [a for a in scenarios[0].alignments() if a in scenarios[1].alignments()]
    blocs = {a: names[a] for a in common if a != "non_aligned"}
    show_distribution(samples, blocs, alignment_colours(scenarios[1].blocs), averaged, key)
    if not same:
        show_ends(samples, common, names, averaged, dated=is_dated(scenarios[1]))


def show_dated(visit: Visit, scenarios: list[Scenario], replicates: int, key: tuple[tuple[str, str], int, int]) -> None:
    """Show what differs at dates: of the chosen state, of those that move, and of the blocs."""
    left, middle, right = st.columns(3)
    with left:
        state = choose_state(visit, scenarios[1], [s for s in scenarios[1].states if s in scenarios[0].states])
    names = names_of_both(scenarios)
    own = {bloc: names.alignments[bloc] for bloc in scenarios[1].blocs if bloc in scenarios[0].blocs}
    likely = main_bloc(scenarios[1], state)
    first = likely if likely in own else list(own)[-1]
    shown = visit.address.to if visit.address.to in own else first
    key_of_bloc = control_key(f"bloc of {visit.version} {state} {list(own)}", shown)
    bloc = middle.selectbox("Bloc", list(own), format_func=own.__getitem__, key=key_of_bloc)
    visit.update(to=str(bloc) if bloc != first else "")
    ends, at = scenarios[1].dates()[1:], visit.address.at
    default = (ends[at - 1], ends[-1]) if at and at < len(ends) else spread_dates(scenarios[1])
    chosen = right.multiselect(
        "Dates", ends, default=default, max_selections=MOST_DATES, key=f"dates {ends[0]} {ends[-1]} {at}"
    )
    days = tuple(sorted(chosen)) or ends[-1:]
    pair = [
        histories.compute_histories(scenario, digest, visit.address.seed, replicates)
        for scenario, digest in zip(scenarios, key[0], strict=True)
    ]
    effects = histories.compute_effects(pair, days, *key)
    show_state(effects, pair, names, days, happening_of(scenarios[0], state, bloc), key)
    asked = dict.fromkeys([*([question_state(scenarios[1])] if question_state(scenarios[1]) else []), state])
    show_movers(effects, names, days[-1], [*asked], key)
    show_sizes(effects, names, days)


def show_bands(
    scenarios: list[Scenario], samples: list[cache.RunSample], digests: list[str], seed: int, replicates: int
) -> None:
    """Show the capability of each alignment over the steps, without and with the change."""
    st.header("Size of the blocs over time")
    for column, side, scenario, digest, found in zip(st.columns(2), SIDES, scenarios, digests, samples, strict=True):
        names, dates = names_and_dates(scenario)
        title = title_of_shares(found.steps, side.capitalize(), bloc := list(scenario.blocs)[-1], names[bloc])
        column.markdown(f"**{escape_markdown(title)}**")
        column.image(
            cache.svg_bands(found, names, dates, digest, seed, replicates), width="stretch",
            alt=f"{title} Capability share of each alignment over time: median and 5 to 95 % band",
            caption=f"{side.capitalize()}: median, 5 to 95 % band and six single runs of {replicates}",
        )  # fmt: skip


def names_and_dates(scenario: Scenario) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the names of the alignments, and the ends of the steps where a history has dates."""
    names = label_history(scenario)
    return dict(names.alignments), names.dates


def describe_world_difference(without: Scenario, changed: Scenario) -> str:
    """Describe how the worlds of two settings differ; empty if they do not."""
    parts = []
    if without.states.keys() != changed.states.keys():
        common = len(without.states.keys() & changed.states.keys())
        parts.append(f"{len(without.states)} states without and {len(changed.states)} with, {common} of them in both")
    for key in without.blocs.keys() & changed.blocs.keys():
        if without.blocs[key].name != changed.blocs[key].name:
            parts.append(f"bloc {key} is “{without.blocs[key].name}” without and “{changed.blocs[key].name}” with")
    return (
        f"The settings are not of one world, so differences mix all that differs: {'; '.join(parts)}." if parts else ""
    )


def are_identical(samples: list[cache.RunSample]) -> bool:
    """Return whether all runs of two settings are the same, pair by pair."""
    return samples[0].late.equals(samples[1].late) and samples[0].shares.equals(samples[1].shares)


def show_ends(
    samples: list[cache.RunSample], common: list[str], names: Mapping[str, str], averaged: str, *, dated: bool
) -> None:
    """Show paired mean differences of the main outcomes over the last steps; `dated` has explained the verdicts."""
    columns = [c for c in samples[0].late.columns if c in samples[1].late.columns]
    every = compare_columns(samples[1].late[columns], samples[0].late[columns])
    main = [f"{what}_{a}" for what in ("capability", "members") for a in common] + ["polarization", "frustration"]
    rows = every.loc[[name for name in main if name in every.index]]
    st.header("At the end")
    table = tabulate_differences(rows, [label_outcome(name, names) for name in rows.index])
    show_table(table, "At the end")
    st.caption(
        f"Means over {averaged} of {rows['pairs'].min()} pairs of runs, with 95 % intervals of chance. {CLEAR_MEANS}."
        f"{'' if dated else f' {ITSELF_EXPLAINED}'}"
    )


def tabulate_differences(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Tabulate paired differences, a row per name; say where all pairs are identical."""
    cells = [
        (
            name, f"{one.baseline_mean:.3f}", f"{one.mean:.3f}",
            "identical runs" if one.identical else f"{one.difference:+.3f} ({interval_words(one)})", sureness(one),
        )
        for name, one in zip(names, rows.itertuples(), strict=True)
    ]  # fmt: skip
    return pd.DataFrame(cells, columns=["outcome", "without", "with", "change (95 % interval)", SURE])


def show_distribution(
    samples: list[cache.RunSample],
    names: Mapping[str, str],
    colours: Mapping[str, str],
    averaged: str,
    key: tuple[tuple[str, str], int, int],
) -> None:
    """Show the distribution of a bloc's size: if it has two peaks, a mean describes neither."""
    st.header("Run by run")
    bloc = st.selectbox("Bloc", list(names), index=len(names) - 1, format_func=lambda one: names[one], key="bloc")
    short = [side.removesuffix(" the change") for side in SIDES]
    values = {side: one.late[f"capability_{bloc}"].to_numpy() for side, one in zip(short, samples, strict=True)}
    label = f"{names[bloc]}: share of capability\nover {averaged}"
    title = title_of_sizes(values, names[bloc], f"over {averaged}")
    title = title[0].upper() + title[1:]
    st.markdown(f"**{escape_markdown(title)}**")
    st.image(
        cache.svg_distributions(values, label, colours[bloc], (bloc, *key)), width="content",
        alt=f"{title} Distribution over the runs, without and with: share of capability over {averaged}",
    )  # fmt: skip
    st.caption(
        "The taller a bar, the more runs end with this size; the solid line is the mean. Where bars form two groups,"
        " there are two kinds of histories, and the mean describes neither."
    )
    lines = []
    for side, sizes in values.items():
        count = int((sizes >= LARGE).sum())
        share, low, high, n = share_interval(count, len(sizes))
        lines.append(
            f"- {side}: in {100 * share:.0f} % of {n} runs (95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
            f" “{escape_markdown(names[bloc])}” has a tenth or more of the capability"
        )
    st.markdown("\n".join(lines))
