"""Commands that run: run, sweep, demo."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import completion, signals
from sim.cli.main import chance_faults, changed_settings, cli, say_warnings, twice_on_command_line
from sim.cli.options import (
    json_option,
    parameters_option,
    resolve_scenario,
    seed_option,
    set_option,
    without_option,
    workers_option,
)
from sim.cli.printing import SOME_FAILED, new_console, print_json
from sim.errors import Fault, InputError, escape_controls
from sim.names import name_references, scenario_name

if TYPE_CHECKING:
    from sim.batch.locks import SweepShare
    from sim.batch.sweep import SweepReport
    from sim.scenario.schema import Scenario


@cli.command()
@click.argument("scenario", shell_complete=completion.complete_scenarios)
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
    from sim.cli import text as texts
    from sim.model.compiled import run_compiled as run_once

    found = resolve_scenario(scenario, settings, without, steps)
    say_warnings(chance_faults(scenario, found))
    result = run_once(found, seed=found.sweep.seed if seed is None else seed, replicate=replicate)
    if out is not None:
        texts.write_run(out, scenario_name(scenario), found, result)
    if as_json:
        print_json(texts.run_record(scenario_name(scenario), found, result))
    else:
        options = [*(f" --set {setting}" for setting in settings), *(f" --without {name}" for name in without)]
        texts.print_timeline(new_console(), scenario_name(scenario), found, result, "".join(options), scenario)


@cli.command()
@click.argument(
    "scenarios", nargs=-1, required=True, metavar="SCENARIO...", shell_complete=completion.complete_scenarios
)
@click.option("--replicates", type=click.IntRange(1, 10_000_000), help="Runs of each design point.")
@seed_option
@click.option("--steps", type=click.IntRange(1, 10_000), help="Rounds of decisions.")
@set_option
@without_option
@workers_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the results, named by the question by default.")
@click.option(
    "--engine", type=click.Choice(["compiled", "mesa", "dask"]), default="compiled", show_default=True,
    help="Compiled runs in threads or by Dask, or Mesa agents in one process; the results are the same to the byte.",
)  # fmt: skip
@click.option("--scheduler", metavar="ADDRESS", help="A running Dask scheduler, tcp://HOST:PORT (means --engine dask).")
@click.option("--scheduler-file", type=click.Path(path_type=Path), help="The file in which it wrote its address.")
@click.option("--shard", metavar="I/N", help="Compute the I-th of N shares only, beside the other shares.")
@click.option("--resume/--no-resume", default=True, help="Keep finished runs, and add what is missing (the default).")
@click.option(
    "--design", type=click.Choice(["grid", "list", "latin_hypercube", "sobol"]), help="How settings are varied.",
)  # fmt: skip
@click.option(
    "--points",
    type=click.IntRange(1, 100_000),
    help="Points of a latin_hypercube or sobol design, or draws of --parameters.",
)
@click.option(
    "--vary", multiple=True, metavar="SETTING=LOW:HIGH[:POINTS]",
    help="A setting to vary, e.g. w_pressure=0:1; all parameters over their ranges where a sampling design has none.",
)  # fmt: skip
@parameters_option
@click.option("--trajectory", is_flag=True, help="Keep every state's alignment at every step.")
@json_option
def sweep(
    scenarios: tuple[str, ...], replicates: int | None, seed: int | None, steps: int | None,
    settings: tuple[str, ...], without: tuple[str, ...], workers: int | None, out: Path | None,
    engine: str, scheduler: str | None, scheduler_file: Path | None, shard: str | None, resume: bool,
    design: str | None, points: int | None, vary: tuple[str, ...], parameters: str | None, trajectory: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Run scenarios many times, on the same luck, into a folder of Parquet files.

    Finished runs are never lost: the same command goes on where it was stopped, and more replicates or scenarios
    with the --out of an earlier sweep run only what is missing. With --parameters posterior every point is a draw
    from the calibrated parameters (docs/calibration.md).

    Example: blocs sweep baseline_2023 no_sanctions --replicates 100 --out results/sanctions
    """
    from sim.batch.sweep import default_folder, make_question

    found: dict[str, Scenario] = {}
    faults: list[Fault] = []
    for name, reference in name_references(scenarios).items():
        try:
            scenario = resolve_scenario(reference, settings, without, steps)
            say_warnings(chance_faults(reference, scenario))
            found[name] = (
                with_design(scenario, design, points, vary)
                if parameters is None
                else with_draws(scenario, reference, parameters, design, points, vary)
            )
            varied = "--vary" if vary else "--parameters" if parameters else f"the sweep of {name}"
            faults += twice_on_command_line(found[name], varied_too(found[name], settings, without, varied))
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    try:
        question = make_question(found, replicates=replicates, seed=seed, trajectory=trajectory)
    except ValueError as error:
        raise InputError([Fault("sweep", 1, "", str(error))]) from None
    folder = out or default_folder(question, list(found))
    if not resume and (folder / "manifest.json").exists():
        raise InputError([Fault(str(folder), 1, "", "holds results already; leave out --no-resume to go on with them")])
    engine, scheduler = choose_engine(engine, scheduler, scheduler_file)
    report = sweep_with_progress(
        question, folder, workers, engine=engine, scheduler=scheduler, share=parse_share(shard)
    )
    if as_json:
        print_json(sweep_record(report))
    else:
        print_sweep(report)
    sys.exit(SOME_FAILED if report.failed else 0)


