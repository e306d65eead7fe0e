"""What happens by when, as the command prints it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.analysis.dated.sentences import in_hundred, precision_sentence
from sim.analysis.paired import CLEAR_MEANS
from sim.cli.printing import SHORT_SETTINGS, is_short, new_table, safe_text
from sim.reporting.labels import label_alignments

if TYPE_CHECKING:
    from rich.console import Console

    from sim.api.comparison import Comparison
    from sim.api.dated import DatedOutcomes

LISTED_DESIGNS, LISTED_ENTRIES = 20, 5


def print_dated(out: Console, found: DatedOutcomes) -> None:
    """Print the sizes of blocs at dates, when they are large, who enters them, and how often states realign."""
    every = [one.design for one in found.tallies]
    if not every:
        return
    labels = [one.label for one in every if len(one.settings) <= SHORT_SETTINGS][:LISTED_DESIGNS]
    if left_out := len(every) - len(labels):
        out.print(f"\n{left_out} design points are not printed by date (blocs sweep --json)")
    if not labels:
        return
    days = list(dict.fromkeys(day for one in found.tallies for day in one.days))
    names = label_alignments(*(one.scenario.model_dump(mode="json") for one in found.designs))
    print_blocs_by_date(out, found, labels, days, names)
    print_entries(out, found, labels, days, names)
    rates = found.realignments
    words = [
        f"{safe_text(one.scenario)} {100 * one.per_state_year:.2f} % ({100 * one.low:.2f} to {100 * one.high:.2f})"
        for one in rates[rates["scenario"].isin(labels)].itertuples()
    ]
    out.print(
        f"\nRealignments in a year, share of the states that decide: {'; '.join(words)}; on record about"
        f" {100 * rates['recorded'].iloc[0]:.1f} %."
    )


def print_blocs_by_date(
    out: Console, found: DatedOutcomes, labels: list[str], days: list[str], names: dict[str, str]
) -> None:
    """Print the mean capability of each bloc at each date, if every disposition were renewed, and when it is large."""
    heads = ["start", *days, "renewed", "large %", "from", "years"]
    shown = new_table("scenario and bloc", *heads, numbers=tuple(heads))
    sizes: dict[tuple[str, str], dict[str, str]] = {}
    for scenario, day, bloc, capability, *_ in found.sizes.itertuples(index=False):
        sizes.setdefault((scenario, bloc), {})[day] = f"{capability:.2f}"
    renewed = found.renewed_sizes
    for label in labels:
        shown.add_row(safe_text(label), *[""] * len(heads))
        for one in found.large_blocs[found.large_blocs["scenario"] == label].itertuples():
            own = sizes[label, one.bloc]
            cells = [next(iter(own.values())), *(own.get(day, "") for day in days)]
            chance = renewed.get((label, one.bloc))
            large = f"{percent(one.chance)} ({percent(one.low)} to {percent(one.high)})"
            when = [one.first, f"{one.years:.1f}"] if isinstance(one.first, str) else ["–", "–"]
            name = f"  {safe_text(names[one.bloc])}"
            shown.add_row(name, *cells, "–" if chance is None else f"{chance:.2f}", large, *when)
    out.print("\n[bold]By date[/bold]: mean capability share of each bloc")
    out.print(shown)
    out.print(
        "renewed: at the last date, if every disposition were renewed while the others stay as they started.\n"
        "large: per cent of runs in which the bloc has 0.1 or more for a year (95 % interval); from when\n"
        "(median) and for how many years (mean) in these runs."
    )


def print_entries(
    out: Console, found: DatedOutcomes, labels: list[str], days: list[str], names: dict[str, str]
) -> None:
    """Print the states that most often enter a bloc in each scenario, with the chance by each date."""
    entries, listed = found.incidence[found.incidence["event"] == "entry"], []
    shown = new_table("scenario", "state", "enters", *(f"by {day}" for day in days), "interval", "runs",
                      numbers=(*(f"by {day}" for day in days), "interval", "runs"))  # fmt: skip
    for label in labels:
        rows = entries[entries["scenario"] == label]
        for state, alignment in most_frequent(rows):
            cells = rows[(rows["state"] == state) & (rows["alignment"] == alignment)].set_index("date")
            last = cells.iloc[-1]
            by = [percent(cells.loc[day, "chance"]) if day in cells.index else "" for day in days]
            interval = f"{percent(last['low'])} to {percent(last['high'])}"
            shown.add_row(
                safe_text(label), safe_text(state), safe_text(names[alignment]), *by, interval, str(last["n"])
            )
            listed.append(last[["low", "high", "n"]])
    out.print(
        "\n[bold]First entries[/bold]: per cent of runs in which a state that starts elsewhere has been in the bloc\n"
        "by the date, and the 95 % interval at the last date"
    )
    out.print(shown)
    if sentence := precision_sentence(pd.DataFrame(listed)):
        out.print(f"{sentence}. Decide how narrow it must be before you add runs (docs/answers.md).")


def most_frequent(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Choose the states and blocs with the highest chances at the last date that are not 0."""
    last = rows[(rows["date"] == rows["date"].max()) & (rows["chance"] > 0)]
    chosen = last.sort_values("chance", ascending=False, kind="stable").head(LISTED_ENTRIES)
    return list(zip(chosen["state"], chosen["alignment"], strict=True))


