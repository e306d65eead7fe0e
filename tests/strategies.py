"""Generators of worlds and scenarios for property tests, and small worlds computed by hand."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from hypothesis import strategies as st

from sim.model.world import world_of
from sim.scenario.parameters import Parameters
from sim.scenario.schema import Scenario
from sim.theory.landscape import Alignment, Matrix, Vector

IDS = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH")
BLOCS = ("east", "west", "south", "north")
THEATRES = ("land", "sea")
hundredths = st.integers(0, 100).map(lambda n: n / 100)
hundredths_above_zero = st.integers(1, 100).map(lambda n: n / 100)
rates = st.sampled_from([0.0, 0.02, 0.2, 1.0])

WEIGHTS = ("w_propensity", "w_bond", "w_institution", "w_hostility", "w_balance", "w_trade", "w_shelter", "w_pressure")
UTILITIES = (*WEIGHTS, "w_autonomy", "inertia")
RESPONSES = (
    "bond_return", "bond_gain", "bond_loss", "outreach",
    "rivalry_gain", "rivalry_loss", "sanction_response", "sanction_relief",
)  # fmt: skip
NO_RESPONSE = dict.fromkeys((*RESPONSES, "strain"), 0.0)
PROPENSITY_ALONE = {
    **dict.fromkeys(Parameters.model_fields, 0.0),
    "w_propensity": 1.0,
}


parameters = st.fixed_dictionaries(
    {
        **dict.fromkeys(WEIGHTS, st.sampled_from([0.0, 0.3, 1.0, 2.5])),
        **dict.fromkeys(RESPONSES, rates),
        "pressure_floor": hundredths,
        "w_autonomy": st.sampled_from([0.0, 0.1]),
        "inertia": st.sampled_from([0.0, 0.03]),
        "temperature": st.sampled_from([0.0, 0.05, 1.0]),
        "erosion": st.sampled_from([0.0, 0.7, 2.0]),
        "accommodation_cost": st.sampled_from([0.0, 5.0]),
        "strain": st.sampled_from([0.0, 1.0, 5.0]),
    }
)  # all weights and rates, each possibly 0
values = {
    **dict.fromkeys(("bond", "rivalry", "trade", "sanction"), hundredths_above_zero),
    "propensity": st.integers(-200, 200).map(lambda n: n / 100),
}
quarter = st.integers(0, 3)
levers = st.sampled_from(["enforcement", "attention_budget", "accommodation"])
names = st.sampled_from(tuple(Parameters.model_fields))
sizes, products, sixth = st.integers(1, 100), st.integers(0, 100), st.integers(0, 5)
autonomies = st.sampled_from([0.0, 1.0, 2.0])
budgets, accommodations = st.sampled_from([0.0, 0.5, 2.0]), st.sampled_from([0.0, 0.1])
activations = st.sampled_from(["random", "fixed_order", "simultaneous"])
present = st.integers(0, 2**8 - 1)  # ties of a pair: a bit for each kind, two bits for each direction of sanctions


@st.composite
def ties(draw: st.DrawFn, ids: list[str], regimes: st.SearchStrategy[str]) -> list[dict[str, Any]]:
    """Generate ties of every kind between some pairs."""
    found: list[dict[str, Any]] = []
    for a, b in itertools.combinations(ids, 2):
        bits = draw(present)
        for n, kind in enumerate(("bond", "rivalry", "trade", "propensity")):
            if bits >> n & 1:
                found.append({"kind": kind, "a": a, "b": b, "value": draw(values[kind])})
        for n, (sender, target) in enumerate(((a, b), (b, a))):
            if bits >> 4 + 2 * n & 3 == 3:
                tie = {"kind": "sanction", "a": sender, "b": target, "value": draw(values["sanction"])}
                found.append({**tie, "regime": draw(regimes)})
    return found


KINDS = ("crisis", "sanction", "bond", "rivalry", "membership", "priority", "bloc", "parameter")


@st.composite
def shocks(
    draw: st.DrawFn, ids: list[str], blocs: st.SearchStrategy[str], regimes: st.SearchStrategy[str],
    theatres: st.SearchStrategy[str], steps: int,
) -> list[dict[str, Any]]:  # fmt: skip
    """Generate up to four shocks of any kind."""
    pairs = st.permutations(ids)
    found: list[dict[str, Any]] = []
    for kind in draw(st.lists(st.sampled_from(KINDS), max_size=4)):
        step, value = draw(st.integers(1, steps)), draw(hundredths)
        a, b, *_ = draw(pairs)
        ends = ((a, b), ("*", b), (a, "*"), ("@club", b))[draw(quarter)]
        shock: dict[str, Any] = {"kind": kind, "step": step}
        if kind == "crisis":
            shock |= {"theatre": draw(theatres), "intensity": 2 * value, "duration": 1 + step}
        elif kind == "sanction":
            shock |= {"sender": ends[0], "target": ends[1], "value": value, "regime": draw(regimes)}
        elif kind in ("bond", "rivalry"):
            shock |= {"a": ends[0], "b": ends[1], "value": value}
        elif kind == "membership":
            shock |= {"institution": "club", "state": a, "joins": draw(st.booleans())}
        elif kind == "priority":
            shock |= {"bloc": draw(blocs), "theatre": draw(theatres), "value": value}
        elif kind == "bloc":
            shock |= {"bloc": draw(blocs), "setting": draw(levers), "value": value}
        else:
            shock |= {"parameter": draw(names), "value": value}
        found.append(shock)
    return found


@st.composite
def scenarios(
    draw: st.DrawFn, *, max_states: int = 6, max_blocs: int = 4, steps: int = 4, fixed: dict[str, Any] | None = None
) -> Scenario:
    """Generate a scenario with all mechanisms, activations and kinds of shock; `fixed` overrides top-level fields."""
    ids = draw(st.permutations(IDS))[: draw(st.integers(2, max_states))]
    blocs = BLOCS[: draw(st.integers(1, max_blocs))]
    theatres = THEATRES[: draw(st.integers(1, 2))]
    allowed = draw(st.booleans())
    one_bloc, regimes, theatre = st.sampled_from(blocs), st.sampled_from(("", *blocs)), st.sampled_from(theatres)
    start = st.sampled_from((*blocs, "random", *(["non_aligned"] if allowed else [])))
    states = {
        id: {
            "name": id,
            "theatre": draw(theatre),
            "capability": draw(sizes),
            "gdp": draw(products),
            "autonomy": draw(autonomies),
            "initial": draw(start),
            "fixed": draw(sixth) == 0,
        }
        for id in ids
    }
    leaders = draw(st.permutations([*ids, None]))[: len(blocs)]
    for bloc, leader in zip(blocs, leaders, strict=False):
        if leader is not None:
            states[leader]["initial"] = bloc
    content: dict[str, Any] = {
        "title": "generated",
        "theatres": {theatre: theatre for theatre in theatres},
        "blocs": {
            bloc: {
                "name": bloc,
                "leader": leader,
                "enforcement": draw(hundredths),
                "attention_budget": draw(budgets),
                "accommodation": draw(accommodations),
                "priority": {theatre: draw(hundredths) for theatre in theatres},
            }
            for bloc, leader in zip(blocs, [*leaders, None, None, None], strict=False)
        },
        "institutions": {"club": {"name": "club", "cohesion": draw(hundredths), "members": ids[: len(ids) // 2 + 1]}},
        "parameters": draw(parameters),
        "states": states,
        "ties": draw(ties(ids, regimes)),
        "shocks": draw(shocks(ids, one_bloc, regimes, theatre, steps)),
        "steps": steps,
        "activation": draw(activations),
        "non_aligned_allowed": allowed,
    }
    return Scenario.model_validate({**content, **(fixed or {})})


kept_parameters = st.fixed_dictionaries(
    {
        "w_likeness": st.sampled_from([0.0, 0.3, 2.0]),
        "w_hedging": st.sampled_from([0.0, 0.5, 1.0]),
        "inertia": st.sampled_from([0.0, 0.03, 0.3]),
        "renewal": st.sampled_from([0.0, 0.015, 0.3, 3.0]),
        "temperature": st.sampled_from([0.0, 1e-300, 1e-9, 1e-4, 0.03, 0.3, 2.0]),
    }
)
lengths = st.sampled_from(["round", "month", "quarter", "year"])
multipliers = st.sampled_from([0.0, 1.0, 1.0, 4.0])
polyarchies = st.none() | hundredths


@st.composite
def kept_scenarios(draw: st.DrawFn, *, max_states: int = 6, max_blocs: int = 4, steps: int = 4) -> Scenario:
    """Generate a scenario of the law of kept dispositions, with a factual world from which it differs.

    A sixth of them have fresh dispositions with a calendar, and a sixth are not anchored.
    """
    content = draw(scenarios(max_states=max_states, max_blocs=max_blocs, steps=steps)).model_dump()
    content["parameters"] |= draw(kept_parameters)
    content["step"] = draw(lengths)
    content["date"] = None if content["step"] == "round" else "2023-10-31"
    content["dispositions"] = "kept" if content["step"] == "round" or draw(sixth) < 5 else "fresh"
    content["anchored"] = draw(sixth) < 5
    for state in content["states"].values():
        state |= {"polyarchy": draw(polyarchies), "renewal": draw(multipliers)}
    content["shocks"] = [*content["shocks"], *draw(shocks_of_regimes(content))]
    if content["dispositions"] == "kept" and draw(sixth) < 5:
        content["anchor"] = draw(factual_worlds(content))
    return Scenario.model_validate(content)


@st.composite
def shocks_of_regimes(draw: st.DrawFn, content: dict[str, Any]) -> list[dict[str, Any]]:
    """Generate up to three shocks of polyarchy and upheavals, these of free states and one at a step."""
    leaders = {bloc["leader"] for bloc in content["blocs"].values()}
    free = [id for id, state in content["states"].items() if not state["fixed"] and id not in leaders]
    allowed = [*content["blocs"], *(["non_aligned"] if content["non_aligned_allowed"] else [])]
    found: list[dict[str, Any]] = []
    for _ in range(draw(quarter)):
        shock: dict[str, Any] = {"step": draw(st.integers(1, content["steps"]))}
        if content["dispositions"] == "kept" and free and draw(st.booleans()):
            toward = draw(st.sampled_from(["", *allowed]))
            shock |= {"kind": "upheaval", "state": draw(st.sampled_from(free)), "toward": toward}
        else:
            state = draw(st.sampled_from(list(content["states"])))
            shock |= {"kind": "polyarchy", "state": state, "value": draw(hundredths)}
        if not any(
            other["kind"] == "upheaval" and {**shock, "toward": ""} == {**other, "toward": ""} for other in found
        ):
            found.append(shock)
    return found


@st.composite
def factual_worlds(draw: st.DrawFn, content: dict[str, Any]) -> dict[str, Any]:
    """Generate the world before a scenario changed it: most of it equal, any part of it possibly different."""
    ids, kept = list(content["states"]), list(content["blocs"])
    if len(ids) > 2 and draw(st.booleans()):
        ids.remove(draw(st.sampled_from(ids)))
    if len(kept) > 1 and draw(quarter) == 0:
        kept.remove(draw(st.sampled_from(kept)))
    allowed = content["non_aligned_allowed"] if draw(sixth) else not content["non_aligned_allowed"]
    starts = (*kept, *(["non_aligned"] if allowed else []))
    states = {id: dict(content["states"][id]) for id in (draw(st.permutations(ids)) if draw(st.booleans()) else ids)}
    blocs = {bloc: dict(content["blocs"][bloc]) for bloc in (draw(st.permutations(kept)) if draw(sixth) == 0 else kept)}
    for bloc in blocs.values():
        if draw(quarter) == 0:
            bloc |= {"enforcement": draw(hundredths), "attention_budget": draw(budgets)}
            bloc |= {"accommodation": draw(accommodations), "priority": {}}
        if bloc["leader"] not in states or draw(sixth) == 0:
            bloc["leader"] = None
    leaders = {bloc["leader"] for bloc in blocs.values()}
    for id, state in states.items():
        if draw(quarter) == 0:
            state |= {"capability": draw(sizes), "gdp": draw(products), "autonomy": draw(autonomies)}
            state |= {"polyarchy": draw(polyarchies), "renewal": draw(multipliers)}
        if id not in leaders:
            if state["initial"] not in ("random", *starts) or draw(quarter) == 0:
                state["initial"] = draw(st.sampled_from((*starts, "random")))
            state["fixed"] = state["fixed"] if draw(sixth) else not state["fixed"]
    regimes = st.sampled_from(("", *blocs))
    before = [tie for tie in content["ties"] if {tie["a"], tie["b"]} <= states.keys() and draw(quarter)]
    before = [{**tie, "regime": tie["regime"] if tie["regime"] in blocs else ""} for tie in before]
    same = states.keys() == content["states"].keys() and blocs.keys() == content["blocs"].keys()
    return {
        **content,
        "title": "before",
        "blocs": blocs,
        "states": states,
        "non_aligned_allowed": allowed,
        "activation": draw(activations),
        "parameters": draw(parameters),
        "ties": draw(ties(list(states), regimes)) if draw(quarter) == 0 else before,
        "institutions": {
            "club": {"name": "club", "cohesion": draw(hundredths), "members": [id for id in states if draw(quarter)]}
        },
        "shocks": content["shocks"] if same and draw(st.booleans()) else [],
    }


def small(**changes: object) -> Scenario:
    """Make a world of three states and two blocs: A leads west, B is fixed in east, C decides."""
    content: dict[str, object] = {
        "title": "by hand",
        "theatres": {"land": "land", "sea": "sea"},
        "blocs": {
            "west": {
                "name": "West", "leader": "A", "enforcement": 0.5, "attention_budget": 1, "accommodation": 0.1,
                "priority": {"land": 1, "sea": 1},
            },
            "east": {"name": "East", "enforcement": 0, "attention_budget": 1, "accommodation": 0},
        },
        "parameters": {
            **dict.fromkeys(Parameters.model_fields, 0.0),
            "w_propensity": 1, "w_bond": 2, "w_institution": 0.5, "w_hostility": 3, "w_balance": 4, "w_trade": 0.25,
            "w_shelter": 2, "w_pressure": 8, "pressure_floor": 0.5, "w_autonomy": 0.125, "inertia": 0.0625,
            "temperature": 1, "erosion": 1, "accommodation_cost": 5,
        },
        "states": {
            "A": {"name": "A", "theatre": "sea", "capability": 4, "gdp": 4, "initial": "west"},
            "B": {"name": "B", "theatre": "sea", "capability": 2, "gdp": 2, "initial": "east", "fixed": True},
            "C": {"name": "C", "theatre": "land", "capability": 2, "gdp": 2, "initial": "non_aligned", "autonomy": 2},
        },
        "institutions": {"club": {"name": "club", "cohesion": 0.5, "members": ["A", "C"]}},
        "ties": [
            {"kind": "propensity", "a": "A", "b": "C", "value": 0.5},
            {"kind": "bond", "a": "B", "b": "C", "value": 0.5},
            {"kind": "rivalry", "a": "A", "b": "C", "value": 0.25},
            {"kind": "sanction", "a": "A", "b": "C", "value": 0.5, "regime": "west"},
            {"kind": "trade", "a": "A", "b": "C", "value": 0.5},
        ],
        "steps": 3,
    }  # fmt: skip
    return Scenario.model_validate({**content, **changes})


def landscape(
    propensity: np.ndarray, sizes: list[float], *, temperature: float = 0.0, steps: int = 10, **more: Any
) -> Scenario:
    """Make the special case of landscape theory: two blocs, no non-alignment, only propensity (docs/validation.md)."""
    ids = [f"S{i:02d}" for i in range(len(sizes))]
    start = more.pop("initial", ["random"] * len(ids))
    return Scenario.model_validate(
        {
            "title": "landscape",
            "theatres": {"land": "land"},
            "blocs": {
                bloc: {"name": bloc, "enforcement": 0, "attention_budget": 1, "accommodation": 0} for bloc in BLOCS[:2]
            },
            "parameters": {**PROPENSITY_ALONE, "temperature": temperature},
            "states": {
                id: {"name": id, "theatre": "land", "capability": size, "initial": initial}
                for id, size, initial in zip(ids, sizes, start, strict=True)
            },
            "ties": [
                {"kind": "propensity", "a": ids[i], "b": ids[j], "value": float(propensity[i, j])}
                for i in range(len(ids))
                for j in range(i + 1, len(ids))
            ],
            "steps": steps,
            "non_aligned_allowed": False,
            **more,
        }
    )


@st.composite
def landscapes(draw: st.DrawFn, *, max_states: int = 6, steps: int = 10, **more: Any) -> Scenario:
    """Generate a world of landscape theory."""
    n = draw(st.integers(2, max_states))
    values = draw(st.lists(st.integers(-20, 20), min_size=n * n, max_size=n * n))
    matrix = np.triu(np.array(values, dtype=float).reshape(n, n) / 10, 1)
    sizes = draw(st.lists(st.integers(1, 50), min_size=n, max_size=n))
    activation = draw(st.sampled_from(["random", "fixed_order"]))
    return landscape(matrix + matrix.T, [float(s) for s in sizes], steps=steps, activation=activation, **more)


def pair_energy(scenario: Scenario, alignment: np.ndarray) -> float:
    """Compute E(X) = Σ_{i<j} c_i c_j p_ij d_ij(X) by brute force."""
    setting = world_of(scenario).setting
    return sum(
        setting.capability[i] * setting.capability[j] * setting.propensity[i, j]
        for i, j in itertools.combinations(range(alignment.size), 2)
        if alignment[i] != alignment[j]
    )


def symmetric(upper: list[float], n: int) -> Matrix:
    """Make a symmetric matrix from its upper half."""
    matrix = np.zeros((n, n))
    matrix[np.triu_indices(n, 1)] = upper
    return matrix + matrix.T


def by_definition(alignment: Alignment, sizes: Vector, propensity: Matrix) -> float:
    """Sum the energy over ordered pairs, pair by pair."""
    n = range(len(sizes))
    return sum(
        sizes[i] * sizes[j] * propensity[i, j]
        for i, j in itertools.product(n, n)
        if i != j and not (alignment[i] == alignment[j] != 0)
    )


def all_minus(n: int) -> Matrix:
    """Make the matrix of ties of -1 between all pairs."""
    return np.eye(n) - 1
