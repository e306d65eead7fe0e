"""Commands on the results of a sweep: compare, query, export, replay, report."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from sim.cli.commands.run import progress_bar
from sim.cli.main import cli, say_former
from sim.cli.options import (
    NewFile,
    NewFolder,
    json_option,
    option_faults,
    parameters_option,
    said_warnings,
    seed_option,
    workers_option,
)
from sim.cli.printing import FAILED, new_console, new_table, print_json, safe_lines, safe_text
from sim.errors import escape_controls

ROWS = 50  # that a query prints

baseline_option = click.option(
    "--baseline", help="Scenario to compare with. Default: the one whose name begins with baseline."
)


@cli.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.argument("others", metavar="", nargs=-1, type=click.Path(path_type=Path))
@baseline_option
@click.option(
    "--at", multiple=True, metavar="DATE",
    help="Date at which scenarios are compared, such as 2030-12-31. Repeatable. Default: the dates of the sweep, else"
    " the end of the runs.",
)  # fmt: skip
@click.option("--state", multiple=True, metavar="ID", help="State whose effects are shown. Repeatable.")
@click.option(
    "--tendency", type=click.Path(path_type=Path), metavar="FOLDER",
    help="Results of the same scenarios under --lens tendency, shown beside.",
)  # fmt: skip
@click.option("--csv", "csv_folder", type=NewFolder(), help="Folder for the full tables as CSV.")
@click.option("--all", "everything", is_flag=True, help="All outcomes and design points. Default: the main ones.")
@json_option
def compare(
    results: Path, others: tuple[Path, ...], baseline: str | None, at: tuple[str, ...], state: tuple[str, ...],
    tendency: Path | None, csv_folder: Path | None, everything: bool, as_json: bool,
) -> None:  # fmt: skip
    """Compare the scenarios of a sweep with its baseline, run by run.

    Runs are paired: they use common random numbers. With a calendar, effects at dates are split into direct effects,
    what each state would do if no other moved, and followers.

    Example: blocs compare results/sanctions --baseline baseline_2023 --at 2030-12-31 --state CHN
    """
    from sim import api
    from sim.batch.tables.spreadsheet import write_csv
    from sim.cli.results.comparison import print_comparison

    if others:
        names = " ".join(["SCENARIO"] * (1 + len(others)))
        message = "Give one folder. Sweep the scenarios together, so that their runs are paired:"
        raise click.UsageError(f"{message} blocs sweep {names} --out FOLDER")
    with option_faults():
        found = api.compare(results, baseline=baseline, at=at, tendency=tendency)
        sentences = found.sentences(state)
    if csv_folder is not None:
        csv_folder.mkdir(parents=True, exist_ok=True)
        tables = {"outcomes": found.outcomes, "states": found.states}
        dated = {"dated_outcomes": found.dated.sizes, "dated_states": found.dated.states} if found.at else {}
        for name, table in {**tables, **dated}.items():
            write_csv(table, csv_folder / f"{name}.csv")
    if as_json:
        print_json(found.record)
        return
    print_comparison(new_console(), found, sentences, state, everything=everything)


@cli.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.argument("sql")
@click.option("--rows", type=click.IntRange(1, 10_000_000), help=f"Rows to print. Default: {ROWS}; all with --json.")
@json_option
def query(results: Path, sql: str, rows: int | None, as_json: bool) -> None:
    """Query the tables of a sweep in SQL.

    The tables are runs, states, moves, points, after sweep --at dates, and after sweep --keep steps steps. The view
    alignments has the alignment of each state at each step.

    An undefined outcome, such as the bite of a bloc without members, is NULL: averages and medians ignore it.
    What DuckDB cannot compute is NaN, such as the correlation with a setting that does not vary. NaN counts as the
    largest number: it comes first in descending order and moves a median. `where not isnan(x)` removes it.

    Example: blocs query results/sanctions "select scenario, avg(capability_front) from runs group by all"
    """
    import duckdb

    from sim.batch.manifest import absent_table
    from sim.batch.store import Results
    from sim.batch.tables.database import keep_offline

    stored = Results(results)
    try:
        with stored.reading() as connection:
            if message := keep_offline(connection, sql):
                raise click.BadParameter(message, param_hint="'SQL'")
            refuse_all_but_one(connection.extract_statements(sql))
            found = connection.execute(sql)
            names, content = [column[0] for column in found.description or []], found.fetchall()
    except duckdb.Error as error:
        if message := absent_table(str(error), stored.manifest()):
            raise stored.error(message) from None
        raise click.BadParameter(escape_controls(str(error).splitlines()[0]), param_hint="'SQL'") from None
    if as_json:
        keys = distinct(names)
        for name, key in zip(names, keys, strict=True):
            if name != key:
                click.echo(
                    f"blocs: several columns are named {escape_controls(name)}; one is renamed {escape_controls(key)}",
                    err=True,
                )
        print_json([dict(zip(keys, map(json_value, row), strict=True)) for row in content[:rows]])
        return
    shown, printed = new_table(*map(safe_text, names)), ROWS if rows is None else rows
    for row in content[:printed]:
        shown.add_row(*(safe_text(f"{value:.4g}" if isinstance(value, float) else value) for value in row))
    out = new_console()
    out.print(shown)
    if len(content) > printed:
        out.print(f"… and {len(content) - printed} more rows (--rows, --json or blocs export)")


def refuse_all_but_one(statements: list[Any]) -> None:
    """Raise click.BadParameter where SQL has no statement, or a query before the last one, which prints nothing."""
    message = ""
    if not statements:
        message = 'no statement; give one, such as "select * from runs"'
    elif any(statement.type.name == "SELECT" for statement in statements[:-1]):
        message = f"{len(statements)} statements, and only the last prints rows; give one query"
    if message:
        raise click.BadParameter(message, param_hint="'SQL'")


def distinct(names: list[str]) -> list[str]:
    """Make names of columns distinct: a repeated one gets a number, as in `a, a_1`."""
    keys: list[str] = []
    for name in names:
        numbered = (f"{name}_{n}" for n in itertools.count(1))
        keys.append(name if name not in keys else next(key for key in numbered if key not in (*keys, *names)))
    return keys


def json_value(value: Any) -> Any:
    """Convert a value to JSON: null for NaN and infinity, objects, lists, dates by ISO 8601, else its text."""
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
@click.argument("former_folder", metavar="", required=False, type=NewFolder())
@click.option("--out", type=NewFolder(), help="Folder for the files. Required.")
@click.option(
    "--format", type=click.Choice(["csv", "parquet", "tidy", "gexf", "graphml"]), default="csv", show_default=True,
    help="File format: the tables of a sweep (csv, parquet); one CSV with a row for each run, date, state and variable"
    " (tidy); the network of a run with its changes, for Gephi (gexf), or at one date (graphml).",
)  # fmt: skip
@click.option(
    "--run", "runs", multiple=True, metavar="POINT-REPLICATE",
    help="Run whose network is written, such as 0-17. Repeatable. Default: the first run of each scenario.",
)  # fmt: skip
@click.option("--at", metavar="DATE", help="Date of the network in graphml. Default: the end of the run.")
def export(
    results: Path, former_folder: Path | None, out: Path | None, format: str, runs: tuple[str, ...], at: str | None
) -> None:
    """Write results as files for a spreadsheet or another program.

    RESULTS is the folder of a sweep, or of `blocs run --out` with the formats tidy, gexf and graphml.

    Example: blocs export results/sanctions --out tables --format csv
    """
    from sim import api

    interpret_one_run(results)
    if former_folder is not None and out is None:
        say_former("the second argument", "--out FOLDER")
    elif former_folder is not None:
        raise click.UsageError(f"Got unexpected extra argument ({former_folder})")
    if (folder := out or former_folder) is None:
        raise click.UsageError("Missing option '--out'.")
    with option_faults(), said_warnings():
        paths = api.export(results, folder, format=format, runs=runs, at=at)
    for path in paths:
        click.echo(str(path))


def interpret_one_run(folder: Path) -> None:
    """Let Python compute the run of a folder of `blocs run --out`, where the rules have no machine code yet."""
    from sim.files import read_record
    from sim.model.numerics import jit

    if not (folder / "record.json").is_file() or (folder / "manifest.json").exists():
        return
    scenario = read_record(folder / "record.json", "run the scenario again").get("resolved")
    states, steps = (scenario.get("states"), scenario.get("steps")) if isinstance(scenario, dict) else (None, None)
    if isinstance(states, dict) and type(steps) is int:
        jit.interpret_short_run(len(states), steps)


@cli.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.argument("run", metavar="POINT-REPLICATE")
@click.option(
    "--engine", type=click.Choice(["compiled", "mesa"]), default="compiled", show_default=True,
    help="Compiled rules or Mesa agents; both give the same bits.",
)  # fmt: skip
@json_option
def replay(results: Path, run: str, engine: str, as_json: bool) -> None:
    """Repeat one run of a sweep, and check that it is the same bit for bit.

    POINT and REPLICATE are columns of the tables. The exit code is 0 where every stored value is the same, and 1
    where one differs.

    Example: blocs replay results/sanctions 1-17
    """
    from sim import api

    record = api.replay(results, run, engine=engine).record
    if as_json:
        print_json(record)
    else:
        print_replay(record)
    sys.exit(0 if record["equal"] else FAILED)


def print_replay(record: Mapping[str, Any]) -> None:
    """Print how a repeated run compares with the stored one."""
    out = new_console()
    out.print(f"run {safe_text(record['run'])}: {safe_text(record['design'])}, seed {record['seed']}")
    if record["error"]:
        out.print(f"it fails:\n{safe_lines(record['error'])}")
    if record["equal"]:
        out.print(f"the same: {record['compared']} stored values are equal to the bit")
    else:
        out.print(f"not the same: {len(record['differences'])} columns differ")
        shown = new_table("table", "column", "values", "first stored", "first repeated", numbers=("values",))
        for one in record["differences"]:
            shown.add_row(
                one["table"],
                safe_text(one["column"]),
                str(one["values"]),
                safe_text(one["stored"]),
                safe_text(one["again"]),
            )
        out.print(shown)
    if record["versions"]:
        shown = new_table("computed by", "then", "here")
        for one in record["versions"]:
            shown.add_row(*(safe_text(one[key]) for key in ("name", "recorded", "here")))
        out.print(shown)
        if not record["equal"]:
            out.print(
                "The same bits need the same versions and the same machine. Install those versions and replay again."
            )


@cli.command()
@click.argument("results", type=click.Path(path_type=Path))
@baseline_option
@click.option(
    "--scenario", metavar="NAME",
    help="Scenario whose question is the title, and whose changes come first. Default: the only other scenario, or the"
    " only lever, else the baseline.",
)  # fmt: skip
@click.option(
    "--state", metavar="ID_OR_NAME",
    help="State whose chance to join the bloc, or to leave it if it starts there, is on the first page. Default: the"
    " one whose joining adds most capability, weighed by its chance.",
)  # fmt: skip
@click.option("--at", metavar="DATE", help="Date of the report, such as 2030-12-31. Default: the end of the runs.")
@click.option("--out", type=NewFile(".html", hint="a browser prints the page to PDF"),
              help="File for the page. Default: report.html in the results.")  # fmt: skip
@click.option("--points", type=click.IntRange(0, 65_536), default=64, show_default=True,
              help="Sobol points over the parameters' ranges, a power of 2; 0 leaves out these analyses.")  # fmt: skip
@click.option("--maps", type=click.Choice(["land", "tiles"]), default="land", show_default=True,
              help="What maps draw each state as: its land, or a tile of equal size at about its place.")  # fmt: skip
@click.option("--stories", is_flag=True, help="Also a typical history and two unlike it, as pages beside the report.")
@parameters_option
@seed_option
@workers_option
def report(
    results: Path, baseline: str | None, scenario: str | None, state: str | None, at: str | None, out: Path | None,
    points: int, maps: str, stories: bool, parameters: str | None, seed: int | None, workers: int | None,
) -> None:  # fmt: skip
    """Write a sweep as one page, with uncertainty and sources.

    With --at the answers, charts and maps are of that date, as if the runs ended there. The article's claims are of
    the end of the runs, and left out. To print the page or make a PDF of it, open it in a browser and print.
    With --parameters posterior the claims use as many draws of the calibrated parameters as there are --points.
    With --maps tiles small states show as well as large ones, and any world has maps.
    With --state the chance, the dots, the effects and the confidence of the first page are about that state.

    Example: blocs report demo/results --maps tiles --out report.html

    Example: blocs report demo/results --state Iran --out iran.html
    """
    from sim import api

    with progress_bar() as progress, option_faults():
        path = api.report(
            results, out=out, baseline=baseline, points=points, parameters=parameters, seed=seed, workers=workers,
            progress=progress, stories=stories, maps=maps, at=at, scenario=scenario, state=state,
        )  # fmt: skip
    click.echo(str(path))
