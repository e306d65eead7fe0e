"""The page of two settings side by side, on the same luck."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from sim.analysis.compare import interval_words
from sim.analysis.paired import compare_columns
from sim.analysis.statistics import share_interval
from sim.app import cache
from sim.app.pages.controls import control_key, show_controls
from sim.app.session import Visit, current_visit, escape_markdown, show_table, title_of
from sim.app.setting import MOST_SEED, resolve_setting, size_fault
from sim.model.outcomes import last_steps
from sim.reporting.charts import FRONT_THRESHOLD
from sim.reporting.labels import label_alignments, label_outcome
from sim.scenario.schema import Scenario

REPLICATES = (50, 100, 200, 400)

SIDES = ("A", "B")


def show_compare_page() -> None:
    """The page."""
    visit = current_visit()
    visit.go(visit.address.step)  # the player begins there when the reader comes back
    st.title("Two settings on the same luck")
    st.markdown(
        "Run by run, both settings draw the same luck, so what differs between them is what was set and not chance."
    )
    settings = []
    for column, side, setting in zip(st.columns(2), SIDES, (visit.address.setting, visit.address.other), strict=True):
        with column:
            st.header(f"Setting {side}")
            settings.append(show_controls(visit, setting, side))
    visit.set(settings[0])
    visit.change(other=settings[1])
    replicates = choose_runs(visit)
    if notes := visit.said():
        st.info(escape_markdown("; ".join(notes) + "."))
    scenarios = [resolve_setting(visit.load(setting.scenario), setting) for setting in settings]
    for setting, scenario in zip(settings, scenarios, strict=True):
        if message := size_fault(scenario):
            st.error(escape_markdown(f"{title_of(setting.scenario)} {message}"))
            return
    show_comparison(visit, scenarios, replicates)


def choose_runs(visit: Visit) -> int:
    """The seed, and how many runs of each setting."""
    left, right = st.columns(2)
    key = control_key(f"compare seed {visit.version}", visit.address.seed)
    seed = left.number_input("Seed", 0, MOST_SEED, step=1, key=key,
                             help="Replicate r of both settings has the luck of this seed and r.")  # fmt: skip
    visit.change(seed=int(seed))
    return int(right.selectbox("Runs of each setting", REPLICATES, index=2, key="replicates"))


def show_comparison(visit: Visit, scenarios: list[Scenario], replicates: int) -> None:
    """Bands, differences and distributions of both settings."""
    seed = visit.address.seed
    digests = [scenario.digest() for scenario in scenarios]
    if apart := worlds_apart(*scenarios):
        st.warning(escape_markdown(apart))
    many = [
        cache.compute_runs(scenario, digest, seed, replicates)
        for scenario, digest in zip(scenarios, digests, strict=True)
    ]
    st.header("Capability over the steps")
    for column, side, scenario, digest, found in zip(st.columns(2), SIDES, scenarios, digests, many, strict=True):
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
    averaged = last_steps(scenarios[0].steps)
    if not blocs:
        st.info("The two settings have no bloc in common, so there is nothing to pair.")
        return
    names = label_alignments(*scenarios)
    key = (digests[0], digests[1], seed, replicates)
    if same := identical(many):
        st.header("What differs: B less A")
        what = "Both settings compute the same" if digests[0] == digests[1] else "What was changed changes nothing"
        st.info(
            f"{what}: identical runs, all {replicates} pairs. Change something in one of the settings to see what"
            " it does."
        )
    else:
        tabulate_differences(many, common, names, averaged, key)
    describe_distribution(many, {bloc: names[bloc] for bloc in blocs}, averaged, key)
    if not same:
        list_movers(many, names)


def worlds_apart(one: Scenario, other: Scenario) -> str:
    """What keeps two settings from being two of one world, in words, or nothing."""
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


def identical(many: list[cache.RunSample]) -> bool:
    """Whether all runs of two settings are the same, pair by pair."""
    return many[0].late.equals(many[1].late) and many[0].shares.equals(many[1].shares)


def tabulate_differences(
    many: list[cache.RunSample],
    common: list[str],
    names: Mapping[str, str],
    averaged: str,
    key: tuple[str, str, int, int],
) -> None:
    """Paired mean differences of the main outcomes, B less A, with their intervals."""
    columns = [c for c in many[0].late.columns if c in many[1].late.columns]
    every = compare_columns(many[1].late[columns], many[0].late[columns])
    main = [f"{what}_{a}" for what in ("capability", "members") for a in common] + ["polarization", "frustration"]
    rows = every.loc[[name for name in main if name in every.index]]
    rows = rows.assign(same=[many[0].late[name].equals(many[1].late[name]) for name in rows.index])
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
    show_table(show_differences(rows, [label_outcome(name, names) for name in rows.index], "outcome"))
    st.caption(
        f"Over {rows['pairs'].min()} pairs. clear: beyond chance at 5 % though all are asked at once (Holm 1979)."
        " The intervals are of chance alone, at these settings, most of them assumed."
    )


def show_differences(rows: pd.DataFrame, names: list[str], head: str) -> pd.DataFrame:
    """Paired differences as a table to read, a name a row; where all pairs are the same, that."""
    cells = [
        (
            escape_markdown(name), f"{one['baseline_mean']:.3f}", f"{one['mean']:.3f}",
            "identical runs" if one["same"] else f"{one['difference']:+.3f} ({interval_words(one)})",
            "clear" if one["clear"] else "no",
        )
        for name, (_, one) in zip(names, rows.iterrows(), strict=True)
    ]  # fmt: skip
    return pd.DataFrame(cells, columns=[head, "A", "B", "difference (95 % interval)", "beyond chance"])


def describe_distribution(
    many: list[cache.RunSample], names: Mapping[str, str], averaged: str, key: tuple[str, str, int, int]
) -> None:
    """How a bloc's size falls over the runs: where there are two kinds of runs, a mean describes neither."""
    st.header("Run by run")
    bloc = st.selectbox("Bloc", list(names), index=len(names) - 1, format_func=lambda one: names[one], key="bloc")
    values = {side: one.late[f"capability_{bloc}"].to_numpy() for side, one in zip(SIDES, many, strict=True)}
    label = f"{names[bloc]}: share of capability\nover {averaged}"
    st.image(
        cache.svg_distributions(values, label, (bloc, *key)), width="content",
        alt=f"Distribution over the runs of A and of B. {names[bloc]}: share of capability over {averaged}",
        caption="A histogram a setting; the red line is the mean. Two heaps are two kinds of runs, and a mean describes"
        " neither.",
    )  # fmt: skip
    lines = []
    for side, sizes in values.items():
        count = int((sizes >= FRONT_THRESHOLD).sum())
        share, low, high, n = share_interval(count, len(sizes))
        lines.append(
            f"- {side}: in {100 * share:.0f} % of {n} runs (95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
            f" “{escape_markdown(names[bloc])}” has a tenth or more of the capability"
        )
    st.markdown("\n".join(lines))


def list_movers(many: list[cache.RunSample], known: Mapping[str, str]) -> None:
    """The states whose late share of an alignment differs most."""
    columns = [c for c in many[0].shares.columns if c in set(many[1].shares.columns) and c[1] != "non_aligned"]
    every = compare_columns(many[1].shares[columns], many[0].shares[columns])
    clear = every[every["clear"]]
    order = clear["difference"].abs().sort_values(ascending=False, kind="stable").index[:12]
    st.header("Who moves")
    if not len(order):
        st.markdown("No state's chance of standing in a bloc differs clearly.")
        return
    names = [f"{state} in {known[alignment]}" for state, alignment in order]
    show_table(show_differences(clear.loc[order].assign(same=False), names, "late share of"))
