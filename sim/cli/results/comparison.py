"""Comparisons as the command prints them: at the end of the runs, and at dates."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.analysis.dated.effects import MOST_PAIRED
from sim.analysis.dated.sentences import followers_words, in_hundred, span_in_hundred
from sim.analysis.paired import CLEAR_MEANS, ITSELF_MEANS, is_clear_itself, recorded_timing
from sim.batch.design import LISTED_SETTINGS, is_short
from sim.calendar import format_day, step_ends
from sim.cli.printing import new_table, safe_text
from sim.cli.results.dated import LISTED_ENTRIES
from sim.reporting.labels import label_alignments
from sim.scenario.loading import BASE

if TYPE_CHECKING:
    from rich.console import Console

    from sim.analysis.compare import Sample
    from sim.api.comparison import Comparison

STARS = f"* {CLEAR_MEANS}\n(*) {ITSELF_MEANS}"


def print_comparison(
    out: Console, found: Comparison, sentences: Mapping[str, Sequence[str]], states: Sequence[str], *, everything: bool
) -> None:
    """Print a comparison: at the dates that were asked for, then at the end of the runs."""
    print_lens(out, found)
    if len(found.sample.designs) < 2:
        out.print(f"There is only one scenario here. Sweep it with another: {safe_text(pairing_command(found.sample))}")
        return
    print_left_out(out, found, everything=everything)
    if any(day != end_of_runs(found.sample) for day in found.at):
        print_effects(out, found, sentences, states, everything=everything)
        print_differences(out, found, everything=everything)
    else:
        print_differences(out, found, everything=everything)
        print_effects(out, found, sentences, states, everything=everything)
    if found.sample.unfinished:
        out.print(f"\n{found.sample.unfinished} runs are not finished. Resume them with the same `blocs sweep`.")
    if found.sample.failed:
        out.print(f"\n{found.sample.failed} runs failed and are left out")
    if command := found.tendency_command:
        out.print(
            f"\nFor the tendency beside it: {safe_text(command)}\nthen blocs compare {safe_text(found.folder)}"
            " --tendency FOLDER"
        )


def pairing_command(found: Sample) -> str:
    """Return the sweep that pairs the only scenario of results with the baseline, or the baseline with another."""
    name = found.designs[0]
    replicates = found.runs["replicate"].nunique()
    names = f"{BASE} SCENARIO" if name == BASE else f"{BASE} {shlex.quote(name)}"
    return f"blocs sweep {names} --replicates {replicates} --out FOLDER"


def print_lens(out: Console, found: Comparison) -> None:
    """Print which lens the runs have."""
    if found.lens == "tendency":
        out.print("Lens: tendency, where the ties pull in the long run")
    else:
        out.print(f"Lens: histories, {'what happens by when' if found.at else 'in rounds without dates'}")


def print_left_out(out: Console, found: Comparison, *, everything: bool) -> None:
    """Say which design points are compared together, and which single ones are not printed."""
    long = [one.scenario for one in found.pairings if not is_short(one.scenario)]
    points = f"{len(long)} design point{'s' * (len(long) != 1)} with more than {LISTED_SETTINGS} settings"
    together = [name for name in found.dated.spreads if name not in found.sample.designs]
    for name in together:
        pairs = found.dated.states.loc[found.dated.states["scenario"] == name, "pairs"].max()
        out.print(f"{safe_text(name)} is compared over all of its {pairs} design points, at dates")
    if long and not everything:
        alone = "compared with the first of them one by one" if together else "compared one by one"
        out.print(f"{points}, {alone}, {'are' if len(long) > 1 else 'is'} not printed (--all, --csv FOLDER, --json)")


def end_of_runs(found: Sample) -> str:
    """The ISO date on which all runs end; empty where they have none, or several."""
    ran = map(recorded_timing, found.scenarios.values())
    ends = {step_ends(one.date, one.step, one.steps)[-1:] for one in ran if one.lens == "histories"}
    (end,) = ends if len(ends) == 1 else ((),)
    return end[0] if end else ""


def print_differences(out: Console, compared: Comparison, *, everything: bool) -> None:
    """Print paired differences at the end of the runs: the main outcomes, and the states with clear changes."""
    from sim.analysis.compare import identical_words, main_outcomes

    found, outcomes, baseline = compared.sample, compared.outcomes, compared.baseline
    printed = [one for one in compared.pairings if everything or is_short(one.scenario)]
    if not printed:
        return
    day = end_of_runs(found)
    until = f", to {format_day(day)}" if day else ""
    out.print(f"\n[bold]At the end of the runs{', ' * bool(day)}{format_day(day) if day else ''}[/bold]")
    against = (
        safe_text(baseline) if is_short(baseline) else f"the first point of {safe_text(baseline.partition(' [')[0])}"
    )
    out.print(f"Against {against}: mean difference of paired runs, 95 % interval, effect in standard deviations")
    out.print(STARS)
    out.print(f"Outcomes and shares are means over {found.averaged} of each run{until}, then over the pairs")
    names = {design.partition(" [")[0] for design in found.designs}
    if 1 < len(names) < len(found.designs):
        out.print(
            "Each design point is compared with that one point, so a difference may be of its settings; at dates"
            " scenarios with the same points are compared point by point"
        )
    main, labels = main_outcomes(found), label_alignments(*found.scenarios.values())
    shown_here = outcomes["scenario"].isin([one.scenario for one in printed])
    if words := identical_words(outcomes[shown_here & (outcomes["outcome"].isin(main) | everything)]):
        out.print(words)
    for pairing in printed:
        rows = outcomes[outcomes["scenario"] == pairing.scenario]
        rows = rows[rows["outcome"].isin(main) | everything]
        out.print(f"\n[bold]{safe_text(pairing.scenario)}[/bold]")
        for sentence in pairing.sentences:
            out.print(f"{safe_text(pairing.scenario)}: {safe_text(sentence)}")
        if pairing.pairs and (everything or not pairing.identical):
            print_outcomes(out, rows)
        if pairing.pairs >= pairing.fewest and not pairing.identical:
            moved = compared.states
            print_clear_moves(out, moved[moved["scenario"] == pairing.scenario], labels)


def print_outcomes(out: Console, rows: pd.DataFrame) -> None:
    """Print differences of outcomes as a table."""
    from sim.analysis.compare import interval_words

    numbers = ("baseline", "scenario", "difference", "95 % interval", "effect", "pairs")
    shown = new_table("outcome", *numbers, "", numbers=numbers)
    for one in rows.itertuples():
        cells = (f"{one.baseline_mean:.3f}", f"{one.mean:.3f}", f"{one.difference:+.3f}", interval_words(one))
        effect = "–" if math.isnan(one.effect) else f"{one.effect:+.2f}"
        shown.add_row(str(one.outcome), *cells, effect, str(one.pairs), star(one))
    out.print(shown)


def print_clear_moves(out: Console, moved: pd.DataFrame, labels: Mapping[str, str]) -> None:
    """Print the states whose alignment share clearly changes by a tenth or more."""
    from sim.analysis.compare import clear_state_changes

    clear = clear_state_changes(moved)
    if not len(clear):
        out.print("No state's alignment share changes by 0.1 or more clearly.")
        return
    for alignment, rows in clear.groupby("alignment", sort=False):
        words = ", ".join(f"{one.state} {one.difference:+.2f}" for one in rows.head(12).itertuples())
        more = f" and {len(rows) - 12} more" if len(rows) > 12 else ""
        out.print(f"P({safe_text(labels[str(alignment)])}): {words}{more}")


def print_effects(
    out: Console, found: Comparison, sentences: Mapping[str, Sequence[str]], states: Sequence[str], *, everything: bool
) -> None:
    """Print effects at dates by scenario: blocs, then the states with the largest effects, or those asked for."""
    if not found.at:
        return
    left_out = {one.scenario for one in found.pairings if one.identical or not (everything or is_short(one.scenario))}
    shown = [scenario for scenario in sentences if scenario not in left_out]
    for scenario in shown:
        print_scenario_at_dates(out, found, scenario, states)
        for sentence in sentences[scenario]:
            out.print(safe_text(f"{sentence}."))
    if found.dated.left_out and shown:
        more = f"{found.dated.left_out} more {'are' if found.dated.left_out > 1 else 'is'} not"
        out.print(f"\nThe first {MOST_PAIRED} scenarios and design points are compared at dates; {more}.")
    if shown:
        out.print(
            "\nsize: share of capability; in: chance at the date; enters: chance that a state that starts elsewhere\n"
            "has been there by the date; with 95 % intervals. direct: what states would do if no other moved, in\n"
            "closed form; followers: the rest, by its 95 % interval. renewed: the change if every disposition were\n"
            f"renewed.\n{STARS}."
        )
        if found.dated.states["settings_low"].notna().any():
            out.print(
                "interval of mean: of the mean effect over settings. All settings have the same random numbers, so\n"
                "it narrows with more replicates as well as with more settings. 5 to 95 % of settings: how far the\n"
                "effect goes from one setting to another, without chance of the run; – where chance hides it."
            )
        if found.dated.sizes["direct"].isna().any():
            out.print("–: no closed form, since a start is random or drawn in each run.")


def print_scenario_at_dates(out: Console, found: Comparison, scenario: str, states: Sequence[str]) -> None:
    """Print the effects of a scenario at dates as a table; of one date, the title names it."""
    tendency, several = found.tendency_rows(), len(found.at) > 1
    sizes = found.dated.sizes[found.dated.sizes["scenario"] == scenario]
    ranged = bool(sizes["settings_low"].notna().any())
    when = "dates" if several else format_day(found.at[0])
    out.print(f"\n[bold]{safe_text(scenario)} at {when}[/bold]")
    heads = ["date"] * several + ["baseline", "scenario", "change"]
    heads += ["interval\nof mean", "5 to 95 %\nof settings"] if ranged else ["95 % interval"]
    heads += ["direct", "followers", "renewed"]
    more = ["tendency"] * bool(tendency)
    shown = new_table("in 100", *heads, *more, "", numbers=(*heads, *more))

    def add(what: str, row: Any, pull: str = "") -> None:
        dated = [row.date] * several
        shown.add_row(what, *dated, *effect_cells(row, ranged=ranged), *[pull] * len(more), star(row))

    for row in sizes.itertuples():
        bloc = row.outcome.removeprefix("capability_")
        if row.outcome.startswith("capability_") and bloc != "non_aligned":
            add(f"size {bloc}", row)
    for row in effects_shown(found.dated.states, scenario, states).itertuples():
        beside = tendency.get((scenario, row.state, row.alignment)) if row.event == "at" else None
        pull = "" if beside is None else f"{100 * beside.baseline_mean:.0f} to {100 * beside.mean:.0f}"
        add(f"{safe_text(row.state)} {'in' if row.event == 'at' else 'enters'} {row.alignment}", row, pull)
    out.print(shown)


def effect_cells(row: Any, *, ranged: bool) -> list[str]:
    """Format a difference at a date, in 100; `ranged` adds how far it goes over settings."""
    change, direct, renewed = (
        "–" if math.isnan(one) else in_hundred(one, signed=True) for one in (row.difference, row.direct, row.renewed)
    )
    spans = [span_in_hundred(row.low, row.high)] + [span_in_hundred(row.settings_low, row.settings_high)] * ranged
    parts = [direct, followers_words(row), renewed]
    return [in_hundred(row.baseline_mean), in_hundred(row.mean), change, *spans, *parts]


def star(row: Any) -> str:
    """Mark a difference that is clear, or clear by itself."""
    return "*" if row.clear else "(*)" * is_clear_itself(row)


def effects_shown(states: pd.DataFrame, scenario: str, wanted: Sequence[str]) -> pd.DataFrame:
    """Select effects on blocs: those of the states wanted, or of the few with the largest ones at the last date."""
    rows = states[(states["scenario"] == scenario) & (states["alignment"] != "non_aligned")]
    if wanted:
        return rows[rows["state"].isin(wanted) & ((rows["mean"] > 0) | (rows["baseline_mean"] > 0))]
    last = rows[(rows["date"] == rows["date"].max()) & (rows["event"] == "at")]
    size = last["difference"].abs() + last["direct"].abs().fillna(0.0)
    chosen = last.loc[size[size > 0].sort_values(ascending=False, kind="stable").index[:LISTED_ENTRIES]]
    keys = list(zip(chosen["state"], chosen["alignment"], strict=True))
    picked = rows.set_index(["state", "alignment"])
    parts = [picked.loc[[key]].reset_index() for key in keys]
    return pd.concat(parts, ignore_index=True) if parts else rows.iloc[:0]
