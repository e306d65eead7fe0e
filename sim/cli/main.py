"""The command group, its entry point, and how it turns errors into exit codes."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim import __version__
from sim.cli import signals
from sim.cli.printing import FAILED, UNREADABLE, refuse
from sim.errors import Fault, InputError, display_path, warning_lines

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario


class Scenarios(click.Group):
    """The command's group: faults of input exit with 2 and never with a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a subcommand."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            refuse(error, as_json="--json" in sys.argv)
        except damage_errors() as error:
            message = f"{UNREADABLE} ({(str(error).splitlines() or [''])[0]})"
            refuse(InputError([Fault("results", 1, "", message)]), as_json="--json" in sys.argv)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(128 + 13)
        except (FileExistsError, NotADirectoryError) as error:
            message = "is a file, or in one; give a folder"
            place = display_path(Path(error.filename))
            refuse(InputError([Fault(place, 1, "", message)]), as_json="--json" in sys.argv)
        except OSError as error:
            click.echo(f"blocs: {error.filename or 'the system'}: {error.strerror or error}", err=True)
            sys.exit(FAILED)


def damage_errors() -> tuple[type[Exception], ...]:
    """What is raised where a table of results cannot be read; nothing where none was asked for."""
    duckdb = sys.modules.get("duckdb")
    return () if duckdb is None else (duckdb.Error,)


def main() -> None:
    """Entry point of the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and (stream.encoding or "").lower() not in ("utf-8", "utf8"):
            stream.reconfigure(encoding="utf-8")  # a pipe on Windows has another, without → and ≥
    signals.handle_signals()
    try:
        cli()
    finally:
        signals.ignore_signals()  # Python, leaving, would give them back their deadly meaning


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


def say_warnings(warnings: Iterable[Fault]) -> None:
    """Warnings on standard error."""
    for line in warning_lines(warnings):
        click.echo(line, err=True)


def chance_faults(name: str, scenario: Scenario) -> list[Fault]:
    """The warning that a scenario's choices are close to chance, where they are."""
    from sim.analysis.chance import chance_warning
    from sim.scenario.loading import find_scenario

    message = chance_warning(scenario)
    return [Fault(display_path(find_scenario(name)), 1, "parameters", message)] if message else []


def changed_settings(settings: Iterable[str], without: Iterable[str]) -> list[tuple[str, list[str]]]:
    """The paths of settings that --set and --without change, by the option."""
    from sim.scenario.overrides import MECHANISMS

    given = [(f"--set {setting}", [setting.partition("=")[0].strip()]) for setting in settings]
    return [*given, *((f"--without {name}", [*MECHANISMS.get(name, ())]) for name in without)]


def twice_on_command_line(scenario: Scenario, given: Iterable[tuple[str, list[str]]]) -> list[Fault]:
    """Faults of settings that options give twice, under any spelling."""
    from sim.scenario.overrides import settings_given_twice

    return [
        Fault(owner.partition(" ")[0], 1, owner.partition(" ")[2], f"gives {place}, and so does {other}; leave one out")
        for owner, place, other in settings_given_twice(scenario, given)
    ]
