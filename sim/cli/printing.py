"""Print tables, JSON and failures."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from sim.errors import LONGEST_MESSAGE, Fault, InputError, escape_controls, shorten

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

FAILED, REFUSED, SOME_FAILED = 1, 2, 4

UNREADABLE = "a shard cannot be read; the same `blocs sweep` moves damaged shards away and repeats their runs"

NO_FOLDER = "is a file, or in a file; give a folder"


ROLES_MEAN = {
    "baseline": "what others are compared with",
    "lever": "what a government can choose",
    "circumstance": "what it cannot choose",
    "assumption": "what the modeller can choose",
}


def describe_role(name: str, role: str) -> str:
    """Say the role of a scenario; without one, it is a baseline by its name."""
    return role or ("baseline" if name.startswith("baseline") else "–")


class Refusal(click.UsageError):
    """Refused input: faults of files line by line, faults of options and arguments in the words of click."""

    def __init__(self, error: InputError, ctx: click.Context) -> None:
        own = {param.human_readable_name for param in ctx.command.params if isinstance(param, click.Argument)}
        if str(ctx.command.name) not in map(str, ctx.params.values()):  # as in `blocs report report`
            own.add(str(ctx.command.name))
        self.faults = error.faults
        self.of_usage = [fault for fault in error.faults if fault.file.startswith("--") or fault.file in own]
        self.of_files = [fault for fault in error.faults if fault not in self.of_usage]
        super().__init__("\nError: ".join(usage_words(fault, ctx) for fault in self.of_usage), ctx)

    def show(self, file: Any = None) -> None:
        """Print the faults on standard error."""
        for line in InputError(self.of_files).lines():
            click.echo(line, err=True)
        if self.of_usage:
            super().show(file)


def fault_words(fault: Fault) -> str:
    """The field and the message of a fault."""
    return ": ".join(filter(None, (fault.field, fault.message)))


def usage_words(fault: Fault, ctx: click.Context) -> str:
    """A fault of an option, an argument or the whole command as click would print it."""
    words = shorten(escape_controls(fault_words(fault)), LONGEST_MESSAGE)
    return words if fault.file == ctx.command.name else f"Invalid value for '{fault.file}': {words}"


def end(failure: click.UsageError | str, *, as_json: bool, code: int = REFUSED) -> NoReturn:
    """Show a failure and exit; with as_json print {"faults": […]} on standard output."""
    if as_json:
        print_json({"faults": fault_records(failure)})
    elif isinstance(failure, click.UsageError):
        failure.show()
    else:
        click.echo(f"blocs: {escape_controls(failure)}", err=True)
    sys.exit(code)


def fault_records(failure: click.UsageError | str) -> list[dict[str, Any]]:
    """The faults of a failure as records of file, line, field and message; null for what lies in no file."""
    if isinstance(failure, Refusal):
        files = [fault._asdict() for fault in failure.of_files]
        command = failure.ctx and failure.ctx.command.name
        return [*files, *(
            usage_record("" if fault.file == command else fault.file, fault_words(fault)) for fault in failure.of_usage
        )]  # fmt: skip
    if isinstance(failure, click.BadParameter) and failure.param and not isinstance(failure, click.MissingParameter):
        return [usage_record(max(failure.param.opts, key=len), failure.message)]
    return [usage_record("", failure if isinstance(failure, str) else failure.format_message())]


def usage_record(field: str, message: str) -> dict[str, Any]:
    """The record of a fault that lies in no file."""
    return {"file": None, "line": None, "field": field, "message": message}


def new_console() -> Console:
    """Open standard output for rich; NO_COLOR and COLUMNS have their usual effect."""
    from rich.console import Console

    known = os.environ.get("COLUMNS", "").isdecimal() or sys.stdout.isatty()
    return Console(highlight=False, emoji=False, width=None if known else 110)


def new_table(*columns: str, title: str = "", numbers: tuple[str, ...] = ()) -> Table:
    """Create an empty table in the style of the command."""
    from sim.cli.tables import ReadableTable

    table = ReadableTable(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return table


def print_json(record: Any) -> None:
    """Print a record as JSON; control characters are escaped."""
    from sim.reporting.records import to_json_text

    text = to_json_text(record)
    click.echo(re.sub(r"[^\n -~]", lambda found: found[0] if found[0].isprintable() else escape_json(found[0]), text))


def escape_json(character: str) -> str:
    """Escape a character as in JSON."""
    return json.dumps(character)[1:-1]


def safe_text(text: object) -> str:
    """Escape what could steer the terminal or be read as markup in a text from a file."""
    from rich.markup import escape

    return escape(escape_controls(str(text)))


def safe_lines(text: str) -> str:
    """Escape each line of a text."""
    return "\n".join(safe_text(line) for line in text.strip().splitlines())
