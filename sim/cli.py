"""The command `blocs`: the only room besides the app that prints and exits."""

from __future__ import annotations

import io
import json
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from sim import __version__
from sim.faults import Fault, InputError, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from sim.scenario import Scenario
    from sim.store import Share
    from sim.sweep import Report

FAILED, REFUSED, SOME_FAILED = 1, 2, 4


class Interrupted(BaseException):
    """A signal asked this process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Scenarios(click.Group):
    """The command's group: faults of input exit with 2 and never with a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a subcommand."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            refuse(error, as_json="--json" in sys.argv)
        except Interrupted as interrupted:
            sys.exit(128 + interrupted.number)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(128 + 13)
        except OSError as error:
            click.echo(f"blocs: {error.filename or 'the system'}: {error.strerror or error}", err=True)
            sys.exit(FAILED)


def refuse(error: InputError, *, as_json: bool) -> NoReturn:
    """Show the faults and exit."""
    if as_json:
        faults = [{"file": f.file, "line": f.line, "field": f.field, "message": f.message} for f in error.faults]
        click.echo(json.dumps({"faults": faults}, ensure_ascii=False, indent=1))
    else:
        for line in error.lines():
            click.echo(line, err=True)
    sys.exit(REFUSED)


def main() -> None:
    """Entry point of the command."""

    def interrupt(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_IGN)
        raise Interrupted(number)

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and (stream.encoding or "").lower() not in ("utf-8", "utf8"):
            stream.reconfigure(encoding="utf-8")  # a pipe on Windows has another, without → and ≥
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), interrupt)
    cli()


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


json_option = click.option("--json", "as_json", is_flag=True, help="Print for machines.")
seed_option = click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Luck; the scenario's own by default.")
set_option = click.option(
    "--set", "settings", multiple=True, metavar="SETTING=VALUE",
    help="Change a setting, e.g. erosion=0.5 or blocs.us_led.accommodation=0.1; may be repeated.",
)  # fmt: skip
without_option = click.option("--without", multiple=True, metavar="MECHANISM", help="Switch a mechanism off.")
workers_option = click.option("--workers", type=click.IntRange(1, 512), help="Processes; one a core by default.")


def console() -> Console:
    """Standard output as rich writes it (NO_COLOR is respected)."""
    from rich.console import Console

    return Console(highlight=False, width=None if sys.stdout.isatty() else 110)


def table(*columns: str, title: str = "", numbers: tuple[str, ...] = ()) -> Table:
    """An empty table in the house style."""
    from rich.table import Table

    made = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return made


def plain(text: object) -> str:
    """Text from a file, made harmless to terminal and markup."""
    from rich.markup import escape

    return escape(printable(str(text)))


def resolved(
    name: str, settings: tuple[str, ...] = (), without: tuple[str, ...] = (), steps: int | None = None
) -> Scenario:
    """A scenario by name or path with settings and steps changed and mechanisms off; raises InputError."""
    from sim.catalog import load
    from sim.faults import suggestion
    from sim.settings import MECHANISMS, with_settings, with_steps

    scenario = load(name)
    faults = []
    for setting in settings:
        path, _, value = setting.partition("=")
        try:
            scenario = with_settings(scenario, {path.strip(): float(value)}, note="set on the command line")
        except ValueError as error:
            message = str(error) if value else "give a setting as SETTING=VALUE, such as erosion=0.5"
            faults.append(Fault("--set", 1, setting, message))
    for mechanism in without:
        if mechanism in MECHANISMS:
            scenario = with_settings(scenario, MECHANISMS[mechanism], note=f"without {mechanism}")
        else:
            near = suggestion(mechanism, MECHANISMS) or f" (known: {', '.join(MECHANISMS)})"
            faults.append(Fault("--without", 1, mechanism, f"unknown mechanism{near}"))
    try:
        scenario = scenario if steps is None else with_steps(scenario, steps)
    except ValueError as error:
        faults.append(Fault("--steps", 1, "", str(error)))
    if faults:
        raise InputError(faults)
    return scenario


def stem(name: str) -> str:
    """The name under which a scenario's results are kept."""
    path = Path(name)
    return path.parent.name if path.name == "world.toml" else path.stem or path.name


