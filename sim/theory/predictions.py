"""Predictions of theory for the blocs of a world, and their agreement with runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.model import compiled
from sim.model.arrays import Floats, Integers
from sim.model.rules import W_BOND, W_HOSTILITY, W_INSTITUTION, W_PROPENSITY
from sim.model.world import world_of
from sim.scenario.schema import Scenario
from sim.theory import balance, landscape
from sim.theory.landscape import Alignment, Matrix, Minima, Vector
from sim.theory.optimum import Optimum, find_optimum

STARTS = 2000


@dataclass(frozen=True)
class WorldLandscape:
    """The two-bloc landscape of the ties of a world.

    Attributes
    ----------
    states : tuple of str
        Ids of the N states.
    sizes : array of float, (N,)
        Capabilities in the world's unit.
    network : array of float, (N, N)
        Weighted affinity of each pair.
    minima : Minima
        Local minima, all or sampled.
    best : Optimum
        Lowest energy, with a proof or a gap.
    triads : Triads
        Counts of complete triads.
    frustration : Frustration or None
        Frustration index of a signed network (equal sizes, ties of -1, 0 and 1), else None.
    """

    states: tuple[str, ...]
    sizes: Vector
    network: Matrix
    minima: Minima
    best: Optimum
    triads: balance.Triads
    frustration: balance.Frustration | None


def affinity(scenario: Scenario) -> tuple[Vector, Matrix]:
    """Return sizes in the world's unit, and w_propensity P + w_bond B + w_institution G − w_hostility H by pair."""
    world = world_of(scenario)
    start, p = world.start, world.start.parameters
    network = (
        p[W_PROPENSITY] * world.setting.propensity
        + p[W_BOND] * start.bond
        + p[W_INSTITUTION] * start.institution
        - p[W_HOSTILITY] * world.start_hostility
    )
    return np.array([state.capability.value for state in scenario.states.values()]), network


def find_landscape(scenario: Scenario, *, seed: int, seconds: float) -> WorldLandscape:
    """Find the landscape of the ties of a scenario.

    Parameters
    ----------
    scenario : Scenario
        A loaded scenario.
    seed : int
        Random seed of samples and local search.
    seconds : float
        Time limit of each proof.

    Returns
    -------
    WorldLandscape
        Minima (all for up to LARGEST_ENUMERATED states, else sampled), optimum and triads.
    """
    sizes, network = affinity(scenario)
    rng = np.random.default_rng(seed)
    if len(sizes) <= landscape.LARGEST_ENUMERATED:
        minima = landscape.enumerate_minima(sizes, network)
    else:
        minima = landscape.sample_minima(sizes, network, rng=rng, starts=STARTS)
    best = find_optimum(sizes, network, rng=rng, seconds=seconds)
    signed = bool((sizes == sizes[0]).all() and np.isin(network, (-1, 0, 1)).all())
    index = balance.frustration_index(network, rng=rng, seconds=seconds) if signed else None
    return WorldLandscape(tuple(scenario.states), sizes, network, minima, best, balance.count_triads(network), index)


def final_alignments(scenario: Scenario, *, seed: int, replicates: int) -> Integers:
    """Run each replicate and return the final alignments, (replicates, N)."""
    world = world_of(scenario)
    runs = compiled.iterate_runs(scenario, seed=seed, replicates=range(replicates), world=world)
    return np.stack([run.alignment[-1] for run in runs])


def predict_splits(scenario: Scenario, found: WorldLandscape, *, seed: int) -> dict[str, Alignment]:
    """Predict two blocs by each reference theory.

    Parameters
    ----------
    scenario : Scenario
        The scenario of the landscape.
    found : WorldLandscape
        Result of `find_landscape`.
    seed : int
        Random seed of clustering and triad dynamics.

    Returns
    -------
    dict of str to array of int8, (N,)
        Blocs 1 and 2 (0 undetermined) by name of the prediction.
    """
    network = found.network
    predicted = {
        "landscape minimum": found.best.alignment,
        "leading eigenvector": balance.leading_split(network),
        "spectral clustering": balance.spectral_clusters(network, groups=2, rng=np.random.default_rng(seed)),
    }
    if len(network) > 2 and (network[~np.eye(len(network), dtype=bool)] != 0).all():  # it needs a complete network
        predicted["local triad dynamics"] = balance.triad_split(network, rng=np.random.default_rng(seed))
    leaders = find_leaders(scenario, found)
    if leaders is not None:
        predicted["nearest leader"] = balance.nearest_leader(network, leaders)
    return predicted


def find_leaders(scenario: Scenario, found: WorldLandscape) -> Integers | None:
    """Find the leaders of the first two blocs; a missing leader is the main rival of the other, None if both miss."""
    named = [bloc.leader for bloc in scenario.blocs.values()][:2]
    at = [found.states.index(leader) if leader else -1 for leader in named]
    if len(at) < 2 or max(at) < 0:
        return None
    known = max(at)
    rival = int(np.argmin(found.network[known] * found.sizes))
    return np.array([rival if place < 0 else place for place in at])


def agreement(runs: Integers, split: Alignment) -> tuple[float, Floats]:
    """Return the share of (run, state) pairs in a bloc that match a prediction, and the share by state.

    Labels are matched for each run. Non-aligned and undetermined states are left out (NaN). Random blocs agree in a
    little more than half of the pairs.
    """
    inside = (runs > 0) & (runs < 3) & (split > 0)
    straight = np.where(inside, runs == split, False)
    swapped = np.where(inside, runs == 3 - split, False)
    better = straight.sum(axis=1, keepdims=True) >= swapped.sum(axis=1, keepdims=True)
    matched = np.where(better, straight, swapped)
    counts = inside.sum(axis=0)
    by_state = np.divide(matched.sum(axis=0), counts, out=np.full(len(split), np.nan), where=counts > 0)
    return float(matched.sum() / inside.sum()) if inside.any() else float("nan"), by_state
