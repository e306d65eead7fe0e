"""A second implementation of the model in plain Python, written only from docs/model.md.

Its author has not read the simulator. It shares only the schema of scenarios with the simulator, and uses numpy
only for random numbers. Numbers are floats, tables are lists of lists, every sum is a loop.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from numpy.random import Philox

from sim.scenario.schema import Scenario
from sim.scenario.shocks import (
    BlocShock,
    Crisis,
    Membership,
    PairShock,
    ParameterShock,
    PriorityShock,
    SanctionShock,
)

TERMS = (
    "propensity",
    "bond",
    "institution",
    "hostility",
    "balance",
    "trade",
    "shelter",
    "accommodation",
    "pressure",
    "autonomy",
    "inertia",
)
LATE_STEPS = 8
SETTLED_STEPS = 5
SETTLED = 0.05

Table = list[list[float]]


@dataclass
class Surroundings:
    """The environment of a step; blocs count from 0, theatres are in the scenario's order."""

    cohesion: list[float]
    attention: Table
    enforcement: list[float]
    bite: list[float]


@dataclass
class Step:
    """The results of one step; a fixed state has terms and utilities although it never decides."""

    terms: list[Table]
    utilities: Table
    chances: Table
    environment: Surroundings
    closed: Table
    bond: Table
    rivalry: Table
    sanction: Table
    regime: list[list[int]]


@dataclass
class Trace:
    """A run: observations at steps 0..T, and results of steps 1..T; `steps[0]` is step 1.

    Consolidation is NaN where blocs never settle.
    """

    alignment: list[list[int]]
    outcomes: list[dict[str, float]]
    stability: Table
    bite: Table
    steps: list[Step]
    late_shares: Table
    late_outcomes: dict[str, float]
    late_stability: list[float]
    late_bite: list[float]
    consolidation: float


def exact(value: float) -> float:
    """Round to the nearest multiple of 2**-30, half to even."""
    return round(value * 2**30) / 2**30


def random_numbers(seed: int, replicate: int, step: int, state: str) -> tuple[int, float]:
    """Draw the order key and the uniform of a state at a step."""
    counter = step + (int.from_bytes(state.encode("ascii"), "big") << 64) - 1
    words = Philox(counter=counter, key=seed + (replicate << 64)).random_raw(2)
    return int(words[0]), (int(words[1]) >> 11) * 2.0**-53


def shares(values: list[float]) -> list[float]:
    """Convert values to rounded shares of their sum."""
    total = math.fsum(values)
    return [exact(value / total) if total > 0 else 0.0 for value in values]


def clip(value: float) -> float:
    """Clip a value to [0, 1]."""
    return min(1.0, max(0.0, value))


def zeros(n: int) -> Table:
    """Make an n by n table of 0."""
    return [[0.0] * n for _ in range(n)]


@dataclass
class World:
    """The present world: the scenario, changed by shocks and responses."""

    scenario: Scenario
    ids: list[str]
    capability: list[float]
    product: list[float]
    theatre: list[int]
    autonomy: list[float]
    moves: list[bool]
    leader: list[int | None]
    enforcement: list[float]
    budget: list[float]
    accommodation: list[float]
    priority: Table
    parameters: dict[str, float]
    members: dict[str, set[int]]
    first_members: dict[str, set[int]]
    propensity: Table
    trade: Table
    bond: Table
    first_bond: Table
    rivalry: Table
    sanction: Table
    regime: list[list[int]]
    crises: list[Crisis] = field(default_factory=list)

    @property
    def n(self) -> int:
        """The number of states."""
        return len(self.ids)

    @property
    def blocs(self) -> range:
        """Indices of the blocs as alignments, 1..K."""
        return range(1, len(self.enforcement) + 1)


