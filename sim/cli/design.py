"""Designs of a sweep from options: --design, --points, --vary, --parameters, --draws."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click

from sim.cli.main import changed_settings, say_idle, twice_on_command_line
from sim.errors import Fault, InputError

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario


def with_design(scenario: Scenario, design: str | None, points: int | None, vary: tuple[str, ...]) -> Scenario:
    """Set the design of a scenario's sweep as the options say; raises InputError."""
    from pydantic import ValidationError

    from sim.scenario.overrides import with_settings
    from sim.scenario.schema import SAMPLED, Sweep

    if design is None and points is None and not vary:
        return scenario
    record: dict[str, Any] = scenario.sweep.model_dump(exclude_none=True)
    record |= {key: value for key, value in (("design", design), ("points", points)) if value is not None}
    if vary and record["vary"]:
        click.echo(f"blocs: --vary replaces the sweep of the file, which varies {', '.join(record['vary'])}", err=True)
    record["vary"] = {} if vary else record["vary"]
    paths = [setting.partition("=")[0].strip() for setting in vary]
    faults = twice_on_command_line(scenario, [(f"--vary {path}", [path]) for path in paths])
    sampled = record["design"] in SAMPLED
    if points is not None and not sampled:
        faults.append(Fault("--points", 1, str(points), f"goes with --design {' or '.join(SAMPLED)}, which samples"))
    if design is not None and not sampled and not vary and not record["vary"]:
        faults.append(Fault("--design", 1, design, "varies nothing; give --vary SETTING=LOW:HIGH with it"))
    for path, setting in zip(paths, vary, strict=True):
        try:
            record["vary"][path] = span = span_of(setting.partition("=")[2])
            if sampled and "points" in span:
                raise ValueError(
                    f"a {record['design']} design samples; give SETTING=LOW:HIGH without a number of points"
                )
            for end in ("start", "stop"):
                with_settings(scenario, {path: span[end]})
        except ValueError as error:
            faults.append(Fault("--vary", 1, setting, str(error)))
    if faults:
        raise InputError(faults)
    try:
        sweep = Sweep.model_validate(record)
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise InputError([Fault("--design", 1, "", message)]) from None
    say_idle("--vary", with_settings(scenario, {path: record["vary"][path]["start"] for path in paths}), vary)
    return scenario.model_copy(update={"sweep": sweep})


def refuse_under_tendency(lens: str, steps: int | None, settings: tuple[str, ...]) -> None:
    """Raise InputError for options that the lens of tendency would replace."""
    message = "does not apply under the lens of tendency, which sets it; leave it out"
    given = [("--steps", "")] if steps is not None else []
    given += [("--set", one) for one in settings if one.partition("=")[0].strip().rpartition(".")[2] == "renewal"]
    if lens == "tendency" and given:
        raise InputError(Fault(option, 1, field, message) for option, field in given)


def span_of(text: str) -> dict[str, Any]:
    """Parse a range LOW:HIGH[:POINTS] of a sweep; raises ValueError."""
    from sim.scenario.parameters import parse_number
    from sim.scenario.schema import MAX_SPREAD

    parts = text.split(":")
    if len(parts) not in (2, 3):
        raise ValueError("give SETTING=LOW:HIGH, such as w_pressure=0:1")
    start, stop, *counts = map(parse_number, parts)
    if not (math.isfinite(start) and math.isfinite(stop)):
        raise ValueError("both ends are finite numbers, such as w_pressure=0:1")
    if start == stop:
        raise ValueError(f"both ends are {start:g}; give two that differ, or one value with --set")
    if not counts:
        return {"start": start, "stop": stop}
    if not (counts[0].is_integer() and counts[0] >= 2):
        raise ValueError(f"{counts[0]:g} is not a number of points; the number of points is a whole number from 2 on")
    if counts[0] > MAX_SPREAD:
        raise ValueError(f"{counts[0]:g} points are too many; give at most {MAX_SPREAD}")
    return {"start": start, "stop": stop, "points": int(counts[0])}


def varied_too(
    scenario: Scenario, settings: tuple[str, ...], without: tuple[str, ...], varied: str
) -> list[tuple[str, list[str]]]:
    """List the settings that a sweep varies, then those of each option that would have no effect on them."""
    from sim.batch.design import sampled_parameters
    from sim.scenario.schema import SAMPLED

    paths = list(scenario.sweep.vary)
    if scenario.sweep.design in SAMPLED and not paths:
        varied, paths = (
            f"the {scenario.sweep.design} design, which samples all parameters without --vary",
            sampled_parameters(scenario),
        )
    options = changed_settings(settings, without)
    return [(varied, paths), *options] if paths else []


def with_draws(
    scenario: Scenario, name: str, parameters: str, design: str | None, draws: int | None, vary: tuple[str, ...]
) -> Scenario:
    """Sweep a scenario over draws of the parameters; raises InputError."""
    from sim.forecast.draws import load_draws, sweep_over_draws

    if design is not None or vary:
        message = "replaces --design and --vary; leave them out, or leave --parameters out"
        raise InputError([Fault("--parameters", 1, parameters, message)])
    if scenario.sweep.vary:
        varied = ", ".join(scenario.sweep.vary)
        click.echo(f"blocs: --parameters replaces the sweep of the file, which varies {varied}", err=True)
    return sweep_over_draws(scenario, load_draws(name, parameters), draws)
