"""The arrays of a run: fixed values, ties, shocks, weights, environment and sizes (model: Entities)."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from sim.model.numerics.jit import pass_as_record

Floats: TypeAlias = npt.NDArray[np.float64]

Integers: TypeAlias = npt.NDArray[np.int64]

Words: TypeAlias = npt.NDArray[np.uint64]

Flags: TypeAlias = npt.NDArray[np.bool_]

Bytes: TypeAlias = npt.NDArray[np.int8]

Terms: TypeAlias = tuple[float, float, float, float, float, float, float, float, float, float, float, float, float]

PARAMETERS = (
    "w_propensity", "w_bond", "w_institution", "w_hostility", "w_balance", "w_trade", "w_shelter",
    "w_pressure", "pressure_floor", "w_autonomy", "inertia", "temperature",
    "erosion", "accommodation_cost",
    "bond_return", "bond_gain", "bond_loss", "strain", "outreach",
    "rivalry_gain", "rivalry_loss", "sanction_response", "sanction_relief",
    "w_likeness", "w_hedging", "renewal",
)  # fmt: skip

TERMS = (
    "propensity", "bond", "institution", "likeness", "hostility", "balance", "trade", "shelter",
    "accommodation", "pressure", "autonomy", "hedging", "inertia",
)  # fmt: skip

# `sums.move_state` relies on this order: it updates only the first layer for the non-aligned, the last if used.
LAYERS = ("open_product", "hostility", "bond", "institution", "trade", "likeness", "propensity")

OPEN_PRODUCT, HOSTILITY, BOND, INSTITUTION, TRADE, LIKENESS, PROPENSITY = range(len(LAYERS))

SHOCKS = (
    "bond", "institution", "rivalry", "sanction", "priority", "enforcement", "attention_budget",
    "accommodation", "parameter", "polyarchy", "upheaval",
)  # fmt: skip

(
    SHOCK_BOND, SHOCK_INSTITUTION, SHOCK_RIVALRY, SHOCK_SANCTION, SHOCK_PRIORITY, SHOCK_ENFORCEMENT,
    SHOCK_BUDGET, SHOCK_ACCOMMODATION, SHOCK_PARAMETER, SHOCK_POLYARCHY, SHOCK_UPHEAVAL,
) = range(len(SHOCKS))  # fmt: skip

NON_ALIGNED = 0

CAUSES = ("", "renewal", "circumstance", "following")  # of a move; the first is that of no move

NOT_RENEWED, RENEWED = -2, -1  # a renewal that favours an alignment is the index of that alignment

NO_MOVE, BY_RENEWAL, BY_CIRCUMSTANCE, BY_FOLLOWING = range(len(CAUSES))

RANDOM_ORDER, FIXED_ORDER, SIMULTANEOUS = range(3)

OUTREACH_CEILING = 0.5  # model: Response: no outreach to a state at this hostility or more

QUANTUM = 2.0**-30

RANDOM_START, DRAWN_START = -1, -2  # uniform over the allowed alignments, or drawn from stated chances


@pass_as_record
class WorldSetting(NamedTuple):
    """Values that stay fixed during a run (model: Entities)."""

    capability: Floats  # (N,) shares of the world's capabilities, multiples of QUANTUM
    product: Floats  # (N,) shares of the world's product, multiples of QUANTUM
    relative_capability: Floats  # (N,) capability over that of the strongest state
    theatre: Integers  # (N,)
    autonomy: Floats  # (N,)
    renewal: Floats  # (N,) multiplier of the parameter
    fixed: Flags  # (N,) the state never decides
    codes: Words  # (N,) the id's ASCII bytes as one number, the key of its random numbers
    id_order: Integers  # (N,) the states sorted by code
    alternatives: Words  # (K + 1,) codes of the alignments, keys of the random numbers of dispositions
    allowed: Flags  # (K + 1,)
    leader: Integers  # (K,) a state, or -1
    propensity: Floats  # (N, N)
    dependence: Floats  # (N, N) i's trade with j over i's product
    crisis: Floats  # (T + 1, R) intensity of current crises
    initial: Integers  # (N,) an alignment, RANDOM_START or DRAWN_START
    initial_chances: Floats  # (N, K + 1) cumulative chances of drawn starts; zeros for other starts
    layers: int  # layers with any tie; the later ones stay 0
    kept: bool  # dispositions are kept until they are renewed
    calendar: bool  # steps have a length; rates are per year
    years: float  # length of a step; 1 without a calendar


@pass_as_record
class Situation(NamedTuple):
    """Values that shocks and responses change during a run (model: Entities, Response)."""

    bond: Floats  # (N, N)
    bond_origin: Floats  # (N, N), B⁰
    institution: Floats  # (N, N)
    rivalry: Floats  # (N, N)
    sanction: Floats  # (N, N), sender first
    regime: Integers  # (N, N), the bloc whose regime the sanction belongs to, or 0
    priority: Floats  # (K, R)
    enforcement: Floats  # (K,), e0
    attention_budget: Floats  # (K,)
    accommodation: Floats  # (K,), α
    parameters: Floats  # (len(PARAMETERS),)
    polyarchy: Floats  # (N,), NaN where it is not given
    upheaval: Integers  # (N,), NOT_RENEWED, RENEWED or the alignment that a new government prefers


@pass_as_record
class Shocks(NamedTuple):
    """Changes from outside, in the order of their steps."""

    first: Integers  # (T + 2,) the changes of step t are first[t] : first[t + 1]
    kind: Integers
    i: Integers
    j: Integers
    value: Floats
    regime: Integers
    existing: Flags  # change only existing ties


@pass_as_record
class Weights(NamedTuple):
    """Terms of sums, multiples of QUANTUM, so that sums are exact in any order."""

    contributions: Floats  # (N, len(LAYERS), N): [j, :, i] is what j adds to its alignment for i
    closed_product: Floats  # (K + 1, N): product that sanctions of each regime (0: none) close to each state


def allocate_weights(alignments: int, states: int) -> Weights:
    """Allocate weights of 0, which layers without ties keep."""
    return Weights(np.zeros((states, len(LAYERS), states)), np.zeros((alignments, states)))


@pass_as_record
class Environment(NamedTuple):
    """The environment of a step (model: Environment)."""

    cohesion: Floats  # (K,), s
    attention: Floats  # (K, R), θ
    enforcement: Floats  # (K,), e
    pressing: Floats  # (K, R), e θ: how hard each bloc presses in each theatre
    bite: Floats  # (N,), σ


@pass_as_record
class Sizes(NamedTuple):
    """Size of each alignment; multiples of QUANTUM, so that updates by moves stay exact."""

    members: Floats  # (K + 1,), count
    capability: Floats  # (K + 1,)
    product: Floats  # (K + 1,)


def allocate_sizes(alignments: int) -> Sizes:
    """Allocate sizes of 0."""
    return Sizes(np.zeros(alignments), np.zeros(alignments), np.zeros(alignments))


def allocate_environment(blocs: int, theatres: int, states: int) -> Environment:
    """Allocate an environment of zeros."""
    return Environment(
        np.zeros(blocs), np.zeros((blocs, theatres)), np.zeros(blocs), np.zeros((blocs, theatres)), np.zeros(states),
    )  # fmt: skip


@pass_as_record
class Scratch(NamedTuple):
    """Arrays that one decision uses."""

    sums: Floats  # (K + 1, len(LAYERS))
    mass: Floats  # (K + 1,)
    utilities: Floats  # (K + 1,)
    chances: Floats  # (K + 1,)
    draws: Floats  # (K + 1,), Exp(1)


def allocate_scratch(alignments: int) -> Scratch:
    """Allocate scratch arrays without values.

    The sums lie in memory as those of one state do among all, so that numba compiles rules once for both.
    """
    return Scratch(
        np.empty((alignments, len(LAYERS), 2))[:, :, 0], np.empty(alignments), np.empty(alignments),
        np.empty(alignments), np.empty(alignments),
    )  # fmt: skip


class Anchor(NamedTuple):
    """Chances of the start that dispositions are drawn by; runs come first for several (model: Anchoring)."""

    chances: Floats  # (N, K + 1), 0 for a plain draw
    log_own: Floats  # (N,), ln of the chance of what the state holds; 0 for a plain draw


@pass_as_record
class Stored(NamedTuple):
    """What a run stores beside alignments, causes, renewals and sizes of alignments, which it always does."""

    outcomes: Flags  # (T + 1,), the steps with all outcomes; those of other steps are NaN
    late: int  # number of last steps, at most T + 1, with regime stability and bite of every state
    chances: bool  # the chances of every decision


class Record(NamedTuple):
    """Arrays of a run, the start included; runs come first for several."""

    alignment: Bytes  # (T + 1, N)
    causes: Bytes  # (T + 1, N), of moves, indexes of CAUSES
    renewed: Flags  # (T + 1, N), the disposition was drawn again
    chances: Floats  # (T + 1, N, K + 1), or (0, N, K + 1)
    stability: Floats  # (late steps, N)
    bite: Floats  # (late steps, N)
    outcomes: Floats  # (T + 1, outcomes)


@pass_as_record
class Watch(NamedTuple):
    """What shows that states with kept dispositions decide as at the step before."""

    renewal: Floats  # (N,), chance of a renewal at a step
    spare: Floats  # (N,), how much the alignment of each state led over the others when that was last computed
    utilities: Floats  # (N, K + 1), utilities then
    terms: Floats  # (N,), sums of the sizes of their terms
    first_utilities: Floats  # (N, K + 1), the same at step 1
    first_terms: Floats  # (N,)
    drift: Floats  # (N,), the most by which its sums of bonds with blocs change in a step
    change: Floats  # (N,), the most by which they have changed since then


def allocate_watch(alignments: int, states: int) -> Watch:
    """Allocate values of 0."""
    shape = (states, alignments)
    return Watch(
        np.zeros(states), np.zeros(states), np.zeros(shape), np.zeros(states), np.zeros(shape), np.zeros(states),
        np.zeros(states), np.zeros(states),
    )  # fmt: skip


@pass_as_record
class Courses(NamedTuple):
    """How the bonds of each pair respond to the alignments of a step (model: Response)."""

    grow: Floats  # (N,), rates of the bonds of one state; see `response.bond_rates`
    decay: Floats  # (N,)
    reach: Floats  # (N,)
    rest: Floats  # (N, N), lower half, with a calendar: where the bond of a pair tends
    rate: Floats  # (N, N), lower half: at which rate
    left: Floats  # (N, N), lower half: the share of the way that is left after a step at this rate
    behind: Integers  # (1,), number of steps that bonds have not yet followed their courses


def allocate_courses(states: int) -> Courses:
    """Allocate courses of no rate."""
    return Courses(
        np.empty(states), np.empty(states), np.empty(states), np.empty((states, states)), np.zeros((states, states)),
        np.ones((states, states)), np.zeros(1, dtype=np.int64),
    )  # fmt: skip


@pass_as_record
class Workspace(NamedTuple):
    """Arrays that runs reuse, so that a run allocates nothing."""

    alignment: Integers  # (N,)
    before: Integers  # (N,), alignments at the start of the step
    sums: Floats  # (K + 1, len(LAYERS), N): what the states of each alignment add to it for every state
    start_sums: Floats  # the same at the start
    flat_sums: Floats  # (K + 1, len(LAYERS) * N), the same
    flat_contributions: Floats  # (N, len(LAYERS) * N), the contributions of the weights
    columns: int  # columns to update; layers without ties are left out
    sizes: Sizes
    utilities: Floats  # (K + 1,)
    chances: Floats  # (K + 1,)
    strain: Floats  # (K + 1,)
    pressure: Floats  # (K + 1, R), pressure on the members of each alignment in each theatre
    hostile: Floats  # (N, N), H of every pair
    bonds: Floats  # (N,), bonds of a state
    pairs: Floats  # (N,), weights of the pairs of a state in frustration
    partial_sums: Floats  # (N,)
    partial_totals: Floats  # (N,)
    seen: Integers  # (N,), alignments that a state saw at its last decision
    order: Integers  # (N,), order of the decisions of a step
    last_order: Integers  # (N,), that of the step before
    keys: Words  # (N,), by which they are ordered
    slots: Integers  # (N + 1,), see `order_by_keys`
    courses: Courses
    watch: Watch
    inclinations: Floats  # (N, K + 1)
    scratch: Scratch


def allocate_workspace(weights: Weights, used_layers: int, theatres: int) -> Workspace:
    """Allocate the workspace of runs that update these weights in place; layers without ties are not used."""
    (k, n), layers = weights.closed_product.shape, len(LAYERS)
    sums = np.zeros((k, layers, n))
    return Workspace(
        np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64),
        sums, sums.copy(), sums.reshape((k, layers * n)), weights.contributions.reshape((n, layers * n)),
        n * used_layers,
        allocate_sizes(k), np.zeros(k), np.zeros(k), np.zeros(k), np.zeros((k, theatres)),
        np.empty((n, n)), np.empty(n), np.empty(n), np.empty(n), np.empty(n),
        np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64),
        np.empty(n, dtype=np.uint64), np.empty(n + 1, dtype=np.int64), allocate_courses(n), allocate_watch(k, n),
        np.zeros((n, k)), allocate_scratch(k),
    )  # fmt: skip
