"""Levers run in many futures: the outcome of every scenario at the same settings of the parameters."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from sim.catalog import BASE, shipped_scenarios
from sim.compare import unlike
from sim.design import over_ranges
from sim.engines import Progress
from sim.faults import Fault, InputError
from sim.scenario import Scenario
from sim.sensitivity import Evaluator, parameter_ranges


def shipped_levers() -> dict[str, Scenario]:
    """The baseline, which is to change nothing, and every shipped scenario marked as a lever."""
    loaded = shipped_scenarios()
    return {BASE: loaded[BASE], **{name: one for name, one in loaded.items() if one.role == "lever"}}


def check_alike(levers: Mapping[str, Scenario]) -> None:
    """Raise InputError that names every lever whose runs cannot be compared with those of the first."""
    base, first = next(iter(levers.items()))
    found = {name: unlike(one.steps, one.states, base, first.steps, first.states) for name, one in levers.items()}
    if faults := [Fault("regret", 1, name, message) for name, message in found.items() if message]:
        raise InputError(faults)


def futures(
    levers: Mapping[str, Scenario], outcome: str, *,
    points: int, replicates: int, seed: int, workers: int | None = None, progress: Progress | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Mean outcome of each lever (rows) in each future (columns), on the same luck.

    Futures are a scrambled Sobol sequence over the ranges of every parameter; one that a lever sets otherwise
    than the first lever stays as it sets it. Raises ValueError for an outcome that a lever has not, or that is
    undefined in a future.
    """
    first = next(iter(levers.values()))
    ranges = parameter_ranges(first)
    settings = pd.DataFrame(over_ranges(ranges, points=points, seed=seed), columns=list(ranges))
    rows = {}
    for n, (name, lever) in enumerate(levers.items()):
        own = [p for p in ranges if getattr(lever.parameters, p).value != getattr(first.parameters, p).value]
        told = settings.assign(**dict.fromkeys(own, float("nan"))).to_numpy()

        def tell(done: int, total: int, before: int = n) -> None:
            if progress is not None:
                progress(before * total + done, total * len(levers))

        evaluator = Evaluator(lever, tuple(ranges), outcome, seed)
        rows[name] = evaluator.means(told, replicates=replicates, workers=workers, progress=tell)
    return pd.DataFrame(rows).T
