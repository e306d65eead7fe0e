"""Commands about the results of a sweep: compare, query, export."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli.group import (
    cli,
    console,
    json_option,
    plain,
    say_json,
    table,
)
from sim.faults import Fault, InputError, printable, shown_path

if TYPE_CHECKING:
    pass


@cli.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.option("--baseline", help="The scenario to compare with; baseline… by default.")
@click.option("--csv", "csv_folder", type=click.Path(path_type=Path), help="Folder for the full tables as CSV.")
@click.option("--all", "everything", is_flag=True, help="Every outcome, not the main ones alone.")
@json_option
def compare(results: Path, baseline: str | None, csv_folder: Path | None, everything: bool, as_json: bool) -> None:
    """Compare a sweep's scenarios with its baseline, run by run on the same luck.

    Example: blocs compare results/sanctions --baseline baseline_2023
    """
    from sim.cli import tell
    from sim.compare import compare_outcomes, compare_states, identical_words, pairings, sample
    from sim.spreadsheet import write_csv
    from sim.store import Results

    found = sample(Results(results))
    against = found.baseline(baseline)
    outcomes, states = compare_outcomes(found, against), compare_states(found, against)
    paired = pairings(found, against, outcomes, states)
    if csv_folder is not None:
        csv_folder.mkdir(parents=True, exist_ok=True)
        write_csv(outcomes, csv_folder / "outcomes.csv")
        write_csv(states, csv_folder / "states.csv")
    if as_json:
        record = {
            "baseline": against,
            "level": 0.95,
            "averaged_over": found.averaged,
            "identical": identical_words(outcomes) or None,
            "failed_runs": found.failed,
            "unfinished_runs": found.unfinished,
            "pairings": [asdict(one) | {"sentences": one.sentences} for one in paired],
            "outcomes": outcomes,
            "states": states,
        }
        say_json(record)
    else:
        tell.comparison(console(), found, against, outcomes, states, paired, everything=everything)


@cli.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.argument("sql")
@click.option("--rows", type=click.IntRange(1, 10_000_000), default=50, show_default=True, help="Rows to print.")
@json_option
def query(results: Path, sql: str, rows: int, as_json: bool) -> None:
    """Ask a sweep's tables runs, states, steps, points (and trajectory) a question in SQL.

    An undefined outcome, such as the bite of a bloc without members, is NULL: averages and medians leave it out.
    What DuckDB itself cannot compute is NaN, such as the correlation with a setting that does not vary: it counts
    as the largest number, comes first in descending order and moves a median. `where not isnan(x)` leaves it out.

    Example: blocs query results/sanctions "select scenario, avg(capability_front) from runs group by all"
    """
    import duckdb

    from sim.store import Results

    try:
        connection = Results(results).connection()
        refuse_all_but_one(connection.extract_statements(sql))
        found = connection.execute(sql)
        names, content = [column[0] for column in found.description or []], found.fetchall()
    except duckdb.Error as error:
        raise InputError([Fault("query", 1, "", str(error).splitlines()[0])]) from None
    if as_json:
        keys = distinct(names)
        for name, key in zip(names, keys, strict=True):
            if name != key:
                click.echo(
                    f"blocs: several columns are named {printable(name)}; one is {printable(key)} here", err=True
                )
        say_json([dict(zip(keys, map(plain_value, row), strict=True)) for row in content])
        return
    shown = table(*map(plain, names))
    for row in content[:rows]:
        shown.add_row(*(plain(f"{value:.4g}" if isinstance(value, float) else value) for value in row))
    out = console()
    out.print(shown)
    if len(content) > rows:
        out.print(f"… and {len(content) - rows} more rows (--rows, --json or blocs export)")


def refuse_all_but_one(statements: list[Any]) -> None:
    """Raise InputError where SQL holds no statement, or a question before the last, whose answer nobody would see."""
    if not statements:
        message = 'is empty; give a statement, such as "select * from runs"'
        raise InputError([Fault("query", 1, "", message)])
    if any(statement.type.name == "SELECT" for statement in statements[:-1]):
        message = f"holds {len(statements)} statements, and only the last is answered; give one question at a time"
        raise InputError([Fault("query", 1, "", message)])


def distinct(names: list[str]) -> list[str]:
    """Names of columns as keys: one that was there before gets a number, as in `a, a_1`."""
    keys: list[str] = []
    for name in names:
        numbered = (f"{name}_{n}" for n in itertools.count(1))
        keys.append(name if name not in keys else next(key for key in numbered if key not in (*keys, *names)))
    return keys


def plain_value(value: Any) -> Any:
    """A value as JSON has it: null for a number that is none, objects, lists, dates by ISO 8601, else its text."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain_value(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_value(part) for part in value]
    if isinstance(value, (date, time)):
        return value.isoformat()
    return value if isinstance(value, (int, str, type(None))) else str(value)


@cli.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
def export(results: Path, folder: Path, kind: str) -> None:
    """Write each table of a sweep as one file, for a spreadsheet or another program.

    Example: blocs export results/sanctions tables --format csv
    """
    from sim.store import Results

    if folder.resolve().is_relative_to(results.resolve()):
        raise InputError([Fault(shown_path(folder), 1, "", "lies among the results; choose a folder outside them")])
    for path in Results(results).export(folder, kind):
        click.echo(str(path))
