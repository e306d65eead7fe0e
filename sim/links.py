"""Worlds of thousands of states as lists of their ties, where matrices of all pairs would not fit.

A pair that is not listed has no tie and gets none: sanctions and rivalries rest, nobody reaches out, and bonds drift
where there is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy

from sim.kernel import Floats, Integers, Setting, Situation
from sim.scenario import Crisis, Scenario
from sim.settings import MECHANISMS
from sim.world import (
    ACTIVATIONS,
    LARGEST_DENSE,
    Entries,
    World,
    dependence_of,
    products,
    setting_of,
    starting_situation,
    tie_entries,
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
    entries = tie_entries(scenario)
    i, j, trade = entries["trade"]
    entries["trade"] = i, j, dependence_of(i, trade, products(scenario))
    layers = {kind: layer_of(found, len(scenario.states)) for kind, found in entries.items()}
    bond, rivalry, sanction, propensity = (layers[kind] for kind in ("bond", "rivalry", "sanction", "propensity"))
    dependence, regime, institution = layers["trade"], layers["regime"], institutions_shared(scenario)
    hostile = rivalry.maximum(sanction).maximum(sanction.T)
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


def institutions_shared(scenario: Scenario) -> scipy.sparse.csr_array:
    """The strongest cohesion among the institutions that both belong to, (N, N)."""
    index = {state: i for i, state in enumerate(scenario.states)}
    shared = scipy.sparse.csr_array((len(index), len(index)))
    for institution in scenario.institutions.values():
        members = np.array([index[state] for state in institution.members], dtype=np.int64)
        i, j = np.repeat(members, members.size), np.tile(members, members.size)
        i, j = i[i != j], j[i != j]
        shared = shared.maximum(layer_of((i, j, np.full(i.size, institution.cohesion.value)), len(index)))
    return shared


def layer_of(entries: Entries, states: int) -> scipy.sparse.csr_array:
    """Entries as an (N, N) array that holds no others."""
    i, j, value = entries
    return scipy.sparse.csr_array((value, (i, j)), shape=(states, states))


def at(layer: scipy.sparse.csr_array, i: Integers, j: Integers) -> Floats:
    """The entries of a layer at the pairs (i, j), 0 where there is none."""
    found: Floats = np.asarray(layer[i, j]).ravel() if i.size else np.zeros(0)  # of no pair scipy gives no vector
    return found


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
