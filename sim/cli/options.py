"""Options that several commands share."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import completion
from sim.cli.main import say_former, say_idle, say_warnings
from sim.cli.printing import NO_FOLDER
from sim.errors import Fault, InputError, InputWarning, escape_controls
from sim.files import require_writable

if TYPE_CHECKING:
    from sim.scenario.overrides import Change
    from sim.scenario.schema import Scenario


class NewFile(click.Path):
    """A file that can be written, with one of some endings; checked before anything is computed."""

    def __init__(self, *endings: str, hint: str = "") -> None:
        super().__init__(path_type=Path)
        self.endings, self.hint = endings, hint

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check the path; raises click.BadParameter."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if path.is_dir():
            self.fail(f"{path} is a folder; give a file", param, ctx)
        if not path.parent.is_dir():
            self.fail(f"{path.parent} is not a folder; give a file in a folder that exists", param, ctx)
        if self.endings and not path.name.endswith(self.endings):
            more = f"; {self.hint}" if self.hint else ""
            self.fail(f"{path} does not end in {' or '.join(self.endings)}{more}", param, ctx)
        if reason := why_unwritable(path):
            self.fail(f"{path} {reason}", param, ctx)
        return path


def why_unwritable(path: Path) -> str:
    """Say why a file cannot be written; '' where it can."""
    try:
        require_writable(path)
    except OSError as error:
        return f"cannot be written: {error.strerror}"
    except InputError as error:
        return error.faults[0].message
    return ""


class NewFolder(click.Path):
    """A folder that exists or can be made; checked before anything is computed."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Check the path; raises click.BadParameter."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if any(part.exists() and not part.is_dir() for part in (path, *path.parents)):
            self.fail(f"{path} {NO_FOLDER}", param, ctx)
        there = next((part for part in (path, *path.parents) if part.is_dir()), path)
        if reason := why_unwritable(there / "file"):
            self.fail(f"{path} {reason}", param, ctx)
        return path


def chart_option(of: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Create the option for a chart of something."""
    return click.option("--chart", type=NewFile(".png", ".svg"), help=f"File for a chart of {of} (.png or .svg).")


json_option = click.option("--json", "as_json", is_flag=True, help="Output as JSON.")

seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), help="Random seed. Default: the seed in the scenario file."
)

steps_option = click.option(
    "--steps", type=click.IntRange(1, 10_000), help="Rounds of decisions. Default: the steps in the scenario file."
)

set_option = click.option(
    "--set", "settings", multiple=True, metavar="SETTING=VALUE", shell_complete=completion.complete_settings,
    help="Setting to change, such as erosion=0.5 or blocs.us_led.accommodation=0.1. Repeatable.",
)  # fmt: skip

without_option = click.option(
    "--without", multiple=True, metavar="MECHANISM", shell_complete=completion.complete_mechanisms,
    help="Mechanism to switch off. Repeatable.",
)  # fmt: skip

parameters_option = click.option(
    "--parameters", metavar="FILE",
    help="Draws of the parameters: `posterior` for the calibration of the world, or a posterior.csv.",
)  # fmt: skip

draws_option = click.option(
    "--draws", type=click.IntRange(1, 100_000), help="Number of draws of --parameters. Default: all in the file."
)

lens_option = click.option(
    "--lens", type=click.Choice(["histories", "tendency"]),
    help="What the runs show: what happens by when, or where the ties pull in the long run. Default: the lens in the"
    " scenario file, else histories.",
)  # fmt: skip

date_option = click.option(
    "--at", metavar="DATE", help="Date of the outcome, such as 2030-12-31. Default: the end of the run."
)

workers_option = click.option(
    "--workers", type=click.IntRange(1, 512), help="Threads, or Dask processes. Default: one for each core."
)


def count_draws(parameters: str | None, draws: int | None, points: int | None) -> int | None:
    """Return the number of draws that --draws or, as in 0.1, --points asks for; raises click.UsageError."""
    if parameters is None and draws is not None:
        raise click.UsageError("--draws needs --parameters. Give both, or leave --draws out.")
    if parameters is None or points is None:
        return draws
    if draws is not None:
        raise click.UsageError("--points does not apply with --parameters. Leave it out.")
    say_former("--points with --parameters", "--draws")
    return points


def refuse_two_forms(*, markdown: bool, as_json: bool) -> None:
    """Raise click.UsageError where an output is asked for in two forms."""
    if markdown and as_json:
        raise click.UsageError("--markdown and --json are two forms of one output. Leave one out.")


def resolve_scenario(
    name: str, settings: tuple[str, ...] = (), without: tuple[str, ...] = (), steps: int | None = None
) -> Scenario:
    """Load a scenario, change settings and steps, and switch mechanisms off; raises InputError.

    Entries of its files that change nothing are warnings on standard error.
    """
    from sim.scenario.loading import read_scenario
    from sim.scenario.overrides import apply_changes

    reading = read_scenario(name)
    say_warnings(reading.warnings)
    changed = apply_changes(reading.scenario, requested_changes(settings, without, steps))
    say_idle("--set", changed, settings)
    say_off_already(reading.scenario, without)
    return changed


def say_off_already(scenario: Scenario, without: Iterable[str]) -> None:
    """Say on standard error which mechanisms are off in the scenario, so that --without changes nothing."""
    from sim.scenario.overrides import with_mechanism_off

    digest = scenario.digest()
    for name in without:
        if with_mechanism_off(scenario, name).digest() == digest:
            click.echo(f"blocs: --without {name}: it is off in this scenario already, so nothing changes", err=True)


def requested_changes(settings: Iterable[str], without: Iterable[str], steps: int | None) -> list[Change]:
    """List the changes that --set, --without and --steps ask for."""
    from sim.scenario.overrides import Change, mechanism_change, steps_change

    found = []
    for setting in settings:
        path = setting.partition("=")[0].strip()
        found.append(Change("--set", setting, f"--set {setting}", (path,), partial(apply_setting, setting=setting)))
    for name in without:
        found.append(mechanism_change("--without", name)._replace(field=name, label=f"--without {name}"))
    return found if steps is None else [*found, steps_change("--steps", steps)._replace(field="")]


def apply_setting(scenario: Scenario, *, setting: str) -> Scenario:
    """Change a setting as SETTING=VALUE says; raises ValueError."""
    from sim.scenario.overrides import BY_COMMAND, with_settings
    from sim.scenario.parameters import parse_number

    path, _, value = setting.partition("=")
    if not value:
        raise ValueError("give a setting as SETTING=VALUE, such as erosion=0.5")
    return with_settings(scenario, {path.strip(): parse_number(value)}, note=BY_COMMAND)


@contextmanager
def option_faults() -> Iterator[None]:
    """Name options in place of arguments in the faults of the function that the command calls."""
    context = click.get_current_context()
    names = {
        param.name: max(param.opts, key=len) if isinstance(param, click.Option) else param.human_readable_name
        for param in context.command.params
    }
    try:
        yield
    except InputError as error:
        raise InputError(
            Fault(names[fault.field], 1, "", fault.message)
            if fault.file == context.command.name and fault.field in names
            else fault
            for fault in error.faults
        ) from None


@contextmanager
def said_warnings() -> Iterator[None]:
    """Say the warnings of the function that the command calls on standard error, each in a line."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always", InputWarning)
        yield
    for one in found:
        click.echo(f"blocs: {escape_controls(str(one.message))}", err=True)
