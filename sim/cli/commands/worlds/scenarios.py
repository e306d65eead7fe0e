"""Commands on scenarios: list, show, check, new."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import click

from sim.cli import completion
from sim.cli.main import chance_faults, cli, say_warnings
from sim.cli.options import NewFolder, json_option, resolve_scenario, set_option, without_option
from sim.cli.printing import ROLES_MEAN, describe_role, new_console, new_table, print_json, safe_text
from sim.errors import Fault, InputError, display_path, escape_controls
from sim.names import scenario_name

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario


@cli.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List the scenarios and worlds that you can run.

    Example: blocs list
    """
    from sim.scenario.loading import load_scenario, scenario_names, world_names

    worlds = set(world_names())
    found: dict[str, Scenario] = {}
    for name in (*scenario_names(), *world_names()):
        try:
            found[name] = load_scenario(name)
        except InputError as error:
            click.echo(f"{escape_controls(name)}: {len(error.faults)} faults; `blocs check` lists them", err=True)
    if as_json:
        print_json([
            {"name": n, "title": s.title, "question": s.question, "role": s.role, "world": n in worlds}
            for n, s in found.items()
        ])  # fmt: skip
        return
    shown = new_table("name", "role", "what it asks")
    for name, scenario in found.items():
        role, asks = describe_role(name, scenario.role), safe_text(scenario.question or scenario.title)
        if name in worlds:
            role, asks = "world", f"{safe_text(scenario.title)} (a world of {len(scenario.states)} states)"
        shown.add_row(safe_text(name), role, asks)
    out = new_console()
    out.print(shown)
    out.print(f"\n{'; '.join(f'{role}: {meaning}' for role, meaning in ROLES_MEAN.items())}")


@cli.command()
@click.argument("scenario", shell_complete=completion.complete_scenarios)
@set_option
@without_option
@click.option(
    "--state", "states", multiple=True, metavar="STATE",
    help="State, by id or full name, whose ties to show. Give two for the ties between them.",
)  # fmt: skip
@json_option
def show(
    scenario: str, settings: tuple[str, ...], without: tuple[str, ...], states: tuple[str, ...], as_json: bool
) -> None:
    """Show a scenario in full, each number with its source.

    Example: blocs show baseline_2023 --state USA --state RUS
    """
    from sim.cli import text
    from sim.scenario.checks.references import find_state_id, unknown_state
    from sim.scenario.loading import files_of, load_bibliography, load_scenario

    found = resolve_scenario(scenario, settings, without)
    if as_json:
        ends = found.dates()
        print_json({**found.model_dump(mode="json"), "ends": ends[-1] if ends else None, "digest": found.digest()})
        return
    if states:
        states = tuple(find_state_id(found.states, state) for state in states)
        unknown = [
            Fault("--state", 1, "", unknown_state(found.states, state)) for state in states if state not in found.states
        ]
        if unknown:
            raise InputError(unknown)
        text.print_ties(new_console(), found, states, load_bibliography(*reversed(files_of(scenario))))
        return
    base = next(iter(files_of(scenario)[1:]), None)
    text.print_scenario(
        new_console(),
        scenario_name(scenario),
        found,
        None if base is None else (scenario_name(str(base)), load_scenario(base)),
    )


@cli.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...", shell_complete=completion.complete_files)
@json_option
def check(files: tuple[str, ...], as_json: bool) -> None:
    """Check scenario files, worlds and bibliographies; list every fault at once.

    Entries that change nothing, and choices close to chance, are warnings.

    Example: blocs check scenarios/*.toml scenarios/worlds/*
    """
    from sim.scenario.checks.sources import read_sources

    faults: list[Fault] = []
    warnings: list[Fault] = []
    for name in files:
        try:
            if Path(name).name == "sources.toml":
                read_sources(Path(name))
            else:
                warnings += check_file(name)
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    if as_json:
        print_json({"faults": [], "warnings": [warning._asdict() for warning in warnings]})
        return
    say_warnings(warnings)
    count = f", {len(warnings)} warning{'s' * (len(warnings) > 1)}" if warnings else ""
    click.echo(f"{len(files)} checked, no fault{count}")
    if len(files) == 1 and (starts := describe_starts(files[0])):
        click.echo(f"A shock acts from the first day of the step that contains its date: {starts}")


def check_file(name: str) -> list[Fault]:
    """Check a scenario or world and its record; return its warnings, raise InputError with every fault."""
    from sim.scenario.loading import read_scenario

    reading = read_scenario(name)

    from sim.model.numerics.jit import interpret_short_run

    interpret_short_run(len(reading.scenario.states), 1)

    from sim.forecast.record import recorded_of

    recorded_of(name, reading.scenario)
    return [*reading.warnings, *placeholder_faults(name, reading.scenario), *chance_faults(name, reading.scenario)]


MOST_STARTS = 5


