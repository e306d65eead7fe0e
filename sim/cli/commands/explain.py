"""The command explain: why a state aligns as it does."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import completion
from sim.cli.main import cli
from sim.cli.options import (
    json_option,
    option_faults,
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

    from sim.analysis.explain import AverageAccount
    from sim.analysis.flips import Flips
    from sim.analysis.states.accounts import Account, Decision
    from sim.analysis.states.start import DrawnStart, StartAccount
    from sim.analysis.states.tipping import Gain
    from sim.analysis.states.turning import StartFlips
    from sim.api import Explanation
    from sim.scenario.schema import Scenario

LISTED_STATES, LISTED_TERMS, LISTED_FLIPS = 4, 3, 12

EVEN_CHANCE = 0.5


@cli.command()
@click.argument("scenario", shell_complete=completion.complete_scenarios)
@click.argument("state")
@click.option(
    "--step", type=int,
    help="Step of one run whose decision to explain. Default: the coded start, or the mean over many runs.",
)  # fmt: skip
@seed_option
@click.option(
    "--replicate", type=click.IntRange(0), help="Number of the run, with --step or for its drawn start. Default: 0."
)
@click.option("--by", metavar="DATE", help="Date of the chances given the start. Default: the end of the run.")
@click.option("--flip", is_flag=True, help="Also the smallest changes of one setting that turn the state.")
@click.option(
    "--replicates",
    type=click.IntRange(2, 100_000),
    help="Histories to simulate for chances with followers. Default: none; 100 runs to average in rounds.",
)
@parameters_option
@set_option
@without_option
@json_option
def explain(
    scenario: str, state: str, step: int | None, seed: int | None, replicate: int | None, by: str | None, flip: bool,
    replicates: int | None, parameters: str | None, settings: tuple[str, ...], without: tuple[str, ...],
    as_json: bool,
) -> None:  # fmt: skip
    """Explain why a state aligns as it does: its utilities by term and by state.

    In a world with dates and kept dispositions it gives the structural chances at the coded start, the chances by a
    date given the start, and the tipping distances. With --step it explains what one run did.

    SCENARIO may also be the folder of a sweep. Its runs then give the mean shares of the state in each scenario; --by,
    --step, --flip and --parameters are about a scenario. --parameters posterior adds how the chances vary over draws
    of the calibrated parameters.

    Example: blocs explain baseline_2023 IRN --flip
    """
    from sim import api

    counts: dict[str, Any] = {"step": step, "seed": seed, "replicate": replicate, "replicates": replicates, "by": by}
    if (Path(scenario) / "manifest.json").is_file():
        from sim.api.analyses import OF_RESULTS

        given = {"--set": settings, "--without": without}
        if faults := [Fault(option, 1, "", OF_RESULTS) for option, values in given.items() if values]:
            raise InputError(faults)
        with option_faults():
            found = api.explain(scenario, state, flip=flip, parameters=parameters, **counts)
        print_json(found.record) if as_json else print_results(scenario, found)
        return
    loaded = resolve_scenario(scenario, settings, without)
    if not flip and parameters is None and (step is not None or replicates is None):
        from sim.model.numerics.jit import interpret_short_run

        interpret_short_run(len(loaded.states), loaded.steps if step is None else step)
    with option_faults():
        found = api.explain(
            loaded, state, flip=flip, parameters=parameters, observed=scenario, label=scenario_name(scenario), **counts
        )
    if as_json:
        print_json(found.record)
    elif found.decision:
        print_decision(new_console(), scenario_name(scenario), loaded, found.decision)
    else:
        again = repeat_command(scenario, state, settings, without, seed, by, replicates, replicate)
        print_explanation(scenario, loaded, found, again)


def repeat_command(
    scenario: str, state: str, settings: tuple[str, ...], without: tuple[str, ...], seed: int | None, by: str | None,
    replicates: int | None, replicate: int | None,
) -> list[str]:  # fmt: skip
    """Return the words of the command without --flip."""
    words = ["blocs", "explain", scenario, state]
    words += [word for setting in settings for word in ("--set", setting)]
    words += [word for mechanism in without for word in ("--without", mechanism)]
    words += ["--seed", str(seed)] if seed is not None else []
    words += ["--replicate", str(replicate)] if replicate is not None else []
    words += ["--by", by] if by is not None else []
    return words + (["--replicates", str(replicates)] if replicates is not None else [])


def print_explanation(scenario: str, loaded: Scenario, found: Explanation, command: list[str]) -> None:
    """Print the account of the start or the mean one, the range over draws, and the flips."""
    from sim.analysis.states.turning import StartFlips

    labels = safe_labels(loaded)
    for average in (found.averages or {}).values():
        print_average(new_console(), scenario_name(scenario), loaded, average)
    if found.start:
        print_start(new_console(), scenario_name(scenario), loaded, found.start)
    for alignment, (low, median, high) in found.record.get("parameters", {}).items():
        click.echo(
            f"P({labels[alignment]}) in the long run, no start known, over draws of the parameters:"
            f" median {median:.2f}, 90 % from {low:.2f} to {high:.2f}"
        )
    if isinstance(found.flips, StartFlips):
        print_start_flips(new_console(), command, found.flips, labels)
    elif found.flips is not None:
        print_flips(new_console(), command, found.flips, labels)


def safe_labels(*scenarios: Scenario) -> dict[str, str]:
    """Return the name of each alignment, harmless to the terminal."""
    from sim.reporting.labels import label_alignments

    return {key: safe_text(name) for key, name in label_alignments(*scenarios).items()}


def print_results(folder: str, found: Explanation) -> None:
    """Print the mean account of every scenario of a folder of results."""
    from sim.batch.recorded import recorded_scenarios
    from sim.batch.store import Results
    from sim.model.outcomes import last_steps
    from sim.model.trajectory import window_of

    shown = new_table("scenario", "most likely", "P", "95 % interval", "runs", "over", "by", "decided by",
                  numbers=("P", "95 % interval", "runs", "by"))  # fmt: skip
    results = Results(Path(folder))
    ran, most = recorded_scenarios(results), max(one["replicates"] for one in results.manifest()["question"]["points"])
    labels = safe_labels(*ran.values())
    for name, one in (found.averages or {}).items():
        account = one.account
        p, low, high, runs = one.interval(account.most_likely)
        first, second = labels[account.most_likely], labels[account.runner_up]
        cells = (first, f"{p:.2f}", format_interval(low, high), str(runs), second)
        by = account.utilities[account.first] - account.utilities[account.second]
        shown.add_row(safe_text(name), *cells, f"{by:+.3f}", format_deciding(account))
    out = new_console()
    averaged = last_steps(map(window_of, ran.values()))
    out.print(
        f"[bold]{safe_text(found.title.partition(' in ')[0])}[/bold] in {safe_text(folder)}: {averaged} of each run"
    )
    out.print(shown)
    if any(one.replicates < most for one in (found.averages or {}).values()):
        out.print(f"These are the first runs of each scenario, of up to {most}; --replicates {most} takes them all.")


def format_interval(low: float, high: float) -> str:
    """Return an interval of a share in words."""
    return f"{low:.2f} to {high:.2f}" if not math.isnan(low) else "–"


def format_contributors(found: list[tuple[str, float]], listed: int = LISTED_STATES) -> str:
    """Return the states that contribute most, each with its contribution."""
    from sim.analysis.states.accounts import SMALLEST

    return ", ".join(f"{state} {value:+.3f}" for state, value in found[:listed] if abs(value) >= SMALLEST)


def format_deciding(account: Account) -> str:
    """Return the terms that decide, each with the states that contribute most to it."""
    return "; ".join(
        f"{term} {value:+.3f}"
        + (f" ({states})" if (states := format_contributors(account.from_states(term), 2)) else "")
        for term, value in account.deciding()[:LISTED_TERMS]
    )


def print_account(out: Console, account: Account, labels: Mapping[str, str]) -> None:
    """Print the utility of every alignment term by term, the terms that decide first."""
    from sim.cli.text import alignment_heads
    from sim.model.arrays import TERMS

    heads = alignment_heads(labels, account.alignments)
    against = f"{heads[account.most_likely]} − {heads[account.runner_up]}"
    shown = new_table("term", *heads.values(), against, "mostly from", numbers=(*heads.values(), against))
    for term, column, gap, states in account.rows():
        shown.add_row(term, *(format_term(x) for x in column), f"{gap:+.3f}", format_contributors(states))
    gap = account.utilities[account.first] - account.utilities[account.second]
    utilities = [f"{x:.3f}" for x in account.utilities]
    last = "utility" if len(account.names) == len(TERMS) else "in all"
    shown.add_row(last, *utilities, f"{gap:+.3f}", format_contributors(account.from_states()), style="bold")
    out.print(shown)


def format_term(value: float) -> str:
    """Return the value of a term, empty where it rounds to 0."""
    from sim.analysis.states.accounts import SMALLEST

    return f"{value:.3f}" if abs(value) >= SMALLEST else ""


def print_decision(out: Console, name: str, scenario: Scenario, taken: Decision) -> None:
    """Print one decision: the chances, the choice, and the reasons."""
    who = f"{safe_text(scenario.states[taken.state].name)} ({taken.state})"
    out.print(
        f"[bold]{who} in {safe_text(name)}, step {taken.step}[/bold] of replicate {taken.replicate}, seed {taken.seed}"
    )
    account, labels = taken.account, safe_labels(scenario)
    chances = ", ".join(f"P({labels[a]}) = {p:.3g}" for a, p in zip(account.alignments, account.chances, strict=True))
    fixed = "It is fixed and never decides. " if taken.fixed else ""
    if taken.disposition is not None and not taken.fixed:
        chances = f"a state like it with another disposition: {chances}"
    out.print(f"{fixed}It held {labels[taken.held]}; {chances}; {taken.how(labels)}\n")
    print_account(out, taken.weighed, labels)


def print_start(out: Console, name: str, scenario: Scenario, start: StartAccount) -> None:
    """Print the structural chances at the coded start, the chances by a date, tipping distances, and the terms."""
    labels = safe_labels(scenario)
    who = f"{safe_text(scenario.states[start.state].name)} ({start.state})"
    known = "the start" if start.drawn else "the coded start"
    out.print(f"[bold]{who} in {safe_text(name)}[/bold]: {labels[start.held]} at {known}, {scenario.date}")
    if start.drawn:
        out.print(drawn_words(start.state, start.drawn, labels))
    if start.fixed:
        out.print("It is fixed and never decides.")
    given, many, tips = f"by {start.day}, given the start", "", "tipping distance"
    columns = ["alignment", "structural", given]
    if start.simulated:
        many = f"share of {start.simulated.replicates} histories"
        columns.append(many)
    shown = new_table(*columns, tips, numbers=(*columns[1:], tips))
    for alignment, structural in zip(start.account.alignments, start.account.chances, strict=True):
        cells = [f"{structural:.3f}", f"{start.direct[alignment]:.3f}"]
        if start.simulated:
            share, low, high = start.simulated.shares[alignment]
            cells.append(f"{share:.3f} ({low:.3f} to {high:.3f})")
        distance = start.tipping.get(alignment)
        shown.add_row(labels[alignment], *cells, "" if distance is None else f"{distance:.3f}")
    out.print(shown)
    out.print(
        f"structural: chance at {known} of a state like it whose disposition is not known, without inertia\n"
        f"given the start: chance on {start.day} if no other state moves, in closed form; followers are left out,\n"
        "and ties drift as if the state itself had stayed too"
    )
    if start.simulated:
        out.print(f"{many}: simulated with followers, seed {start.simulated.seed}, 95 % interval")
    else:
        out.print("with followers: add --replicates 1000")
    if start.tipping:
        out.print(
            f"{tips}: gain in utility of the alignment by itself at which half of such states elsewhere move to it,"
            " inertia included"
        )
        for alignment, gains in start.gains.items():
            for line in gain_lines(scenario, gains):
                out.print(f"  to {labels[alignment]}: {safe_text(line)}")
    count = len(scenario.shocks)
    later = f" (shocks that come later: {count}; --step shows the terms after them)" if count else ""
    out.print(f"\n[bold]Utility by term at the start, before shocks[/bold]{later}")
    print_account(out, start.account, labels)


def drawn_words(state: str, drawn: DrawnStart, labels: Mapping[str, str]) -> str:
    """Say that each run draws its starts, where the state may start, and which run's starts are explained."""
    chances = ", ".join(f"{labels[alignment]} {chance:.3g}" for alignment, chance in drawn.chances.items())
    own = f"{state} starts in {chances}" if chances else f"{state} starts there always, others do not"
    here = f"Here all states start {drawn.words()}; another start: --replicate N or --seed N."
    return f"This scenario draws starts in each run: {own}. {here}"


