"""Draws from the posterior of a world's parameters: a file beside the world, with what it was fitted for."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim.article.robustness import VARIED
from sim.batch.design import design_points
from sim.batch.executor import evaluate
from sim.batch.store import write_synced
from sim.errors import Fault, InputError, display_path
from sim.forecast.chances import alignment_chances, fixed_digest
from sim.forecast.record import observed_file
from sim.model.arrays import Floats
from sim.model.world import world_of
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario, Sweep
from sim.scenario.tables import read_text

FILE = "posterior.csv"

SHIPPED = "posterior"  # the word for the file beside a scenario's world

AGAIN = "make it again with `blocs calibrate`"


@dataclass(frozen=True)
class Draws:
    """Parameters drawn from a posterior, each as likely as the next, and what they rest on."""

    values: Floats  # (draws, V), the parameters in VARIED
    record: Mapping[str, str]  # scenario, digest, seed, points, replicates, effective size, version

    def some(self, points: int | None) -> Floats:
        """So many of the draws, evenly spread over them; all by default. Raises InputError where there are fewer."""
        n = len(self.values)
        if points is not None and points > n:
            raise InputError([Fault("--draws", 1, str(points), f"the posterior has {n} draws; give that or fewer")])
        return self.values[np.arange(points or n) * n // (points or n)]


def write_draws(path: Path, draws: Draws) -> None:
    """Write the draws as CSV, what they rest on in lines of `# key: value` before them."""
    page = io.StringIO()
    page.writelines(f"# {key}: {value}\n" for key, value in draws.record.items())
    table = csv.writer(page, lineterminator="\n")
    table.writerow(VARIED)
    table.writerows([f"{value:.4g}" for value in row] for row in draws.values)
    write_synced(path, page.getvalue().encode())


def read_draws(path: Path) -> Draws:
    """The draws in a file; raises InputError with what is wrong."""
    lines = read_text(path).splitlines()
    told = [line for line in lines if line.startswith("#")]
    record = {key.strip(): value.strip() for key, _, value in (line[1:].partition(":") for line in told)}
    rows = list(csv.reader(lines[len(told) :]))
    name, first = display_path(path), len(told) + 1
    if not rows or tuple(rows[0]) != VARIED:
        raise InputError([Fault(name, first, "", f"has other columns than the parameters; {AGAIN}")])
    faults = [Fault(name, first + n, "", f"is no row of {len(VARIED)} finite numbers; {AGAIN}")
              for n, row in enumerate(rows[1:], start=1) if not has_numbers(row)]  # fmt: skip
    if faults or len(rows) < 2:
        raise InputError(faults or [Fault(name, first, "", f"has no draw; {AGAIN}")])
    return Draws(np.array(rows[1:], dtype=np.float64), record)


def has_numbers(row: list[str]) -> bool:
    """Whether a row has a finite number for each parameter."""
    try:
        return len(row) == len(VARIED) and bool(np.isfinite([float(cell) for cell in row]).all())
    except ValueError:
        return False


def load_draws(reference: str, told: str = SHIPPED) -> Draws:
    """The draws of a file, or by the word `posterior` those beside a scenario's world.

    Raises InputError where there are none, or where the scenario that they were fitted for has changed since.
    """
    path = observed_file(reference).with_name(FILE) if told == SHIPPED else Path(told)
    if not path.is_file():
        message = f"is not there; `blocs calibrate` makes one, or give a file with --parameters (see {FILE})"
        raise InputError([Fault(display_path(path), 1, "", message)])
    draws = read_draws(path)
    fitted = draws.record.get("scenario", "")
    if fixed_digest(load_scenario(fitted or reference)) != draws.record.get("digest"):
        message = f"was fitted to another state of {fitted or 'its scenario'}; {AGAIN}"
        raise InputError([Fault(display_path(path), 1, "digest", message)])
    return draws


def sweep_over_draws(scenario: Scenario, draws: Draws, points: int | None) -> Scenario:
    """A scenario that is swept over draws: a list of points, one a draw.

    A parameter that it sets apart from what the draws were fitted for, as a mechanism that is off, stays as it sets it.
    """
    fitted = load_scenario(draws.record["scenario"]).parameters
    own = [getattr(scenario.parameters, name).value != getattr(fitted, name).value for name in VARIED]
    chosen = draws.some(points)
    vary = {f"parameters.{n}": tuple(chosen[:, v].tolist()) for v, n in enumerate(VARIED) if not own[v]}
    sweep = Sweep.model_validate({**scenario.sweep.model_dump(), "design": "list", "points": None, "vary": vary})
    return scenario.model_copy(update={"sweep": sweep})


def chances_at_draws(scenario: Scenario, draws: Draws, *, replicates: int, seed: int) -> Floats:
    """Chances of each alignment at each draw, (draws, N, K + 1), all on the same luck."""
    worlds = [world_of(point.scenario) for point in design_points("", sweep_over_draws(scenario, draws, None))]
    return np.array(evaluate(lambda world: alignment_chances(world, seed=seed, replicates=range(replicates)), worlds))
