"""Worlds of thousands of states as lists of their ties, where matrices of all pairs would not fit.

A pair that is not listed has no tie and gets none: sanctions and rivalries rest, nobody reaches out, and bonds drift
where there is one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import NamedTuple

import numpy as np
from scipy import sparse

from sim.kernel import Floats, Integers, Setting, Situation
from sim.scenario import TIE_KINDS, Crisis, Scenario
from sim.settings import MECHANISMS
from sim.world import (
    ACTIVATIONS,
    LARGEST_DENSE,
    LARGEST_DEPENDENCE,
    World,
    products,
    setting_of,
    starting_situation,
    world_of,
)

LARGEST_LISTED = 4_000_000  # ends of tied pairs; a run holds some 150 bytes for each


class Links(NamedTuple):
    """Every tied pair from both ends: those of state i are first[i] : first[i + 1], in the order of the others."""

    first: Integers  # (N + 1,)
    other: Integers  # (E,), j
    propensity: Floats  # (E,), P_ij
    bond: Floats  # (E,), B_ij at the start
    institution: Floats  # (E,), G_ij
    hostile: Floats  # (E,), H_ij
    sanction: Floats  # (E,), S_ij, of i on j
    regime: Integers  # (E,), of that sanction
    dependence: Floats  # (E,), D_ji, of j on i


@dataclass(frozen=True)
class SparseWorld:
    """A world by its ties. The situation holds R (N, K) and S (K, N) of the blocs' leaders alone."""

    states: tuple[str, ...]
    alignments: tuple[str, ...]
    theatres: tuple[str, ...]
    steps: int
    activation: int
    setting: Setting
    start: Situation
    links: Links


def runs_by_ties(scenario: Scenario) -> bool:
    """Whether a world is too large for matrices of all its pairs."""
    return len(scenario.states) > LARGEST_DENSE


def arrays_of(scenario: Scenario) -> World | SparseWorld:
    """A scenario as arrays: matrices of all pairs where they fit, lists of ties where they do not."""
    return sparse_world_of(scenario) if runs_by_ties(scenario) else world_of(scenario)


MULTIPLYING = tuple(
    setting.removeprefix("parameters.")
    for mechanism in ("outreach", "rivalry_response", "sanction_response")
    for setting in MECHANISMS[mechanism]
)  # rates that would make ties where none is listed, or change those that rest here


def unlisted(scenario: Scenario) -> Iterator[tuple[str, str]]:
    """The field and what is wrong with it, of all that keeps a scenario from being run by its listed ties."""
    for name in MULTIPLYING:
        if getattr(scenario.parameters, name).value > 0:
            yield f"parameters.{name}", "would change ties that are not listed; set it to 0 for a world of this size"
    for n, shock in enumerate(scenario.shocks):
        if not isinstance(shock, Crisis):
            yield (
                f"shocks[{n}]",
                "changes ties or settings, where a world of this size takes crises alone; leave it out",
            )
    pairs = 2 * len(scenario.ties) + sum(len(i.members) ** 2 for i in scenario.institutions.values())
    if pairs > LARGEST_LISTED:
        message = f"institutions and ties list {pairs} ends of pairs; at most {LARGEST_LISTED} are held, so drop some"
        yield "institutions", message


def sparse_world_of(scenario: Scenario) -> SparseWorld:
    """A scenario as lists of its ties, those that matrices would hold; `unlisted` objects to nothing in it."""
    setting, start = setting_of(scenario), starting_situation(scenario)
    layers = tie_layers(scenario)
    bond, rivalry, sanction, propensity = (layers[kind] for kind in ("bond", "rivalry", "sanction", "propensity"))
    institution, regime = layers["institution"], layers["regime"]
    hostile = rivalry.maximum(sanction).maximum(sanction.T)
    dependence = dependence_of(layers["trade"], products(scenario))
    tied = (propensity != 0) + (bond > 0) + (institution > 0) + (hostile > 0) + (dependence > 0) + (dependence.T > 0)
    tied = tied.tocsr().sorted_indices()
    i, j = tied.nonzero()
    links = Links(
        first=tied.indptr.astype(np.int64),
        other=j.astype(np.int64),
        propensity=at(propensity, i, j),
        bond=at(bond, i, j),
        institution=at(institution, i, j),
        hostile=at(hostile, i, j),
        sanction=at(sanction, i, j),
        regime=at(regime, i, j).astype(np.int64),
        dependence=at(dependence, j, i),
    )
    leaders = np.maximum(setting.leader, 0)
    setting, start = without_matrices(setting, start, rivalry[:, leaders].toarray(), sanction[leaders].toarray())
    return SparseWorld(
        tuple(scenario.states), scenario.alignments(), tuple(scenario.theatres), scenario.steps,
        ACTIVATIONS[scenario.activation], setting, start, links,
    )  # fmt: skip


