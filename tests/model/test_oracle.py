"""The simulator against a second implementation, written from the equations alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from oracle import LATE_STEPS, TERMS, Step, Trace, simulate
from relation import UNHURRIED, some
from strategies import WEIGHTS, kept_scenarios, scenarios

from sim.model import outcomes
from sim.model.agents import BlocModel, run_agents
from sim.model.arrays import CAUSES
from sim.model.compiled import run_compiled
from sim.model.trajectory import Run
from sim.scenario.loading import load_scenario, scenario_names
from sim.scenario.schema import Scenario
from sim.scenario.shocks import ParameterShock

CLOSE = 1e-12
SHIPPED_STEPS = 4
seeds = st.integers(0, 2**63 - 1)
replicates = st.integers(0, 10_000_000)


def differences(actual: Any, expected: Any, place: str, close: float) -> Iterator[str]:
    """List where two nested tables differ by more than `close`, relative to values above 1."""
    if isinstance(expected, list):
        assert len(actual) == len(expected), f"{place}: {len(actual)} instead of {len(expected)}"
        for n, (a, b) in enumerate(zip(actual, expected, strict=True)):
            yield from differences(a, b, f"{place}[{n}]", close)
    elif math.isnan(expected) or math.isnan(actual):
        if not (math.isnan(expected) and math.isnan(actual)):
            yield f"{place}: {actual!r} instead of {expected!r}"
    elif abs(actual - expected) > close * max(1.0, abs(expected)):
        yield f"{place}: {actual!r} instead of {expected!r}"


def agree(actual: Any, expected: Any, place: str, close: float = CLOSE) -> None:
    """Assert that two nested tables agree."""
    found = list(differences(actual, expected, place, close))
    assert not found, "\n".join(found[:10])


def closeness(scenario: Scenario) -> float:
    """Return how close chances must be: exponentials of a calendar enter utilities, which are over temperature."""
    shocks = [s.value for s in scenario.shocks if isinstance(s, ParameterShock) and s.parameter == "temperature"]
    coldest = min((value for value in (scenario.parameters.temperature.value, *shocks) if value > 0), default=1.0)
    return CLOSE if scenario.step == "round" else max(CLOSE, 1e-14 / coldest)


def agree_at(model: BlocModel, trace: Trace, step: int, close: float) -> None:
    """Compare the observations of a step or of the start, and the dispositions after it."""
    expected = trace.outcomes[step]
    assert [bool(now) for now in model.renewed] == trace.renewed[step], f"step {step}: renewed"
    for i, disposition in enumerate(trace.dispositions[step]):
        if disposition:
            place = f"step {step}: disposition of state {i}"
            agree((-model.inclinations[i]).tolist(), disposition, place, close)
    assert [int(a) for a in model.alignment] == trace.alignment[step], f"step {step}: alignments"
    assert [CAUSES[cause] for cause in model.causes] == trace.causes[step], f"step {step}: causes"
    assert set(model.outcome_names) == set(expected), "names of outcomes"
    for name, value in zip(model.outcome_names, model.outcomes, strict=True):
        agree(float(value), float(expected[name]), f"step {step}: {name}")
    agree(model.stability.tolist(), trace.stability[step], f"step {step}: stability")
    agree(model.environment.bite.tolist(), trace.bite[step], f"step {step}: bite")


def agree_within(model: BlocModel, done: Step, step: int, close: float) -> None:
    """Compare the environment, the decisions and the ties after the response."""
    place = f"step {step}:"
    for name in ("cohesion", "attention", "enforcement", "bite"):
        agree(getattr(model.environment, name).tolist(), getattr(done.environment, name), f"{place} {name}")
    for n, term in enumerate(TERMS):
        agree(model.terms[:, :, n].tolist(), [[row[n] for row in table] for table in done.terms], f"{place} {term}")
    agree(model.utilities.tolist(), done.utilities, f"{place} utilities")
    agree(model.chances.tolist(), done.chances, f"{place} chances", close)
    for name in ("bond", "rivalry", "sanction"):
        agree(getattr(model.situation, name).tolist(), getattr(done, name), f"{place} {name}")
    # The regime of a sanction of 0 has no meaning.
    regimes = [
        [int(k) if value > 0 else 0 for k, value in zip(*rows, strict=True)]
        for rows in zip(model.situation.regime, done.sanction, strict=True)
    ]
    expected = [
        [k if value > 0 else 0 for k, value in zip(*rows, strict=True)]
        for rows in zip(done.regime, done.sanction, strict=True)
    ]
    assert regimes == expected, f"{place} regimes"


def agree_over(run: Run, trace: Trace, close: float) -> None:
    """Compare a whole run."""
    assert run.alignment.tolist() == trace.alignment
    assert [[CAUSES[cause] for cause in row] for row in run.causes] == trace.causes
    assert run.renewed.tolist() == trace.renewed
    agree(run.chances[1:].tolist(), [done.chances for done in trace.steps], "chances", close)
    agree(run.stability.tolist(), trace.stability, "stability")
    agree(run.bite.tolist(), trace.bite, "bite")
    for name, values in zip(run.outcome_names, run.outcomes.T, strict=True):
        agree(values.tolist(), [float(seen[name]) for seen in trace.outcomes], name)
    kept = run.compact(LATE_STEPS)  # the form that tables store
    agree(run.late_shares(LATE_STEPS).tolist(), trace.late_shares, "late_shares")
    late = outcomes.late_shares(kept.alignment, len(run.alignments), LATE_STEPS)
    agree(late.tolist(), trace.late_shares, "late_shares kept")
    agree(outcomes.late_mean(kept.stability, LATE_STEPS).tolist(), trace.late_stability, "late_stability")
    agree(outcomes.late_mean(kept.bite, LATE_STEPS).tolist(), trace.late_bite, "late_bite")
    late = run.late_outcomes(LATE_STEPS)
    agree(late.tolist(), [trace.late_outcomes[name] for name in run.outcome_names], "late outcomes")
    agree(run.consolidation_step(), float(trace.consolidation), "consolidation step")


def check(scenario: Scenario, seed: int, replicate: int) -> None:
    """Compare agents, compiled runs and oracle, step by step and as a whole.

    Where they differ after a decision that last digits could turn, the case decides nothing.
    """
    trace, close = simulate(scenario, seed, replicate), closeness(scenario)
    model = BlocModel(scenario, seed=seed, replicate=replicate)
    for step in range(len(trace.alignment)):
        try:
            if step > 0:
                model.step()
                agree_within(model, trace.steps[step - 1], step, close)
            agree_at(model, trace, step, close)
        except AssertionError:
            if any(narrow <= step for narrow, *_ in trace.narrow):
                reject()
            raise
    for run in (run_agents, run_compiled):
        agree_over(run(scenario, seed=seed, replicate=replicate), trace, close)


@st.composite
def edge_cases(draw: st.DrawFn, *, steps: int) -> Scenario:
    """Generate scenarios with more institutions, states of capability 0, missing priorities and wide selectors.

    A quarter of them have equal states and ties, at most one weight, and temperature 0, so that utilities tie.
    """
    content = draw(scenarios(steps=steps)).model_dump()
    ids = list(content["states"])
    groups = st.lists(st.sampled_from(ids), unique=True)
    for name in ("pact", "league"):
        cohesion = draw(st.integers(0, 100)) / 100
        content["institutions"][name] = {"name": name, "cohesion": cohesion, "members": draw(groups)}
    for state in ids[1:]:
        if draw(st.integers(0, 4)) == 0:
            content["states"][state]["capability"] = 0
    for bloc in content["blocs"].values():
        for theatre in list(bloc["priority"]):
            if draw(st.integers(0, 3)) == 0:
                del bloc["priority"][theatre]
    ends = st.sampled_from(["*", "@club", "@pact", "@league", *ids])
    more: list[dict[str, Any]] = []
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["sanction", "bond", "rivalry", "membership", "crisis"]))
        shock: dict[str, Any] = {"kind": kind, "step": draw(st.integers(1, steps))}
        first, second, value = draw(ends), draw(ends), draw(st.sampled_from([0.0, 0.3, 1.0]))
        if kind == "sanction":
            regime = draw(st.sampled_from(["", *content["blocs"]]))
            shock |= {"sender": first, "target": second, "value": value, "regime": regime}
        elif kind == "membership":
            institution = draw(st.sampled_from(["club", "pact", "league"]))
            shock |= {"institution": institution, "state": draw(st.sampled_from(ids)), "joins": draw(st.booleans())}
        elif kind == "crisis":
            theatre = draw(st.sampled_from(list(content["theatres"])))
            shock |= {"theatre": theatre, "intensity": value, "duration": draw(st.integers(1, steps))}
        else:
            shock |= {"a": first, "b": second, "value": value}
        more.append(shock)
    content["shocks"] = [*content["shocks"], *more]
    if draw(st.integers(0, 3)) == 0:
        equalise(content, draw(st.sampled_from(WEIGHTS)))
    return renamed(Scenario.model_validate(content), {"AAA": "A", "BBB": "b_3", "CCC": "Zz_zz_zz", "DDD": "aaa"})


@st.composite
def kept_cases(draw: st.DrawFn, *, max_states: int = 6, steps: int) -> Scenario:
    """Generate scenarios of kept dispositions; some of them have equal states and ties, so that utilities tie."""
    scenario = draw(kept_scenarios(max_states=max_states, steps=steps))
    if draw(st.integers(0, 7)) > 0:
        return scenario
    content = scenario.model_dump()
    content["parameters"]["w_likeness"] = 0
    for bloc in content["blocs"].values():
        bloc["accommodation"] = 0
    equalise(content, draw(st.sampled_from((*WEIGHTS, "w_likeness", "inertia"))))
    return Scenario.model_validate(content)


def equalise(content: dict[str, Any], weight: str) -> None:
    """Make states and ties equal, with one weight at most above 0."""
    for state in content["states"].values():
        state |= {"capability": 1, "gdp": 1, "autonomy": 1}
    for tie in content["ties"]:
        tie["value"] = 0.5
    content["parameters"] |= dict.fromkeys((*WEIGHTS, "w_autonomy", "inertia", "temperature"), 0)
    content["parameters"][weight] = 0.3


def renamed(scenario: Scenario, names: dict[str, str]) -> Scenario:
    """Replace the ids of a scenario with others of 1 to 8 characters."""
    text = scenario.model_dump_json()
    for old, new in names.items():
        text = text.replace(f'"{old}"', f'"{new}"')
    return Scenario.model_validate_json(text)


@settings(**UNHURRIED)
@given(scenarios(), seeds, replicates)
def test_simulator_equals_oracle(scenario: Scenario, seed: int, replicate: int) -> None:
    check(scenario, seed, replicate)


@settings(**UNHURRIED)
@given(edge_cases(steps=12), seeds, replicates)
def test_simulator_equals_oracle_in_edge_cases(scenario: Scenario, seed: int, replicate: int) -> None:
    check(scenario, seed, replicate)


@settings(**UNHURRIED)
@given(kept_cases(steps=5), seeds, replicates)
def test_simulator_equals_oracle_with_kept_dispositions(scenario: Scenario, seed: int, replicate: int) -> None:
    check(scenario, seed, replicate)


@pytest.mark.long
@settings(**UNHURRIED, max_examples=2_000)
@given(kept_cases(max_states=8, steps=8), seeds, replicates)
def test_simulator_equals_oracle_in_2000_kept_scenarios(scenario: Scenario, seed: int, replicate: int) -> None:
    check(scenario, seed, replicate)


@pytest.mark.parametrize("ends", [("*", "@pact"), ("AAA", "@pact"), ("@pact", "@pact")])
def test_selector_of_empty_institution(ends: tuple[str, str]) -> None:
    bloc = {"enforcement": 0, "attention_budget": 1, "accommodation": 0}
    scenario = Scenario.model_validate(
        {
            "title": "no members",
            "theatres": {"land": "land"},
            "blocs": {"east": {"name": "east", **bloc}, "west": {"name": "west", **bloc}},
            "institutions": {"pact": {"name": "pact", "cohesion": 0.5, "members": []}},
            "states": {id: {"name": id, "theatre": "land", "capability": 1, "gdp": 1} for id in ("AAA", "BBB", "CCC")},
            "ties": [{"kind": "sanction", "a": "AAA", "b": "BBB", "value": 0.4}],
            "shocks": [{"kind": "sanction", "step": 1, "sender": ends[0], "target": ends[1], "value": 0.9}],
            "steps": 1,
        }
    )
    check(scenario, 0, 0)


def test_simulator_equals_oracle_in_baseline() -> None:
    check(load_scenario("baseline_2023").model_copy(update={"steps": 5}), 2023, 0)


@pytest.mark.parametrize("name", some([name for name in scenario_names() if name != "baseline_2023"], 5))
def test_simulator_equals_oracle_in_shipped_scenarios(name: str) -> None:
    """The first steps of each, with their shocks."""
    scenario = load_scenario(name)
    early = tuple(shock for shock in scenario.shocks if shock.step <= SHIPPED_STEPS)
    check(scenario.model_copy(update={"steps": SHIPPED_STEPS, "shocks": early}), 2023, 1)


@pytest.mark.long
@pytest.mark.parametrize("name", scenario_names())
def test_simulator_equals_oracle_in_whole_runs(name: str) -> None:
    check(load_scenario(name), 2023, 1)
