"""The simulator against a second implementation, written from the equations by someone who has not read it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import TERMS, Step, Trace, simulate
from strategies import WEIGHTS, scenarios

from sim.model import outcomes
from sim.model.agents import BlocModel, run_agents
from sim.model.trajectory import Run
from sim.scenario.loading import load_scenario, scenario_names
from sim.scenario.schema import Scenario

CLOSE = 1e-12
SHIPPED_STEPS = 3
seeds = st.integers(0, 2**63 - 1)
replicates = st.integers(0, 10_000_000)
QUIET = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}


def differences(told: Any, expected: Any, place: str) -> Iterator[str]:
    """Places at which two nested tables differ by more than CLOSE, of their size where that is above 1."""
    if isinstance(expected, list):
        assert len(told) == len(expected), f"{place}: {len(told)} instead of {len(expected)}"
        for n, (a, b) in enumerate(zip(told, expected, strict=True)):
            yield from differences(a, b, f"{place}[{n}]")
    elif math.isnan(expected) or math.isnan(told):
        if not (math.isnan(expected) and math.isnan(told)):
            yield f"{place}: {told!r} instead of {expected!r}"
    elif abs(told - expected) > CLOSE * max(1.0, abs(expected)):
        yield f"{place}: {told!r} instead of {expected!r}"


def agree(told: Any, expected: Any, place: str) -> None:
    """Fail where two nested tables differ."""
    found = list(differences(told, expected, place))
    assert not found, "\n".join(found[:10])


def agree_at(model: BlocModel, trace: Trace, step: int) -> None:
    """What is observed at a step, the start included."""
    expected = trace.outcomes[step]
    assert [int(a) for a in model.alignment] == trace.alignment[step], f"alignments of step {step}"
    assert set(model.names) == set(expected), "names of outcomes"
    for name, told in zip(model.names, model.outcomes, strict=True):
        agree(float(told), float(expected[name]), f"step {step}: {name}")
    agree(model.stability.tolist(), trace.stability[step], f"step {step}: stability")
    agree(model.environment.bite.tolist(), trace.bite[step], f"step {step}: bite")


def agree_within(model: BlocModel, done: Step, step: int) -> None:
    """What a step did: environment, every state's decision, ties after the response."""
    place = f"step {step}:"
    for name in ("cohesion", "attention", "enforcement", "bite"):
        agree(getattr(model.environment, name).tolist(), getattr(done.environment, name), f"{place} {name}")
    for n, term in enumerate(TERMS):
        agree(model.terms[:, :, n].tolist(), [[row[n] for row in table] for table in done.terms], f"{place} {term}")
    agree(model.utilities.tolist(), done.utilities, f"{place} utilities")
    agree(model.chances.tolist(), done.chances, f"{place} chances")
    for name in ("bond", "rivalry", "sanction"):
        agree(getattr(model.situation, name).tolist(), getattr(done, name), f"{place} {name}")
    # A sanction of 0 is of no regime, whatever is written there.
    regimes = [
        [int(k) if value > 0 else 0 for k, value in zip(*rows, strict=True)]
        for rows in zip(model.situation.regime, done.sanction, strict=True)
    ]
    expected = [
        [k if value > 0 else 0 for k, value in zip(*rows, strict=True)]
        for rows in zip(done.regime, done.sanction, strict=True)
    ]
    assert regimes == expected, f"{place} regimes"


def agree_over(told: Run, trace: Trace) -> None:
    """What is told of a whole run."""
    assert told.alignment.tolist() == trace.alignment
    agree(told.chances[1:].tolist(), [done.chances for done in trace.steps], "chances")
    agree(told.stability.tolist(), trace.stability, "stability")
    agree(told.bite.tolist(), trace.bite, "bite")
    for name, values in zip(told.outcome_names, told.outcomes.T, strict=True):
        agree(values.tolist(), [float(seen[name]) for seen in trace.outcomes], name)
    kept = told.stored()  # what tables are made of
    agree(told_by(told, "late_shares").tolist(), trace.late_shares, "late_shares")
    agree(outcomes.late_shares(kept.alignment, len(told.alignments)).tolist(), trace.late_shares, "late_shares kept")
    agree(outcomes.late_mean(kept.stability).tolist(), trace.late_stability, "late_stability")
    agree(outcomes.late_mean(kept.bite).tolist(), trace.late_bite, "late_bite")
    late = told_by(told, "late_outcomes")
    values = late.values() if isinstance(late, dict) else late
    agree([float(v) for v in values], [trace.late_outcomes[name] for name in told.outcome_names], "late outcomes")
    agree(float(told_by(told, "consolidation_step")), float(trace.consolidation), "consolidation step")


