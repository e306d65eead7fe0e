"""Compute the claims' effects at the defaults, over the parameters' ranges and in placebo worlds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import call

import numpy as np

from sim.analysis.statistics import varies
from sim.article.claims import Claim, scenarios_needed
from sim.article.evidence import Evidence, LateMeans, gather_evidence, join_runs, run_late_means
from sim.article.placebo import permute_ties, shuffle_states
from sim.batch.design import sample_ranges
from sim.batch.executor import Progress, evaluate
from sim.model.arrays import PARAMETERS, Flags, Floats
from sim.model.trajectory import window_of
from sim.model.world import World, with_parameters, world_of
from sim.scenario.loading import BASE
from sim.scenario.parameters import parameter_range
from sim.scenario.schema import Scenario

VARIED = tuple(name for name in PARAMETERS if name != "w_propensity")  # the article's worlds state no affinities

AT_DEFAULTS, AT_POINTS = 0, 1  # random streams of the permutations

POINTS = 4096

PART = 100  # runs in one task at the defaults

CHANCE = 0.05  # probability of a separation as strong if no parameter matters

Worlds = Mapping[str, World]


@dataclass(frozen=True)
class RunCounts:
    """How much `explore_ranges` computes.

    Parameters
    ----------
    points
        Design points over the ranges; 0 leaves the ranges out.
    each
        Runs of each scenario at a design point.
    placebos
        Placebo worlds at the defaults.
    replicates
        Runs of each scenario at the defaults.
    seed
        Random seed of the design, the permutations and the runs.
    """

    points: int = POINTS
    each: int = 4
    placebos: int = 20
    replicates: int = 4000
    seed: int = 20231025

    @property
    def in_placebo(self) -> int:
        """Runs of each scenario in one placebo world: few, as effects vary more between worlds than between runs."""
        return min(100, max(2, self.replicates // 10))


@dataclass(frozen=True)
class RangeFindings:
    """Effects of C claims at P design points; NaN where the runs do not define one.

    Parameters
    ----------
    values
        Parameters of each design point, (P, V), in the order of VARIED.
    article, placebo
        Effects in the article's world and in a placebo world, (P, C), with another permutation at each point.
    placebo_defaults
        Effects in placebo worlds at the defaults, (placebo worlds, C).
    defaults
        The runs of the article's world at the defaults, if computed.
    """

    values: Floats
    article: Floats
    placebo: Floats
    placebo_defaults: Floats
    defaults: Evidence | None


@dataclass(frozen=True)
class ParameterSeparation:
    """How far a parameter's values differ between points where a claim holds and where it does not."""

    parameter: str
    direction: str  # "high" if the claim holds at high values, else "low"
    strength: float  # Kolmogorov-Smirnov distance, in [0, 1]
    chance: float  # distance that the strongest of all parameters exceeds by chance in 5 % of designs


def claim_points(points: int, seed: int) -> Floats:
    """Draw the parameters of each point, (P, V): a scrambled Sobol sequence over the documented ranges of VARIED."""
    return sample_ranges({name: parameter_range(name) for name in VARIED}, points=points, seed=seed)


def with_varied(parameters: Floats, values: Floats) -> Floats:
    """Replace the parameters in VARIED by values, (V,)."""
    found = parameters.copy()
    found[[PARAMETERS.index(name) for name in VARIED]] = values
    return found


def worlds_at_point(worlds: Worlds, values: Floats) -> dict[str, World]:
    """Replace the parameters, (V,), of the worlds; a parameter that differs from the baseline keeps its value."""
    base = worlds[BASE].start.parameters
    given = with_varied(base, values)
    return {
        name: with_parameters(w, np.where(w.start.parameters == base, given, w.start.parameters))
        for name, w in worlds.items()
    }


def run_evidence(worlds: Worlds, *, window: int, seed: int, replicates: Iterable[int]) -> Evidence:
    """Run all the worlds on common random numbers."""
    numbers = list(replicates)
    late = {name: run_late_means(w, window=window, seed=seed, replicates=numbers) for name, w in worlds.items()}
    return gather_evidence(worlds[BASE], late)


def claim_effects(found: Evidence, claims: Iterable[Claim]) -> list[float]:
    """Compute the effect of each claim."""
    return [claim.effect(found).effect() for claim in claims]


def permute_worlds(worlds: Worlds, rng: np.random.Generator) -> dict[str, World]:
    """Permute the ties of all the worlds in the same way, so that differences between them stay paired."""
    order = shuffle_states(len(worlds[BASE].states), rng)
    return {name: permute_ties(world, order) for name, world in worlds.items()}


