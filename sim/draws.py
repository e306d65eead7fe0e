"""Draws from the posterior of a world's parameters: a file beside the world, with what it was fitted for."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sim.chances import fixed_digest
from sim.faults import Fault, InputError, read_text, shown_path
from sim.kernel import Floats
from sim.observed import observed_file
from sim.ranges import VARIED
from sim.store import write_synced

FILE = "posterior.csv"
AGAIN = "make it again with `blocs calibrate`"


@dataclass(frozen=True)
class Draws:
    """Parameters drawn from a posterior, each as likely as the next."""

    values: Floats  # (draws, V), the parameters in VARIED
    record: Mapping[str, str]  # scenario, digest, seed, points, replicates, effective, versions

    def first(self, points: int | None) -> Floats:
        """So many of the draws, spread over all of them; each in turn again where more are asked than there are."""
        n = len(self.values)
        return (
            self.values
            if points is None
            else self.values[np.arange(points) * n // points if points < n else np.arange(points) % n]
        )


def write(path: Path, draws: Draws) -> None:
    """Write the draws as CSV, what they rest on in lines of `# key: value` before them."""
    page = io.StringIO()
    page.writelines(f"# {key}: {value}\n" for key, value in draws.record.items())
    table = csv.writer(page, lineterminator="\n")
    table.writerow(VARIED)
    table.writerows([f"{value:.6g}" for value in row] for row in draws.values)
    write_synced(path, page.getvalue().encode())


def read(path: Path) -> Draws:
    """The draws in a file; raises InputError with what is wrong."""
    lines = read_text(path).splitlines()
    told = [line for line in lines if line.startswith("#")]
    record = {key.strip(): value.strip() for key, _, value in (line[1:].partition(":") for line in told)}
    rows = list(csv.reader(lines[len(told) :]))
    if not rows or tuple(rows[0]) != VARIED:
        raise InputError(
            [Fault(shown_path(path), len(told) + 1, "", f"has other parameters than this version; {AGAIN}")]
        )
    try:
        values = np.array(rows[1:], dtype=np.float64).reshape(-1, len(VARIED))
    except ValueError:
        raise InputError([Fault(shown_path(path), len(told) + 2, "", f"is no table of numbers; {AGAIN}")]) from None
    return Draws(values, record)
