"""The command that explains a state's decisions: explain."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import completion
from sim.cli.main import cli
from sim.cli.options import (
    find_state_id,
    json_option,
    parameters_option,
    resolve_scenario,
    seed_option,
    set_option,
    without_option,
)
from sim.cli.printing import new_console, new_table, print_json, safe_text
from sim.errors import Fault, InputError
from sim.names import scenario_name

if TYPE_CHECKING:
    from rich.console import Console

    from sim.analysis.explain import Account, AverageAccount, Decision
    from sim.analysis.flips import Flips
    from sim.scenario.schema import Scenario

LISTED_STATES, LISTED_TERMS, LISTED_FLIPS = 4, 3, 12

REPLICATES = 100

RUNS_A_DRAW = 8


@cli.command()
@click.argument("scenario", shell_complete=completion.complete_scenarios)
@click.argument("state")
@click.option("--step", type=int, help="Step of one run whose decision to explain. Default: the mean over many runs.")
@seed_option
@click.option("--replicate", type=click.IntRange(0), help="Number of the replicate, with --step. Default: 0.")
@click.option("--flip", is_flag=True, help="Also the smallest changes of one setting that turn the state.")
@click.option("--replicates", type=click.IntRange(2, 100_000), help=f"Runs to average. Default: {REPLICATES}.")
@parameters_option
@set_option
@without_option
@json_option
def explain(
    scenario: str, state: str, step: int | None, seed: int | None, replicate: int | None, flip: bool,
    replicates: int | None, parameters: str | None, settings: tuple[str, ...], without: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """Explain why a state aligns as it does: its utilities by term and by state.

    SCENARIO may also be the folder of a sweep, which gives the same for each of its scenarios. With --parameters
    posterior it also shows how the chances vary over draws of the calibrated parameters.

    Example: blocs explain baseline_2023 IRN --flip
    """
    from sim.analysis import explain as science
    from sim.analysis import flips

    one, many = (
        {"--replicate": replicate},
        {"--replicates": replicates, "--flip": flip or None, "--parameters": parameters},
    )
    if (Path(scenario) / "manifest.json").is_file():
        changed = {"--set": settings or None, "--without": without or None}
        refuse_options(
            {"--step": step, **one, **many, "--replicates": None, "--seed": seed, **changed},
            "asks about a scenario, and this is a folder of results",
        )
        explain_results(Path(scenario), state, replicates, as_json=as_json)
        return
    refuse_options(many if step is not None else {}, "is about many runs, and --step about one; leave one of them out")
    refuse_options(one if step is None else {}, "is about one run; give --step with it")
    told, name = resolve_scenario(scenario, settings, without), scenario_name(scenario)
    state = find_state_id(told.states, state)
    luck = told.sweep.seed if seed is None else seed
    if step is not None:
        taken = science.explain_decision(told, state, seed=luck, replicate=replicate or 0, step=step)
        if as_json:
            print_json({"scenario": name, "name": told.states[state].name, **taken.record()})
        else:
            print_decision(new_console(), name, told, taken)
        return
    count = replicates or REPLICATES
    average = science.average_account(told, state, seed=luck, replicates=count)
    turned = flips.find_flips(told, state, seed=luck, replicates=count) if flip else None
    left_open = None if parameters is None else chances_over_draws(told, state, scenario, parameters, luck)
    if as_json:
        record = {"scenario": name, "name": told.states[state].name, **average.record()}
        record |= {"parameters": left_open} if left_open else {}
        print_json({**record, **({"flip": turned.record()} if turned else {})})
        return
    print_average(new_console(), name, told, average)
    for alignment, (low, median, high) in (left_open or {}).items():
        click.echo(
            f"P({alignment}) over draws of the parameters: median {median:.2f}, 90 % from {low:.2f} to {high:.2f}"
        )
    if turned is not None:
        words = ["blocs", "explain", scenario, state]
        words += [word for setting in settings for word in ("--set", setting)]
        words += [word for mechanism in without for word in ("--without", mechanism)]
        words += ["--seed", str(seed)] if seed is not None else []
        words += ["--replicates", str(replicates)] if replicates is not None else []
        print_flips(new_console(), words, turned)


def chances_over_draws(
    told: Scenario, state: str, reference: str, parameters: str, seed: int
) -> dict[str, list[float]]:
    """5 %, median and 95 % of a state's chance of each alignment over draws of the parameters."""
    import numpy as np

    from sim.forecast.draws import chances_at_draws, load_draws

    found = chances_at_draws(told, load_draws(reference, parameters), replicates=RUNS_A_DRAW, seed=seed)
    low, median, high = np.quantile(found[:, list(told.states).index(state)], [0.05, 0.5, 0.95], axis=0)
    return {name: [low[k], median[k], high[k]] for k, name in enumerate(told.alignments())}


