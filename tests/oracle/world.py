"""The present world of a run: the scenario at the start, its random numbers, its shocks (plain Python)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from numpy.random import Philox

from sim.calendar import step_years
from sim.scenario.schema import Scenario, State
from sim.scenario.shocks import (
    BlocShock,
    Crisis,
    Membership,
    PairShock,
    ParameterShock,
    PolyarchyShock,
    PriorityShock,
    SanctionShock,
)

Table = list[list[float]]


def exact(value: float) -> float:
    """Round to the nearest multiple of 2**-30, half to even."""
    return round(value * 2**30) / 2**30


def random_words(seed: int, replicate: int, step: int, state: str) -> tuple[int, int]:
    """Draw the two random words of a state at a step."""
    counter = step + (int.from_bytes(state.encode("ascii"), "big") << 64) - 1
    first, second = Philox(counter=counter, key=seed + (replicate << 64)).random_raw(2)
    return int(first), int(second)


def draw_order_key(seed: int, replicate: int, step: int, state: str) -> int:
    """Draw the order key of a state at a step."""
    return random_words(seed, replicate, step, state)[0]


def draw_uniform(seed: int, replicate: int, step: int, state: str) -> float:
    """Draw the uniform of a state at a step."""
    return (random_words(seed, replicate, step, state)[1] >> 11) * 2.0**-53


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
    polyarchy: list[float | None]
    renewal: list[float]
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

    @property
    def allowed(self) -> list[int]:
        """Indices of the alignments that a state can choose."""
        return [k for k in range(len(self.enforcement) + 1) if k > 0 or self.scenario.non_aligned_allowed]

    @property
    def has_calendar(self) -> bool:
        """Whether a step has a length, so that rates are per year."""
        return self.scenario.step != "round"

    @property
    def years(self) -> float:
        """The length of a step in years; 1 for a round."""
        return step_years(self.scenario.step)


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
        polyarchy=[None if state.polyarchy is None else state.polyarchy.value for state in states],
        renewal=[state.renewal.value for state in states],
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


def shared_cohesion(world: World, i: int, j: int) -> float:
    """Return the strongest cohesion among shared institutions."""
    institutions = world.scenario.institutions
    both = [institutions[name].cohesion.value for name, states in world.members.items() if i in states and j in states]
    return max(both, default=0.0) if i != j else 0.0


def likeness(world: World, i: int, j: int) -> float:
    """Return 1 - 2 |difference of polyarchy|; 0 where it is missing and for a state itself."""
    one, other = world.polyarchy[i], world.polyarchy[j]
    return 0.0 if one is None or other is None or i == j else 1 - 2 * abs(one - other)


def hostility(world: World, i: int, j: int) -> float:
    """Return the maximum of rivalry and of sanctions in both directions."""
    return max(world.rivalry[i][j], world.sanction[i][j], world.sanction[j][i])


def led_by(world: World, i: int) -> int | None:
    """Return the first bloc that a state leads, if any."""
    return next((k for k in world.blocs if world.leader[k - 1] == i), None)


def draw_start(state: State, uniform: float, names: list[str]) -> str:
    """Return the first alignment at which the cumulative chance of a drawn start exceeds a uniform number."""
    total = sum(state.initial_chances.values())
    below = 0.0
    for name in names:
        below += state.initial_chances.get(name, 0.0) / total
        if uniform < below:
            return name
    return [name for name in names if state.initial_chances.get(name)][-1]


def start(world: World, seed: int, replicate: int) -> list[int]:
    """Return the alignments of step 0."""
    names = list(world.scenario.alignments())
    alignment = []
    for i, (name, state) in enumerate(world.scenario.states.items()):
        led = led_by(world, i)
        if led is not None:
            alignment.append(led)
        elif state.initial == "drawn":
            alignment.append(names.index(draw_start(state, draw_uniform(seed, replicate, 0, name), names)))
        elif state.initial == "random":
            uniform = draw_uniform(seed, replicate, 0, name)
            alignment.append(world.allowed[int(uniform * len(world.allowed))])
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
    """Apply the shocks of a step that change the world; an upheaval changes only the disposition of a state."""
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
            case PolyarchyShock():
                world.polyarchy[world.ids.index(shock.state)] = shock.value