def with_design(scenario: Scenario, design: str | None, points: int | None, vary: tuple[str, ...]) -> Scenario:
    """A scenario with the sweep that the command line asks for; raises InputError."""
    from pydantic import ValidationError

    from sim.scenario.overrides import with_settings
    from sim.scenario.schema import Sweep

    if design is None and points is None and not vary:
        return scenario
    told: dict[str, Any] = scenario.sweep.model_dump(exclude_none=True)
    told |= {key: value for key, value in (("design", design), ("points", points)) if value is not None}
    told["vary"] = {} if vary else told["vary"]
    paths = [setting.partition("=")[0].strip() for setting in vary]
    faults = twice_on_command_line(scenario, [(f"--vary {path}", [path]) for path in paths])
    for path, setting in zip(paths, vary, strict=True):
        try:
            told["vary"][path] = span = span_of(setting.partition("=")[2])
            for end in ("start", "stop"):
                with_settings(scenario, {path: span[end]})
        except ValueError as error:
            faults.append(Fault("--vary", 1, setting, str(error)))
    try:
        sweep = Sweep.model_validate(told)
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise InputError([*faults, Fault("--design", 1, "", message)]) from None
    if faults:
        raise InputError(faults)
    return scenario.model_copy(update={"sweep": sweep})


def span_of(text: str) -> dict[str, Any]:
    """A range LOW:HIGH[:POINTS] as a sweep has it; raises ValueError."""
    from sim.scenario.overrides import parse_number

    parts = text.split(":")
    if len(parts) not in (2, 3):
        raise ValueError("give SETTING=LOW:HIGH, such as w_pressure=0:1")
    start, stop, *counts = map(parse_number, parts)
    if start == stop:
        raise ValueError(f"both ends are {start:g}; give two that differ, or one value with --set")
    if not counts:
        return {"start": start, "stop": stop}
    if not (counts[0].is_integer() and counts[0] >= 2):
        raise ValueError(f"{counts[0]:g} is not a number of points; the number of points is a whole number from 2 on")
    return {"start": start, "stop": stop, "points": int(counts[0])}


def varied_too(
    scenario: Scenario, settings: tuple[str, ...], without: tuple[str, ...], varied: str
) -> list[tuple[str, list[str]]]:
    """What a sweep varies, by what says so, then each option that would set it for nothing."""
    from sim.scenario.parameters import Parameters
    from sim.scenario.schema import SAMPLED

    paths = list(scenario.sweep.vary)
    if scenario.sweep.design in SAMPLED and not paths:
        varied, paths = (
            f"the {scenario.sweep.design} design, as no --vary says what it samples",
            [*Parameters.model_fields],
        )
    options = changed_settings(settings, without)
    return [(varied, paths), *options] if paths else []


def with_draws(
    scenario: Scenario, name: str, parameters: str, design: str | None, points: int | None, vary: tuple[str, ...]
) -> Scenario:
    """A scenario swept over draws of the parameters; raises InputError."""
    from sim.forecast.draws import load_draws, sweep_over_draws

    if design is not None or vary:
        message = "takes the place of --design and --vary; give the one or the other"
        raise InputError([Fault("--parameters", 1, parameters, message)])
    return sweep_over_draws(scenario, load_draws(name, parameters), points)


def choose_engine(engine: str, scheduler: str | None, scheduler_file: Path | None) -> tuple[str, str | None]:
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