@cli.command("list")
@json_option
def list_(as_json: bool) -> None:
    """Show the scenarios and worlds that can be run.

    Example: blocs list
    """
    from sim.catalog import load, scenario_names, world_names

    worlds = set(world_names())
    found: dict[str, Scenario] = {}
    for name in (*scenario_names(), *world_names()):
        try:
            found[name] = load(name)
        except InputError as error:
            click.echo(f"{name}: {len(error.faults)} faults; `blocs check` says which", err=True)
    if as_json:
        rows = [{"name": n, "title": s.title, "question": s.question, "world": n in worlds} for n, s in found.items()]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    shown = table("name", "what it asks")
    for name, scenario in found.items():
        if name in worlds:
            shown.add_row(name, f"{plain(scenario.title)} (a world of {len(scenario.states)} states)")
        else:
            shown.add_row(name, plain(scenario.question or scenario.title))
    console().print(shown)


@cli.command()
@click.argument("scenario")
@set_option
@without_option
@click.option("--state", "states", multiple=True, metavar="STATE", help="Every tie of a state (of two: between them).")
@json_option
def show(
    scenario: str, settings: tuple[str, ...], without: tuple[str, ...], states: tuple[str, ...], as_json: bool
) -> None:
    """Show what a scenario says once resolved, each number with its source.

    Example: blocs show baseline_2023 --state USA --state RUS
    """
    from sim import tell
    from sim.catalog import bibliography, extended, load

    found = resolved(scenario, settings, without)
    if as_json:
        click.echo(
            json.dumps({**found.model_dump(mode="json"), "digest": found.digest()}, ensure_ascii=False, indent=1)
        )
        return
    if states:
        unknown = [Fault("--state", 1, state, "unknown state") for state in states if state not in found.states]
        if unknown:
            raise InputError(unknown)
        tell.ties_of(console(), found, states, bibliography())
        return
    base = extended(scenario)
    tell.scenario(console(), stem(scenario), found, None if base is None else (base, load(base)))


@cli.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@json_option
def check(files: tuple[str, ...], as_json: bool) -> None:
    """Check scenario files, worlds and bibliographies; say every fault at once.

    Example: blocs check scenarios/*.toml scenarios/worlds/*
    """
    from sim.catalog import load
    from sim.sources import read_sources

    faults: list[Fault] = []
    for name in files:
        try:
            if Path(name).name == "sources.toml":
                read_sources(Path(name))
            else:
                load(Path(name) if Path(name).exists() else name)
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    if as_json:
        click.echo(json.dumps({"faults": []}))
    else:
        click.echo(f"{len(files)} checked, no fault")


