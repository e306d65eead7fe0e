"""The command that explains a state's decisions: explain."""

from __future__ import annotations

import math
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import complete
from sim.cli.group import (
    cli,
    console,
    json_option,
    parameters_option,
    plain,
    resolved,
    say_json,
    seed_option,
    set_option,
    state_id,
    table,
    without_option,
)
from sim.faults import Fault, InputError
from sim.names import stem

if TYPE_CHECKING:
    from rich.console import Console

    from sim.explain import Account, Average, Decision
    from sim.flips import Flips
    from sim.scenario import Scenario

LISTED_STATES, LISTED_TERMS, LISTED_FLIPS = 4, 3, 12
REPLICATES = 100
RUNS_A_DRAW = 8


@cli.command()
@click.argument("scenario", shell_complete=complete.scenarios)
@click.argument("state")
@click.option("--step", type=int, help="The decision at this step of one run, instead of the mean over many.")
@seed_option
@click.option("--replicate", type=click.IntRange(0), help="Which run of the seed, with --step; 0 by default.")
@click.option("--flip", is_flag=True, help="Look for the smallest change of one setting that turns the state.")
@click.option("--replicates", type=click.IntRange(2, 100_000), help=f"Runs to average; {REPLICATES} by default.")
@parameters_option
@set_option
@without_option
@json_option
def explain(
    scenario: str, state: str, step: int | None, seed: int | None, replicate: int | None, flip: bool,
    replicates: int | None, parameters: str | None, settings: tuple[str, ...], without: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """Explain why a state aligns as it does: its utilities term by term, and whose alignment they come from.

    SCENARIO may also be the folder of a sweep: the same for each of its scenarios. With --parameters posterior it
    also says how far the chances hang on what the record leaves open of the parameters.

    Example: blocs explain baseline_2023 IRN --flip
    """
    from sim import explain as science
    from sim import flips

    one, many = (
        {"--replicate": replicate},
        {"--replicates": replicates, "--flip": flip or None, "--parameters": parameters},
    )
    if (Path(scenario) / "manifest.json").is_file():
        changed = {"--set": settings or None, "--without": without or None}
        refuse_with(
            {"--step": step, **one, **many, "--replicates": None, "--seed": seed, **changed},
            "asks about a scenario, and this is a folder of results",
        )
        of_results(Path(scenario), state, replicates, as_json=as_json)
        return
    refuse_with(many if step is not None else {}, "is about many runs, and --step about one; leave one of them out")
    refuse_with(one if step is None else {}, "is about one run; give --step with it")
    told, name = resolved(scenario, settings, without), stem(scenario)
    state = state_id(told.states, state)
    luck = told.sweep.seed if seed is None else seed
    if step is not None:
        taken = science.decision(told, state, seed=luck, replicate=replicate or 0, step=step)
        if as_json:
            say_json({"scenario": name, "name": told.states[state].name, **taken.record()})
        else:
            tell_decision(console(), name, told, taken)
        return
    count = replicates or REPLICATES
    average = science.averaged(told, state, seed=luck, replicates=count)
    turned = flips.flips(told, state, seed=luck, replicates=count) if flip else None
    left_open = None if parameters is None else over_draws(told, state, scenario, parameters, luck)
    if as_json:
        record = {"scenario": name, "name": told.states[state].name, **average.record()}
        record |= {"parameters": left_open} if left_open else {}
        say_json({**record, **({"flip": turned.record()} if turned else {})})
        return
    tell_average(console(), name, told, average)
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
        tell_flips(console(), words, turned)


def over_draws(told: Scenario, state: str, reference: str, parameters: str, seed: int) -> dict[str, list[float]]:
    """5 %, median and 95 % of a state's chance of each alignment over draws of the parameters."""
    import numpy as np

    from sim.draws import chances_over, draws_of

    found = chances_over(told, draws_of(reference, parameters), replicates=RUNS_A_DRAW, seed=seed)
    low, median, high = np.quantile(found[:, list(told.states).index(state)], [0.05, 0.5, 0.95], axis=0)
    return {name: [low[k], median[k], high[k]] for k, name in enumerate(told.alignments())}


def refuse_with(given: dict[str, Any], message: str) -> None:
    """Raise InputError where an option is given that does not belong."""
    faults = [Fault(option, 1, "", message) for option, value in given.items() if value is not None]
    if faults:
        raise InputError(faults)


def of_results(folder: Path, state: str, replicates: int | None, *, as_json: bool) -> None:
    """The average of every design point of a results folder, each on its runs made again."""
    from sim.averaging import last_steps
    from sim.explain import averaged_results
    from sim.provenance import scenarios
    from sim.store import Results

    results = Results(folder)
    asked = scenarios(results)
    state = state_id({id: one for ran in asked.values() for id, one in ran.states.items()}, state)
    found = averaged_results(results, state, replicates=replicates)
    if as_json:
        say_json({"results": str(folder), "scenarios": {name: one.record() for name, one in found}})
        return
    shown = table("scenario", "most likely", "P", "95 % interval", "runs", "over", "by", "decided by",
                  numbers=("P", "95 % interval", "runs", "by"))  # fmt: skip
    for name, one in found:
        account = one.account
        p, low, high, runs = one.interval(account.most_likely)
        cells = (account.most_likely, f"{p:.2f}", interval(low, high), str(runs), account.runner_up)
        by = account.utilities[account.first] - account.utilities[account.second]
        shown.add_row(plain(name), *cells, f"{by:+.3f}", decided_by(account))
    out = console()
    averaged = last_steps(ran.steps for ran in asked.values())
    out.print(f"[bold]{plain(state)}[/bold] in {plain(folder)}: {averaged} of each run")
    out.print(shown)


def interval(low: float, high: float) -> str:
    """An interval of a share in words."""
    return f"{low:.2f} to {high:.2f}" if not math.isnan(low) else "–"


def sources(found: list[tuple[str, float]], listed: int = LISTED_STATES) -> str:
    """The states that add most, each with what it adds."""
    from sim.explain import SMALLEST

    return ", ".join(f"{state} {value:+.3f}" for state, value in found[:listed] if abs(value) >= SMALLEST)


def decided_by(account: Account) -> str:
    """The terms that decide, each with the states that add most to it."""
    return "; ".join(
        f"{term} {value:+.3f}" + (f" ({states})" if (states := sources(account.from_states(term), 2)) else "")
        for term, value in account.deciding()[:LISTED_TERMS]
    )


def tell_account(out: Console, account: Account) -> None:
    """Every alignment's utility term by term, the terms that decide first."""
    against = f"{account.most_likely} − {account.runner_up}"
    shown = table("term", *account.alignments, against, "mostly from", numbers=(*account.alignments, against))
    for term, column, gap, states in account.rows():
        shown.add_row(term, *(number(x) for x in column), f"{gap:+.3f}", sources(states))
    gap = account.utilities[account.first] - account.utilities[account.second]
    utilities = [f"{x:.3f}" for x in account.utilities]
    shown.add_row("utility", *utilities, f"{gap:+.3f}", sources(account.from_states()), style="bold")
    out.print(shown)


def number(value: float) -> str:
    """A term's value, nothing where it rounds to 0."""
    from sim.explain import SMALLEST

    return f"{value:.3f}" if abs(value) >= SMALLEST else ""


def tell_decision(out: Console, name: str, told: Scenario, taken: Decision) -> None:
    """One decision: what was likely, what was chosen, and why."""
    who = f"{plain(told.states[taken.state].name)} ({taken.state})"
    out.print(
        f"[bold]{who} in {plain(name)}, step {taken.step}[/bold] of replicate {taken.replicate}, seed {taken.seed}"
    )
    account = taken.account
    chances = ", ".join(f"P({a}) = {p:.3g}" for a, p in zip(account.alignments, account.chances, strict=True))
    fixed = "It is fixed and never decides. " if taken.fixed else ""
    out.print(f"{fixed}It held {taken.held}; {chances}; with u = {taken.u:.3f} it chose {taken.choice}\n")
    tell_account(out, account)


def tell_average(out: Console, name: str, told: Scenario, average: Average) -> None:
    """The mean over the late steps of many runs, and over those that stand mostly in each alignment."""
    from sim.averaging import last_steps

    account = average.account
    who = f"{plain(told.states[average.state].name)} ({average.state})"
    runs = f"{last_steps(told.steps)} of each of {average.replicates} runs, seed {average.seed}"
    out.print(f"[bold]{who} in {plain(name)}[/bold]: {runs}")
    if average.fixed:
        out.print("It is fixed and never decides.")
    for alignment in account.alignments:
        p, low, high, _ = average.interval(alignment)
        out.print(f"P({alignment}) = {p:.2f}, 95 % interval {interval(low, high)}")
    out.print()
    tell_account(out, account)
    if len(average.among) < 2:
        return
    shown = table("mostly in", "runs", f"{account.most_likely} − {account.runner_up}", "decided by",
                  numbers=("runs", f"{account.most_likely} − {account.runner_up}"))  # fmt: skip
    for alignment, (count, part) in average.among.items():
        gap = part.utilities[part.first] - part.utilities[part.second]
        shown.add_row(alignment, str(count), f"{gap:+.3f}", decided_by(part))
    out.print("\nThe same by where it stands for most of those steps:")
    out.print(shown)


def tell_flips(out: Console, command: list[str], found: Flips) -> None:
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
    shown = table("setting", "now", "turns at", "to", "change", "of range", "unclear from", "until",
                  numbers=("now", "turns at", "change", "of range", "unclear from", "until"))  # fmt: skip
    for flip in found.found[:LISTED_FLIPS]:
        bounds = ("now" if math.isnan(flip.sure_before) else f"{flip.sure_before:g}",
                  "the end" if math.isnan(flip.sure_after) else f"{flip.sure_after:g}")  # fmt: skip
        cells = (f"{flip.before:g}", f"{flip.to:g}", flip.becomes, f"{100 * flip.relative:.0f} %")
        shown.add_row(plain(flip.setting), *cells, f"{flip.low:g} to {flip.high:g}", *bounds)
    out.print(shown)
    if count > LISTED_FLIPS:
        out.print(f"… and {count - LISTED_FLIPS} more (--json)")
    first = found.found[0]
    out.print(
        "unclear: the values between which neither leads beyond chance (95 %, paired run by run)\n"
        f"see it: {plain(shlex.join([*command, '--set', f'{first.setting}={first.to:g}']))}"
    )