def percent(chance: float) -> str:
    """Format a chance in per cent, with a decimal below 10 and above 90."""
    return f"{100 * chance:.0f}" if 0.0995 <= chance <= 0.9005 or chance in (0, 1) else f"{100 * chance:.1f}"


def print_lens(out: Console, found: Comparison) -> None:
    """Print which lens the runs have."""
    if found.lens == "tendency":
        out.print("Lens: tendency, where the ties pull in the long run")
    else:
        out.print(f"Lens: histories, {'what happens by when' if found.at else 'in rounds without dates'}")


def print_effects(
    out: Console, found: Comparison, sentences: Mapping[str, Sequence[str]], states: Sequence[str], *, everything: bool
) -> None:
    """Print effects at dates by scenario: blocs, then the states with the largest effects, or those asked for."""
    if not found.at:
        return
    tendency = found.tendency_rows()
    left_out = {one.scenario for one in found.pairings if one.identical or not (everything or is_short(one.scenario))}
    for scenario, said in sentences.items():
        if scenario in left_out:
            continue
        out.print(f"\n[bold]{safe_text(scenario)} at dates[/bold]")
        heads = ["baseline", "scenario", "change", "interval", "direct", "followers", "renewed"]
        more = ["tendency"] * bool(tendency)
        shown = new_table("in 100", "date", *heads, *more, "", numbers=(*heads, *more))
        for row in found.dated.sizes[found.dated.sizes["scenario"] == scenario].itertuples():
            bloc = row.outcome.removeprefix("capability_")
            if row.outcome.startswith("capability_") and bloc != "non_aligned":
                shown.add_row(f"size {bloc}", *effect_cells(row), *[""] * len(more), star(row))
        for row in effects_shown(found.dated.states, scenario, states).itertuples():
            what = f"{safe_text(row.state)} {'in' if row.event == 'at' else 'enters'} {row.alignment}"
            beside = tendency.get((scenario, row.state, row.alignment)) if row.event == "at" else None
            pull = "" if beside is None else f"{100 * beside.baseline_mean:.0f} to {100 * beside.mean:.0f}"
            shown.add_row(what, *effect_cells(row), *[pull] * len(more), star(row))
        out.print(shown)
        for sentence in said:
            out.print(safe_text(f"{sentence}."))
    if found.dated.left_out:
        out.print(f"\n{found.dated.left_out} more scenarios and design points are not compared at dates")
    if set(sentences) - left_out:
        out.print(
            "\nsize: share of capability; in: chance at the date; enters: chance that a state that starts elsewhere\n"
            "has been there by the date; with 95 % intervals. direct: what states would do if no other moved, in\n"
            "closed form; followers: the rest. renewed: the change if every disposition were renewed.\n"
            f"* {CLEAR_MEANS}."
        )
        if found.dated.sizes["direct"].isna().any():
            out.print("–: no closed form, since a start is random or drawn in each run.")
    if command := found.tendency_command:
        out.print(
            f"\nFor the tendency beside it: {safe_text(command)}\nthen blocs compare {safe_text(found.folder)}"
            " --tendency FOLDER"
        )


def effect_cells(row: Any) -> list[str]:
    """Format a difference at a date, in 100."""
    numbers = [row.difference, row.direct, row.rest, row.renewed]
    difference, *parts = ("–" if math.isnan(one) else in_hundred(one, signed=True) for one in numbers)
    interval = (
        "–" if math.isnan(row.low) else f"{in_hundred(row.low, signed=True)} to {in_hundred(row.high, signed=True)}"
    )
    return [row.date, in_hundred(row.baseline_mean), in_hundred(row.mean), difference, interval, *parts]


def star(row: Any) -> str:
    """Mark a difference that is clear."""
    return "*" if row.clear else ""


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