def build(scenario: Scenario) -> World:
    """Build the world at the start."""
    ids = list(scenario.states)
    at = {state: n for n, state in enumerate(ids)}
    n = len(ids)
    theatres = {name: r for r, name in enumerate(scenario.theatres)}
    regimes = {name: k for k, name in enumerate(scenario.blocs, start=1)}
    states = list(scenario.states.values())
    blocs = list(scenario.blocs.values())
    leaders = {bloc.leader for bloc in blocs}
    tables = {kind: zeros(n) for kind in ("bond", "rivalry", "sanction", "trade", "propensity")}
    regime = [[0] * n for _ in ids]
    for tie in scenario.ties:
        a, b = at[tie.a], at[tie.b]
        tables[tie.kind][a][b] = tie.value
        if tie.kind == "sanction":
            regime[a][b] = regimes.get(tie.regime, 0)
        else:
            tables[tie.kind][b][a] = tie.value
    members = {
        name: {at[state] for state in institution.members} for name, institution in scenario.institutions.items()
    }
    return World(
        scenario=scenario,
        ids=ids,
        capability=shares([state.capability.value for state in states]),
        product=shares([state.gdp.value for state in states]),
        theatre=[theatres[state.theatre] for state in states],
        autonomy=[state.autonomy.value for state in states],
        moves=[not state.fixed and name not in leaders for name, state in scenario.states.items()],
        leader=[None if bloc.leader is None else at[bloc.leader] for bloc in blocs],
        enforcement=[bloc.enforcement.value for bloc in blocs],
        budget=[bloc.attention_budget.value for bloc in blocs],
        accommodation=[bloc.accommodation.value for bloc in blocs],
        priority=[[bloc.priority[r].value if r in bloc.priority else 0.0 for r in theatres] for bloc in blocs],
        parameters={name: getattr(scenario.parameters, name).value for name in type(scenario.parameters).model_fields},
        members=members,
        first_members={name: set(states) for name, states in members.items()},
        propensity=tables["propensity"],
        trade=dependence(tables["trade"], [state.gdp.value for state in states]),
        bond=tables["bond"],
        first_bond=[list(row) for row in tables["bond"]],
        rivalry=tables["rivalry"],
        sanction=tables["sanction"],
        regime=regime,
    )


def dependence(trade: Table, gdp: list[float]) -> Table:
    """Divide trade by the product of the state, at most 0.5 a dyad, rows scaled to sum to at most 1."""
    result = []
    for row, product in zip(trade, gdp, strict=True):
        parts = [min(0.5, value / product) if product > 0 else 0.0 for value in row]
        total = math.fsum(parts)
        result.append([part / total for part in parts] if total > 1 else parts)
    return result


def cohesion_of(world: World, i: int, j: int) -> float:
    """Return the strongest cohesion among shared institutions."""
    institutions = world.scenario.institutions
    both = [institutions[name].cohesion.value for name, states in world.members.items() if i in states and j in states]
    return max(both, default=0.0) if i != j else 0.0


def hostility(world: World, i: int, j: int) -> float:
    """Return the maximum of rivalry and of sanctions in both directions."""
    return max(world.rivalry[i][j], world.sanction[i][j], world.sanction[j][i])


def start(world: World, seed: int, replicate: int) -> list[int]:
    """Return the alignments of step 0."""
    scenario = world.scenario
    names = list(scenario.alignments())
    allowed = [k for k in range(len(names)) if k > 0 or scenario.non_aligned_allowed]
    alignment = []
    for name, state in scenario.states.items():
        led = [k for k in world.blocs if world.leader[k - 1] == world.ids.index(name)]
        if led:
            alignment.append(led[0])
        elif state.initial == "random":
            alignment.append(allowed[int(random_numbers(seed, replicate, 0, name)[1] * len(allowed))])
        else:
            alignment.append(names.index(state.initial))
    return alignment


# Shocks.


def select_states(world: World, selector: str) -> set[int] | None:
    """Return the states of a selector; None for any."""
    if selector == "*":
        return None
    return world.first_members[selector[1:]] if selector.startswith("@") else {world.ids.index(selector)}


def pairs(world: World, a: str, b: str, table: Table) -> list[tuple[int, int]]:
    """Return the ordered pairs of two selectors; with `*` only pairs with a tie."""
    first, second = select_states(world, a), select_states(world, b)
    return [
        (i, j)
        for i in range(world.n)
        for j in range(world.n)
        if i != j
        and (first is None or i in first)
        and (second is None or j in second)
        and ((first is not None and second is not None) or table[i][j] != 0)
    ]