def gain_lines(scenario: Scenario, gains: tuple[Gain, ...]) -> list[str]:
    """Say what changes of one tie are worth of a tipping distance, a line for each."""
    found = []
    for gain in gains:
        change = gain.words(scenario.states[gain.other].name)
        if gain.reaches:
            found.append(f"{gain.distance:.3f} is as much as {change}, which gains {gain.gain:.3f}")
        else:
            found.append(f"no one tie is worth {gain.distance:.3f}; the most is {change}, which gains {gain.gain:.3f}")
    return found


def print_average(out: Console, name: str, scenario: Scenario, average: AverageAccount) -> None:
    """Print the mean over the last steps of many runs, and over the runs that are mostly in each alignment."""
    from sim.cli.text import alignment_heads
    from sim.model.outcomes import last_steps
    from sim.model.trajectory import window_of

    account, labels = average.account, safe_labels(scenario)
    who = f"{safe_text(scenario.states[average.state].name)} ({average.state})"
    runs = f"{last_steps(window_of(scenario))} of each of {average.replicates} runs, seed {average.seed}"
    out.print(f"[bold]{who} in {safe_text(name)}[/bold]: {runs}")
    if average.fixed:
        out.print("It is fixed and never decides.")
    for alignment in account.alignments:
        p, low, high, _ = average.interval(alignment)
        out.print(f"P({labels[alignment]}) = {p:.2f}, 95 % interval {format_interval(low, high)}")
    out.print()
    print_account(out, account, labels)
    if len(average.among) < 2:
        return
    heads = alignment_heads(labels, account.alignments)
    against = f"{heads[account.most_likely]} − {heads[account.runner_up]}"
    shown = new_table("mostly in", "runs", against, "decided by", numbers=("runs", against))
    for alignment, (count, part) in average.among.items():
        gap = part.utilities[part.first] - part.utilities[part.second]
        shown.add_row(labels[alignment], str(count), f"{gap:+.3f}", format_deciding(part))
    out.print("\nThe same by the alignment of most of those steps:")
    out.print(shown)


