"""Commands that run many times: sweep, demo."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import completion, signals
from sim.cli.design import refuse_under_tendency, varied_too, with_design, with_draws
from sim.cli.main import (
    REMOVAL,
    chance_faults,
    cli,
    say_former,
    say_warnings,
    twice_on_command_line,
)
from sim.cli.options import (
    NewFolder,
    count_draws,
    draws_option,
    json_option,
    lens_option,
    option_faults,
    parameters_option,
    resolve_scenario,
    seed_option,
    set_option,
    steps_option,
    without_option,
    workers_option,
)
from sim.cli.printing import SOME_FAILED, new_console, print_json
from sim.errors import Fault, InputError, display_path, escape_controls
from sim.names import name_references

if TYPE_CHECKING:
    from sim.batch.locks import SweepShare
    from sim.batch.sweep import SweepReport
    from sim.scenario.schema import Scenario

COMPILING = "runs, once the rules are compiled: a minute, at the first sweep only"


@cli.command()
@click.argument(
    "scenarios", nargs=-1, required=True, metavar="SCENARIO...", shell_complete=completion.complete_scenarios
)
@click.option(
    "--replicates",
    type=click.IntRange(1, 10_000_000),
    help="Runs of each design point. Default: the count in the scenario file.",
)
@seed_option
@steps_option
@set_option
@without_option
@workers_option
@click.option("--out", type=NewFolder(), help="Folder for the results. Default: results/ and a name from the sweep.")
@click.option(
    "--engine", type=click.Choice(["compiled", "mesa", "dask"]), default="compiled", show_default=True,
    help="Compiled runs in threads or by Dask, or Mesa agents in one process; all give the same bytes.",
)  # fmt: skip
@click.option(
    "--scheduler", metavar="ADDRESS", help="Address of a Dask scheduler, tcp://HOST:PORT. Implies --engine dask."
)
@click.option(
    "--scheduler-file", type=click.Path(path_type=Path), help="File in which a Dask scheduler wrote its address."
)
@click.option(
    "--shard", metavar="I/N", help="Part of the sweep to compute, the I-th of N; other processes compute the rest."
)
@click.option("--overwrite", is_flag=True, help="Replacement of the results in --out. Default: resume them.")
@click.option("--resume/--no-resume", default=None, hidden=True, help="Former option, until 0.3.")
@click.option(
    "--design", type=click.Choice(["grid", "list", "latin_hypercube", "sobol"]), help="Design of the varied settings.",
)  # fmt: skip
@click.option("--points", type=click.IntRange(1, 100_000), help="Points of a sobol or latin_hypercube design.")
@click.option(
    "--vary", multiple=True, metavar="SETTING=LOW:HIGH[:POINTS]",
    help="Setting to vary, such as w_pressure=0:1. Default in a sobol or latin_hypercube design: all parameters.",
)  # fmt: skip
@parameters_option
@draws_option
@lens_option
@click.option(
    "--at", multiple=True, metavar="DATE", help="Date whose outcomes are stored, such as 2030-12-31. Repeatable."
)
@click.option("--keep", multiple=True, type=click.Choice(["steps"]), help="Also store every outcome at every step.")
@click.option("--trajectory", is_flag=True, hidden=True, help="Former option, until 0.3.")
@json_option
def sweep(
    scenarios: tuple[str, ...], replicates: int | None, seed: int | None, steps: int | None,
    settings: tuple[str, ...], without: tuple[str, ...], workers: int | None, out: Path | None,
    engine: str, scheduler: str | None, scheduler_file: Path | None, shard: str | None, overwrite: bool,
    resume: bool | None, design: str | None, points: int | None, vary: tuple[str, ...], parameters: str | None,
    draws: int | None, lens: str | None, at: tuple[str, ...], keep: tuple[str, ...], trajectory: bool, as_json: bool,
) -> None:  # fmt: skip
    """Run scenarios many times with common random numbers.

    The folder --out gets the runs as Parquet. The same command resumes a sweep that was stopped. With the --out of
    an earlier sweep, more replicates or scenarios compute only the missing runs. With --parameters posterior each
    design point is a draw of the calibrated parameters (docs/calibration.md).

    Example: blocs sweep baseline_2023 no_sanctions --replicates 100 --out results/sanctions
    """
    from sim.batch.sweep import default_folder, make_question

    draws = count_draws(parameters, draws, points)
    share = parse_share(shard)
    found: dict[str, Scenario] = {}
    faults: list[Fault] = []
    for name, reference in name_references(scenarios).items():
        try:
            scenario = resolve_scenario(reference, settings, without, steps)
            say_warnings(chance_faults(reference, scenario))
            found[name] = (
                with_design(scenario, design, points, vary)
                if parameters is None
                else with_draws(scenario, reference, parameters, design, draws, vary)
            )
            varied = "--vary" if vary else "--parameters" if parameters else f"the sweep of {name}"
            faults += twice_on_command_line(found[name], varied_too(found[name], settings, without, varied))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    if trajectory:
        say_former("--trajectory", "the default: `blocs query` reads alignments by step from the view alignments")
    try:
        with option_faults():
            question = make_question(found, replicates=replicates, seed=seed, lens=lens, keep=keep, at=at)
    except ValueError as error:
        raise InputError([Fault("sweep", 1, "", str(error))]) from None
    refuse_under_tendency(question.lens, steps, settings)
    if question.lens == "histories":
        warn_of_unlike(found)
    folder = out or default_folder(question, list(found))
    engine, scheduler = choose_engine(engine, scheduler, scheduler_file)
    if resume is not None:
        refuse_results(folder, resume=resume)
    if overwrite and share is not None:
        raise click.UsageError("--overwrite does not apply with --shard: it would remove the runs of other shares.")
    if overwrite:
        remove_results(folder)
    report = sweep_with_progress(question, folder, workers, engine=engine, scheduler=scheduler, share=share)
    if as_json:
        print_json(sweep_record(report))
    else:
        print_sweep(report)
    sys.exit(SOME_FAILED if report.failed else 0)


def refuse_results(folder: Path, *, resume: bool) -> None:
    """Do what --resume and --no-resume did in 0.1; raises InputError where a folder has results and must not."""
    if resume:
        say_former("--resume", "the default, so leave it out")
        return
    click.echo(
        f"blocs: --no-resume refuses a folder with results; --overwrite replaces them. --no-resume will be removed in"
        f" {REMOVAL}.",
        err=True,
    )
    if (folder / "manifest.json").exists():
        message = "has results already; leave out --no-resume to resume them, or give --overwrite to replace them"
        raise InputError([Fault(display_path(folder), 1, "", message)])


def remove_results(folder: Path) -> None:
    """Remove the results in a folder; raises InputError where it contains anything but results and a report."""
    from sim.batch.manifest import MANIFEST, any_manifest
    from sim.batch.recorded import CRATE
    from sim.batch.store import Results

    if not folder.is_dir() or not any(folder.iterdir()):
        return
    results = Results(folder)
    results.refuse_links()
    pages = sorted(path.name for path in folder.glob("report-history-*.html"))
    folders, files = ("shards", "damaged"), (CRATE, *pages, "report.html", MANIFEST)
    if others := sorted({path.name for path in folder.glob("[!.]*")} - {*folders, *files}):
        message = f"has other files than results: {', '.join(others)}; move them, or choose another --out"
        raise InputError([Fault(display_path(folder), 1, "", message)])
    any_manifest(folder)
    with results.locked():
        for name in folders:
            if (folder / name).exists():
                shutil.rmtree(folder / name)
        for name in files:  # the manifest last: until then the sweep can be resumed
            (folder / name).unlink(missing_ok=True)


def choose_engine(engine: str, scheduler: str | None, scheduler_file: Path | None) -> tuple[str, str | None]:
    """Return the engine and the address of the Dask scheduler, if there is one; raises InputError."""
    if scheduler is None and scheduler_file is None:
        return engine, None
    context = click.get_current_context()
    if engine != "dask" and context.get_parameter_source("engine") is not click.core.ParameterSource.DEFAULT:
        raise InputError([Fault("--scheduler", 1, "", f"goes with --engine dask, not {engine}")])
    if scheduler_file is not None:
        try:
            scheduler = str(json.loads(scheduler_file.read_text(encoding="utf-8"))["address"])
        except (OSError, ValueError, KeyError, TypeError):
            message = (
                "holds no address; start `dask scheduler --scheduler-file` with it, and wait until the file exists"
            )
            raise InputError([Fault(str(scheduler_file), 1, "", message)]) from None
    return "dask", scheduler


def parse_share(shard: str | None) -> SweepShare | None:
    """Parse the share that --shard names; raises InputError."""
    from sim.batch.locks import SweepShare

    if shard is None:
        return None
    index, _, of = shard.partition("/")
    if not (index.isdecimal() and of.isdecimal() and len(of) < 8 and 1 <= int(index) <= int(of)):
        raise InputError([Fault("--shard", 1, shard, "give I/N, I from 1 to N, such as 1/3")])
    return SweepShare(int(index), int(of))


def sweep_with_progress(question: Any, folder: Path, workers: int | None, **how: Any) -> SweepReport:
    """Execute a question with a progress bar; after a signal, say how to resume."""
    from sim.batch.sweep import run_sweep as execute
    from sim.batch.sweep import unused_seeds

    with resumable_progress(folder) as (progress, again):
        command = re.sub(r" --shard[ =]\S+", "", again)  # all shares together make the folder
        report = execute(question, folder, workers=workers, progress=progress, command=command, **how)
    warn_of_seeds(unused_seeds(report.results.manifest()), question.seed)
    return report


def warn_of_unlike(scenarios: Mapping[str, Scenario]) -> None:
    """Warn of scenarios that `blocs compare` will refuse to compare with the baseline, before any run."""
    from sim.analysis.paired import timing_of, unlike

    base = next((name for name in scenarios if name.startswith("baseline")), next(iter(scenarios)))
    for name, one in scenarios.items():
        message = unlike(timing_of(one), one.states, base, timing_of(scenarios[base]), scenarios[base].states)
        if message:
            steps = "" if one.steps == scenarios[base].steps else f", as with --steps {scenarios[base].steps}"
            click.echo(f"blocs: {escape_controls(name)} {message}{steps}", err=True)


def warn_of_seeds(unused: Mapping[str, int], seed: int) -> None:
    """Warn of random seeds in scenario files that the sweep does not use."""
    for name, own in unused.items():
        message = f"the random seed {own} of {name} is not used; all runs use {seed}, the seed of the first scenario"
        click.echo(f"blocs: {escape_controls(message)}", err=True)


@contextmanager
def resumable_progress(folder: Path) -> Iterator[tuple[Callable[[int, int], None], str]]:
    """Show a progress bar, and yield it with the command; a signal prints the command that resumes the folder."""
    again = shlex.join(["blocs", *sys.argv[1:]])
    signals.parting[:] = [f"blocs: stopped; finished runs are in {folder}. To resume: {escape_controls(again)}\n"]
    with progress_bar() as progress:
        yield progress, again


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int], None]]:
    """Show finished runs of all runs, with the time left, on standard error."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from sim.model.numerics.jit import compiles_first

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"),
    )  # fmt: skip
    bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
    task = bar.add_task("runs", total=None)
    compiling = compiles_first()

    def advance(done: int, total: int) -> None:
        bar.start()
        waits = compiling and done < total and compiles_first()
        bar.update(task, completed=done, total=total, description=COMPILING if waits else "runs")

    try:
        yield advance
    finally:
        if bar.live.is_started:
            bar.stop()


