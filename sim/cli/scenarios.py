"""Commands about scenarios: list, show, check."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.cli import complete
from sim.cli.group import (
    chance_warnings,
    cli,
    console,
    json_option,
    plain,
    resolved,
    say_json,
    say_warnings,
    set_option,
    state_id,
    table,
    without_option,
)
from sim.faults import Fault, InputError, printable
from sim.names import stem

if TYPE_CHECKING:
    from sim.scenario import Scenario


@cli.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show the scenarios and worlds that can be run.

    Example: blocs list
    """
    from sim.catalog import load, scenario_names, world_names

    worlds = set(world_names())
    found: dict[str, Scenario] = {}
    for name in (*scenario_names(), *world_names()):
        try:
            found[name] = load(name)
        except InputError as error:
            click.echo(f"{printable(name)}: {len(error.faults)} faults; `blocs check` says which", err=True)
    if as_json:
        rows = [{"name": n, "title": s.title, "question": s.question, "world": n in worlds} for n, s in found.items()]
        say_json(rows)
        return
    shown = table("name", "what it asks")
    for name, scenario in found.items():
        if name in worlds:
            shown.add_row(plain(name), f"{plain(scenario.title)} (a world of {len(scenario.states)} states)")
        else:
            shown.add_row(plain(name), plain(scenario.question or scenario.title))
    console().print(shown)


@cli.command()
@click.argument("scenario", shell_complete=complete.scenarios)
@set_option
@without_option
@click.option(
    "--state",
    "states",
    multiple=True,
    metavar="STATE",
    help="Every tie of a state, by id or full name (of two: between them).",
)
@json_option
def show(
    scenario: str, settings: tuple[str, ...], without: tuple[str, ...], states: tuple[str, ...], as_json: bool
) -> None:
    """Show what a scenario says once resolved, each number with its source.

    Example: blocs show baseline_2023 --state USA --state RUS
    """
    from sim.catalog import bibliography, files_of, load
    from sim.cli import tell
    from sim.references import state_suggestion

    found = resolved(scenario, settings, without)
    if as_json:
        say_json({**found.model_dump(mode="json"), "digest": found.digest()})
        return
    if states:
        states = tuple(state_id(found.states, state) for state in states)
        unknown = [
            Fault("--state", 1, state, f"unknown state{state_suggestion(found.states, state)}")
            for state in states
            if state not in found.states
        ]
        if unknown:
            raise InputError(unknown)
        tell.ties_of(console(), found, states, bibliography(*reversed(files_of(scenario))))
        return
    base = next(iter(files_of(scenario)[1:]), None)
    tell.scenario(console(), stem(scenario), found, None if base is None else (stem(str(base)), load(base)))


@cli.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", shell_complete=complete.files)
@json_option
def check(files: tuple[str, ...], as_json: bool) -> None:
    """Check scenario files, worlds and bibliographies; say every fault at once.

    Entries that change nothing, and choices close to chance, are warnings.

    Example: blocs check scenarios/*.toml scenarios/worlds/*
    """
    from sim.sources import read_sources

    faults: list[Fault] = []
    warnings: list[Fault] = []
    for name in files:
        try:
            if Path(name).name == "sources.toml":
                read_sources(Path(name))
            else:
                warnings += checked(name)
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    if as_json:
        say_json({"faults": [], "warnings": [warning._asdict() for warning in warnings]})
        return
    say_warnings(warnings)
    count = f", {len(warnings)} warning{'s' * (len(warnings) > 1)}" if warnings else ""
    click.echo(f"{len(files)} checked, no fault{count}")


def checked(name: str) -> list[Fault]:
    """Warnings of a scenario or world and its record; raises InputError with every fault."""
    from sim.catalog import read
    from sim.observed import recorded_of

    reading = read(name)
    recorded_of(name, reading.scenario)
    return [*reading.warnings, *chance_warnings(name, reading.scenario)]