def print_flips(out: Console, command: list[str], found: Flips, labels: Mapping[str, str]) -> None:
    """Print the smallest changes that change the alignment, with the values between which chance decides."""
    lead, low, high = found.lead
    out.print(
        f"\n[bold]What would turn {found.state} from {labels[found.alignment]}[/bold], which leads by {lead:.2f}"
        f" ({low:+.2f} to {high:+.2f}) of the late steps"
    )
    count = len(found.found)
    out.print(
        f"{count} of {found.tried} settings change it within their range, one at a time, on common random numbers in"
        f" {found.replicates} runs"
    )
    if not count:
        return
    shown = new_table("setting", "now", "turns at", "to", "change", "of range", "unclear from", "until",
                  numbers=("now", "turns at", "change", "of range", "unclear from", "until"))  # fmt: skip
    for flip in found.found[:LISTED_FLIPS]:
        bounds = ("now" if math.isnan(flip.sure_before) else f"{flip.sure_before:g}",
                  "the end" if math.isnan(flip.sure_after) else f"{flip.sure_after:g}")  # fmt: skip
        cells = (f"{flip.before:g}", f"{flip.to:g}", labels[flip.becomes], f"{100 * flip.relative:.0f} %")
        shown.add_row(safe_text(flip.setting), *cells, f"{flip.low:g} to {flip.high:g}", *bounds)
    out.print(shown)
    if count > LISTED_FLIPS:
        out.print(f"… and {count - LISTED_FLIPS} more (--json)")
    first = found.found[0]
    out.print(
        "unclear: the values between which neither leads beyond chance (95 %, paired run by run)\n"
        f"see it: {safe_text(shlex.join([*command, '--set', f'{first.setting}={first.to:g}']))}"
    )


