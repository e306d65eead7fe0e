"""The command landscape."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import completion
from sim.cli.main import cli
from sim.cli.options import chart_option, json_option, resolve_scenario, seed_option, set_option
from sim.cli.printing import new_console, new_table, print_json, safe_text
from sim.errors import Fault, InputError, display_path
from sim.names import scenario_name

if TYPE_CHECKING:
    from rich.console import Console

    from sim.model.arrays import Integers
    from sim.scenario.schema import Scenario
    from sim.theory.landscape import Alignment
    from sim.theory.predictions import WorldLandscape


@cli.command()
@click.argument("world", shell_complete=completion.complete_scenarios)
@seed_option
@set_option
@click.option(
    "--replicates", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Runs of the model."
)
@click.option(
    "--seconds",
    type=click.FloatRange(0, 86_400),
    default=20.0,
    show_default=True,
    help="Time limit for the proof of the optimum, in seconds.",
)
@chart_option("the landscape")
@json_option
def landscape(
    world: str, seed: int | None, settings: tuple[str, ...], replicates: int, seconds: float, chart: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Find the two blocs that minimize energy in a world.

    It also shows how near the runs of the model come to them.

    Example: blocs landscape unix_1988 --chart unix.png
    """
    from sim.theory import predictions

    found = resolve_scenario(world, settings)
    if len(found.states) < 2:
        message = f"has {len(found.states)} state, and two blocs need two; give a world of two states or more"
        raise InputError([Fault(display_path(Path(world)), 1, "states", message)])
    luck = found.sweep.seed if seed is None else seed
    terrain = predictions.find_landscape(found, seed=luck, seconds=seconds)
    runs = predictions.final_alignments(found, seed=luck, replicates=replicates)
    splits = predictions.predict_splits(found, terrain, seed=luck)
    if chart is not None:
        from sim.reporting import charts

        made, (axes,) = charts.new_figure(7, 4.5)
        charts.draw_minima(axes, terrain.minima, terrain.best)
        axes.set_title(found.title, loc="left")
        charts.save_figure(made, str(chart))
    record = landscape_record(found, terrain, runs, splits)
    if as_json:
        print_json(record)
    else:
        print_landscape(new_console(), scenario_name(world), found, record)


LISTED_MINIMA = 12


def landscape_record(
    told: Scenario, terrain: WorldLandscape, runs: Integers, splits: dict[str, Alignment]
) -> dict[str, Any]:
    """Collect the landscape of a world; energies over ordered pairs, in squared units of capability."""
    import numpy as np

    from sim.theory.landscape import separate_from
    from sim.theory.predictions import agreement

    minima, best = terrain.minima, terrain.best
    lowest = (
        separate_from(minima.alignments[1], minima.alignments[0], sizes=terrain.sizes, propensity=terrain.network)
        if len(minima.energies) > 1
        else None
    )
    away = [
        separate_from(run.astype(np.int8), best.alignment, sizes=terrain.sizes, propensity=terrain.network)
        for run in runs
    ]
    record: dict[str, Any] = {
        "states": len(terrain.states),
        "exhaustive": minima.exhaustive,
        "starts": minima.starts,
        "minima": [
            {"energy": float(e), "basin": int(b), "share": float(s), "blocs": list_blocs(terrain.states, a)}
            for e, b, s, a in zip(minima.energies, minima.basins, minima.shares, minima.alignments, strict=True)
        ],
        "optimum": {
            "energy": best.energy, "bound": best.bound, "gap": best.gap, "proven": best.proven,
            "blocs": list_blocs(terrain.states, best.alignment),
        },
        "separation": None if lowest is None else {
            "states": [terrain.states[i] for i in lowest.states], "energy": lowest.energy,
        },
        "runs": {
            "replicates": len(runs),
            "at_optimum": float(np.mean([one.energy <= 1e-9 * abs(best.energy) for one in away])),
            "states_away": {q: float(np.quantile([len(one.states) for one in away], p))
                            for q, p in (("least", 0), ("median", 0.5), ("most", 1))},
            "energy_above": {q: float(np.quantile([one.energy for one in away], p))
                             for q, p in (("least", 0), ("median", 0.5), ("most", 1))},
        },
        "triads": {"complete": terrain.triads.complete, "unbalanced": terrain.triads.unbalanced,
                   "balance": terrain.triads.balance},
        "predictions": {},
    }  # fmt: skip
    if terrain.frustration is not None:
        record["frustration_index"] = terrain.frustration.index
        record["frustration_proven"] = terrain.frustration.proven
    for name, split in splits.items():
        share, by_state = agreement(runs, split)
        record["predictions"][name] = {
            "blocs": list_blocs(terrain.states, split),
            "undetermined": [s for s, a in zip(terrain.states, split, strict=True) if a == 0],
            "agreement": share,
            "disagree": [s for s, v in zip(terrain.states, by_state, strict=True) if v < 0.5],
        }
    return record