@cli.command()
@click.argument("scenario")
@seed_option
@click.option("--replicate", type=click.IntRange(0), default=0, help="Which run of the seed.")
@click.option("--steps", type=click.IntRange(1, 10_000), help="Rounds of decisions.")
@set_option
@without_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder for the run as CSV and its record.")
@json_option
def run(
    scenario: str, seed: int | None, replicate: int, steps: int | None, settings: tuple[str, ...],
    without: tuple[str, ...], out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Run a scenario once and tell who moved, when and where to.

    Example: blocs run dispersed_attention --seed 7 --set w_pressure=0.5
    """
    from sim import tell
    from sim.model import run as run_once

    found = resolved(scenario, settings, without, steps)
    result = run_once(found, seed=found.sweep.seed if seed is None else seed, replicate=replicate)
    if out is not None:
        tell.write_run(out, stem(scenario), found, result)
    if as_json:
        click.echo(json.dumps(tell.run_record(stem(scenario), found, result), ensure_ascii=False, indent=1))
    else:
        changed = [*(f" --set {setting}" for setting in settings), *(f" --without {name}" for name in without)]
        tell.timeline(console(), stem(scenario), found, result, "".join(changed))


@cli.command()
@click.argument("scenarios", nargs=-1, required=True, metavar="SCENARIO...")
@click.option("--replicates", type=click.IntRange(1, 10_000_000), help="Runs of each design point.")
@seed_option
@click.option("--steps", type=click.IntRange(1, 10_000), help="Rounds of decisions.")
@set_option
@without_option
@workers_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the results, named by the question by default.")
@click.option(
    "--engine", type=click.Choice(["compiled", "mesa", "dask"]), default="compiled", show_default=True,
    help="Compiled runs in threads or by Dask, or Mesa agents in processes; the results are the same to the byte.",
)  # fmt: skip
@click.option("--scheduler", metavar="ADDRESS", help="A running Dask scheduler, tcp://HOST:PORT (means --engine dask).")
@click.option("--scheduler-file", type=click.Path(path_type=Path), help="The file in which it wrote its address.")
@click.option("--shard", metavar="I/N", help="Compute the I-th of N shares only, beside the other shares.")
@click.option("--resume/--no-resume", default=True, help="Keep finished runs of the same question (the default).")
@click.option(
    "--design", type=click.Choice(["grid", "list", "latin_hypercube", "sobol"]), help="How settings are varied.",
)  # fmt: skip
@click.option("--points", type=click.IntRange(1, 100_000), help="Points of a latin_hypercube or sobol design.")
@click.option(
    "--vary", multiple=True, metavar="SETTING=LOW:HIGH[:POINTS]",
    help="A setting to vary, e.g. w_pressure=0:1; all parameters over their ranges where a sampling design has none.",
)  # fmt: skip
@click.option("--trajectory", is_flag=True, help="Keep every state's alignment at every step.")
@json_option
def sweep(
    scenarios: tuple[str, ...], replicates: int | None, seed: int | None, steps: int | None,
    settings: tuple[str, ...], without: tuple[str, ...], workers: int | None, out: Path | None,
    engine: str, scheduler: str | None, scheduler_file: Path | None, shard: str | None, resume: bool,
    design: str | None, points: int | None, vary: tuple[str, ...], trajectory: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Run scenarios many times, on the same luck, into a folder of Parquet files.

    Finished runs are never lost: the same command goes on where it was stopped.

    Example: blocs sweep baseline_2023 no_sanctions --replicates 100 --out results/sanctions
    """
    from sim.sweep import default_folder, question_of

    found: dict[str, Scenario] = {}
    faults: list[Fault] = []
    for name in scenarios:
        try:
            found[stem(name)] = designed(resolved(name, settings, without, steps), design, points, vary)
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    try:
        question = question_of(found, replicates=replicates, seed=seed, trajectory=trajectory)
    except ValueError as error:
        raise InputError([Fault("sweep", 1, "", str(error))]) from None
    folder = out or default_folder(question, list(found))
    if not resume and (folder / "manifest.json").exists():
        raise InputError([Fault(str(folder), 1, "", "holds results already; leave out --no-resume to go on with them")])
    engine, scheduler = where(engine, scheduler, scheduler_file)
    report = swept(question, folder, workers, engine=engine, scheduler=scheduler, share=share_of(shard))
    if as_json:
        click.echo(json.dumps(sweep_record(report), ensure_ascii=False, indent=1))
    else:
        told_sweep(report)
    sys.exit(SOME_FAILED if report.failed else 0)


def designed(scenario: Scenario, design: str | None, points: int | None, vary: tuple[str, ...]) -> Scenario:
    """A scenario with the sweep that the command line asks for; raises InputError."""
    from pydantic import ValidationError

    from sim.scenario import Sweep
    from sim.settings import with_settings

    if design is None and points is None and not vary:
        return scenario
    told: dict[str, Any] = scenario.sweep.model_dump(exclude_none=True)
    told |= {key: value for key, value in (("design", design), ("points", points)) if value is not None}
    faults = []
    told["vary"] = {} if vary else told["vary"]
    for setting in vary:
        path, _, span = setting.partition("=")
        try:
            numbers = [float(part) for part in span.split(":")]
            for value in numbers[:2]:
                with_settings(scenario, {path: value})
            start, stop, *count = numbers
            told["vary"][path] = {"start": start, "stop": stop, **({"points": int(count[0])} if count else {})}
        except (ValueError, IndexError) as error:
            message = str(error) if span.count(":") in (1, 2) else "give SETTING=LOW:HIGH, such as w_pressure=0:1"
            faults.append(Fault("--vary", 1, setting, message))
    try:
        sweep = Sweep.model_validate(told)
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise InputError([*faults, Fault("--design", 1, "", message)]) from None
    if faults:
        raise InputError(faults)
    return scenario.model_copy(update={"sweep": sweep})


def where(engine: str, scheduler: str | None, scheduler_file: Path | None) -> tuple[str, str | None]:
    """The engine and the address of the Dask scheduler, if there is one; raises InputError."""
    if scheduler is None and scheduler_file is None:
        return engine, None
    context = click.get_current_context()
    if engine != "dask" and context.get_parameter_source("engine") is not click.core.ParameterSource.DEFAULT:
        raise InputError([Fault("--scheduler", 1, "", f"goes with --engine dask, not {engine}")])
    if scheduler_file is not None:
        try:
            scheduler = str(json.loads(scheduler_file.read_text(encoding="utf-8"))["address"])
        except (OSError, ValueError, KeyError, TypeError):
            message = "holds no address; start `dask scheduler --scheduler-file` with it and wait until it is there"
            raise InputError([Fault(str(scheduler_file), 1, "", message)]) from None
    return "dask", scheduler


def share_of(shard: str | None) -> Share | None:
    """The share that --shard names; raises InputError."""
    from sim.store import Share

    if shard is None:
        return None
    index, _, of = shard.partition("/")
    if not (index.isdecimal() and of.isdecimal() and len(of) < 8 and 1 <= int(index) <= int(of)):
        raise InputError([Fault("--shard", 1, shard, "give I/N, I from 1 to N, such as 1/3")])
    return Share(int(index), int(of))


def swept(question: Any, folder: Path, workers: int | None, **how: Any) -> Report:
    """Execute a question with a progress bar; on a signal say how to go on, and exit."""
    from sim.sweep import sweep as execute

    try:
        with progress_bar() as progress:
            return execute(question, folder, workers=workers, progress=progress, **how)
    except Interrupted as interrupted:
        again = shlex.join(["blocs", *sys.argv[1:]])
        click.echo(f"blocs: stopped; what is finished is in {folder}. To go on: {printable(again)}", err=True)
        sys.exit(128 + interrupted.number)


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int], None]]:
    """Runs done of all runs, with an estimate of the time left, on standard error."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("runs", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def sweep_record(report: Report) -> dict[str, Any]:
    """What a sweep says to machines."""
    from sim.compare import late_shares

    shares: dict[str, Any] = {}
    if report.share is None:
        shares = {design: {"states": states} for design, states in late_shares(report.results).items()}
    return {
        "results": str(report.results.folder),
        "seed": report.results.manifest()["question"]["seed"],
        "runs": report.runs,
        "computed_now": report.computed_now,
        "failed": report.failed,
        "scenarios": shares,
    }


def told_sweep(report: Report) -> None:
    """What a sweep says to people."""
    from sim import tell

    done = report.runs - len(report.failed)
    share = "" if report.share is None else f" of share {report.share}"
    told = f"{done} of {report.runs} runs{share} finished ({report.computed_now} computed now)"
    click.echo(f"{told} in {report.results.folder}")
    for line in report.failed[:20]:
        click.echo(f"failed: {printable(line)}", err=True)
    if report.share is not None:
        click.echo(f"Next, when every share is done: blocs compare {report.results.folder}")
    elif done:
        tell.shares(console(), report.results)
        click.echo(f"\nNext: blocs compare {report.results.folder}")


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
    from sim import tell
    from sim.compare import compare_outcomes, compare_states, sample
    from sim.store import Results

    found = sample(Results(results))
    against = found.baseline(baseline)
    outcomes, states = compare_outcomes(found, against), compare_states(found, against)
    if csv_folder is not None:
        csv_folder.mkdir(parents=True, exist_ok=True)
        outcomes.to_csv(csv_folder / "outcomes.csv", index=False)
        states.to_csv(csv_folder / "states.csv", index=False)
    if as_json:
        record = {
            "baseline": against,
            "level": 0.95,
            "failed_runs": found.failed,
            "unfinished_runs": found.unfinished,
            "outcomes": json.loads(outcomes.to_json(orient="records")),
            "states": json.loads(states.to_json(orient="records")),
        }
        click.echo(json.dumps(record, ensure_ascii=False, indent=1))
    else:
        tell.comparison(console(), found, against, outcomes, states, everything=everything)


@cli.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.argument("sql")
@click.option("--rows", type=click.IntRange(1, 10_000_000), default=50, show_default=True, help="Rows to print.")
@json_option
def query(results: Path, sql: str, rows: int, as_json: bool) -> None:
    """Ask a sweep's tables runs, states, steps, points (and trajectory) a question in SQL.

    Example: blocs query results/sanctions "select scenario, avg(capability_front) from runs group by all"
    """
    import duckdb

    from sim.store import Results

    try:
        found = Results(results).connection().execute(sql)
        names, content = [column[0] for column in found.description or []], found.fetchall()
    except duckdb.Error as error:
        raise InputError([Fault("query", 1, "", str(error).splitlines()[0])]) from None
    if as_json:
        told = [dict(zip(names, map(plain_value, row), strict=True)) for row in content]
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    shown = table(*names)
    for row in content[:rows]:
        shown.add_row(*(plain(f"{value:.4g}" if isinstance(value, float) else value) for value in row))
    console().print(shown)
    if len(content) > rows:
        click.echo(f"… and {len(content) - rows} more rows (--rows, --json or blocs export)")


def plain_value(value: Any) -> Any:
    """A value as JSON has it: null for a number that is none, text for what JSON has no form for."""
    if isinstance(value, float):
        return value if value - value == 0 else None
    return value if isinstance(value, (int, str, bool, type(None))) else str(value)


@cli.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
def export(results: Path, folder: Path, kind: str) -> None:
    """Write each table of a sweep as one file, for a spreadsheet or another program.

    Example: blocs export results/sanctions tables --format csv
    """
    from sim.store import Results

    for path in Results(results).export(folder, kind):
        click.echo(str(path))


@cli.command()
@click.argument("results", type=click.Path(path_type=Path))
@json_option
def claims(results: Path, as_json: bool) -> None:
    """Answer the article's claims from a sweep of its scenarios.

    Example: blocs claims demo/results
    """
    from sim import tell
    from sim.claims import answers, as_rows, unanswered
    from sim.compare import sample
    from sim.store import Results

    runs = sample(Results(results))
    found, lacking = answers(runs), unanswered(runs)
    if not found:
        message = "no claim can be answered here; sweep baseline_2023 with other shipped scenarios, or run `blocs demo`"
        raise InputError([Fault(str(results), 1, "", message)])
    if as_json:
        click.echo(json.dumps({"claims": as_rows(found), "lacking": lacking}, ensure_ascii=False, indent=1))
    else:
        tell.claims(console(), found)
        for number, names in lacking.items():
            click.echo(f"claim {number} needs {', '.join(names)} among the scenarios")


@cli.command()
@click.argument("world")
@seed_option
@set_option
@click.option(
    "--replicates", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Runs of the agents."
)
@click.option(
    "--seconds", type=click.FloatRange(0, 86_400), default=20.0, show_default=True, help="Time for the proof."
)
@click.option("--chart", type=click.Path(path_type=Path), help="File for a chart of the landscape (.png or .svg).")
@json_option
def landscape(
    world: str, seed: int | None, settings: tuple[str, ...], replicates: int, seconds: float, chart: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Show which two blocs a world's ties alone would make, and how near the agents come.

    Example: blocs landscape unix_1988 --chart unix.png
    """
    from sim import predictions, tell

    found = resolved(world, settings)
    luck = found.sweep.seed if seed is None else seed
    terrain = predictions.terrain(found, seed=luck, seconds=seconds)
    runs = predictions.finals(found, seed=luck, replicates=replicates)
    splits = predictions.splits(found, terrain, seed=luck)
    if chart is not None:
        from sim import charts

        made, (axes,) = charts.figure(7, 4.5)
        charts.landscape(axes, terrain.minima, terrain.best)
        axes.set_title(found.title, loc="left")
        charts.save(made, str(chart))
    record = tell.landscape_record(found, terrain, runs, splits)
    if as_json:
        click.echo(json.dumps(record, ensure_ascii=False, indent=1))
    else:
        tell.landscape(console(), stem(world), found, record)


@cli.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="Folder.")
@click.option("--replicates", type=click.IntRange(2, 100_000), default=100, show_default=True, help="Runs of each.")
@seed_option
@workers_option
def demo(out: Path, replicates: int, seed: int | None, workers: int | None) -> None:
    """The main job: sweep the shipped scenarios, compare them, answer the claims, draw the charts.

    Example: blocs demo --out demo --replicates 30
    """
    from sim import demonstration, tell
    from sim.sweep import question_of

    found = demonstration.scenarios()
    report = swept(question_of(found, replicates=replicates, seed=seed), out / "results", workers)
    made = demonstration.make(report.results, out)
    tell.demonstration(console(), made, out)
    sys.exit(SOME_FAILED if report.failed else 0)