def print_start_flips(out: Console, command: list[str], found: StartFlips, labels: Mapping[str, str]) -> None:
    """Print the smallest changes that make a move by the date as likely as not, direct and with followers."""
    for turns in filter(None, (found.direct, found.total)):
        direct = turns.replicates is None
        moves = f"{turns.moves:.3f}"
        moves += "" if turns.interval is None else f" ({turns.interval[0]:.3f} to {turns.interval[1]:.3f})"
        what = "would move" if turns.moves < EVEN_CHANCE else "would hold"
        how = "in closed form, followers left out" if direct else f"with followers, in {turns.replicates} histories"
        out.print(
            f"\n[bold]What {what} {found.state} {'from' if what == 'would move' else 'in'} {labels[found.held]}"
            f"[/bold] by {found.day} as likely as not, {how}; it moves with chance {moves} as it is"
        )
        count = len(turns.found)
        out.print(f"{count} of {found.tried} settings do within their range, one at a time")
        if not count:
            continue
        chance = "chance of a move there"
        shown = new_table("setting", "now", "turns at", "to", "change", "of range", chance,
                      numbers=("now", "turns at", "change", "of range", chance))  # fmt: skip
        for turn in turns.found[:LISTED_FLIPS]:
            bounds = "" if turn.interval is None else f" ({turn.interval[0]:.2f} to {turn.interval[1]:.2f})"
            cells = (f"{turn.before:g}", f"{turn.to:g}", labels[turn.becomes], f"{100 * turn.relative:.0f} %")
            shown.add_row(
                safe_text(turn.setting), *cells, f"{turn.low:g} to {turn.high:g}", f"{turn.moves:.2f}{bounds}"
            )
        out.print(shown)
        if count > LISTED_FLIPS:
            out.print(f"… and {count - LISTED_FLIPS} more (--json)")
        first = turns.found[0]
        out.print(f"see it: {safe_text(shlex.join([*command, '--set', f'{first.setting}={first.to:g}']))}")
