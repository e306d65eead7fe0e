"""Commands about the results of a sweep: compare, query, export."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli.commands.run import progress_bar
from sim.cli.main import cli
from sim.cli.options import NewFile, json_option, parameters_option, seed_option, workers_option
from sim.cli.printing import FAILED, new_console, new_table, print_json, safe_lines, safe_text
from sim.errors import Fault, InputError, display_path, escape_controls

if TYPE_CHECKING:
    from sim.batch.replay import Replay


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
    from sim.analysis.compare import compare_outcomes, compare_states, identical_words, pairings, read_sample
    from sim.batch.spreadsheet import write_csv
    from sim.batch.store import Results
    from sim.cli import text

    found = read_sample(Results(results))
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
        print_json(record)
    else:
        text.print_comparison(new_console(), found, against, outcomes, states, paired, everything=everything)


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

    from sim.batch.store import Results

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
                    f"blocs: several columns are named {escape_controls(name)}; one is {escape_controls(key)} here",
                    err=True,
                )
        print_json([dict(zip(keys, map(json_value, row), strict=True)) for row in content])
        return
    shown = new_table(*map(safe_text, names))
    for row in content[:rows]:
        shown.add_row(*(safe_text(f"{value:.4g}" if isinstance(value, float) else value) for value in row))
    out = new_console()
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


def json_value(value: Any) -> Any:
    """A value as JSON has it: null for a number that is none, objects, lists, dates by ISO 8601, else its text."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): json_value(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(part) for part in value]
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
    from sim.batch.store import Results

    if folder.resolve().is_relative_to(results.resolve()):
        raise InputError([Fault(display_path(folder), 1, "", "lies among the results; choose a folder outside them")])
    for path in Results(results).export(folder, kind):
        click.echo(str(path))


@cli.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.argument("run", metavar="POINT-REPLICATE")
@click.option(
    "--engine", type=click.Choice(["compiled", "mesa"]), default="compiled", show_default=True,
    help="Compiled, or by Mesa agents; both are the same to the bit.",
)  # fmt: skip
@json_option
def replay(results: Path, run: str, engine: str, as_json: bool) -> None:
    """Make one run of a sweep again from its record alone, and say whether it is the same to the bit.

    A run is named by the columns point and replicate of the tables. Exits with 0 where every stored value is
    the same, with 1 where one differs.

    Example: blocs replay results/sanctions 1-17
    """
    from sim.batch.replay import replay_run as again
    from sim.batch.store import Results

    found = again(Results(results), run, engine=engine)
    if as_json:
        versions = [dict(zip(("name", "recorded", "here"), one, strict=True)) for one in found.versions]
        print_json({**asdict(found), "equal": found.equal, "versions": versions})
    else:
        print_replay(found)
    sys.exit(0 if found.equal else FAILED)


def print_replay(found: Replay) -> None:
    """What became of a run made again, for people."""
    out = new_console()
    out.print(f"run {safe_text(found.run)}: {safe_text(found.design)}, seed {found.seed}")
    if found.error:
        out.print(f"it fails:\n{safe_lines(found.error)}")
    if found.equal:
        out.print(f"the same: {found.compared} stored values are equal to the bit")
    else:
        out.print(f"not the same: {len(found.differences)} columns differ")
        shown = new_table("table", "column", "values", "first stored", "first again", numbers=("values",))
        for one in found.differences:
            shown.add_row(
                one.table, safe_text(one.column), str(one.values), safe_text(one.stored), safe_text(one.again)
            )
        out.print(shown)
    if found.versions:
        shown = new_table("computed by", "then", "here")
        for name, there, here in found.versions:
            shown.add_row(safe_text(name), safe_text(there), safe_text(here))
        out.print(shown)
        if not found.equal:
            out.print(
                "Bit for bit is promised with the same versions on the same machine: install those, then ask again"
            )


@cli.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.option("--baseline", help="The scenario to compare with; baseline… by default.")
@click.option("--out", type=NewFile(".html"), help="The file; report.html in the results by default.")
@click.option("--points", type=click.IntRange(0, 65_536), default=64, show_default=True,
              help="Settings over the parameters' ranges, a power of 2; 0 leaves out what asks for them.")  # fmt: skip
@parameters_option
@seed_option
@workers_option
def report(
    results: Path, baseline: str | None, out: Path | None, points: int, parameters: str | None, seed: int | None,
    workers: int | None,
) -> None:  # fmt: skip
    """Write a sweep as one page for readers: findings, how sure they are, sources, how to make it again.

    With --parameters posterior the claims are asked at draws from the calibrated parameters instead of the ranges.

    Example: blocs report demo/results --out report.html
    """
    from sim.analysis.compare import read_sample
    from sim.batch.store import Results, write_synced
    from sim.reporting.analyses import analyse
    from sim.reporting.page import focus_bloc, render_page

    path, asked, held = out or results / "report.html", None, Results(results)
    found = read_sample(held)
    if points:
        luck = int(held.manifest()["question"]["seed"]) if seed is None else seed
        base = found.baseline(baseline)
        try:
            with progress_bar() as progress:
                asked = analyse(
                    held, found, base, f"capability_{focus_bloc(found, base)}",
                    points=points, seed=luck, parameters=parameters, workers=workers, progress=progress,
                )  # fmt: skip
        except ValueError as error:
            raise InputError([Fault("--points", 1, str(points), str(error))]) from None
    write_synced(path, render_page(held, found=found, baseline=baseline, analyses=asked).encode("utf-8"))
    click.echo(str(path))