def apply_shocks(world: World, step: int) -> None:
    """Apply the shocks of a step."""
    blocs = list(world.scenario.blocs)
    theatres = list(world.scenario.theatres)
    for shock in world.scenario.shocks:
        if shock.step != step:
            continue
        match shock:
            case Crisis():
                world.crises.append(shock)
            case SanctionShock():
                regime = blocs.index(shock.regime) + 1 if shock.regime else 0
                for i, j in pairs(world, shock.sender, shock.target, world.sanction):
                    world.sanction[i][j] = shock.value
                    if shock.regime or "*" not in (shock.sender, shock.target):
                        world.regime[i][j] = regime
            case PairShock(kind="bond"):
                for i, j in pairs(world, shock.a, shock.b, world.first_bond):
                    for table in (world.bond, world.first_bond):
                        table[i][j] = table[j][i] = shock.value
            case PairShock():
                for i, j in pairs(world, shock.a, shock.b, world.rivalry):
                    world.rivalry[i][j] = world.rivalry[j][i] = shock.value
            case Membership():
                state = world.ids.index(shock.state)
                members = world.members[shock.institution]
                (members.add if shock.joins else members.discard)(state)
            case PriorityShock():
                world.priority[blocs.index(shock.bloc)][theatres.index(shock.theatre)] = shock.value
            case BlocShock():
                settings = {
                    "enforcement": world.enforcement,
                    "attention_budget": world.budget,
                    "accommodation": world.accommodation,
                }
                settings[shock.setting][blocs.index(shock.bloc)] = shock.value
            case ParameterShock():
                world.parameters[shock.parameter] = shock.value


# Environment.


@dataclass
class Weights:
    """The rounded weights of a step: `[j][i]` is the weight of j for i, but trade `[i][j]` is that of i on j."""

    propensity: Table
    bond: Table
    institution: Table
    hostility: Table
    trade: Table
    closed: Table


def weigh(world: World) -> Weights:
    """Compute the weights of the present ties."""
    all_states = range(world.n)
    c, g = world.capability, world.product
    return Weights(
        propensity=[[exact(c[j] * world.propensity[i][j]) for i in all_states] for j in all_states],
        bond=[[exact(c[j] * world.bond[i][j]) for i in all_states] for j in all_states],
        institution=[[exact(c[j] * cohesion_of(world, i, j)) for i in all_states] for j in all_states],
        hostility=[[exact(c[j] * hostility(world, i, j)) for i in all_states] for j in all_states],
        trade=[[exact(world.trade[i][j]) for j in all_states] for i in all_states],
        closed=[[exact(g[j] * world.sanction[j][i]) for i in all_states] for j in all_states],
    )


def sum_of(values: list[float], alignment: list[int], k: int) -> float:
    """Sum values over the states in an alignment."""
    return sum(value for value, a in zip(values, alignment, strict=True) if a == k)


def assess(world: World, weights: Weights, alignment: list[int], step: int) -> Surroundings:
    """Compute the environment from the alignments at the start of the step."""
    p = world.parameters
    crisis = [
        sum(s.intensity for s in world.crises if s.theatre == name and s.step <= step < s.step + s.duration)
        for name in world.scenario.theatres
    ]
    cohesion, attention, enforcement = [], [], []
    for k in world.blocs:
        demand = [asked + more for asked, more in zip(world.priority[k - 1], crisis, strict=True)]
        total = sum(demand)
        s = min(1.0, world.budget[k - 1] / total) if total > 0 else 1.0
        elsewhere = sum(sum_of(world.product, alignment, other) for other in world.blocs if other != k)
        cohesion.append(s)
        attention.append([s * d for d in demand])
        enforcement.append(
            world.enforcement[k - 1]
            * max(0.0, 1 - p["erosion"] * elsewhere)
            * max(0.0, 1 - p["accommodation_cost"] * world.accommodation[k - 1])
        )
    bite = []
    for i in range(world.n):
        # The sum of a regime is exact, so the total does not depend on the order of states.
        by_regime = [0.0] * (len(cohesion) + 1)
        for j in range(world.n):
            by_regime[world.regime[j][i]] += weights.closed[j][i]
        total = by_regime[0]
        for k in world.blocs:
            total += enforcement[k - 1] * cohesion[k - 1] * by_regime[k]
        bite.append(exact(min(1.0, total)))
    return Surroundings(cohesion, attention, enforcement, bite)


# Decision.


