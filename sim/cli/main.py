"""The command group `blocs`: help in groups, former spellings of options, and how failures end."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from sim import __version__
from sim.cli import signals
from sim.cli.printing import FAILED, NO_FOLDER, UNREADABLE, Refusal, end
from sim.errors import Fault, InputError, display_path, quote, warning_lines

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

SECTIONS = {
    "Scenarios": ("list", "show", "check", "new", "import"),
    "Runs": ("run", "sweep", "replay", "demo"),
    "Results": ("compare", "report", "query", "export"),
    "Analysis": ("explain", "sensitivity", "regret", "claims", "landscape", "score", "calibrate", "backtest"),
    "App": ("app",),
}

JSON = "sim.cli.json"  # whether --json is given, in the contexts of a call

REMOVAL = "0.3"  # the release in which former spellings stop working


class Command(click.Command):
    """A command with former spellings of its options; faults of input become refusals.

    `former` maps an option, or an option with a value (`--want low`), to the new spelling.
    """

    def __init__(self, *args: Any, former: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.former = former or {}
        for option in self.params:
            if isinstance(option.type, (click.IntRange, click.FloatRange)) and option.metavar is None:
                option.metavar = "INTEGER" if isinstance(option.type, click.IntRange) else "NUMBER"
            if isinstance(option, click.Option) and option.show_default:
                option.help = f"{option.help} Default: {default_words(option)}."
                option.show_default = False

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words after former spellings are replaced."""
        return super().parse_args(ctx, [*replace_former([*self.former_variables(ctx), *args], self.former)])

    def former_variables(self, ctx: click.Context) -> Iterator[str]:
        """Former options that environment variables set, each with its value."""
        for option in {spelling.partition(" ")[0] for spelling in self.former}:
            variable = f"{ctx.auto_envvar_prefix}_{option.strip('-').replace('-', '_').upper()}"
            if value := os.environ.get(variable):
                yield from (option, value)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; raises Refusal where the input is refused."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            raise Refusal(error, ctx) from None


def default_words(option: click.Option) -> str:
    """The default of an option as its help shows it."""
    if isinstance(option.show_default, str):
        return option.show_default
    if option.secondary_opts:
        return (option.opts if option.default else option.secondary_opts)[0]
    return str(option.default)


def replace_former(words: Iterable[str], former: Mapping[str, str]) -> Iterator[str]:
    """Words of a command line with the new spelling of options; say each replacement on standard error."""
    with_value = {spelling.partition(" ")[0] for spelling in former if " " in spelling}
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        spelling, kept = option, f"{equals}{value}"
        if option in with_value:
            spelling, kept = f"{option} {value or next(rest, '')}", ""
        if spelling in former:
            say_former(spelling, former[spelling])
            yield former[spelling] + kept
        else:
            yield word
        if word == "--":
            yield from rest


def say_former(spelling: str, new: str) -> None:
    """Say on standard error that a spelling has changed."""
    click.echo(
        f"blocs: {spelling} is now {new}. The old spelling will be removed in {REMOVAL} (docs/migration.md).", err=True
    )


class Commands(click.Group):
    """The group of commands; its help lists them in sections, and failures end with an exit code and no traceback."""

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, sections: Mapping[str, Sequence[str]] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sections = sections or {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words, and note whether failures are to be JSON."""
        ctx.meta[JSON] = ctx.meta.get(JSON, False) or "--json" in args
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a subcommand."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            end(error, as_json=ctx.meta[JSON])
        except damage_errors() as error:
            end(f"{UNREADABLE} ({(str(error).splitlines() or [''])[0]})", as_json=ctx.meta[JSON])
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(128 + 13)
        except (FileExistsError, NotADirectoryError) as error:
            end(f"{error.filename} {NO_FOLDER}", as_json=ctx.meta[JSON])
        except OSError as error:
            message = f"{error.filename or 'the system'}: {error.strerror or error}"
            end(message, as_json=ctx.meta[JSON], code=FAILED)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, one section after another."""
        rest = [name for name in self.commands if not any(name in names for names in self.sections.values())]
        sections = {**self.sections, **({"Commands": rest} if rest else {})}
        limit = formatter.width - 6 - max(map(len, self.commands))
        for title, names in sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(limit)) for name in names])


def damage_errors() -> tuple[type[Exception], ...]:
    """Exceptions for a table of results that cannot be read; none where no table was read."""
    duckdb = sys.modules.get("duckdb")
    return () if duckdb is None else (duckdb.Error,)


GARBAGE = 200_000  # new objects from which Python looks for cycles; at its own 700 a report spends a tenth on it


def main() -> None:
    """Entry point of the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and (stream.encoding or "").lower() not in ("utf-8", "utf8"):
            stream.reconfigure(encoding="utf-8")  # a pipe on Windows may lack → and ≥
    gc.set_threshold(GARBAGE)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read by numpy; of small products, more threads only wait
    signals.handle_signals()
    try:
        cli()
    finally:
        signals.ignore_signals()  # Python restores the deadly default handlers while it ends


@click.group(
    cls=Commands,
    sections=SECTIONS,
    context_settings={"auto_envvar_prefix": "BLOCS", "help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="blocs %(version)s")
def cli() -> None:
    """Simulate how states form blocs; every number cites its source.

    \b
    blocs list                       what you can run
    blocs run baseline_2023          one history: who moves, when and why
    blocs demo                       sweep all scenarios, compare them, answer the article's claims
    """


def say_warnings(warnings: Iterable[Fault]) -> None:
    """Print warnings on standard error."""
    for line in warning_lines(warnings):
        click.echo(line, err=True)


def chance_faults(name: str, scenario: Scenario) -> list[Fault]:
    """Warn where a scenario's choices are close to chance."""
    from sim.analysis.chance import chance_warning
    from sim.scenario.loading import find_scenario

    message = chance_warning(scenario)
    return [Fault(display_path(find_scenario(name)), 1, "parameters", message)] if message else []


def say_idle(option: str, scenario: Scenario, settings: Iterable[str]) -> None:
    """Say on standard error which settings of an option change nothing, whatever their value."""
    from sim.scenario.checks.idle import idle_setting

    for setting in settings:
        if message := idle_setting(scenario, setting.partition("=")[0].strip()):
            click.echo(f"blocs: {option} {quote(setting)}: {message}", err=True)


def changed_settings(settings: Iterable[str], without: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Paths of the settings that each --set and --without changes."""
    from sim.scenario.overrides import mechanism_paths

    given = [(f"--set {setting}", [setting.partition("=")[0].strip()]) for setting in settings]
    return [*given, *((f"--without {name}", [*mechanism_paths(name)]) for name in without)]


def twice_on_command_line(scenario: Scenario, given: Iterable[tuple[str, list[str]]]) -> list[Fault]:
    """Faults of settings that two options change, under any spelling."""
    from sim.scenario.overrides import settings_given_twice

    return [
        Fault(owner.partition(" ")[0], 1, owner.partition(" ")[2], f"gives {place}, and so does {other}; leave one out")
        for owner, place, other in settings_given_twice(scenario, given)
    ]