def placebo_stream(seed: int, kind: int, n: int) -> np.random.Generator:
    """Return the random numbers of the n-th permutation, independent of threads."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(kind, n)))


def explore_ranges(
    scenarios: Mapping[str, Scenario], claims: Sequence[Claim], counts: RunCounts, *,
    defaults: bool, values: Floats | None = None, workers: int | None = None, progress: Progress | None = None,
) -> RangeFindings:  # fmt: skip
    """Run what the claims need: at the defaults, over the ranges and in placebo worlds.

    Each point has its own random numbers, common to all scenarios and to its placebo world.

    Parameters
    ----------
    scenarios
        The scenarios that the claims need, by name.
    claims
        The C claims.
    counts
        How much to compute.
    defaults
        Whether to run the article's world at the defaults.
    values
        Parameters of each point, (points, V). Default: a Sobol sequence over their ranges.
    workers
        Threads. Default: the cores of this process.
    progress
        Called with the runs done and the total.

    Returns
    -------
    RangeFindings
        Effects of each claim, (P, C), with their design.
    """
    worlds = {name: world_of(scenarios[name]) for name in scenarios_needed(claims)}
    window = window_of(scenarios[BASE])
    run_late, run_all = partial(run_late_means, window=window), partial(run_evidence, window=window)
    if values is None:
        values = claim_points(counts.points, counts.seed) if counts.points else np.empty((0, len(VARIED)))
    if scenarios[BASE].sweep.lens == "tendency":
        values = values.copy()
        values[:, VARIED.index("renewal")] = scenarios[BASE].parameters.renewal.value  # the lens sets it
    late: dict[str, list[LateMeans]] = {}
    article, placebo = np.full((2, counts.points, len(claims)), np.nan)
    at_defaults = np.full((counts.placebos, len(claims)), np.nan)
    tasks: list[tuple[int, Callable[[], None]]] = []

    def default_part(name: str, place: int, replicates: range) -> None:
        late[name][place] = run_late(worlds[name], seed=counts.seed, replicates=replicates)

    def placebo_world(n: int) -> None:
        changed = permute_worlds(worlds, placebo_stream(counts.seed, AT_DEFAULTS, n))
        at_defaults[n] = claim_effects(run_all(changed, seed=counts.seed, replicates=range(counts.in_placebo)), claims)

    def point(n: int) -> None:
        replicates = range(n * counts.each, (n + 1) * counts.each)
        here = worlds_at_point(worlds, values[n])
        permuted = permute_worlds(here, placebo_stream(counts.seed, AT_POINTS, n))
        article[n] = claim_effects(run_all(here, seed=counts.seed, replicates=replicates), claims)
        placebo[n] = claim_effects(run_all(permuted, seed=counts.seed, replicates=replicates), claims)

    if defaults:
        parts = [range(r, min(r + PART, counts.replicates)) for r in range(0, counts.replicates, PART)]
        for name in worlds:
            late[name] = [LateMeans(*(np.empty(0),) * 4)] * len(parts)
            tasks += [(len(part), partial(default_part, name, i, part)) for i, part in enumerate(parts)]
    tasks += [(len(worlds) * counts.in_placebo, partial(placebo_world, n)) for n in range(counts.placebos)]
    tasks += [(2 * len(worlds) * counts.each, partial(point, n)) for n in range(counts.points)]
    evaluate(call, [task for _, task in tasks], runs=[runs for runs, _ in tasks], workers=workers, progress=progress)
    own = gather_evidence(worlds[BASE], {name: join_runs(parts) for name, parts in late.items()}) if defaults else None
    return RangeFindings(values, article, placebo, at_defaults, own)


def find_separations(values: Floats, holds: Flags) -> list[ParameterSeparation]:
    """Find the parameters that decide whether a claim holds, the strongest first.

    `values` is (P, V), `holds` (P,). Regional sensitivity analysis (Hornberger & Spear 1981): for each parameter
    the Kolmogorov-Smirnov distance between its values where the claim holds and where it does not. Only distances
    beyond chance count (CHANCE for the strongest of V parameters, by Bonferroni and the asymptotic law).
    """
    one, other = values[holds], values[~holds]
    if not (len(one) and len(other)):
        return []
    bound = np.sqrt(-np.log(CHANCE / values.shape[1] / 2) / 2 * (1 / len(one) + 1 / len(other)))
    found = []
    for column, name in enumerate(VARIED):
        if not varies(values[:, column]):
            continue
        grid = np.sort(values[:, column])
        gap = share_below(one[:, column], grid) - share_below(other[:, column], grid)
        furthest = float(gap[np.argmax(np.abs(gap))])
        if abs(furthest) > bound:
            found.append(ParameterSeparation(name, "high" if furthest < 0 else "low", abs(furthest), float(bound)))
    return sorted(found, key=lambda separation: -separation.strength)


def share_below(sample: Floats, grid: Floats) -> Floats:
    """Compute the share of a sample at or below each value of a grid."""
    return np.searchsorted(np.sort(sample), grid, side="right") / len(sample)