def describe_starts(name: str) -> str:
    """Say of the first shocks of a file whose dates are within a step from which day they act; empty without any."""
    from sim.calendar import step_end, step_of
    from sim.scenario.checks.dates import read_day
    from sim.scenario.files import read_toml
    from sim.scenario.loading import files_of, load_scenario

    own = [] if Path(name).name == "sources.toml" else read_toml(files_of(name)[0])[0].get("shocks")
    if not (own and isinstance(own, list)):
        return ""
    scenario = load_scenario(name)
    found = []
    for n, shock in enumerate(own):
        if "date" not in shock:
            continue
        given, start = read_day(shock["date"]), date.fromisoformat(scenario.date or "")
        begins = step_end(start, scenario.step, step_of(start, scenario.step, given) - 1)
        if given != begins:
            found.append(f"shocks[{n}] of {given} from {begins}")
    return ", ".join([*found[:MOST_STARTS], *(["…"] * (len(found) > MOST_STARTS))])


PLACEHOLDER = "What do you ask? Write your question here."


def placeholder_faults(name: str, scenario: Scenario) -> list[Fault]:
    """Warn of the question that `blocs new` wrote."""
    if scenario.question != PLACEHOLDER:
        return []
    lines = Path(name).read_text(encoding="utf-8-sig").splitlines() if Path(name).is_file() else []
    line = next((n for n, text in enumerate(lines, start=1) if PLACEHOLDER in text), 1)
    return [Fault(name, line, "question", "is still the one that `blocs new` wrote; write what you ask")]


TEMPLATES = Path(__file__).parents[3] / "templates"

folder_option = click.option(
    "--folder", type=NewFolder(), default=Path(), help="Folder to write into. Default: the current folder."
)


@cli.group()
def new() -> None:
    """Write a new scenario or world with comments, as a start.

    \b
    Example: blocs new scenario my_idea
             blocs new world my_world
    """


@new.command("scenario")
@click.argument("name")
@folder_option
def new_scenario(name: str, folder: Path) -> None:
    """Write NAME.toml: a scenario that adds one lever and one shock to the baseline.

    Example: blocs new scenario my_idea
    """
    write_templates(name, folder, {f"{name}.toml": "scenario.toml"})
    path = display_path(folder / f"{name}.toml")
    click.echo(f"{path}\nChange it, then: blocs check {path}")
    click.echo(f"Next: blocs sweep baseline_2023 {path} --replicates 100 --out results/{name}")


@new.command("world")
@click.argument("name")
@folder_option
def new_world(name: str, folder: Path) -> None:
    """Write the world worlds/NAME with four states, and NAME.toml, a scenario of it.

    Example: blocs new world my_world
    """
    world = {f"worlds/{name}/{file}": f"world/{file}" for file in ("world.toml", "states.csv", "ties.csv")}
    for file in write_templates(name, folder, {**world, f"{name}.toml": "world/scenario.toml"}):
        click.echo(display_path(file))
    path = display_path(folder / f"{name}.toml")
    click.echo(f"Change them, then: blocs check {path}\nNext: blocs run {path}")


def write_templates(name: str, folder: Path, files: dict[str, str]) -> list[Path]:
    """Write files from templates, by path in the folder; raises InputError where the name cannot be used."""
    faults = list(name_faults(name, [folder / file for file in files]))
    if faults:
        raise InputError(faults)
    made = []
    for file, template in files.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = "world" if path.name == "world.toml" else "scenario"
        words = {
            "name": name,
            "title": name.replace("_", " ").capitalize(),
            "question": PLACEHOLDER,
            "schema": schema_reference(kind, path.parent),
        }
        text = Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(words)
        with path.open("x", encoding="utf-8", newline="\n") as opened:
            opened.write(text)
        made.append(path)
    return made


def name_faults(name: str, paths: list[Path]) -> list[Fault]:
    """List what is wrong with a name: its form, a scenario of that name, or files that exist."""
    from sim.scenario.loading import NAME, scenario_names, world_names

    if not NAME.fullmatch(name):
        message = (
            "cannot be a name; begin with a small letter, then up to 59 small letters, digits and _, such as my_idea"
        )
        return [Fault("NAME", 1, name, message)]
    if name == "sources":
        return [Fault("NAME", 1, name, "is the name of the bibliography; choose another")]
    if existing := [path for path in paths if path.exists()]:
        message = "exists already; choose another name, or remove it"
        return [Fault("NAME", 1, name, f"{display_path(path)} {message}") for path in existing]
    if name in (*scenario_names(), *world_names()):
        return [Fault("NAME", 1, name, "is a scenario or world in `blocs list`; choose another")]
    return []


def schema_reference(kind: str, folder: Path) -> str:
    """Return the path of the schema for editors, relative to the folder where possible."""
    from sim.scenario.loading import shipped_folder

    schema = (shipped_folder() / f"{kind}.schema.json").resolve()
    try:
        return Path(os.path.relpath(schema, folder.resolve())).as_posix()
    except ValueError:  # on another drive of Windows
        return schema.as_uri()
