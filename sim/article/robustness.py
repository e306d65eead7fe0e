"""The claims' effects at the defaults, over the parameters' ranges and in placebo worlds, in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
from sim.model.world import World, world_of
from sim.scenario.loading import BASE
from sim.scenario.parameters import parameter_range
from sim.scenario.schema import Scenario

VARIED = tuple(name for name in PARAMETERS if name != "w_propensity")  # these worlds state no affinities

AT_DEFAULTS, AT_POINTS = 0, 1  # streams of randomness for permutations

POINTS = 4096

PART = 100  # runs of a thread's task at the defaults

CHANCE = 0.05  # of a separation as strong anywhere among the parameters if none mattered

Worlds = Mapping[str, World]


@dataclass(frozen=True)
class RunCounts:
    """How much is computed: design points and runs of each scenario at one, placebo worlds and runs in one."""

    points: int = POINTS
    each: int = 4
    placebos: int = 20
    replicates: int = 4000  # of each scenario at the defaults
    seed: int = 20231025

    @property
    def in_placebo(self) -> int:
        """Runs of each scenario in one placebo world: its effect spreads by the worlds more than by the luck."""
        return min(100, max(2, self.replicates // 10))


@dataclass(frozen=True)
class RangeFindings:
    """Effects of C claims; NaN where the runs do not define one."""

    values: Floats  # (P, V), the parameters of each design point
    article: Floats  # (P, C)
    placebo: Floats  # (P, C), another permutation at each point
    placebo_defaults: Floats  # (placebo worlds, C)
    defaults: Evidence | None  # the article's own runs at the defaults, if they were asked for


@dataclass(frozen=True)
class ParameterSeparation:
    """How far a parameter's values where a claim holds lie from those where it does not."""

    parameter: str
    direction: str  # "high" where the claim holds at high values, "low" where at low ones
    strength: float  # the Kolmogorov-Smirnov distance, in [0, 1]
    chance: float  # the distance that chance passes in 5 of 100 designs, by the strongest of all parameters


def claim_points(points: int, seed: int) -> Floats:
    """Parameters of each point, (P, V): a scrambled Sobol sequence over the documented ranges of VARIED."""
    return sample_ranges({name: parameter_range(name) for name in VARIED}, points=points, seed=seed)


def with_varied(parameters: Floats, values: Floats) -> Floats:
    """Parameters with those in VARIED set, (V,)."""
    found = parameters.copy()
    found[[PARAMETERS.index(name) for name in VARIED]] = values
    return found


def worlds_at_point(worlds: Worlds, values: Floats) -> dict[str, World]:
    """The worlds with other parameters, (V,); one that a scenario sets apart from its baseline stays as it sets it."""
    base = worlds[BASE].start.parameters
    given = with_varied(base, values)
    return {
        name: replace(
            w, start=w.start._replace(parameters=np.where(w.start.parameters == base, given, w.start.parameters))
        )
        for name, w in worlds.items()
    }


def run_evidence(worlds: Worlds, *, seed: int, replicates: Iterable[int]) -> Evidence:
    """Runs of all the worlds on the same luck."""
    luck = list(replicates)
    return gather_evidence(
        worlds[BASE], {name: run_late_means(w, seed=seed, replicates=luck) for name, w in worlds.items()}
    )


def claim_effects(found: Evidence, claims: Iterable[Claim]) -> list[float]:
    """Effect of each claim."""
    return [claim.effect(found).effect() for claim in claims]


def permute_worlds(worlds: Worlds, rng: np.random.Generator) -> dict[str, World]:
    """The worlds with their ties permuted, all in the same way, so that differences between them stay paired."""
    order = shuffle_states(len(worlds[BASE].states), rng)
    return {name: permute_ties(world, order) for name, world in worlds.items()}


def placebo_stream(seed: int, kind: int, n: int) -> np.random.Generator:
    """Randomness of the n-th permutation, whichever thread asks for it and when."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(kind, n)))


def explore_ranges(
    scenarios: Mapping[str, Scenario], claims: Sequence[Claim], counts: RunCounts, *,
    defaults: bool, values: Floats | None = None, workers: int | None = None, progress: Progress | None = None,
) -> RangeFindings:  # fmt: skip
    """Run what the claims need; a point has luck of its own, the same in all scenarios and in its placebo world.

    values, (points, V), are the parameters of each point; a design over their ranges by default.
    """
    worlds = {name: world_of(scenarios[name]) for name in scenarios_needed(claims)}
    if values is None:
        values = claim_points(counts.points, counts.seed) if counts.points else np.empty((0, len(VARIED)))
    late: dict[str, list[LateMeans]] = {}
    article, placebo = np.full((2, counts.points, len(claims)), np.nan)
    at_defaults = np.full((counts.placebos, len(claims)), np.nan)
    tasks: list[tuple[int, Callable[[], None]]] = []

    def default_part(name: str, place: int, replicates: range) -> None:
        late[name][place] = run_late_means(worlds[name], seed=counts.seed, replicates=replicates)

    def placebo_world(n: int) -> None:
        changed = permute_worlds(worlds, placebo_stream(counts.seed, AT_DEFAULTS, n))
        at_defaults[n] = claim_effects(
            run_evidence(changed, seed=counts.seed, replicates=range(counts.in_placebo)), claims
        )

    def point(n: int) -> None:
        luck = range(n * counts.each, (n + 1) * counts.each)
        here = worlds_at_point(worlds, values[n])
        there = permute_worlds(here, placebo_stream(counts.seed, AT_POINTS, n))
        article[n] = claim_effects(run_evidence(here, seed=counts.seed, replicates=luck), claims)
        placebo[n] = claim_effects(run_evidence(there, seed=counts.seed, replicates=luck), claims)

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
    """The parameters that decide whether a claim holds, the strongest first.

    values is (P, V), holds (P,). Regional sensitivity analysis (Hornberger & Spear 1981): for each parameter the
    Kolmogorov-Smirnov distance between its values where the claim holds and where it does not. Only those beyond
    what chance gives the strongest of V parameters (CHANCE, by Bonferroni and the distance's asymptotic law).
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
    """Share of a sample at or below each value of a grid."""
    return np.searchsorted(np.sort(sample), grid, side="right") / len(sample)