def list_blocs(states: tuple[str, ...], split: Alignment) -> list[list[str]]:
    """The states of each of two blocs."""
    return [[state for state, bloc in zip(states, split, strict=True) if bloc == k] for k in (1, 2)]


def print_landscape(out: Console, name: str, told: Scenario, record: dict[str, Any]) -> None:
    """The landscape of a world, and how near the agents and other predictions come to it."""
    out.print(f"[bold]{safe_text(told.title)}[/bold]  {safe_text(name)}, {record['states']} states")
    minima = record["minima"]
    how = (
        "all configurations"
        if record["exhaustive"]
        else f"{record['starts']} random starts, so small basins are missed"
    )
    count = "1 local minimum" if len(minima) == 1 else f"{len(minima)} local minima"
    out.print(f"{count} of two blocs, from {how}; energies over ordered pairs\n")
    shown = new_table("energy", "basin", "share", "one bloc", "the other", numbers=("energy", "basin", "share"))
    for one in minima[:LISTED_MINIMA]:
        blocs_ = (", ".join(bloc) for bloc in one["blocs"])
        shown.add_row(f"{one['energy']:.6g}", str(one["basin"]), f"{100 * one['share']:.1f} %", *blocs_)
    out.print(shown)
    if len(minima) > LISTED_MINIMA:
        out.print(f"… and {len(minima) - LISTED_MINIMA} more (--json lists them)")
    best = record["optimum"]
    proof = (
        "proven"
        if best["proven"]
        else f"not proven in the time given: at least {best['bound']:.6g} (gap {best['gap']:.1%})"
    )
    out.print(f"\nLowest energy: {best['energy']:.6g}, {proof}")
    if record["separation"]:
        apart = record["separation"]
        out.print(f"The best two minima differ in {', '.join(apart['states'])} and {apart['energy']:.6g} of energy")
    triads = record["triads"]
    if triads["complete"]:
        out.print(
            f"Triads: {triads['unbalanced']} of {triads['complete']} unbalanced (balance {triads['balance']:.7f})"
        )
    if "frustration_index" in record:
        proof = "proven" if record["frustration_proven"] else "not proven"
        out.print(f"Frustration index: {record['frustration_index']} ties, {proof}")
    runs = record["runs"]
    away, above = runs["states_away"], runs["energy_above"]
    out.print(
        f"\nAgents: {100 * runs['at_optimum']:.0f} % of {runs['replicates']} runs end at the lowest energy;"
        f" states away from the optimum: median {away['median']:.0f} ({away['least']:.0f} to {away['most']:.0f});"
        f" energy above it: median {above['median']:.4g}"
    )
    shown = new_table("prediction", "agrees", "undetermined", "most runs differ on", numbers=("agrees",))
    for method, one in record["predictions"].items():
        agrees = "–" if one["agreement"] is None else f"{100 * one['agreement']:.0f} %"
        shown.add_row(method, agrees, ", ".join(one["undetermined"]) or "none", ", ".join(one["disagree"]) or "none")
    out.print("\nShare of the states that agents put in a bloc which each prediction puts in the same one:")
    out.print(shown)