def parse_share(shard: str | None) -> SweepShare | None:
    """The share that --shard names; raises InputError."""
    from sim.batch.locks import SweepShare

    if shard is None:
        return None
    index, _, of = shard.partition("/")
    if not (index.isdecimal() and of.isdecimal() and len(of) < 8 and 1 <= int(index) <= int(of)):
        raise InputError([Fault("--shard", 1, shard, "give I/N, I from 1 to N, such as 1/3")])
    return SweepShare(int(index), int(of))


def sweep_with_progress(question: Any, folder: Path, workers: int | None, **how: Any) -> SweepReport:
    """Execute a question with a progress bar; on a signal say how to go on, and exit."""
    from sim.batch.sweep import run_sweep as execute
    from sim.batch.sweep import unused_seeds

    with resumable_progress(folder) as (progress, again):
        command = re.sub(r" --shard[ =]\S+", "", again)  # all shares together make the folder
        report = execute(question, folder, workers=workers, progress=progress, command=command, **how)
    warn_of_seeds(unused_seeds(report.results.manifest()), question.seed)
    return report


def warn_of_seeds(unused: Mapping[str, int], seed: int) -> None:
    """Say on standard error which scenarios have a random seed of their own that is not used."""
    for name, own in unused.items():
        message = f"the random seed {own} of {name} is not used; {seed}, that of the first scenario, serves all runs"
        click.echo(f"blocs: {escape_controls(message)}", err=True)


@contextmanager
def resumable_progress(folder: Path) -> Iterator[tuple[Callable[[int, int], None], str]]:
    """A progress bar, and the command that was typed; should a signal come, it is told to go on with the folder."""
    again = shlex.join(["blocs", *sys.argv[1:]])
    signals.parting[:] = [f"blocs: stopped; what is finished is in {folder}. To go on: {escape_controls(again)}\n"]
    with progress_bar() as progress:
        yield progress, again


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int], None]]:
    """Runs done of all runs, with an estimate of the time left, on standard error, once there is something to tell."""
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
    bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
    task = bar.add_task("runs", total=None)

    def told(done: int, total: int) -> None:
        bar.start()
        bar.update(task, completed=done, total=total)

    try:
        yield told
    finally:
        if bar.live.is_started:
            bar.stop()


def sweep_record(report: SweepReport) -> dict[str, Any]:
    """What a sweep says to machines."""
    from sim.analysis.compare import mean_late_shares
    from sim.batch.sweep import unused_seeds

    shares: dict[str, Any] = {}
    if report.share is None:
        shares = {design: {"states": states} for design, states in mean_late_shares(report.results).items()}
    return {
        "results": str(report.results.folder),
        "seed": report.results.manifest()["question"]["seed"],
        "unused_seeds": unused_seeds(report.results.manifest()),
        "runs": report.runs,
        "computed_now": report.computed_now,
        "failed": report.failed,
        "scenarios": shares,
    }


def print_sweep(report: SweepReport) -> None:
    """What a sweep says to people."""
    from sim.cli import text as texts

    done = report.runs - len(report.failed)
    share = "" if report.share is None else f" of share {report.share}"
    told = f"{done} of {report.runs} runs{share} finished ({report.computed_now} computed now)"
    click.echo(f"{told} in {report.results.folder}")
    for line in report.failed[:20]:
        click.echo(f"failed: {escape_controls(line)}", err=True)
    if report.failed:
        click.echo(f"To make one of them again: blocs replay {report.results.folder} POINT-REPLICATE", err=True)
    if report.share is not None:
        click.echo(f"Next, when every share is done: blocs compare {report.results.folder}")
    elif done:
        texts.print_shares(new_console(), report.results)
        click.echo(f"\nNext: blocs compare {report.results.folder}")


@cli.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo"), show_default=True, help="Folder.")
@click.option("--replicates", type=click.IntRange(2, 100_000), default=100, show_default=True, help="Runs of each.")
@seed_option
@workers_option
def demo(out: Path, replicates: int, seed: int | None, workers: int | None) -> None:
    """The main job: sweep the shipped scenarios, compare them, answer the claims, draw the charts.

    Example: blocs demo --out demo --replicates 30
    """
    from sim.batch.sweep import make_question
    from sim.cli import text as texts
    from sim.reporting import demo as demonstration

    found = demonstration.demo_scenarios()
    report = sweep_with_progress(make_question(found, replicates=replicates, seed=seed), out / "results", workers)
    made = demonstration.make_demo(report.results, out)
    texts.print_demo(new_console(), made, out)
    sys.exit(SOME_FAILED if report.failed else 0)
