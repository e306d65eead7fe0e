"""The group of the command's subcommands, and what they share: options, tables, faults and signals."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from sim import __version__
from sim.cli import complete, signals
from sim.faults import Fault, InputError, printable, shown_path, warning_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from sim.scenario import Scenario, State

FAILED, REFUSED, SOME_FAILED = 1, 2, 4
UNREADABLE = "a shard cannot be read; the same `blocs sweep` sets damaged ones aside and makes their runs again"


class Scenarios(click.Group):
    """The command's group: faults of input exit with 2 and never with a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a subcommand."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            refuse(error, as_json="--json" in sys.argv)
        except damage() as error:
            message = f"{UNREADABLE} ({(str(error).splitlines() or [''])[0]})"
            refuse(InputError([Fault("results", 1, "", message)]), as_json="--json" in sys.argv)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(128 + 13)
        except (FileExistsError, NotADirectoryError) as error:
            message = "is a file, or in one; give a folder"
            place = shown_path(Path(error.filename))
            refuse(InputError([Fault(place, 1, "", message)]), as_json="--json" in sys.argv)
        except OSError as error:
            click.echo(f"blocs: {error.filename or 'the system'}: {error.strerror or error}", err=True)
            sys.exit(FAILED)


def damage() -> tuple[type[Exception], ...]:
    """What is raised where a table of results cannot be read; nothing where none was asked for."""
    duckdb = sys.modules.get("duckdb")
    return () if duckdb is None else (duckdb.Error,)


def refuse(error: InputError, *, as_json: bool) -> NoReturn:
    """Show the faults and exit."""
    if as_json:
        say_json({"faults": [fault._asdict() for fault in error.faults]})
    else:
        for line in error.lines():
            click.echo(line, err=True)
    sys.exit(REFUSED)


def main() -> None:
    """Entry point of the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and (stream.encoding or "").lower() not in ("utf-8", "utf8"):
            stream.reconfigure(encoding="utf-8")  # a pipe on Windows has another, without → and ≥
    signals.obey()
    try:
        cli()
    finally:
        signals.ignore()  # Python, leaving, would give them back their deadly meaning


@click.group(
    cls=Scenarios,
    context_settings={"auto_envvar_prefix": "BLOCS", "help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="blocs %(version)s")
def cli() -> None:
    """How states form blocs: an agent-based simulation whose every number cites its source.

    \b
    blocs list                       what there is to run
    blocs run baseline_2023          one run, told step by step
    blocs demo                       sweep all scenarios, compare, answer the article's claims
    """


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
        raise InputError([Fault(shown_path(path), 1, "", message)])


def chart_option(of: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The option that asks for a chart of something."""
    return click.option("--chart", type=NewFile(".png", ".svg"), help=f"File for a chart of {of} (.png or .svg).")


json_option = click.option("--json", "as_json", is_flag=True, help="Print for machines.")
seed_option = click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Luck; the scenario's own by default.")
set_option = click.option(
    "--set", "settings", multiple=True, metavar="SETTING=VALUE", shell_complete=complete.settings,
    help="Change a setting, e.g. erosion=0.5 or blocs.us_led.accommodation=0.1; may be repeated.",
)  # fmt: skip
without_option = click.option(
    "--without", multiple=True, metavar="MECHANISM", shell_complete=complete.mechanisms, help="Switch a mechanism off."
)
parameters_option = click.option(
    "--parameters", metavar="FILE",
    help="Draws of the parameters: `posterior` for those of the world's calibration, or a posterior.csv.",
)  # fmt: skip
workers_option = click.option(
    "--workers", type=click.IntRange(1, 512), help="Threads, or processes of Dask; one a core by default."
)


def console() -> Console:
    """Standard output as rich writes it (NO_COLOR and COLUMNS are respected)."""
    from rich.console import Console

    told = os.environ.get("COLUMNS", "").isdecimal() or sys.stdout.isatty()
    return Console(highlight=False, emoji=False, width=None if told else 110)


def table(*columns: str, title: str = "", numbers: tuple[str, ...] = ()) -> Table:
    """An empty table in the house style."""
    from sim.cli.tables import ReadableTable

    made = ReadableTable(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return made


def say_json(record: Any) -> None:
    """A record on standard output, for machines; what could steer a terminal is escaped as JSON has it."""
    from sim.records import json_text

    text = json_text(record)
    click.echo(re.sub(r"[^\n -~]", lambda found: found[0] if found[0].isprintable() else escaped(found[0]), text))


def escaped(character: str) -> str:
    """A character as JSON escapes it."""
    return json.dumps(character)[1:-1]


def plain(text: object) -> str:
    """Text from a file, made harmless to terminal and markup."""
    from rich.markup import escape

    return escape(printable(str(text)))


def plain_lines(text: str) -> str:
    """A text of several lines, harmless to the terminal."""
    return "\n".join(plain(line) for line in text.strip().splitlines())


def resolved(
    name: str, settings: tuple[str, ...] = (), without: tuple[str, ...] = (), steps: int | None = None
) -> Scenario:
    """A scenario by name or path with settings and steps changed and mechanisms off; raises InputError.

    Entries of its files that change nothing are said on standard error.
    """
    from sim.catalog import read
    from sim.settings import number, with_mechanism_off, with_settings, with_steps

    reading = read(name)
    scenario = reading.scenario
    say_warnings(reading.warnings)
    faults = twice_on_command_line(scenario, changed(settings, without))
    for setting in settings:
        path, _, value = setting.partition("=")
        try:
            scenario = with_settings(scenario, {path.strip(): number(value)}, note="set on the command line")
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


def say_warnings(warnings: Iterable[Fault]) -> None:
    """Warnings on standard error."""
    for line in warning_lines(warnings):
        click.echo(line, err=True)


def chance_warnings(name: str, scenario: Scenario) -> list[Fault]:
    """The warning that a scenario's choices are close to chance, where they are."""
    from sim.catalog import locate
    from sim.sureness import chance_warning

    message = chance_warning(scenario)
    return [Fault(shown_path(locate(name)), 1, "parameters", message)] if message else []


def changed(settings: Iterable[str], without: Iterable[str]) -> list[tuple[str, list[str]]]:
    """The paths of settings that --set and --without change, by the option."""
    from sim.settings import MECHANISMS

    given = [(f"--set {setting}", [setting.partition("=")[0].strip()]) for setting in settings]
    return [*given, *((f"--without {name}", [*MECHANISMS.get(name, ())]) for name in without)]


def twice_on_command_line(scenario: Scenario, given: Iterable[tuple[str, list[str]]]) -> list[Fault]:
    """Faults of settings that options give twice, under any spelling."""
    from sim.settings import given_twice

    return [
        Fault(owner.partition(" ")[0], 1, owner.partition(" ")[2], f"gives {place}, and so does {other}; leave one out")
        for owner, place, other in given_twice(scenario, given)
    ]


def state_id(states: Mapping[str, State], word: str) -> str:
    """The id of the one state whose full name this is, in any case; else the word itself."""
    found = [id for id, record in states.items() if record.name.casefold() == word.casefold()]
    return found[0] if len(found) == 1 and word not in states else word
