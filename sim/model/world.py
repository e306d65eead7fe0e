"""The arrays of a scenario, with each state, bloc and theatre as an index."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np

from sim.calendar import ROUND, step_years
from sim.model import arrays, outcomes, rules
from sim.model.arrays import (
    LAYERS,
    PARAMETERS,
    Anchor,
    Environment,
    Floats,
    Integers,
    Shocks,
    Situation,
    Weights,
    Words,
    WorldSetting,
)
from sim.scenario.anchor import factual_world
from sim.scenario.schema import DRAWN_ID, RANDOM_ID, TIE_KINDS, Scenario, State
from sim.scenario.shocks import (
    BlocShock,
    Crisis,
    Membership,
    PairShock,
    ParameterShock,
    PolyarchyShock,
    PriorityShock,
    SanctionShock,
    Shock,
    Upheaval,
)
from sim.scenario.ties import select_states

LARGEST_DEPENDENCE = 0.5  # model: Entities, for one dyad

EMPTY = np.zeros((0, 0))

ACTIVATIONS = {
    "random": arrays.RANDOM_ORDER,
    "fixed_order": arrays.FIXED_ORDER,
    "simultaneous": arrays.SIMULTANEOUS,
}


@dataclass(frozen=True)
class World:
    """A scenario as arrays.

    Attributes
    ----------
    states, alignments, theatres : tuple of str
        Ids of the N states, the K + 1 alignments (0 is non-aligned) and the R theatres.
    steps : int
        Number of steps T.
    activation : int
        Order of decisions: `arrays.RANDOM_ORDER`, `FIXED_ORDER` or `SIMULTANEOUS`.
    setting : WorldSetting
        Values that stay fixed during a run.
    start : Situation
        Ties, blocs and parameters at the start; each run works on a copy.
    shocks : Shocks
        Changes from outside, except crises.
    anchored : bool
        Whether kept dispositions are drawn given the start.
    factual : World or None
        The factual world, in which they are anchored; None: this world before shocks.
    anchors, structural : dict
        The last anchor and structural chances by seed and replicate; see `starts.start_anchor`.
    """

    states: tuple[str, ...]
    alignments: tuple[str, ...]
    theatres: tuple[str, ...]
    steps: int
    activation: int
    setting: WorldSetting
    start: Situation
    shocks: Shocks
    anchored: bool
    factual: World | None
    anchors: dict[tuple[int, int], Anchor] = field(default_factory=dict, init=False, repr=False, compare=False)
    structural: dict[tuple[int, int], Anchor] = field(default_factory=dict, init=False, repr=False, compare=False)

    def copy_situation(self) -> Situation:
        """Copy the situation at the start."""
        return Situation._make(array.copy() for array in self.start)

    @cached_property
    def starts_at_random(self) -> bool:
        """Whether any state has a random start, in the world or in the factual one."""
        worlds = [self] if self.factual is None else [self, self.factual]
        return any(bool((one.setting.initial < 0).any()) for one in worlds)

    @cached_property
    def start_pairs(self) -> tuple[Floats, float]:
        """Weights of pairs in frustration at the start, (N, N), and the sum of their absolute values."""
        return outcomes.weigh_all_pairs(self.setting, self.start)

    @cached_property
    def start_hostility(self) -> Floats:
        """Hostility H of every pair at the start, (N, N)."""
        hostile = np.empty_like(self.start.bond)
        rules.fill_hostility(self.start, hostile)
        return hostile

    @cached_property
    def start_weights(self) -> Weights:
        """Weights of the ties at the start (model: Decision)."""
        weights = self.allocate_weights()
        rules.weigh_ties(True, self.setting, self.start, np.empty_like(self.start.bond), weights)
        return weights

    def allocate_weights(self) -> Weights:
        """Allocate weights of this world, without values."""
        return arrays.allocate_weights(len(self.alignments), len(self.states))

    def allocate_environment(self) -> Environment:
        """Allocate an environment of this world, all zero."""
        return arrays.allocate_environment(len(self.alignments) - 1, len(self.theatres), len(self.states))


def world_of(scenario: Scenario) -> World:
    """Build the arrays of a scenario.

    Parameters
    ----------
    scenario : Scenario
        A loaded scenario.

    Returns
    -------
    World
        The arrays, with states, blocs and theatres in the order of the scenario (model: Entities).
    """
    index = {state: i for i, state in enumerate(scenario.states)}
    layers = {kind: to_matrix(entries, len(index)) for kind, entries in collect_ties(scenario).items()}
    institution = build_institution_ties(scenario, {k: set(v.members) for k, v in scenario.institutions.items()}, index)
    start = build_situation(scenario)._replace(
        bond=layers["bond"],
        bond_origin=layers["bond"].copy(),
        institution=institution,
        rivalry=layers["rivalry"],
        sanction=layers["sanction"],
        regime=layers["regime"].astype(np.int64),
    )
    setting = build_setting(scenario)
    dependence = trade_dependence(layers["trade"], list_products(scenario))
    return World(
        states=tuple(scenario.states),
        alignments=scenario.alignments(),
        theatres=tuple(scenario.theatres),
        steps=scenario.steps,
        activation=ACTIVATIONS[scenario.activation],
        setting=setting._replace(propensity=layers["propensity"], dependence=dependence),
        start=start,
        shocks=build_shocks(scenario, index),
        anchored=scenario.anchored,
        factual=world_of(factual_world(scenario)) if scenario.anchor else None,
    )


def with_parameters(world: World, parameters: Floats) -> World:
    """Replace the parameters of a world, and of the factual world in which its states are anchored."""
    factual = world.factual and with_parameters(world.factual, parameters)
    return replace(world, start=world.start._replace(parameters=parameters), factual=factual)


def list_products(scenario: Scenario) -> Floats:
    """List the product of each state in the unit of the world file, (N,)."""
    return np.array([state.gdp.value for state in scenario.states.values()])


def build_setting(scenario: Scenario) -> WorldSetting:
    """Build the fixed values, with empty matrices of ties."""
    states, theatres, alignments = tuple(scenario.states), tuple(scenario.theatres), scenario.alignments()
    records = list(scenario.states.values())
    leaders = [states.index(b.leader) if b.leader else -1 for b in scenario.blocs.values()]
    capability = normalise_shares([r.capability.value for r in records])
    codes, id_order = encode_states(states)
    return WorldSetting(
        capability=capability,
        product=normalise_shares(list_products(scenario)),
        relative_capability=capability / capability.max(),
        theatre=np.array([theatres.index(r.theatre) for r in records], dtype=np.int64),
        autonomy=np.array([r.autonomy.value for r in records]),
        renewal=np.array([r.renewal.value for r in records]),
        fixed=np.array([r.fixed or i in leaders for i, r in enumerate(records)]),
        codes=codes,
        id_order=id_order,
        alternatives=encode_alignments(alignments),
        allowed=np.array([scenario.non_aligned_allowed, *[True] * len(scenario.blocs)]),
        leader=np.array(leaders, dtype=np.int64),
        propensity=EMPTY,
        dependence=EMPTY,
        crisis=build_crises(scenario),
        initial=np.array([encode_start(r.initial, alignments) for r in records]),
        initial_chances=np.array([cumulative_chances(r, alignments) for r in records]),
        layers=count_layers(scenario),
        kept=scenario.dispositions == "kept",
        calendar=scenario.step != ROUND,
        years=step_years(scenario.step),
    )


def encode_start(initial: str, alignments: Sequence[str]) -> int:
    """Code of a start: the index of an alignment, or that of a random or drawn start."""
    return {RANDOM_ID: arrays.RANDOM_START, DRAWN_ID: arrays.DRAWN_START}.get(initial) or alignments.index(initial)


def cumulative_chances(state: State, alignments: Sequence[str]) -> Floats:
    """Cumulative chances of a drawn start, (K + 1,), the last of them 1; zeros for another start."""
    chances = np.array([state.initial_chances.get(alignment, 0.0) for alignment in alignments])
    total = np.cumsum(chances)
    return np.minimum(1.0, np.where(total >= total[-1], 1.0, total / total[-1])) if total[-1] > 0 else total


def build_situation(scenario: Scenario) -> Situation:
    """Build the values of blocs and the parameters at the start, with empty matrices of ties."""
    blocs = scenario.blocs.values()
    return Situation(
        *(EMPTY,) * 5,
        regime=EMPTY.astype(np.int64),
        priority=np.array(
            [[b.priority[r].value if r in b.priority else 0.0 for r in scenario.theatres] for b in blocs]
        ),
        enforcement=np.array([b.enforcement.value for b in blocs]),
        attention_budget=np.array([b.attention_budget.value for b in blocs]),
        accommodation=np.array([b.accommodation.value for b in blocs]),
        parameters=np.array([getattr(scenario.parameters, name).value for name in PARAMETERS]),
        polyarchy=np.array([r.polyarchy.value if r.polyarchy else np.nan for r in scenario.states.values()]),
        upheaval=np.full(len(scenario.states), arrays.NOT_RENEWED),
    )


def count_layers(scenario: Scenario) -> int:
    """Count the layers up to the last that can have a tie; a run leaves out the later ones."""
    if any(tie.kind == "propensity" for tie in scenario.ties):
        return len(LAYERS)
    alike = any(r.polyarchy for r in scenario.states.values())
    return arrays.LIKENESS + (alike or any(isinstance(shock, PolyarchyShock) for shock in scenario.shocks))


def normalise_shares(values: list[float] | Floats) -> Floats:
    """Divide values by their sum and round to multiples of 2⁻³⁰; zeros where the sum is 0."""
    array = np.asarray(values, dtype=np.float64)
    total = array.sum()
    return np.rint(array / total * 2.0**30) * arrays.QUANTUM if total > 0 else np.zeros_like(array)


@lru_cache(maxsize=16)
def encode_states(states: tuple[str, ...]) -> tuple[Words, Integers]:
    """Encode each id as its ASCII bytes, big-endian, and sort by code, (N,) each (model: Scheduling)."""
    codes = np.array([int.from_bytes(state.encode("ascii"), "big") for state in states], dtype=np.uint64)
    return codes, np.argsort(codes, kind="stable")


@lru_cache(maxsize=16)
def encode_alignments(alignments: tuple[str, ...]) -> Words:
    """Encode each alignment as the first 8 bytes of the BLAKE2b of its id, big-endian, (K + 1,) (model: Scheduling)."""
    digests = [hashlib.blake2b(alignment.encode()).digest() for alignment in alignments]
    return np.array([int.from_bytes(digest[:8], "big") for digest in digests], dtype=np.uint64)


Entries = tuple[Integers, Integers, Floats]  # i, j and value, (E,) each


def collect_ties(scenario: Scenario) -> dict[str, Entries]:
    """Collect the ties of every kind, undirected ones from both ends, and under `regime` the bloc of each sanction."""
    index, alignments = {state: i for i, state in enumerate(scenario.states)}, scenario.alignments()
    rows: dict[str, list[tuple[int, int, float]]] = {kind: [] for kind in (*TIE_KINDS, "regime")}
    for tie in scenario.ties:
        i, j = index[tie.a], index[tie.b]
        rows[tie.kind].append((i, j, tie.value))
        if tie.kind != "sanction":
            rows[tie.kind].append((j, i, tie.value))
        elif tie.regime:
            rows["regime"].append((i, j, alignments.index(tie.regime)))
    tables = {kind: np.array(row, dtype=np.float64).reshape(-1, 3) for kind, row in rows.items()}
    return {kind: (*table[:, :2].astype(np.int64).T, table[:, 2]) for kind, table in tables.items()}


def to_matrix(entries: Entries, states: int) -> Floats:
    """Write entries to a matrix, (N, N)."""
    i, j, value = entries
    matrix = np.zeros((states, states))
    matrix[i, j] = value
    return matrix


def trade_dependence(trade: Floats, gdp: Floats) -> Floats:
    """Divide trade of i with j by the product of i, (N, N); 0 where the product of i is not given.

    At most 0.5 a dyad, rows scaled to sum to at most 1 (model: Entities; Oneal & Russett 1997).
    """
    i, j = np.nonzero(trade)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        capped = np.minimum(np.where(gdp[i] > 0, trade[i, j] / gdp[i], 0.0), LARGEST_DEPENDENCE)
    by_state = np.split(capped, np.cumsum(np.bincount(i, minlength=gdp.size))[:-1])
    sums = np.array([math.fsum(own) for own in by_state])  # exact in any order of states
    return to_matrix((i, j, capped / np.maximum(sums, 1.0)[i]), gdp.size)


def build_institution_ties(scenario: Scenario, members: dict[str, set[str]], index: dict[str, int]) -> Floats:
    """Build the strongest cohesion among shared institutions, (N, N)."""
    ties = np.zeros((len(index), len(index)))
    for name, institution in scenario.institutions.items():
        places = [index[state] for state in sorted(members[name])]
        block = np.ix_(places, places)
        ties[block] = np.maximum(ties[block], institution.cohesion.value)
    np.fill_diagonal(ties, 0.0)
    return ties


def build_crises(scenario: Scenario) -> Floats:
    """Sum the intensity of crises in each theatre at each step, (T + 1, R)."""
    intensity = np.zeros((scenario.steps + 1, len(scenario.theatres)))
    places = {theatre: r for r, theatre in enumerate(scenario.theatres)}
    for shock in scenario.shocks:
        if isinstance(shock, Crisis):
            intensity[shock.step : shock.step + shock.duration, places[shock.theatre]] += shock.intensity
    return intensity


Change = tuple[int, int, int, float, int, bool]  # kind, i, j, value, regime, existing only


def build_shocks(scenario: Scenario, index: dict[str, int]) -> Shocks:
    """Build single changes from all shocks except crises, by step and then in the order of the scenario."""
    members = {name: set(institution.members) for name, institution in scenario.institutions.items()}
    changes: list[Change] = []
    first = np.zeros(scenario.steps + 2, dtype=np.int64)
    for shock in sorted(scenario.shocks, key=lambda s: s.step):
        caused = list(expand_shock(shock, scenario, index, members))
        changes += caused
        first[shock.step + 1 :] += len(caused)
    kind, i, j, value, regime, existing = zip(*changes, strict=True) if changes else ((),) * 6
    return Shocks(
        first=first,
        kind=np.array(kind, dtype=np.int64),
        i=np.array(i, dtype=np.int64),
        j=np.array(j, dtype=np.int64),
        value=np.array(value, dtype=np.float64),
        regime=np.array(regime, dtype=np.int64),
        existing=np.array(existing, dtype=np.bool_),
    )


def expand_shock(
    shock: Shock, scenario: Scenario, index: dict[str, int], members: dict[str, set[str]]
) -> Iterator[Change]:
    """Yield the single changes of a shock; a membership also changes `members`."""
    blocs = list(scenario.blocs)
    if isinstance(shock, SanctionShock):
        regime = scenario.alignments().index(shock.regime) if shock.regime else 0
        for i, j, existing in select_pairs(shock.sender, shock.target, scenario, index):
            yield arrays.SHOCK_SANCTION, i, j, shock.value, regime, existing
    elif isinstance(shock, PairShock):
        kind = arrays.SHOCK_BOND if shock.kind == "bond" else arrays.SHOCK_RIVALRY
        for i, j, existing in select_pairs(shock.a, shock.b, scenario, index):
            yield kind, i, j, shock.value, 0, existing
    elif isinstance(shock, Membership):
        before = build_institution_ties(scenario, members, index)
        (members[shock.institution].add if shock.joins else members[shock.institution].discard)(shock.state)
        after = build_institution_ties(scenario, members, index)
        for i, j in np.argwhere(np.triu(before != after)).tolist():
            yield arrays.SHOCK_INSTITUTION, i, j, float(after[i, j]), 0, False
    elif isinstance(shock, PriorityShock):
        theatre = list(scenario.theatres).index(shock.theatre)
        yield arrays.SHOCK_PRIORITY, blocs.index(shock.bloc), theatre, shock.value, 0, False
    elif isinstance(shock, BlocShock):
        kind = arrays.SHOCKS.index(shock.setting)
        yield kind, blocs.index(shock.bloc), 0, shock.value, 0, False
    elif isinstance(shock, PolyarchyShock):
        yield arrays.SHOCK_POLYARCHY, index[shock.state], 0, shock.value, 0, False
    elif isinstance(shock, Upheaval):
        toward = scenario.alignments().index(shock.toward) if shock.toward else arrays.RENEWED
        yield arrays.SHOCK_UPHEAVAL, index[shock.state], toward, 0.0, 0, False
    elif isinstance(shock, ParameterShock):
        yield arrays.SHOCK_PARAMETER, PARAMETERS.index(shock.parameter), 0, shock.value, 0, False


def select_pairs(a: str, b: str, scenario: Scenario, index: dict[str, int]) -> Iterator[tuple[int, int, bool]]:
    """Yield the ordered pairs of two selectors, and whether only existing ties change (`*`)."""
    ends = [select_states(end, scenario.institutions) for end in (a, b)]
    existing = None in ends
    for first in index if ends[0] is None else ends[0]:
        for second in index if ends[1] is None else ends[1]:
            if first != second:
                yield index[first], index[second], existing
