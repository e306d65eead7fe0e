"""What happens by when, as the command prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.cli.printing import new_table, safe_text
from sim.reporting.labels import label_alignments

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from sim.api.dated import DatedOutcomes

LISTED_DESIGNS, LISTED_ENTRIES = 20, 5


def print_dated(out: Console, found: DatedOutcomes) -> None:
    """Print the sizes of blocs at dates, when they are large, who enters them, and how often states realign."""
    labels = [one.design.label for one in found.tallies]
    if not labels:
        return
    days = list(dict.fromkeys(day for one in found.tallies for day in one.days))
    names = label_alignments(*(one.scenario.model_dump(mode="json") for one in found.designs))
    print_blocs_by_date(out, found, labels[:LISTED_DESIGNS], days, names)
    print_entries(out, found, labels[:LISTED_DESIGNS], days, names)
    if len(labels) > LISTED_DESIGNS:
        out.print(f"… and {len(labels) - LISTED_DESIGNS} more design points (blocs sweep --json)")
    rates = found.realignments
    words = [
        f"{safe_text(one.scenario)} {100 * one.per_state_year:.2f} % ({100 * one.low:.2f} to {100 * one.high:.2f})"
        for one in rates.head(LISTED_DESIGNS).itertuples()
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
            when = [one.first, f"{one.years:.1f}"] if one.first else ["–", "–"]
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
    entries = found.incidence[found.incidence["event"] == "entry"]
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
    out.print(
        "\n[bold]First entries[/bold]: per cent of runs in which a state that starts elsewhere has been in the bloc\n"
        "by the date, and the 95 % interval at the last date"
    )
    out.print(shown)


def most_frequent(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Choose the states and blocs with the highest chances at the last date that are not 0."""
    last = rows[(rows["date"] == rows["date"].max()) & (rows["chance"] > 0)]
    chosen = last.sort_values("chance", ascending=False, kind="stable").head(LISTED_ENTRIES)
    return list(zip(chosen["state"], chosen["alignment"], strict=True))


def percent(chance: float) -> str:
    """Format a chance in per cent, with a decimal below 10."""
    return f"{100 * chance:.1f}" if 0 < chance < 0.0995 else f"{100 * chance:.0f}"
