"""Read and write draws from the posterior of a world's parameters: a file beside the world."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from sim.article.robustness import VARIED
from sim.batch.design import design_points
from sim.batch.executor import evaluate
from sim.errors import Fault, InputError, display_path, quote, suggest
from sim.files import require_regular, write_synced
from sim.forecast.chances import alignment_chances, fixed_digest, structural_world
from sim.forecast.record import observed_file
from sim.model.arrays import Flags, Floats
from sim.names import scenario_name
from sim.scenario.files import read_text
from sim.scenario.loading import (
    NAME,
    find_base,
    load_scenario,
    scenario_names,
    source_folders,
    world_names,
)
from sim.scenario.parameters import parameter_bounds
from sim.scenario.schema import Scenario, Sweep

FILE = "posterior.csv"

SHIPPED = "posterior"  # names the file beside a scenario's world

AGAIN = "repeat `blocs calibrate`"


@dataclass(frozen=True)
class Draws:
    """Equally likely draws of parameters from a posterior, and their origin.

    Parameters
    ----------
    values
        Parameters in the order of VARIED, (draws, V).
    record
        Scenario, digest, seed, points, replicates, effective size and version of the fit.
    fitted
        The scenario of the fit; None where it is not loaded.
    """

    values: Floats
    record: Mapping[str, str]
    fitted: Scenario | None = None

    def some(self, points: int | None) -> Floats:
        """Select a number of draws, evenly spread; all by default. Raises InputError where there are fewer."""
        n = len(self.values)
        if points is not None and points > n:
            raise InputError([Fault("--draws", 1, str(points), f"the posterior has {n} draws; give that or fewer")])
        return self.values[np.arange(points or n) * n // (points or n)]


def write_draws(path: Path, draws: Draws) -> None:
    """Write the draws as CSV, after their origin in lines of `# key: value`."""
    page = io.StringIO()
    page.writelines(f"# {key}: {value}\n" for key, value in draws.record.items())
    table = csv.writer(page, lineterminator="\n")
    table.writerow(VARIED)
    table.writerows([f"{value:.4g}" for value in row] for row in draws.values)
    write_synced(path, page.getvalue().encode())


def read_draws(path: Path) -> Draws:
    """Read the draws in a file; raises InputError with every fault."""
    lines = read_text(path).splitlines()
    comments = [line for line in lines if line.startswith("#")]
    record = {key.strip(): value.strip() for key, _, value in (line[1:].partition(":") for line in comments)}
    name, first = display_path(path), len(comments) + 1
    try:
        rows = list(csv.reader(lines[len(comments) :]))
    except csv.Error as error:
        raise InputError([Fault(name, first, "", f"is not CSV ({error}); {AGAIN}")]) from None
    if not rows or tuple(rows[0]) != VARIED:
        raise InputError([Fault(name, first, "", f"has other columns than the parameters; {AGAIN}")])
    found = [read_row(row) for row in rows[1:]]
    faults = [Fault(name, first + n, "", f"is not a row of {len(VARIED)} finite numbers; {AGAIN}")
              for n, row in enumerate(found, start=1) if row is None]  # fmt: skip
    if faults or not found:
        raise InputError(faults or [Fault(name, first, "", f"has no draw; {AGAIN}")])
    values = np.array(found)
    if faults := [Fault(name, first + 1 + int(n), VARIED[v], bound_words(VARIED[v], float(values[n, v])))
                  for n, v in np.argwhere(~within_bounds(values))]:  # fmt: skip
        raise InputError(faults)
    return Draws(values, record)


def read_row(row: list[str]) -> list[float] | None:
    """The numbers of a row; None unless it has a finite one for each parameter."""
    try:
        values = [float(cell) for cell in row]
    except ValueError:
        return None
    return values if len(values) == len(VARIED) and bool(np.isfinite(values).all()) else None


def within_bounds(values: Floats) -> Flags:
    """Mark the values, (draws, V), that their parameters can have."""
    low, high = np.array([parameter_bounds(name) for name in VARIED]).T
    return np.asarray((values >= low) & (values <= high))


def bound_words(name: str, value: float) -> str:
    """Say that a draw is out of the bounds of its parameter."""
    low, high = parameter_bounds(name)
    return f"{value:g} is out of bounds; give a value from {low:g} to {high:g}, or {AGAIN}"


def load_draws(reference: str, source: str = SHIPPED) -> Draws:
    """Load draws from the posterior of a world's parameters.

    Parameters
    ----------
    reference
        Name or path of the scenario.
    source
        Path of a file, or ``"posterior"`` for the one beside the scenario's world.

    Returns
    -------
    Draws
        The draws, (draws, V), and their origin.

    Raises
    ------
    InputError
        If the file is missing or broken, or the fitted scenario has changed since.
    """
    path = observed_file(reference).with_name(FILE) if source == SHIPPED else Path(source)
    require_regular(path)
    if not path.is_file():
        beside = path.parent.parent.glob(f"*/{FILE}") if source == SHIPPED else ()
        worlds = ", ".join(sorted(found.parent.name for found in beside))
        others = f"; of the worlds beside this one, {worlds} has it" if worlds else ""
        message = (
            f"is missing{others}. `blocs calibrate` writes one where votes are recorded, and --parameters reads it"
        )
        raise InputError([Fault(display_path(path), 1, "", message)])
    draws = read_draws(path)
    name = draws.record.get("scenario", "")
    fitted = load_scenario(fitted_file(path, name, reference))
    if fixed_digest(fitted) != draws.record.get("digest"):
        message = f"was fitted to another version of {name or 'its scenario'}; {AGAIN}"
        raise InputError([Fault(display_path(path), 1, "digest", message)])
    return replace(draws, fitted=fitted)


def fitted_file(path: Path, name: str, reference: str) -> str | Path:
    """Find the scenario that the header of a posterior names: one beside it, one of the catalogue or the given one.

    A posterior without a name is of the given scenario. Raises InputError for any other name, such as a path.
    """
    known = [*scenario_names(), *world_names()]
    if NAME.fullmatch(name) or name in known:
        beside = [folder / path.name for folder in source_folders(path)]
        found = (find_base(near, name, key) for key in ("extends", "world") for near in beside)
        if file := next(filter(None, found), None):
            return file
    if name in ("", scenario_name(reference)):
        return reference
    message = f"{quote(name)} is not the name of a scenario of the catalogue or beside this file{suggest(name, known)}"
    raise InputError([Fault(display_path(path), 1, "scenario", message)])


def sweep_over_draws(scenario: Scenario, draws: Draws, points: int | None) -> Scenario:
    """Make a scenario that is swept over draws: a list of points, one per draw.

    A parameter that differs from the fitted scenario, such as that of a mechanism that is off, keeps its value, and
    so does the renewal that the lens of tendency sets.
    """
    fitted = (draws.fitted or scenario).parameters
    own = [getattr(scenario.parameters, name).value != getattr(fitted, name).value for name in VARIED]
    own[VARIED.index("renewal")] |= scenario.sweep.lens == "tendency"
    chosen = draws.some(points)
    vary = {f"parameters.{n}": tuple(chosen[:, v].tolist()) for v, n in enumerate(VARIED) if not own[v]}
    sweep = Sweep.model_validate({**scenario.sweep.model_dump(), "design": "list", "points": None, "vary": vary})
    return scenario.model_copy(update={"sweep": sweep})


def chances_at_draws(scenario: Scenario, draws: Draws, *, replicates: int, seed: int) -> Floats:
    """Compute the structural chances of each alignment at each draw, (draws, N, K + 1), on common random numbers."""
    worlds = [structural_world(point.scenario) for point in design_points("", sweep_over_draws(scenario, draws, None))]
    run = partial(alignment_chances, seed=seed, replicates=range(replicates))
    return np.array(evaluate(run, worlds))