def refuse_options(given: dict[str, Any], message: str) -> None:
    """Raise InputError where an option is given that does not belong."""
    faults = [Fault(option, 1, "", message) for option, value in given.items() if value is not None]
    if faults:
        raise InputError(faults)


def explain_results(folder: Path, state: str, replicates: int | None, *, as_json: bool) -> None:
    """The average of every design point of a results folder, each on its runs made again."""
    from sim.analysis.explain import average_accounts
    from sim.batch.recorded import recorded_scenarios
    from sim.batch.store import Results
    from sim.model.outcomes import last_steps

    results = Results(folder)
    asked = recorded_scenarios(results)
    state = find_state_id({id: one for ran in asked.values() for id, one in ran.states.items()}, state)
    found = average_accounts(results, state, replicates=replicates)
    if as_json:
        print_json({"results": str(folder), "scenarios": {name: one.record() for name, one in found}})
        return
    shown = new_table("scenario", "most likely", "P", "95 % interval", "runs", "over", "by", "decided by",
                  numbers=("P", "95 % interval", "runs", "by"))  # fmt: skip
    for name, one in found:
        account = one.account
        p, low, high, runs = one.interval(account.most_likely)
        cells = (account.most_likely, f"{p:.2f}", format_interval(low, high), str(runs), account.runner_up)
        by = account.utilities[account.first] - account.utilities[account.second]
        shown.add_row(safe_text(name), *cells, f"{by:+.3f}", format_deciding(account))
    out = new_console()
    averaged = last_steps(ran.steps for ran in asked.values())
    out.print(f"[bold]{safe_text(state)}[/bold] in {safe_text(folder)}: {averaged} of each run")
    out.print(shown)


def format_interval(low: float, high: float) -> str:
    """An interval of a share in words."""
    return f"{low:.2f} to {high:.2f}" if not math.isnan(low) else "–"


def format_contributors(found: list[tuple[str, float]], listed: int = LISTED_STATES) -> str:
    """The states that add most, each with what it adds."""
    from sim.analysis.explain import SMALLEST

    return ", ".join(f"{state} {value:+.3f}" for state, value in found[:listed] if abs(value) >= SMALLEST)


def format_deciding(account: Account) -> str:
    """The terms that decide, each with the states that add most to it."""
    return "; ".join(
        f"{term} {value:+.3f}"
        + (f" ({states})" if (states := format_contributors(account.from_states(term), 2)) else "")
        for term, value in account.deciding()[:LISTED_TERMS]
    )


def print_account(out: Console, account: Account) -> None:
    """Every alignment's utility term by term, the terms that decide first."""
    against = f"{account.most_likely} − {account.runner_up}"
    shown = new_table("term", *account.alignments, against, "mostly from", numbers=(*account.alignments, against))
    for term, column, gap, states in account.rows():
        shown.add_row(term, *(format_term(x) for x in column), f"{gap:+.3f}", format_contributors(states))
    gap = account.utilities[account.first] - account.utilities[account.second]
    utilities = [f"{x:.3f}" for x in account.utilities]
    shown.add_row("utility", *utilities, f"{gap:+.3f}", format_contributors(account.from_states()), style="bold")
    out.print(shown)


