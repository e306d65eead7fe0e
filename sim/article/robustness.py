"""Compute the claims' effects at the defaults, over the parameters' ranges and in placebo worlds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import call

import numpy as np

from sim.analysis.statistics import varies
from sim.article.claims import Claim, claim_scenarios
from sim.article.direct import DirectChances, find_direct_chances
from sim.article.evidence import Evidence, Moments, RunMeans, gather_evidence, join_runs, moments_of, read_runs
from sim.article.placebo import permute_ties, shuffle_states
from sim.batch.design import sample_ranges
from sim.batch.executor import Progress, evaluate
from sim.model.arrays import PARAMETERS, Flags, Floats
from sim.model.world import World, with_parameters, world_of
from sim.scenario.loading import BASE
from sim.scenario.parameters import parameter_range
from sim.scenario.schema import Scenario

VARIED = tuple(name for name in PARAMETERS if name != "w_propensity")  # the article's worlds state no affinities

AT_DEFAULTS, AT_POINTS = 0, 1  # random streams of the permutations

POINTS = 4096

REPLICATES = 16_000  # at the defaults; the smallest effect of the histories is then six standard errors from 0

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
        Runs of each scenario at the defaults, where outcomes are read at dates; a quarter of them for means over steps.
    seed
        Random seed of the design, the permutations and the runs.
    """

    points: int = POINTS
    each: int = 4
    placebos: int = 20
    replicates: int = REPLICATES
    seed: int = 20231025

    def at_defaults(self, moments: Moments) -> int:
        """Runs of each scenario at the defaults: means over steps vary less from run to run than values at a date."""
        return self.replicates if moments.steps else max(3, self.replicates // 4)

    @property
    def in_placebo(self) -> int:
        """Runs of each scenario in one placebo world: few, as effects vary more between worlds than between runs."""
        return min(100, max(2, self.replicates // 10))


@dataclass(frozen=True)
class RangeFindings:
    """Effects of C claims at P design points; NaN where the runs do not define one, or it is not computed.

    Parameters
    ----------
    values
        Parameters of each design point, (P, V), in the order of VARIED.
    article
        Effects in the article's world, (P, C).
    comparable, placebo
        Effects in the article's world and in a placebo world, (P, C), with another permutation at each point: those of
        entries only in histories, else the whole effects.
    comparable_defaults, placebo_defaults
        The same at the defaults: (C,), and (placebo worlds, C).
    defaults
        The runs of the article's world at the defaults, if computed.
    """

    values: Floats
    article: Floats
    comparable: Floats
    placebo: Floats
    comparable_defaults: Floats
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
    return change_worlds(
        worlds, lambda w: with_parameters(w, np.where(w.start.parameters == base, given, w.start.parameters))
    )


def share_factual(worlds: Worlds) -> dict[str, World]:
    """Give worlds whose factual worlds are equal the same one, so that its chances are computed once for all."""
    distinct: list[World] = []

    def shared(world: World) -> World:
        if world.factual is None:
            return world
        for one in distinct:
            if is_same_world(one, world.factual):
                return replace(world, factual=one)
        distinct.append(world.factual)
        return world

    return {name: shared(world) for name, world in worlds.items()}


def is_same_world(one: World, other: World) -> bool:
    """Whether all names and numbers of two worlds without factual worlds are equal."""
    names, numbers = zip(*(
        ((w.states, w.alignments, w.theatres, w.steps, w.activation, w.anchored), (*w.setting, *w.start, *w.shocks))
        for w in (one, other)
    ), strict=True)  # fmt: skip
    equal = (np.array_equal(here, there, equal_nan=True) for here, there in zip(*numbers, strict=True))
    return names[0] == names[1] and all(equal)


def change_worlds(worlds: Worlds, change: Callable[[World], World]) -> dict[str, World]:
    """Change all worlds and their factual worlds alike; a factual world that several share is changed once."""
    factual = {id(world.factual): world.factual for world in worlds.values() if world.factual is not None}
    changed = {place: change(world) for place, world in factual.items()}
    return {
        name: replace(change(replace(world, factual=None)), factual=changed.get(id(world.factual)))
        for name, world in worlds.items()
    }


def until_last(world: World, moments: Moments) -> World:
    """End the runs of a world at the last date, after which no effect reads them; steps do not depend on later ones."""
    return replace(world, steps=moments.steps[-1]) if moments.steps else world


def run_evidence(worlds: Worlds, moments: Moments, *, seed: int, replicates: Iterable[int]) -> Evidence:
    """Run all the worlds on common random numbers."""
    numbers = list(replicates)
    runs = {name: read_runs(world, moments, seed=seed, replicates=numbers) for name, world in worlds.items()}
    return gather_evidence(worlds[BASE], moments, runs)


def permute_worlds(worlds: Worlds, rng: np.random.Generator) -> dict[str, World]:
    """Permute the ties of all the worlds in the same way, so that differences between them stay paired."""
    order = shuffle_states(len(worlds[BASE].states), rng)
    return change_worlds(worlds, lambda world: permute_ties(world, order))


def placebo_stream(seed: int, kind: int, n: int) -> np.random.Generator:
    """Return the random numbers of the n-th permutation, independent of threads."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(kind, n)))


@dataclass(frozen=True)
class Assessment:
    """How the effects of C claims are computed in one set of worlds.

    Parameters
    ----------
    claims
        The claims.
    moments
        When outcomes are read.
    """

    claims: Sequence[Claim]
    moments: Moments

    @property
    def direct(self) -> list[int]:
        """Places of the claims whose effect has a closed form."""
        return [n for n, claim in enumerate(self.claims) if claim.reading(self.moments).direct]

    @property
    def sampled(self) -> list[int]:
        """Places of the claims whose effect at a point is estimated from runs."""
        return [n for n in range(len(self.claims)) if n not in self.direct]

    def names(self, places: Iterable[int]) -> list[str]:
        """List the scenarios of the claims at these places."""
        return list(dict.fromkeys(name for n in places for name in self.claims[n].scenarios))

    def weight(self, runs: int, *, placebo: bool = False) -> int:
        """Count the runs of one set of worlds; a closed form counts as one run."""
        sampled = 0 if placebo and self.moments.steps else runs
        return len(self.names(self.direct)) + len(self.names(self.sampled)) * sampled

    def find_chances(self, worlds: Worlds) -> DirectChances | None:
        """Compute the chances from which effects have a closed form, if any has one."""
        names = self.names(self.direct)
        return find_direct_chances({n: worlds[n] for n in names}, self.moments.steps[-1]) if names else None

    def closed_forms(self, chances: DirectChances | None, *, entries: bool) -> Floats:
        """Compute the effects that have a closed form, (C,); NaN for the others."""
        found = np.full(len(self.claims), np.nan)
        for place, claim in enumerate(self.claims):
            direct = claim.reading(self.moments).direct
            if chances is not None and direct is not None:
                found[place] = direct(chances, entries)
        return found

    def from_runs(self, worlds: Worlds, *, seed: int, replicates: Iterable[int]) -> Floats:
        """Estimate the effects that have no closed form, (C,); NaN for the others."""
        found = np.full(len(self.claims), np.nan)
        if self.sampled:
            chosen = {name: worlds[name] for name in self.names(self.sampled)}
            evidence = run_evidence(chosen, self.moments, seed=seed, replicates=replicates)
            for place in self.sampled:
                found[place] = self.claims[place].reading(self.moments).effect(evidence).effect()
        return found

    def placebo(self, worlds: Worlds, *, seed: int, replicates: Iterable[int]) -> Floats:
        """Compute the effects of a placebo world, (C,).

        Placebo worlds keep the coded start. So in histories they judge entries only, in closed form.
        """
        if self.moments.steps:
            return self.closed_forms(self.find_chances(worlds), entries=True)
        return self.from_runs(worlds, seed=seed, replicates=replicates)


def count_claim_runs(claims: Sequence[Claim], scenario: Scenario, counts: RunCounts, *, defaults: bool) -> int:
    """Count the runs of `explore_ranges`."""
    plan = Assessment(claims, moments_of(scenario))
    every = len(plan.names(range(len(claims))))
    return (
        defaults * every * counts.at_defaults(plan.moments)
        + counts.placebos * plan.weight(counts.in_placebo, placebo=True)
        + counts.points * (plan.weight(counts.each) + plan.weight(counts.each, placebo=True))
    )


def explore_ranges(
    scenarios: Mapping[str, Scenario], claims: Sequence[Claim], counts: RunCounts, *,
    defaults: bool, values: Floats | None = None, workers: int | None = None, progress: Progress | None = None,
) -> RangeFindings:  # fmt: skip
    """Run what the claims need: at the defaults, over the ranges and in placebo worlds.

    Each point has its own random numbers, common to all scenarios and to its placebo world.

    Parameters
    ----------
    scenarios
        The scenarios that the claims need, by name, through one lens.
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
    worlds = share_factual({name: world_of(one) for name, one in claim_scenarios(claims, scenarios).items()})
    plan = Assessment(claims, moments_of(scenarios[BASE]))
    short = {name: until_last(world, plan.moments) for name, world in worlds.items()}
    if values is None:
        values = claim_points(counts.points, counts.seed) if counts.points else np.empty((0, len(VARIED)))
    if scenarios[BASE].sweep.lens == "tendency":
        values = values.copy()
        values[:, VARIED.index("renewal")] = scenarios[BASE].parameters.renewal.value  # the lens sets it
    runs: dict[str, list[RunMeans | None]] = {}
    article, comparable, placebo = np.full((3, counts.points, len(claims)), np.nan)
    placebo_defaults = np.full((counts.placebos, len(claims)), np.nan)
    tasks: list[tuple[int, Callable[[], None]]] = []

    def default_part(name: str, place: int, replicates: range) -> None:
        runs[name][place] = read_runs(worlds[name], plan.moments, seed=counts.seed, replicates=replicates)

    def placebo_world(n: int) -> None:
        changed = permute_worlds(short, placebo_stream(counts.seed, AT_DEFAULTS, n))
        placebo_defaults[n] = plan.placebo(changed, seed=counts.seed, replicates=range(counts.in_placebo))

    def point(n: int) -> None:
        replicates = range(n * counts.each, (n + 1) * counts.each)
        here = worlds_at_point(short, values[n])
        sampled, chances = plan.from_runs(here, seed=counts.seed, replicates=replicates), plan.find_chances(here)
        article[n] = np.where(np.isnan(sampled), plan.closed_forms(chances, entries=False), sampled)
        comparable[n] = plan.closed_forms(chances, entries=True) if plan.moments.steps else sampled
        permuted = permute_worlds(here, placebo_stream(counts.seed, AT_POINTS, n))
        placebo[n] = plan.placebo(permuted, seed=counts.seed, replicates=replicates)

    if defaults:
        count = counts.at_defaults(plan.moments)
        parts = [range(r, min(r + PART, count)) for r in range(0, count, PART)]
        for name in worlds:
            runs[name] = [None] * len(parts)
            tasks += [(len(part), partial(default_part, name, i, part)) for i, part in enumerate(parts)]
    tasks += [(plan.weight(counts.in_placebo, placebo=True), partial(placebo_world, n)) for n in range(counts.placebos)]
    at_point = plan.weight(counts.each) + plan.weight(counts.each, placebo=True)
    tasks += [(at_point, partial(point, n)) for n in range(counts.points)]
    evaluate(call, [task for _, task in tasks], runs=[size for size, _ in tasks], workers=workers, progress=progress)
    own = None
    if defaults:
        joined = {name: join_runs(filter(None, parts)) for name, parts in runs.items()}
        own = gather_evidence(worlds[BASE], plan.moments, joined)
    at_defaults = plan.closed_forms(plan.find_chances(worlds), entries=True)
    return RangeFindings(values, article, comparable, placebo, at_defaults, placebo_defaults, own)


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