def terms_of(world: World, weights: Weights, env: Surroundings, alignment: list[int], i: int) -> Table:
    """Compute the terms of the utility of each alignment to state i, at the present alignments."""
    p = world.parameters
    floor = p["pressure_floor"]
    bite = env.bite[i]
    others = [j for j in range(world.n) if j != i]

    def over(k: int, row: list[float]) -> float:
        """Sum a row over the states other than i in an alignment."""
        return sum(row[j] for j in others if alignment[j] == k)

    def toward(table: Table) -> list[float]:
        """Return the weight of each state for i."""
        return [table[j][i] for j in range(world.n)]

    hostile = toward(weights.hostility)
    opened = [world.product[j] - weights.closed[j][i] for j in range(world.n)]
    mass = {k: over(k, world.capability) for k in world.blocs}
    table = [[0.0] * len(TERMS) for _ in range(len(mass) + 1)]
    for k in world.blocs:
        leader = world.leader[k - 1]
        rival = world.rivalry[i][leader] if leader is not None else 0.0
        punished = world.sanction[leader][i] if leader is not None else 0.0
        pressure = 0.0
        for other in world.blocs:
            if other != k:
                weight = env.enforcement[other - 1] * env.attention[other - 1][world.theatre[i]] * mass[other]
                pressure += weight * (floor + (1 - floor) * over(other, weights.trade[i]) * (1 - bite))
        threat = sum(over(other, hostile) for other in world.blocs if other != k)
        table[k][:9] = [
            p["w_propensity"] * over(k, toward(weights.propensity)),
            p["w_bond"] * over(k, toward(weights.bond)),
            p["w_institution"] * over(k, toward(weights.institution)),
            -p["w_hostility"] * over(k, hostile),
            p["w_balance"] * mass[k] * threat,
            p["w_trade"] * over(k, weights.trade[i]),
            p["w_shelter"] * bite * (1 - punished) * over(k, opened),
            world.accommodation[k - 1] * (1 - max(rival, punished)),
            -p["w_pressure"] * pressure,
        ]
    table[0][9] = world.autonomy[i] * p["w_autonomy"]
    table[alignment[i]][10] = p["inertia"]
    return table


def chances_of(utilities: list[float], allowed: list[int], now: int, temperature: float) -> list[float]:
    """Compute the probability of each alignment."""
    best = max(utilities[k] for k in allowed)
    chances = [0.0] * len(utilities)
    if temperature == 0:
        equals = [k for k in allowed if utilities[k] == best]
        chances[now if now in equals else equals[0]] = 1.0
        return chances
    for k in allowed:
        chances[k] = math.exp((utilities[k] - best) / temperature)
    total = sum(chances)
    return [chance / total for chance in chances]


def choice(chances: list[float], u: float) -> int:
    """Return the first alignment at which the cumulative probability exceeds u."""
    reached = 0.0
    for k, chance in enumerate(chances):
        reached += chance
        if reached > u:
            return k
    return max(k for k, chance in enumerate(chances) if chance > 0)


# Response.


def respond(world: World, env: Surroundings, alignment: list[int]) -> None:
    """Let ties respond to the final alignments, every new value from the old ones."""
    p = world.parameters
    top = max(world.capability)
    mean_bite = {}
    for k in world.blocs:
        bites = [bite for bite, a in zip(env.bite, alignment, strict=True) if a == k]
        mean_bite[k] = sum(bites) / len(bites) if bites else 0.0
    bond, rivalry, sanction = ([list(row) for row in t] for t in (world.bond, world.rivalry, world.sanction))
    regime = [list(row) for row in world.regime]
    for i in range(world.n):
        for j in range(world.n):
            if i == j:
                continue
            a, b = alignment[i], alignment[j]
            same, opposed = a == b and a > 0, a != b and a > 0 and b > 0
            old = world.bond[i][j]
            new = old + p["bond_return"] * (world.first_bond[i][j] - old)
            if same and world.first_bond[i][j] > 0:
                new += min(1.0, p["bond_gain"] * (1 + p["strain"] * mean_bite[a])) * (1 - old)
            if opposed:
                new -= p["bond_loss"] * old
            if hostility(world, i, j) < 0.5 and top > 0:
                for one, other in ((i, j), (j, i)):
                    if alignment[one] > 0 and alignment[other] != alignment[one]:
                        new += p["outreach"] * env.bite[one] * (world.capability[other] / top) * (1 - old)
            bond[i][j] = clip(new)

            old = new = world.rivalry[i][j]
            if opposed and old > 0:
                new += p["rivalry_gain"] * (1 - old)
            if same:
                new -= p["rivalry_loss"] * old
            rivalry[i][j] = clip(new)

            # Here i sends and j is the target.
            old = new = world.sanction[i][j]
            if opposed:
                hold = env.enforcement[a - 1] * env.attention[a - 1][world.theatre[j]]
                rate = min(1.0, p["sanction_response"] * hold)
                new += rate * (1 - old)
                if rate > 0:
                    regime[i][j] = a
            else:
                new -= p["sanction_relief"] * old
            sanction[i][j] = clip(new)
    world.bond, world.rivalry, world.sanction, world.regime = bond, rivalry, sanction, regime


