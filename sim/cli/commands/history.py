"""The command run: one history, and why it went as it did."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import completion
from sim.cli.main import chance_faults, cli, say_warnings
from sim.cli.options import (
    NewFile,
    NewFolder,
    json_option,
    resolve_scenario,
    seed_option,
    set_option,
    steps_option,
    without_option,
)
from sim.cli.printing import FAILED, end, new_console, print_json, safe_text
from sim.errors import Fault, InputError, display_path
from sim.names import scenario_name

if TYPE_CHECKING:
    from sim.analysis.history.story import Story
    from sim.analysis.history.words import Names
    from sim.model.trajectory import Run
    from sim.model.world import World
    from sim.scenario.schema import Scenario


@cli.command()
@click.argument("scenario", shell_complete=completion.complete_scenarios)
@seed_option
@click.option("--replicate", type=click.IntRange(0), help="Number of the replicate. Default: 0.")
@click.option(
    "--where", metavar="CONDITION",
    help='Show the first replicate in which this happens, such as "CHN enters front" or "BLR leaves front".',
)  # fmt: skip
@click.option("--search", type=click.IntRange(1, 1_000_000), help="Replicates to search, with --where. Default: 1000.")
@click.option(
    "--others", type=click.IntRange(0, 100_000),
    help="Other histories in which to count what happens. Default: 100 where the rules are compiled, else 0.",
)  # fmt: skip
@click.option("--moves", is_flag=True, help="Also every move with its cause and reason.")
@click.option("--every-step", is_flag=True, help="Also the steps at which no state moves.")
@steps_option
@set_option
@without_option
@click.option("--out", type=NewFolder(), help="Folder for the run as CSV, and its record.")
@click.option(
    "--html", type=NewFile(".html"), help="File for the history as a page: the map plays, with events and reasons."
)
@json_option
def run(
    scenario: str, seed: int | None, replicate: int | None, where: str | None, search: int | None, others: int | None,
    moves: bool, every_step: bool, steps: int | None, settings: tuple[str, ...], without: tuple[str, ...],
    out: Path | None, html: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Run a scenario once and say what happens, when and why.

    The same scenario, seed and replicate give the same history. With --where the command looks for a history in which
    something happens, and says in how many it does.

    Example: blocs run baseline_2023 --seed 7 --where "CHN enters front" --moves
    """
    from sim.model.numerics import jit

    if where is not None and replicate is not None:
        raise click.UsageError("--replicate does not apply with --where, which chooses the replicate. Leave one out.")
    if search is not None and where is None:
        raise click.UsageError("--search needs --where. Give both, or leave --search out.")
    found = resolve_scenario(scenario, settings, without, steps)
    tendency = found.sweep.lens == "tendency"
    if tendency:
        refuse_story(where=where, others=others, moves=moves, html=html)
    if where is None and not others:
        jit.interpret_short_run(len(found.states), found.steps)

    from sim.analysis.history.others import OTHERS
    from sim.analysis.history.story import tell_story
    from sim.batch.design import through_lens
    from sim.cli import story as prints
    from sim.cli import text as texts
    from sim.model.compiled import run_compiled as run_once
    from sim.model.world import world_of
    from sim.reporting.labels import label_history

    found = through_lens(found)
    say_warnings(chance_faults(scenario, found))
    world, own = world_of(found), found.sweep.seed if seed is None else seed
    sought: dict[str, Any] = {}
    if where is not None:
        sought = search_histories(found, world, where, own, search, as_json=as_json)
        replicate = sought["replicates"][0]
    result = run_once(found, seed=own, replicate=replicate or 0, world=world)
    if out is not None:
        texts.write_run(out, scenario_name(scenario), found, result)
    names = label_history(found)
    count = others if others is not None else 0 if jit.interprets_rules() else OTHERS
    story = None if tendency else tell_story(found, world, result, names, others=count)
    options = [word for setting in settings for word in ("--set", setting)]
    options += [word for name in without for word in ("--without", name)]
    length = [] if steps is None else ["--steps", str(steps)]
    if html is not None and story is not None:
        again = ["blocs", "run", scenario, *options, *length, "--seed", str(own), "--replicate", str(result.replicate)]
        write_page(html, story, describe_search(sought, result, names) if sought else "", shlex.join(again))
    if as_json:
        record = texts.run_record(scenario_name(scenario), found, result)
        record |= {} if story is None else story.record()
        if sought:
            record["where"] = {key: value for key, value in sought.items() if key != "conditions"}
        print_json(record | texts.run_tables(found, result))
        return
    out_console = new_console()
    prints.print_head(out_console, found, result, shlex.join([scenario_name(scenario), *options]))
    if sought:
        out_console.print(f"\n{safe_text(describe_search(sought, result, names))}")
    if story is None:
        prints.print_tendency(out_console)
    else:
        prints.print_story(out_console, story)
    prints.print_ends(out_console, found, result, names)
    if story is not None and moves:
        prints.print_moves(out_console, story)
    if every_step or story is None or story.moves:
        prints.print_steps(out_console, found, result, names, every=every_step)
    prints.print_next(out_console, story, result, scenario, options, length, with_moves=moves)
    if html is not None:
        out_console.print(f"\nThis history as a page: {safe_text(display_path(html))}")


def write_page(path: Path, story: Story, found: str, command: str) -> None:
    """Write a history as a page."""
    from sim.files import write_synced
    from sim.reporting.story.page import render_story

    write_synced(path, render_story(story, found=found, command=command).encode("utf-8"))


def refuse_story(*, where: str | None, others: int | None, moves: bool, html: Path | None) -> None:
    """Raise InputError for options that only histories have."""
    message = "does not apply under the lens of tendency, whose runs are not histories; leave it out"
    given = {"--where": where is not None, "--others": others is not None, "--moves": moves, "--html": html is not None}
    if faults := [Fault(option, 1, "", message) for option, is_given in given.items() if is_given]:
        raise InputError(faults)


def search_histories(
    scenario: Scenario, world: World, where: str, seed: int, search: int | None, *, as_json: bool
) -> dict[str, Any]:
    """Find the histories in which something happens, as a record; exits with 1 where there is none."""
    from sim.analysis.history.others import SEARCHED, find_histories, parse_conditions

    conditions = parse_conditions(scenario, where)
    found = find_histories(scenario, world, conditions, seed=seed, count=search or SEARCHED)
    if not found.replicates:
        message = (
            f"{where}: this happens in none of {found.searched:,} replicates with seed {seed}. Search more with"
            f" --search {10 * found.searched}, choose another --seed, or change the scenario with --set."
        )
        end(message, as_json=as_json, code=FAILED)
    return {"condition": where, "conditions": conditions, **found._asdict()}


def describe_search(record: dict[str, Any], run: Run, names: Names) -> str:
    """Say in how many of the histories searched the conditions hold, and which is the first."""
    from sim.analysis.history.sentences import describe_condition
    from sim.analysis.history.words import capital

    what = " and ".join(describe_condition(one, run, names) for one in record["conditions"])
    hits = len(record["replicates"])
    return (
        f"{capital(what)} in {hits:,} of {record['searched']:,} replicates with seed {run.seed}; this is the first of"
        f" them, replicate {run.replicate}."
    )
