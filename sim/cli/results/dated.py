"""What happens by when, as the command prints it."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

import pandas as pd

from sim.analysis.dated.sentences import precision_sentence
from sim.batch.design import LISTED_SETTINGS, is_short
from sim.cli.printing import new_table, safe_text
from sim.reporting.labels import label_alignments

if TYPE_CHECKING:
    from rich.console import Console

    from sim.api.dated import DatedOutcomes

LISTED_DESIGNS, LISTED_ENTRIES = 20, 5


def print_dated(out: Console, found: DatedOutcomes) -> None:
    """Print the sizes of blocs at dates, when they are large, who enters them, and how often states realign."""
    every = [one.design for one in found.tallies]
    if not every:
        return
    short = [one.label for one in every if is_short(one.label)]
    if long := len(every) - len(short):
        out.print(
            f"\n{long} design points of more than {LISTED_SETTINGS} settings are together here; blocs query has each"
        )
    labels = short[:LISTED_DESIGNS]
    if left_out := len(short) - len(labels):
        out.print(f"\n{left_out} more design points are not printed by date (blocs sweep --json)")
    if not labels:
        return
    days = list(dict.fromkeys(day for one in found.tallies for day in one.days))
    names = label_alignments(*(one.scenario.model_dump(mode="json") for one in found.designs))
    print_blocs_by_date(out, found, labels, days, names)
    print_entries(out, found, labels, days, names)
    rates = found.realignments
    words = [
        f"{safe_text(one.scenario)} {100 * one.per_state_year:.2f} %"
        + ("" if isnan(one.low) else f" ({100 * one.low:.2f} to {100 * one.high:.2f})")
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
    runs = found.realignments.set_index("scenario")["n"]
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
            listed.append({"low": last["low"], "high": last["high"], "n": last["n"], "runs": runs[label]})
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
