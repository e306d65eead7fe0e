"""Commands that write a commented scenario or world to begin with: new."""

from __future__ import annotations

import os
from pathlib import Path
from string import Template

import click

from sim.cli.group import cli
from sim.faults import Fault, InputError, shown_path

TEMPLATES = Path(__file__).parent.parent / "templates"
folder_option = click.option(
    "--folder", type=click.Path(path_type=Path), default=Path(),
    help="Where to write; here by default.",
)  # fmt: skip


@cli.group()
def new() -> None:
    """Write a commented scenario or world to begin with.

    \b
    Example: blocs new scenario my_idea
             blocs new world my_world
    """


@new.command("scenario")
@click.argument("name")
@folder_option
def new_scenario(name: str, folder: Path) -> None:
    """Write NAME.toml: a scenario that extends the baseline by one lever and one shock.

    Example: blocs new scenario my_idea
    """
    written(name, folder, {f"{name}.toml": "scenario.toml"})
    path = shown_path(folder / f"{name}.toml")
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
    for file in written(name, folder, {**world, f"{name}.toml": "world/scenario.toml"}):
        click.echo(shown_path(file))
    path = shown_path(folder / f"{name}.toml")
    click.echo(f"Change them, then: blocs check {path}\nNext: blocs run {path}")


def written(name: str, folder: Path, files: dict[str, str]) -> list[Path]:
    """Write files from templates, each by its path in the folder; raises InputError where a name is not to be had."""
    faults = list(faults_of(name, [folder / file for file in files]))
    if faults:
        raise InputError(faults)
    made = []
    for file, template in files.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = "world" if path.name == "world.toml" else "scenario"
        words = {"name": name, "title": name.replace("_", " ").capitalize(), "schema": schema_of(kind, path.parent)}
        text = Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(words)
        with path.open("x", encoding="utf-8", newline="\n") as opened:
            opened.write(text)
        made.append(path)
    return made


def faults_of(name: str, paths: list[Path]) -> list[Fault]:
    """What is wrong with a name: its form, that it is taken, or that a file of it is there."""
    from sim.catalog import NAME, scenario_names, world_names

    if not NAME.fullmatch(name):
        message = "is not a name; begin with a small letter, then up to 59 small letters, digits and _, such as my_idea"
        return [Fault("NAME", 1, name, message)]
    if name == "sources":
        return [Fault("NAME", 1, name, "is the name of the bibliography; choose another")]
    there = [Fault(shown_path(path), 1, "", "is there already; choose another name, or remove it") for path in paths
             if path.exists()]  # fmt: skip
    if there:
        return there
    if name in (*scenario_names(), *world_names()):
        return [Fault("NAME", 1, name, "is a scenario or world that `blocs list` shows; choose another")]
    return []


def schema_of(kind: str, folder: Path) -> str:
    """The schema for editors as a file in the folder names it: by a relative path where there can be one."""
    from sim.catalog import shipped

    schema = (shipped() / f"{kind}.schema.json").resolve()
    try:
        return Path(os.path.relpath(schema, folder.resolve())).as_posix()
    except ValueError:  # on another drive of Windows
        return schema.as_uri()
