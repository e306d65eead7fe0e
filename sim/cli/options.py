"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import completion
from sim.cli.main import changed_settings, say_warnings, twice_on_command_line
from sim.errors import Fault, InputError, display_path

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario, State


class NewFile(click.Path):
    """A file that can be written, its name ending in one of some ways; refused before anything is computed."""

    def __init__(self, *endings: str) -> None:
        super().__init__(path_type=Path)
        self.endings = endings

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; raises InputError."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if path.is_dir():
            message = "is a folder; give a file"
        elif not path.parent.is_dir():
            message = "is in no folder; give a file in one that is there"
        elif self.endings and not path.name.endswith(self.endings):
            message = f"give a file that ends in {' or '.join(self.endings)}"
        else:
            return path
        raise InputError([Fault(display_path(path), 1, "", message)])


def chart_option(of: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option that asks for a chart of something."""
    return click.option("--chart", type=NewFile(".png", ".svg"), help=f"File for a chart of {of} (.png or .svg).")


json_option = click.option("--json", "as_json", is_flag=True, help="Print for machines.")

seed_option = click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Luck; the scenario's own by default.")

set_option = click.option(
    "--set", "settings", multiple=True, metavar="SETTING=VALUE", shell_complete=completion.complete_settings,
    help="Change a setting, e.g. erosion=0.5 or blocs.us_led.accommodation=0.1; may be repeated.",
)  # fmt: skip

without_option = click.option(
    "--without",
    multiple=True,
    metavar="MECHANISM",
    shell_complete=completion.complete_mechanisms,
    help="Switch a mechanism off.",
)

parameters_option = click.option(
    "--parameters", metavar="FILE",
    help="Draws of the parameters: `posterior` for those of the world's calibration, or a posterior.csv.",
)  # fmt: skip

workers_option = click.option(
    "--workers", type=click.IntRange(1, 512), help="Threads, or processes of Dask; one a core by default."
)


def resolve_scenario(
    name: str, settings: tuple[str, ...] = (), without: tuple[str, ...] = (), steps: int | None = None
) -> Scenario:
    """A scenario by name or path with settings and steps changed and mechanisms off; raises InputError.

    Entries of its files that change nothing are said on standard error.
    """
    from sim.scenario.loading import read_scenario
    from sim.scenario.overrides import parse_number, with_mechanism_off, with_settings, with_steps

    reading = read_scenario(name)
    scenario = reading.scenario
    say_warnings(reading.warnings)
    faults = twice_on_command_line(scenario, changed_settings(settings, without))
    for setting in settings:
        path, _, value = setting.partition("=")
        try:
            scenario = with_settings(scenario, {path.strip(): parse_number(value)}, note="set on the command line")
        except ValueError as error:
            message = str(error) if value else "give a setting as SETTING=VALUE, such as erosion=0.5"
            faults.append(Fault("--set", 1, setting, message))
    for mechanism in without:
        try:
            scenario = with_mechanism_off(scenario, mechanism)
        except ValueError as error:
            faults.append(Fault("--without", 1, mechanism, str(error)))
    try:
        scenario = scenario if steps is None else with_steps(scenario, steps)
    except ValueError as error:
        faults.append(Fault("--steps", 1, "", str(error)))
    if faults:
        raise InputError(faults)
    return scenario


def find_state_id(states: Mapping[str, State], word: str) -> str:
    """The id of the one state whose full name this is, in any case; else the word itself."""
    found = [id for id, record in states.items() if record.name.casefold() == word.casefold()]
    return found[0] if len(found) == 1 and word not in states else word