def format_term(value: float) -> str:
    """A term's value, nothing where it rounds to 0."""
    from sim.analysis.explain import SMALLEST

    return f"{value:.3f}" if abs(value) >= SMALLEST else ""


def print_decision(out: Console, name: str, told: Scenario, taken: Decision) -> None:
    """One decision: what was likely, what was chosen, and why."""
    who = f"{safe_text(told.states[taken.state].name)} ({taken.state})"
    out.print(
        f"[bold]{who} in {safe_text(name)}, step {taken.step}[/bold] of replicate {taken.replicate}, seed {taken.seed}"
    )
    account = taken.account
    chances = ", ".join(f"P({a}) = {p:.3g}" for a, p in zip(account.alignments, account.chances, strict=True))
    fixed = "It is fixed and never decides. " if taken.fixed else ""
    out.print(f"{fixed}It held {taken.held}; {chances}; with u = {taken.u:.3f} it chose {taken.choice}\n")
    print_account(out, account)


def print_average(out: Console, name: str, told: Scenario, average: AverageAccount) -> None:
    """The mean over the late steps of many runs, and over those that stand mostly in each alignment."""
    from sim.model.outcomes import last_steps

    account = average.account
    who = f"{safe_text(told.states[average.state].name)} ({average.state})"
    runs = f"{last_steps(told.steps)} of each of {average.replicates} runs, seed {average.seed}"
    out.print(f"[bold]{who} in {safe_text(name)}[/bold]: {runs}")
    if average.fixed:
        out.print("It is fixed and never decides.")
    for alignment in account.alignments:
        p, low, high, _ = average.interval(alignment)
        out.print(f"P({alignment}) = {p:.2f}, 95 % interval {format_interval(low, high)}")
    out.print()
    print_account(out, account)
    if len(average.among) < 2:
        return
    shown = new_table("mostly in", "runs", f"{account.most_likely} − {account.runner_up}", "decided by",
                  numbers=("runs", f"{account.most_likely} − {account.runner_up}"))  # fmt: skip
    for alignment, (count, part) in average.among.items():
        gap = part.utilities[part.first] - part.utilities[part.second]
        shown.add_row(alignment, str(count), f"{gap:+.3f}", format_deciding(part))
    out.print("\nThe same by where it stands for most of those steps:")
    out.print(shown)


def print_flips(out: Console, command: list[str], found: Flips) -> None:
    """The smallest changes that turn a state, with the values between which chance decides."""
    lead, low, high = found.lead
    out.print(
        f"\n[bold]What would turn {found.state} from {found.alignment}[/bold], which leads by {lead:.2f}"
        f" ({low:+.2f} to {high:+.2f}) of the late steps"
    )
    count = len(found.found)
    out.print(
        f"{count} of {found.tried} settings turn it within their range, each alone, on the same luck in"
        f" {found.replicates} runs"
    )
    if not count:
        return
    shown = new_table("setting", "now", "turns at", "to", "change", "of range", "unclear from", "until",
                  numbers=("now", "turns at", "change", "of range", "unclear from", "until"))  # fmt: skip
    for flip in found.found[:LISTED_FLIPS]:
        bounds = ("now" if math.isnan(flip.sure_before) else f"{flip.sure_before:g}",
                  "the end" if math.isnan(flip.sure_after) else f"{flip.sure_after:g}")  # fmt: skip
        cells = (f"{flip.before:g}", f"{flip.to:g}", flip.becomes, f"{100 * flip.relative:.0f} %")
        shown.add_row(safe_text(flip.setting), *cells, f"{flip.low:g} to {flip.high:g}", *bounds)
    out.print(shown)
    if count > LISTED_FLIPS:
        out.print(f"… and {count - LISTED_FLIPS} more (--json)")
    first = found.found[0]
    out.print(
        "unclear: the values between which neither leads beyond chance (95 %, paired run by run)\n"
        f"see it: {safe_text(shlex.join([*command, '--set', f'{first.setting}={first.to:g}']))}"
    )