def sweep_record(report: SweepReport) -> dict[str, Any]:
    """Collect what a sweep prints as JSON."""
    from sim.analysis.compare import mean_late_shares
    from sim.api.dated import DatedOutcomes
    from sim.batch.sweep import unused_seeds

    shares = {} if report.share else mean_late_shares(report.results)
    return {
        "results": str(report.results.folder),
        "seed": report.results.manifest()["question"]["seed"],
        "unused_seeds": unused_seeds(report.results.manifest()),
        "runs": report.runs,
        "computed_now": report.computed_now,
        "set_aside": report.set_aside,
        "failed": report.failed,
        "states": [
            {"scenario": design, "state": state, "alignment": alignment, "mean": mean}
            for design, states in shares.items()
            for state, means in states.items()
            for alignment, mean in means.items()
        ],
        **({} if report.share else DatedOutcomes(report.results.folder).record),
    }


def describe_set_aside(shards: Sequence[str]) -> str:
    """Say which shards were moved away."""
    more = "" if len(shards) <= 20 else f" and {len(shards) - 20} more"
    return (
        f"computed again, because the shards were damaged or of another sweep: {', '.join(shards[:20])}{more};"
        " they are now in `damaged`"
    )


def print_sweep(report: SweepReport) -> None:
    """Print what a sweep computed."""
    from sim.api.dated import DatedOutcomes
    from sim.cli import text as texts
    from sim.cli.results.dated import print_dated

    done = report.runs - len(report.failed)
    share = "" if report.share is None else f" of share {report.share}"
    counts = f"{done} of {report.runs} runs{share} finished ({report.computed_now} computed now)"
    click.echo(f"{counts} in {report.results.folder}")
    if report.set_aside:
        click.echo(f"blocs: {describe_set_aside(report.set_aside)}", err=True)
    for line in report.failed[:20]:
        click.echo(f"failed: {escape_controls(line)}", err=True)
    if report.failed:
        click.echo(f"To repeat one of them: blocs replay {report.results.folder} POINT-REPLICATE", err=True)
    if report.share is not None:
        click.echo(f"Next, when every share is done: blocs compare {report.results.folder}")
    elif done:
        texts.print_shares(new_console(), report.results)
        print_dated(new_console(), DatedOutcomes(report.results.folder))
        single = len(report.results.manifest()["question"]["points"]) == 1
        click.echo(f"\nNext: blocs {'report' if single else 'compare'} {report.results.folder}")


@cli.command()
@click.option("--out", type=NewFolder(), default=Path("demo"), show_default=True, help="Folder for results and charts.")
@click.option(
    "--replicates", type=click.IntRange(2, 100_000), default=100, show_default=True, help="Runs of each scenario."
)
@seed_option
@workers_option
def demo(out: Path, replicates: int, seed: int | None, workers: int | None) -> None:
    """Sweep all shipped scenarios, compare them, answer the claims and draw charts.

    Example: blocs demo --out demo --replicates 30
    """
    from sim.batch.sweep import make_question
    from sim.cli import text as texts
    from sim.reporting.demo import demo_scenarios, make_demo

    found = demo_scenarios()
    report = sweep_with_progress(make_question(found, replicates=replicates, seed=seed), out / "results", workers)
    made = make_demo(report.results, out)
    texts.print_demo(new_console(), made, out)
    sys.exit(SOME_FAILED if report.failed else 0)