# Outcomes.


def observe(world: World, env: Surroundings, before: list[int], after: list[int]) -> dict[str, float]:
    """Compute the outcomes of a step by name."""
    names = list(world.scenario.alignments())
    outcomes: dict[str, float] = {}
    power = [sum_of(world.capability, after, k) for k in range(len(names))]
    for k, name in enumerate(names):
        bites = [bite for bite, a in zip(env.bite, after, strict=True) if a == k]
        outcomes[f"members_{name}"] = len(bites)
        outcomes[f"capability_{name}"] = power[k]
        outcomes[f"product_{name}"] = sum_of(world.product, after, k)
        outcomes[f"bite_{name}"] = sum(bites) / len(bites) if bites else math.nan
    for k in world.blocs:
        name = names[k]
        outcomes[f"enforcement_{name}"] = env.enforcement[k - 1]
        outcomes[f"cohesion_{name}"] = env.cohesion[k - 1]
        largest = max((power[other] for other in world.blocs if other != k), default=0.0)
        outcomes[f"leverage_{name}"] = power[k] / largest if largest > 0 else math.nan
        for theatre, attention in zip(world.scenario.theatres, env.attention[k - 1], strict=True):
            outcomes[f"attention_{name}_{theatre}"] = attention
    outcomes["polarization"] = sum(
        power[a] ** 2 * power[b] * (0.5 if 0 in (a, b) else 1.0)
        for a in range(len(names))
        for b in range(len(names))
        if a != b
    )
    outcomes["frustration"] = frustration(world, after)
    outcomes["switches"] = sum(a != b for a, b in zip(before, after, strict=True))
    return outcomes


def frustration(world: World, alignment: list[int]) -> float:
    """Compute the share of the weight of pairs that the blocs violate."""
    p = world.parameters
    total = violated = 0.0
    for i in range(world.n):
        for j in range(i + 1, world.n):
            tie = (
                p["w_propensity"] * world.propensity[i][j]
                + p["w_bond"] * world.bond[i][j]
                + p["w_institution"] * cohesion_of(world, i, j)
                - p["w_hostility"] * hostility(world, i, j)
            )
            weight = world.capability[i] * world.capability[j] * abs(tie)
            total += weight
            a, b = alignment[i], alignment[j]
            if a > 0 and b > 0 and ((tie > 0 and a != b) or (tie < 0 and a == b)):
                violated += weight
    return violated / total if total > 0 else 0.0


def stability(world: World, closed: Table, env: Surroundings, alignment: list[int], i: int) -> float:
    """Compute regime stability of a state, with the closed product of the environment."""
    a = alignment[i]
    pressure = 0.0
    if a > 0:
        for k in world.blocs:
            if k != a:
                weight = env.enforcement[k - 1] * env.attention[k - 1][world.theatre[i]]
                pressure += weight * sum_of(world.capability, alignment, k) * world.parameters["pressure_floor"]
    product = 0.0
    for j in range(world.n):
        if j != i:
            part = 0.5 if alignment[j] == 0 else 1.0 if alignment[j] == a else 0.0
            product += part * (world.product[j] - closed[j][i])
    return 1 - min(1.0, max(0.0, env.bite[i] + pressure - product))


