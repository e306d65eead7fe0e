"""Print tables, JSON and refusals."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from sim.errors import InputError, escape_controls

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

FAILED, REFUSED, SOME_FAILED = 1, 2, 4

UNREADABLE = "a shard cannot be read; the same `blocs sweep` sets damaged ones aside and makes their runs again"


def refuse(error: InputError, *, as_json: bool) -> NoReturn:
    """Show the faults and exit."""
    if as_json:
        print_json({"faults": [fault._asdict() for fault in error.faults]})
    else:
        for line in error.lines():
            click.echo(line, err=True)
    sys.exit(REFUSED)


def new_console() -> Console:
    """Standard output as rich writes it (NO_COLOR and COLUMNS are respected)."""
    from rich.console import Console

    told = os.environ.get("COLUMNS", "").isdecimal() or sys.stdout.isatty()
    return Console(highlight=False, emoji=False, width=None if told else 110)


def new_table(*columns: str, title: str = "", numbers: tuple[str, ...] = ()) -> Table:
    """An empty table in the house style."""
    from sim.cli.tables import ReadableTable

    made = ReadableTable(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return made


def print_json(record: Any) -> None:
    """A record on standard output, for machines; what could steer a terminal is escaped as JSON has it."""
    from sim.reporting.records import to_json_text

    text = to_json_text(record)
    click.echo(re.sub(r"[^\n -~]", lambda found: found[0] if found[0].isprintable() else escape_json(found[0]), text))


def escape_json(character: str) -> str:
    """A character as JSON escapes it."""
    return json.dumps(character)[1:-1]


def safe_text(text: object) -> str:
    """Text from a file, made harmless to terminal and markup."""
    from rich.markup import escape

    return escape(escape_controls(str(text)))


def safe_lines(text: str) -> str:
    """A text of several lines, harmless to the terminal."""
    return "\n".join(safe_text(line) for line in text.strip().splitlines())
