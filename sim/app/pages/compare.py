"""The page that compares two settings with common random numbers."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from sim.analysis.compare import interval_words
from sim.analysis.dated.incidence import LARGE
from sim.analysis.paired import compare_columns, timing_of
from sim.analysis.statistics import share_interval
from sim.app import cache
from sim.app.pages.controls import control_key, show_controls
from sim.app.session import Visit, current_visit, display_name, escape_markdown, show_table
from sim.app.setting import MAX_SEED, resolve_setting, size_fault
from sim.model.outcomes import last_steps
from sim.model.trajectory import window_of
from sim.reporting.colours import alignment_colours
from sim.reporting.labels import label_alignments, label_outcome
from sim.scenario.schema import Scenario

REPLICATES = (50, 100, 200, 400)

SIDES = ("A", "B")


def show_compare_page() -> None:
    """Show the page."""
    visit = current_visit()
    visit.place_player(visit.address.step)  # where the player starts when the reader comes back
    st.title("Two settings on the same luck")
    st.markdown(
        "Run by run, both settings draw the same luck, so what differs between them is what was set and not chance."
    )
    settings = []
    for column, side, setting in zip(st.columns(2), SIDES, (visit.address.setting, visit.address.other), strict=True):
        with column:
            st.header(f"Setting {side}")
            settings.append(show_controls(visit, setting, side))
    visit.choose_setting(settings[0])
    visit.update(other=settings[1])
    replicates = choose_replicates(visit)
    if notes := visit.current_notes():
        st.info(escape_markdown("; ".join(notes) + "."))
    scenarios = [resolve_setting(visit.load(setting.scenario), setting) for setting in settings]
    for setting, scenario in zip(settings, scenarios, strict=True):
        if message := size_fault(scenario):
            st.error(escape_markdown(f"{display_name(setting.scenario)} {message}"))
            return
    show_comparison(visit, scenarios, replicates)


def choose_replicates(visit: Visit) -> int:
    """Show the controls of seed and replicates; return the number of replicates."""
    left, right = st.columns(2)
    key = control_key(f"compare seed {visit.version}", visit.address.seed)
    seed = left.number_input("Seed", 0, MAX_SEED, step=1, key=key,
                             help="Replicate r of both settings has the luck of this seed and r.")  # fmt: skip
    visit.update(seed=int(seed))
    return int(right.selectbox("Runs of each setting", REPLICATES, index=2, key="replicates"))


def show_comparison(visit: Visit, scenarios: list[Scenario], replicates: int) -> None:
    """Show bands, differences and distributions of both settings."""
    seed = visit.address.seed
    digests = [scenario.digest() for scenario in scenarios]
    if difference := describe_world_difference(*scenarios):
        st.warning(escape_markdown(difference))
    samples = [
        cache.compute_runs(scenario, digest, seed, replicates)
        for scenario, digest in zip(scenarios, digests, strict=True)
    ]
    st.header("Capability over the steps")
    for column, side, scenario, digest, found in zip(st.columns(2), SIDES, scenarios, digests, samples, strict=True):
        column.image(
            cache.svg_bands(found, label_alignments(scenario), digest, seed, replicates), width="stretch",
            alt=f"Capability share of each alignment over the steps in setting {side}: median and 5 to 95 % band",
            caption=f"{side}: median, 5 to 95 % band and six single runs of {replicates}",
        )  # fmt: skip
    common = [a for a in scenarios[0].alignments() if a in scenarios[1].alignments()]
    blocs = [a for a in common if a != "non_aligned"]
    if scenarios[0].steps != scenarios[1].steps:
        st.info(f"A runs {scenarios[0].steps} steps and B {scenarios[1].steps}: give both as many to compare them.")
        return
    if timing_of(scenarios[0]) != timing_of(scenarios[1]):
        st.info(
            "A and B have different calendars or lenses: give both one date, one step and one lens to compare them."
        )
        return
    averaged = last_steps(window_of(scenarios[0]))
    if not blocs:
        st.info("The two settings have no bloc in common, so there is nothing to pair.")
        return
    names = label_alignments(*scenarios)
    key = (digests[0], digests[1], seed, replicates)
    if same := are_identical(samples):
        st.header("What differs: B less A")
        what = "Both settings compute the same" if digests[0] == digests[1] else "What was changed changes nothing"
        st.info(
            f"{what}: identical runs, all {replicates} pairs. Change something in one of the settings to see what"
            " it does."
        )
    else:
        show_differences(samples, common, names, averaged, key)
    colours = alignment_colours(scenarios[0].blocs)
    show_distribution(samples, {bloc: names[bloc] for bloc in blocs}, colours, averaged, key)
    if not same:
        show_movers(samples, names)


def describe_world_difference(one: Scenario, other: Scenario) -> str:
    """Describe how the worlds of two settings differ; empty if they do not."""
    parts = []
    if one.states.keys() != other.states.keys():
        common = len(one.states.keys() & other.states.keys())
        parts.append(f"A has {len(one.states)} states and B {len(other.states)}, {common} of them in both")
    if one.steps != other.steps:
        parts.append(f"A has {one.steps} steps and B {other.steps}")
    for key in one.blocs.keys() & other.blocs.keys():
        if one.blocs[key].name != other.blocs[key].name:
            parts.append(f"bloc {key} is “{one.blocs[key].name}” in A and “{other.blocs[key].name}” in B")
    return (
        f"The settings are not of one world, so differences mix all that differs: {'; '.join(parts)}." if parts else ""
    )


def are_identical(samples: list[cache.RunSample]) -> bool:
    """Return whether all runs of two settings are the same, pair by pair."""
    return samples[0].late.equals(samples[1].late) and samples[0].shares.equals(samples[1].shares)


def show_differences(
    samples: list[cache.RunSample],
    common: list[str],
    names: Mapping[str, str],
    averaged: str,
    key: tuple[str, str, int, int],
) -> None:
    """Show paired mean differences of the main outcomes, B less A, with their intervals."""
    columns = [c for c in samples[0].late.columns if c in samples[1].late.columns]
    every = compare_columns(samples[1].late[columns], samples[0].late[columns])
    main = [f"{what}_{a}" for what in ("capability", "members") for a in common] + ["polarization", "frustration"]
    rows = every.loc[[name for name in main if name in every.index]]
    rows = rows.assign(same=[samples[0].late[name].equals(samples[1].late[name]) for name in rows.index])
    st.header("What differs: B less A")
    shares = rows[[not name.startswith("members") for name in rows.index]]
    st.image(
        cache.svg_differences(
            shares, [label_outcome(name, names) for name in shares.index],
            f"mean difference over the pairs, {averaged}", key,
        ), width="content",
        alt="Paired mean differences with 95 % intervals; the table says the same.",
        caption=f"Means over {averaged}; 95 % intervals over the pairs; grey squares are not clear.",
    )  # fmt: skip
    show_table(tabulate_differences(rows, [label_outcome(name, names) for name in rows.index], "outcome"))
    st.caption(
        f"Over {rows['pairs'].min()} pairs. clear: beyond chance at 5 % though all are asked at once (Holm 1979)."
        " The intervals are of chance alone, at these settings, most of them assumed."
    )


def tabulate_differences(rows: pd.DataFrame, names: list[str], head: str) -> pd.DataFrame:
    """Tabulate paired differences, a row per name; say where all pairs are identical."""
    cells = [
        (
            escape_markdown(name), f"{one['baseline_mean']:.3f}", f"{one['mean']:.3f}",
            "identical runs" if one["same"] else f"{one['difference']:+.3f} ({interval_words(one)})",
            "clear" if one["clear"] else "no",
        )
        for name, (_, one) in zip(names, rows.iterrows(), strict=True)
    ]  # fmt: skip
    return pd.DataFrame(cells, columns=[head, "A", "B", "difference (95 % interval)", "beyond chance"])


def show_distribution(
    samples: list[cache.RunSample],
    names: Mapping[str, str],
    colours: Mapping[str, str],
    averaged: str,
    key: tuple[str, str, int, int],
) -> None:
    """Show the distribution of a bloc's size: if it has two peaks, a mean describes neither."""
    st.header("Run by run")
    bloc = st.selectbox("Bloc", list(names), index=len(names) - 1, format_func=lambda one: names[one], key="bloc")
    values = {side: one.late[f"capability_{bloc}"].to_numpy() for side, one in zip(SIDES, samples, strict=True)}
    label = f"{names[bloc]}: share of capability\nover {averaged}"
    st.image(
        cache.svg_distributions(values, label, colours[bloc], (bloc, *key)), width="content",
        alt=f"Distribution over the runs of A and of B. {names[bloc]}: share of capability over {averaged}",
        caption="A histogram a setting; the solid line is the mean. Two heaps are two kinds of runs, and a mean"
        " describes neither.",
    )  # fmt: skip
    lines = []
    for side, sizes in values.items():
        count = int((sizes >= LARGE).sum())
        share, low, high, n = share_interval(count, len(sizes))
        lines.append(
            f"- {side}: in {100 * share:.0f} % of {n} runs (95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
            f" “{escape_markdown(names[bloc])}” has a tenth or more of the capability"
        )
    st.markdown("\n".join(lines))


def show_movers(samples: list[cache.RunSample], known: Mapping[str, str]) -> None:
    """Show the states whose late share of an alignment differs most."""
    columns = [c for c in samples[0].shares.columns if c in set(samples[1].shares.columns) and c[1] != "non_aligned"]
    every = compare_columns(samples[1].shares[columns], samples[0].shares[columns])
    clear = every[every["clear"]]
    order = clear["difference"].abs().sort_values(ascending=False, kind="stable").index[:12]
    st.header("Who moves")
    if not len(order):
        st.markdown("No state's chance of standing in a bloc differs clearly.")
        return
    names = [f"{state} in {known[alignment]}" for state, alignment in order]
    show_table(tabulate_differences(clear.loc[order].assign(same=False), names, "late share of"))