def late_shares(alignments: list[list[int]], count: int) -> Table:
    """Compute for each state the share of the last steps in each alignment; the start does not count."""
    last = alignments[1:][-LATE_STEPS:]
    return [
        [sum(alignment[i] == k for alignment in last) / len(last) for k in range(count)]
        for i in range(len(alignments[0]))
    ]


def late_mean(values: list[float]) -> float:
    """Average the defined values of the last steps; the start does not count."""
    last = [value for value in values[1:][-LATE_STEPS:] if not math.isnan(value)]
    return math.fsum(last) / len(last) if last else math.nan


def consolidation(world: World, alignments: list[list[int]]) -> float:
    """Find the first step from which no bloc's capability moves by more than 0.05 in five steps."""
    for s in range(len(alignments) - SETTLED_STEPS):
        if all(
            abs(sum_of(world.capability, alignments[t], k) - sum_of(world.capability, alignments[s], k)) <= SETTLED
            for t in range(s + 1, s + SETTLED_STEPS + 1)
            for k in world.blocs
        ):
            return s
    return math.nan


# A run.


def simulate(scenario: Scenario, seed: int, replicate: int) -> Trace:
    """Run a scenario once."""
    world = build(scenario)
    alignment = start(world, seed, replicate)
    weights = weigh(world)
    env = assess(world, weights, alignment, 0)
    alignments = [alignment]
    outcomes = [observe(world, env, alignment, alignment)]
    stabilities = [[stability(world, weights.closed, env, alignment, i) for i in range(world.n)]]
    bite = [env.bite]
    steps = []
    for step in range(1, scenario.steps + 1):
        before = alignment
        alignment, done = advance(world, before, step, seed, replicate)
        alignments.append(alignment)
        steps.append(done)
        outcomes.append(observe(world, done.environment, before, alignment))
        stabilities.append([stability(world, done.closed, done.environment, alignment, i) for i in range(world.n)])
        bite.append(done.environment.bite)
    return Trace(
        alignment=alignments,
        outcomes=outcomes,
        stability=stabilities,
        bite=bite,
        steps=steps,
        late_shares=late_shares(alignments, len(world.enforcement) + 1),
        late_outcomes={name: late_mean([seen[name] for seen in outcomes]) for name in outcomes[0]},
        late_stability=[late_mean([row[i] for row in stabilities]) for i in range(world.n)],
        late_bite=[late_mean([row[i] for row in bite]) for i in range(world.n)],
        consolidation=consolidation(world, alignments),
    )


def advance(world: World, before: list[int], step: int, seed: int, replicate: int) -> tuple[list[int], Step]:
    """Run one step; return the alignments after it and its results. The world changes."""
    scenario, p = world.scenario, world.parameters
    apply_shocks(world, step)
    weights = weigh(world)
    env = assess(world, weights, before, step)
    draws = [random_numbers(seed, replicate, step, name) for name in world.ids]
    order = list(range(world.n))
    if scenario.activation == "random":
        order.sort(key=lambda i: (draws[i][0], world.ids[i]))
    allowed = [k for k in range(len(world.enforcement) + 1) if k > 0 or scenario.non_aligned_allowed]
    alignment = list(before)
    terms: list[Table] = [[]] * world.n
    utilities: Table = [[]] * world.n
    chances: Table = [[]] * world.n
    for i in order:
        seen = before if scenario.activation == "simultaneous" else alignment
        terms[i] = terms_of(world, weights, env, seen, i)
        utilities[i] = [sum_terms(row) for row in terms[i]]
        if world.moves[i]:
            chances[i] = chances_of(utilities[i], allowed, before[i], p["temperature"])
            alignment[i] = choice(chances[i], draws[i][1])
        else:
            chances[i] = [float(k == before[i]) for k in range(len(utilities[i]))]
    respond(world, env, alignment)
    return alignment, Step(
        terms=terms,
        utilities=utilities,
        chances=chances,
        environment=env,
        closed=weights.closed,
        bond=[list(row) for row in world.bond],
        rivalry=[list(row) for row in world.rivalry],
        sanction=[list(row) for row in world.sanction],
        regime=[list(row) for row in world.regime],
    )


def sum_terms(terms: list[float]) -> float:
    """Sum terms from the first to the last."""
    total = 0.0
    for term in terms:
        total += term
    return total