def tie_layers(scenario: Scenario) -> dict[str, sparse.csr_array]:
    """Every kind of tie, the institutions that states share and the regimes of sanctions, each (N, N)."""
    index, alignments = {state: i for i, state in enumerate(scenario.states)}, scenario.alignments()
    entries: dict[str, list[tuple[int, int, float]]] = {kind: [] for kind in (*TIE_KINDS, "regime")}
    for tie in scenario.ties:
        i, j = index[tie.a], index[tie.b]
        entries[tie.kind].append((i, j, tie.value))
        if tie.kind != "sanction":
            entries[tie.kind].append((j, i, tie.value))
        elif tie.regime:
            entries["regime"].append((i, j, alignments.index(tie.regime)))
    layers = {kind: layer_of(found, len(index)) for kind, found in entries.items()}
    layers["institution"] = layer_of([], len(index))
    for institution in scenario.institutions.values():
        pairs = permutations([index[member] for member in institution.members], 2)
        block = layer_of([(i, j, institution.cohesion.value) for i, j in pairs], len(index))
        layers["institution"] = layers["institution"].maximum(block)
    return layers


def layer_of(entries: list[tuple[int, int, float]], states: int) -> sparse.csr_array:
    """Entries (i, j, value), each pair once, as an (N, N) array."""
    table = np.array(entries, dtype=np.float64).reshape(-1, 3)
    i, j = table[:, :2].astype(np.int64).T
    return sparse.csr_array((table[:, 2], (i, j)), shape=(states, states))


def at(layer: sparse.csr_array, i: Integers, j: Integers) -> Floats:
    """The entries of a layer at the pairs (i, j), 0 where there is none."""
    found: Floats = np.asarray(layer[i, j]).ravel() if i.size else np.zeros(0)  # of no pair scipy gives no vector
    return found


def dependence_of(trade: sparse.csr_array, gdp: Floats) -> sparse.csr_array:
    """Trade dependence of i on j, as `sim.world.trade_dependence` has it (MODEL §2)."""
    rows = np.repeat(np.arange(gdp.size), np.diff(trade.indptr))
    with np.errstate(divide="ignore", invalid="ignore"):
        capped = np.minimum(np.where(gdp[rows] > 0, trade.data / gdp[rows], 0.0), LARGEST_DEPENDENCE)
    ends = zip(trade.indptr[:-1].tolist(), trade.indptr[1:].tolist(), strict=True)
    sums = np.array([math.fsum(capped[first:last]) for first, last in ends])
    scaled = capped / np.maximum(sums, 1.0)[rows]
    return sparse.csr_array((scaled, trade.indices, trade.indptr), shape=trade.shape)


def without_matrices(
    setting: Setting, start: Situation, rivalry: Floats, sanction: Floats
) -> tuple[Setting, Situation]:
    """Setting and start without their matrices: leaders by their place in rivalry, (N, K), and sanction, (K, N)."""
    none = np.zeros((0, 0))
    leader = np.where(setting.leader < 0, -1, np.arange(setting.leader.size))
    setting = setting._replace(propensity=none, dependence=none, leader=leader)
    rivalry, sanction = np.ascontiguousarray(rivalry), np.ascontiguousarray(sanction)
    ties = dict.fromkeys(("bond", "bond_origin", "institution"), none)
    regime = np.zeros((0, 0), dtype=np.int64)
    return setting, start._replace(**ties, rivalry=rivalry, sanction=sanction, regime=regime)