def told_by(told: Run, name: str) -> Any:
    """What a run tells by a name, be it a property or a method."""
    value = getattr(told, name)
    return value() if callable(value) else value


def check(scenario: Scenario, seed: int, replicate: int) -> None:
    """The simulator and the oracle agree on a run, step by step and as a whole."""
    trace = simulate(scenario, seed, replicate)
    model = BlocModel(scenario, seed=seed, replicate=replicate)
    agree_at(model, trace, 0)
    for step, done in enumerate(trace.steps, start=1):
        model.step()
        agree_within(model, done, step)
        agree_at(model, trace, step)
    agree_over(run_agents(scenario, seed=seed, replicate=replicate), trace)


@st.composite
def rougher(draw: st.DrawFn, *, steps: int) -> Scenario:
    """Scenarios with more institutions, states of no capability, priorities left out, wider selectors, any ids.

    A quarter of them are level: equal states and ties, one weight at most, temperature 0, so that utilities tie.
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
        level(content, draw(st.sampled_from(WEIGHTS)))
    return renamed(Scenario.model_validate(content), {"AAA": "A", "BBB": "b_3", "CCC": "Zz_zz_zz", "DDD": "aaa"})


def level(content: dict[str, Any], weight: str) -> None:
    """Make states and ties equal, and leave one weight at most to decide."""
    for state in content["states"].values():
        state |= {"capability": 1, "gdp": 1, "autonomy": 1}
    for tie in content["ties"]:
        tie["value"] = 0.5
    content["parameters"] |= dict.fromkeys((*WEIGHTS, "w_autonomy", "inertia", "temperature"), 0)
    content["parameters"][weight] = 0.3


def renamed(scenario: Scenario, names: dict[str, str]) -> Scenario:
    """The scenario with other ids, of 1 to 8 characters."""
    text = scenario.model_dump_json()
    for old, new in names.items():
        text = text.replace(f'"{old}"', f'"{new}"')
    return Scenario.model_validate_json(text)


@settings(max_examples=150, **QUIET)
@given(scenarios(), seeds, replicates)
def test_the_simulator_does_what_the_equations_say(scenario: Scenario, seed: int, replicate: int) -> None:
    check(scenario, seed, replicate)


@settings(max_examples=40, **QUIET)
@given(rougher(steps=12), seeds, replicates)
def test_it_does_so_in_longer_runs_of_rougher_worlds(scenario: Scenario, seed: int, replicate: int) -> None:
    check(scenario, seed, replicate)


@pytest.mark.long
@settings(max_examples=2000, **QUIET)
@given(scenarios(), seeds, replicates)
def test_the_simulator_does_what_the_equations_say_2000_times(scenario: Scenario, seed: int, replicate: int) -> None:
    check(scenario, seed, replicate)


@pytest.mark.long
@settings(max_examples=500, **QUIET)
@given(rougher(steps=12), seeds, replicates)
def test_it_does_so_in_500_longer_runs_of_rougher_worlds(scenario: Scenario, seed: int, replicate: int) -> None:
    check(scenario, seed, replicate)


@pytest.mark.parametrize("ends", [("*", "@pact"), ("AAA", "@pact"), ("@pact", "@pact")])
def test_an_institution_without_members_names_nobody(ends: tuple[str, str]) -> None:
    bloc = {"enforcement": 0, "attention_budget": 1, "accommodation": 0}
    scenario = Scenario.model_validate(
        {
            "title": "nobody",
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


def test_it_does_so_in_the_baseline() -> None:
    check(load_scenario("baseline_2023").model_copy(update={"steps": 5}), 2023, 0)


@pytest.mark.parametrize("name", [name for name in scenario_names() if name != "baseline_2023"])
def test_it_does_so_in_every_shipped_scenario(name: str) -> None:
    scenario = load_scenario(name)
    if all(shock.step <= SHIPPED_STEPS for shock in scenario.shocks):
        scenario = scenario.model_copy(update={"steps": SHIPPED_STEPS})
    check(scenario, 2023, 1)
