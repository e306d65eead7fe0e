"""Histories: reasons of moves, who follows, turning points and other histories, against brute force."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import simulate
from relation import UNHURRIED, seeds
from strategies import kept_scenarios, scenarios

from sim.analysis.history.bonds import describe_sanctions, with_ties_at
from sim.analysis.history.moves import Move, explain_moves
from sim.analysis.history.others import find_histories, observe_others, parse_conditions
from sim.analysis.history.retrace import WEIGHED
from sim.analysis.history.sentences import count_causes, describe_condition, describe_reason, describe_shock
from sim.analysis.history.story import MOVE_COLUMNS, POINT_COLUMNS, Story, tell_story
from sim.analysis.history.turning import MOST, TurningPoint, bloc_events, find_turning_points, quiet_renewals
from sim.analysis.history.words import PHRASES, count_words, join_names, main_terms, share_words
from sim.analysis.states.start import explain_start
from sim.batch.design import through_lens
from sim.errors import InputError
from sim.model import dispositions, rules
from sim.model.agents import BlocModel, StateAgent
from sim.model.arrays import BY_FOLLOWING, CAUSES, Integers
from sim.model.compiled import run_compiled
from sim.model.trajectory import Run
from sim.model.world import world_of
from sim.reporting.labels import label_history
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario
from sim.scenario.shocks import SanctionShock, Upheaval

CLOSE = 1e-9
Followed = dict[tuple[int, str], tuple[set[str], set[str]]]  # by step and state: needed moves, and all that are new
any_scenarios = kept_scenarios() | scenarios()


@cache
def shipped(name: str, replicate: int = 0, others: int = 0, steps: int = 40) -> Story:
    """The history of a replicate of a shipped scenario with seed 7."""
    scenario = load_scenario(name).model_copy(update={"steps": steps})
    world = world_of(scenario)
    run = run_compiled(scenario, seed=7, replicate=replicate, world=world)
    return tell_story(scenario, world, run, label_history(scenario), others=others)


def explained(scenario: Scenario, seed: int) -> tuple[Run, list[Move]]:
    """A run and its moves."""
    run = run_compiled(scenario, seed=seed)
    return run, explain_moves(world_of(scenario), run)


@settings(**UNHURRIED)
@given(any_scenarios, seeds)
def test_moves_are_those_of_the_run(scenario: Scenario, seed: int) -> None:
    run, moves = explained(scenario, seed)
    found = {(m.step, m.state): (m.left, m.entered, m.cause) for m in moves}
    expected = {
        (step, run.states[i]): (
            run.alignments[run.alignment[step - 1, i]],
            run.alignments[run.alignment[step, i]],
            CAUSES[run.causes[step, i]],
        )
        for step, i in np.argwhere(run.causes > 0).tolist()
    }
    assert found == expected
    assert all(bool(move.followed) == (move.cause == "following") for move in moves)


@settings(**UNHURRIED)
@given(any_scenarios, seeds)
def test_terms_are_those_of_the_oracle(scenario: Scenario, seed: int) -> None:
    _, moves = explained(scenario, seed)
    trace = simulate(scenario, seed, 0) if moves else None
    for move in moves:
        assert trace is not None
        if any(step <= move.step for step, *_ in trace.narrow):
            return
        done, i = trace.steps[move.step - 1], list(scenario.states).index(move.state)
        for row, alignment in enumerate((move.left, move.entered)):
            k = scenario.alignments().index(alignment)
            assert move.weighed[row, :-1] == pytest.approx(done.terms[i][k], abs=CLOSE)
            own = trace.dispositions[move.step][i] if scenario.dispositions == "kept" else []
            temperature = temperature_at(scenario, move.step)
            assert move.weighed[row, -1] == pytest.approx(-temperature * own[k] if own else 0.0, abs=CLOSE)


def temperature_at(scenario: Scenario, step: int) -> float:
    """Temperature at a step, after its shocks."""
    value = scenario.parameters.temperature.value
    for shock in sorted(scenario.shocks, key=lambda shock: shock.step):
        if shock.kind == "parameter" and shock.parameter == "temperature" and shock.step <= step:
            value = shock.value
    return value


@settings(**UNHURRIED)
@given(kept_scenarios(), seeds)
def test_terms_sum_to_what_decided(scenario: Scenario, seed: int) -> None:
    """The alignment entered is ahead where it is entered; where the state chose what it left, it was behind."""
    _, moves = explained(scenario, seed)
    for move in moves:
        ahead = math.fsum(move.advantage().values())
        if scenario.dispositions == "kept":
            assert ahead >= -CLOSE
        if change := move.change():
            before = move.before
            assert before is not None
            assert math.fsum(change.values()) == pytest.approx(ahead - float((before[1] - before[0]).sum()), abs=CLOSE)
            assert math.fsum(change.values()) >= -CLOSE
        if move.cause == "following":
            assert scenario.dispositions == "fresh" or move.pull()


@settings(**UNHURRIED)
@given(kept_scenarios(), seeds)
def test_state_chose_what_it_left(scenario: Scenario, seed: int) -> None:
    """Since its last renewal or entry with the same disposition; an anchored start is a choice in the factual world."""
    if scenario.dispositions == "fresh":
        return
    run, moves = explained(scenario, seed)
    warm = all(
        one.parameters.temperature.value > 1e-6 for one in (scenario, scenario.anchor) if one is not None
    ) and not any(shock.kind == "parameter" for shock in scenario.shocks)
    for move in moves:
        i = run.states.index(move.state)
        known = scenario.anchored and scenario.states[move.state].initial != "random"
        if move.before is not None and (move.since > 0 or (known and warm and stays_put(scenario, move))):
            assert move.chose_what_it_left()
        assert not run.renewed[move.since + 1 : move.step, i].any()
        assert (run.alignment[move.since : move.step, i] == run.alignment[move.step - 1, i]).all()


def stays_put(scenario: Scenario, move: Move) -> bool:
    """Whether a state starts in the factual world as in the scenario, and may choose there what it enters later."""
    factual = scenario.anchor or scenario
    if move.state not in factual.states or factual.states[move.state].initial == "random":
        return False
    return move.entered != "non_aligned" or factual.non_aligned_allowed


class UndoingAgent(StateAgent):
    """An agent that, when it follows, decides again without each move that it had not seen before."""

    found: Followed

    def decide(self) -> int:
        """Decide, and record the moves without which it would have stayed, and all moves that are new to it."""
        model, i = self.model, self.index
        now, before = model.seen.copy(), model.last_seen[i].copy()
        choice = super().decide()
        if model.causes[i] == BY_FOLLOWING:
            new = [j for j in np.flatnonzero(now != before).tolist() if j != i]
            needed = {model.world.states[j] for j in new if self.again(now, before, [j]) == now[i]}
            self.found[int(model.steps), self.id] = needed, {model.world.states[j] for j in new}
        return choice

    def again(self, now: Integers, before: Integers, undone: list[int]) -> int:
        """Decide with some moves undone."""
        model, i, seen = self.model, self.index, now.copy()
        seen[undone] = before[undone]
        k = len(model.world.alignments)
        return dispositions.decide_from_ties(
            i, seen, int(model.steps), model.uniforms[i], model.key, model.world.setting, model.situation,
            model.weights, model.environment, np.empty(k), np.empty(k), model.inclinations[i].copy(),
            model.renewed.copy(),
        )  # fmt: skip


def follow_by_brute_force(scenario: Scenario, seed: int, replicate: int = 0) -> Followed:
    """For each following move: the states without whose move it would not happen, and all that moved since."""
    model = BlocModel(scenario, seed=seed, replicate=replicate)
    found: Followed = {}
    model.states = [UndoingAgent(model, agent.index, agent.name) for agent in model.states]
    for agent in model.states:
        agent.found = found
    for _ in range(scenario.steps):
        with np.errstate(over="ignore"):
            model.step()
    return found


@settings(**UNHURRIED)
@given(any_scenarios, seeds)
def test_followers_of_generated_worlds(scenario: Scenario, seed: int) -> None:
    _, moves = explained(scenario, seed)
    check_followers(moves, follow_by_brute_force(scenario, seed))


@pytest.mark.parametrize(("name", "replicate"), [("baseline_2023", 39), ("global_coexistence", 0), ("unix_1988", 0)])
def test_followers_of_shipped_worlds(name: str, replicate: int) -> None:
    story = shipped(name, replicate)
    assert any(move.followed for move in story.moves)
    check_followers(story.moves, follow_by_brute_force(story.scenario, 7, replicate))


@pytest.mark.parametrize(("name", "replicate"), [("baseline_2023", 28), ("sanctions_collapse", 20)])
def test_reason_begins_with_what_counts_most(name: str, replicate: int) -> None:
    """The reason named the state that was followed, and left out the disposition that was the largest push."""
    story = shipped(name, replicate)
    leading = []
    for move in story.moves:
        if move.followed:
            gap = move.weighed[1] - move.weighed[0]
            term = WEIGHED[int(gap.argmax())]
            level = PHRASES[term].level.partition("{bloc}")[0]
            reason = describe_reason(move, story.names, story.scenario)
            assert reason.startswith((level, PHRASES[term].negative.partition("{bloc}")[0] or level)), reason
            assert " counted most for the move, and it followed " in reason
            leading.append(term)
    assert "disposition" in leading


def check_followers(moves: list[Move], expected: Followed) -> None:
    """Compare the moves that were followed with brute force, and find each of them in the run."""
    assert {(m.step, m.state) for m in moves if m.followed} == expected.keys()
    known = {move.key for move in moves}
    for move in moves:
        if move.followed:
            needed, new = expected[move.step, move.state]
            states = {state for state, _ in move.followed}
            assert states == needed if needed else states <= new
            assert {*move.followed} <= known
            assert all(move.step - 1 <= step <= move.step for _, step in move.followed)


@settings(**UNHURRIED)
@given(kept_scenarios(steps=6), seeds)
def test_turning_points_of_generated_worlds(scenario: Scenario, seed: int) -> None:
    run, moves = explained(scenario, seed)
    points = find_turning_points(scenario, world_of(scenario), run, moves)
    assert len(points) <= MOST
    assert [point.step for point in points] == sorted(point.step for point in points)
    first = [move.key for point in points for move in point.moves]
    assert len(first) == len(set(first))
    assert all(not move.followed for point in points for move in point.moves)
    check_chains(points, moves)
    if sum(point.kind == "move" for point in points) < MOST:  # then no move is left out
        assert {m.key for p in points for m in (*p.moves, *p.followers)} == {move.key for move in moves}


@pytest.mark.parametrize(("name", "replicate"), [("global_coexistence", 0), ("brics_third_pole", 2)])
def test_followers_of_turning_points(name: str, replicate: int) -> None:
    story = shipped(name, replicate)
    assert sum(bool(point.followers) for point in story.points) > 1
    check_chains(story.points, story.moves)


def check_chains(points: list[TurningPoint], moves: list[Move]) -> None:
    """Check that the followers of a point are the moves from which a chain of moves followed leads to it."""
    known = {move.key: move for move in moves}
    for point in points:
        first = {move.key for move in point.moves}

        def leads_there(move: Move, first: set[tuple[str, int]] = first) -> bool:
            return any(key in first or leads_there(known[key]) for key in move.followed)

        expected = {move.key for move in moves if leads_there(move)} - first
        assert {move.key for move in point.followers} == expected


@settings(**UNHURRIED)
@given(any_scenarios, seeds)
def test_everything_has_a_sentence(scenario: Scenario, seed: int) -> None:
    world, run = world_of(scenario), run_compiled(scenario, seed=seed)
    story = tell_story(scenario, world, run, label_history(scenario), others=2)
    for record in story.move_records():
        assert record.keys() == {*MOVE_COLUMNS}
        assert record["reason"].endswith(".")
        assert "{" not in record["reason"]
    for record in story.point_records():
        assert record.keys() == {*POINT_COLUMNS}
        assert record["what"].endswith(".")
        assert record["why"].endswith(".")
        assert "{" not in record["what"] + record["why"] + record["followed_by"] + record["reacted"]


@pytest.mark.parametrize(("name", "replicate"), [("baseline_2023", 2), ("baseline_2023", 30), ("baseline_2023", 39)])
def test_events_of_blocs_by_hand(name: str, replicate: int) -> None:
    story = shipped(name, replicate)
    run = story.run
    expected = set()
    for bloc in run.alignments[1:]:
        share = run.outcome(f"capability_{bloc}").tolist()
        since = [t for t in range(len(share) - 4) if min(share[t : t + 4]) >= 0.1]
        if since and since[0]:
            expected.add((since[0], bloc, True))
        if since and (below := [t for t in range(since[0], len(share)) if share[t] < 0.1]):
            expected.add((below[0], bloc, False))
    assert {(event.step, event.bloc, event.rises) for event in bloc_events(story.scenario, run)} == expected


def test_size_after_a_turning_point() -> None:
    """Where one turning point moves everything, its sizes are those of the run."""
    story = shipped("baseline_2023", 39)
    (point,) = (point for point in story.points if point.moves)
    for bloc, (start, end) in point.sizes.items():
        assert start == story.run.outcome(f"capability_{bloc}")[point.step - 1]
        assert end == pytest.approx(story.run.outcome(f"capability_{bloc}")[-1], abs=CLOSE)


def test_counts_in_other_histories() -> None:
    story = shipped("baseline_2023", 3, others=30)
    assert story.others is not None
    others = [run_compiled(story.scenario, seed=7, replicate=r) for r in range(31) if r != 3]
    paths = [[[run.alignments[a] for a in row] for row in run.alignment.tolist()] for run in others]
    quiet = [all(row == path[0] for row in path) for path in paths]
    assert story.others.count == 30
    assert story.others.without_moves == sum(quiet) > 0
    assert any(move.entered == "non_aligned" for move in story.moves)
    for move in story.moves:
        i, count = story.run.states.index(move.state), 0
        for path in paths:
            steps = [(a[i], b[i]) for a, b in pairwise(path) if a[i] != b[i]]
            leaves = move.entered == "non_aligned"
            count += any((a == move.left) if leaves else (b == move.entered) for a, b in steps)
        assert story.others.alike(*move.what) == count
        assert story.count_record(move)["histories"] == count


def test_other_histories_leave_out_this_one() -> None:
    story = shipped("baseline_2023", 1)
    world = world_of(story.scenario)
    alike = [run_compiled(story.scenario, seed=7, replicate=r, world=world) for r in (0, 2)]
    found = observe_others(story.scenario, world, story.run, count=2)
    assert found.movers.tolist() == [int((run.causes > 0).any(axis=0).sum()) for run in alike]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CHN enters front", [("CHN", "front", True)]),
        ("the United States of nowhere enters front", None),
        ("China joins the Anti-US front and belarus LEAVES front", [("CHN", "front", True), ("BLR", "front", False)]),
        ("India enters non-aligned", [("IND", "non_aligned", True)]),
    ],
)
def test_conditions(text: str, expected: list[tuple[str, str, bool]] | None) -> None:
    scenario = load_scenario("baseline_2023")
    if expected is None:
        with pytest.raises(InputError, match="unknown state"):
            parse_conditions(scenario, text)
        return
    states, alignments = list(scenario.states), scenario.alignments()
    found = [(states[one.state], alignments[one.alignment], one.enters) for one in parse_conditions(scenario, text)]
    assert found == expected


def test_every_fault_of_conditions() -> None:
    with pytest.raises(InputError) as refused:
        parse_conditions(load_scenario("baseline_2023"), "CHNA enters fron and USA leaves us_led and so on")
    messages = " ".join(fault.message for fault in refused.value.faults)
    for part in ("did you mean 'CHN'", "did you mean 'front'", "USA never decides", "'so on' is not a condition"):
        assert part in messages


def test_name_with_and_in_a_condition() -> None:
    content = load_scenario("unix_1988").model_dump()
    content["states"]["DEC"]["name"] = "Bosnia and Herzegovina"
    scenario = Scenario.model_validate(content)
    bloc = next(iter(scenario.blocs))
    found = parse_conditions(scenario, f"Bosnia and Herzegovina enters {bloc} and IBM leaves {bloc}")
    assert [list(scenario.states)[one.state] for one in found] == ["DEC", "IBM"]


def test_search_finds_all_histories() -> None:
    scenario = load_scenario("baseline_2023")
    world = world_of(scenario)
    conditions = parse_conditions(scenario, "MEX enters us_led")
    found = find_histories(scenario, world, conditions, seed=7, count=40)
    i, k = list(scenario.states).index("MEX"), scenario.alignments().index("us_led")
    paths = [run_compiled(scenario, seed=7, replicate=r, world=world).alignment[:, i].tolist() for r in range(40)]
    direct = [r for r, path in enumerate(paths) if any(a != b == k for a, b in pairwise(path))]
    assert found.replicates == direct
    assert direct[0] == 0


def test_words() -> None:
    assert share_words(0.334) == "a third (0.33)"
    assert share_words(0.36) == "more than a third (0.36)"
    assert share_words(0.0) == "nothing"
    assert share_words(1.0) == "all (1.00)"
    assert count_words(1, "state") == "one state"
    assert count_words(13, "state") == "13 states"
    assert join_names(["A", "B", "C"]) == "A, B and C"
    assert join_names(["A, the first", "B"]) == "A, the first and B"
    assert main_terms({"bond": 0.3, "trade": 0.2, "shelter": 0.01, "pressure": -1.0}) == ["bond", "trade"]
    assert main_terms({"bond": 0.3, "pressure": -1.0}, -1) == ["pressure"]


def test_every_term_has_words() -> None:
    from sim.analysis.history.retrace import WEIGHED

    assert PHRASES.keys() == {*WEIGHED}


def test_hedging_is_said_of_bonds_with_one_bloc() -> None:
    """Bonds with the members of one bloc are enough for the term, so no words speak of several."""
    baseline = load_scenario("baseline_2023")
    account = explain_start(baseline, "CHL").account
    members = {state for state, _ in account.from_states("hedging")}
    assert {baseline.states[state].initial for state in members} == {"us_led"}
    assert all("members of any bloc" in words for words in PHRASES["hedging"] if words)


def test_tendency_is_not_told() -> None:
    from sim.api import run

    scenario = load_scenario("baseline_2023")
    lens = scenario.model_copy(update={"sweep": scenario.sweep.model_copy(update={"lens": "tendency"})})
    assert label_history(through_lens(lens)).dates == ()
    history = run(lens, seed=7)
    with pytest.raises(InputError, match="not a history"):
        _ = history.turning_points


def test_history_in_python() -> None:
    from sim.api import run

    history = run("baseline_2023", seed=7)
    story = shipped("baseline_2023", 0, others=100)
    assert list(history.moves.columns) == list(MOVE_COLUMNS)
    assert list(history.turning_points.columns) == list(POINT_COLUMNS)
    assert history.moves.to_dict("records") == story.move_records()
    assert history.turning_points.to_dict("records") == story.point_records()


def test_fall_of_a_government_is_no_chance() -> None:
    """The scenario lets Ukraine's government fall in 2014, toward the United States, in every history."""
    story = shipped("shocks_2014_2022", steps=60)
    (move,) = [one for one in story.moves if one.state == "UKR"]
    assert move.cause == "renewal"
    reason = story.reason(move)
    assert reason.startswith("The government of Ukraine falls, as the scenario says, and its disposition was renewed;")
    assert "The scenario also says that the new government turns to the US-led bloc; else, " in reason
    assert count_causes([move], story.scenario) == "Cause of the move: a fall of government."


def test_shocks_to_blocs_in_words() -> None:
    """A shock to what a bloc sets has the name of the bloc, not its id."""
    scenario = load_scenario("sanctions_collapse")
    (shock,) = scenario.shocks
    assert describe_shock(shock, label_history(scenario)) == "the enforcement of the US-led bloc becomes 0.1"


def test_sanction_that_a_shock_eases_in_words() -> None:
    """The value says whether it is more or less than before; only 0 lifts it."""
    names = label_history(load_scenario("baseline_2023"))
    eased = SanctionShock(kind="sanction", step=3, sender="USA", target="RUS", value=0.1)
    assert describe_shock(eased, names) == "the sanctions of the United States on Russia become 0.1"
    lifted = eased.model_copy(update={"value": 0.0})
    assert describe_shock(lifted, names) == "the United States lift sanctions on Russia"


def test_fall_toward_the_own_bloc_is_no_near_move() -> None:
    """A new government that the scenario turns to the bloc of its state could not have moved it."""
    scenario = load_scenario("baseline_2023")
    fall = Upheaval(kind="upheaval", step=3, state="BLR", toward="front")
    fallen = scenario.model_copy(update={"shocks": (*scenario.shocks, fall)})
    capability = dict.fromkeys(scenario.states, 1.0)
    world, kept = world_of(fallen), 0
    for replicate in range(5):
        run = run_compiled(fallen, seed=7, replicate=replicate, world=world)
        i = run.states.index("BLR")
        kept += bool(run.renewed[3, i] and run.causes[3, i] == 0 and run.chances[3, i, run.alignment[3, i]] < 0.9)
        near = {(point.step, point.renewed) for point in quiet_renewals(fallen, run, capability)}
        assert (3, "BLR") not in near
    assert kept


def test_becoming_non_aligned_in_words() -> None:
    """From one bloc to another a state leaves its bloc without becoming non-aligned."""
    scenario = load_scenario("baseline_2023")
    run, names = run_compiled(scenario, seed=7), label_history(scenario)
    (condition,) = parse_conditions(scenario, "TUR joins non_aligned")
    assert describe_condition(condition, run, names) == "Turkey becomes non-aligned"


@given(scenarios(), st.integers(1, 6))
def test_ties_as_shocks_left_them(scenario: Scenario, step: int) -> None:
    """The ties that a history names are those that the rules have after the shocks until the step."""
    world = world_of(scenario)
    situation = type(world.start)(*(np.copy(values) for values in world.start))
    for at in range(1, min(step, scenario.steps) + 1):
        rules.apply_shocks(at, world.shocks, situation)
    index = {state: place for place, state in enumerate(scenario.states)}
    bonds, sanctions = np.zeros((2, len(index), len(index)))
    for tie in with_ties_at(scenario, min(step, scenario.steps)).ties:
        i, j = index[tie.a], index[tie.b]
        if tie.kind == "bond":
            bonds[i, j] = bonds[j, i] = tie.value
        elif tie.kind == "sanction":
            sanctions[i, j] = tie.value
    assert np.array_equal(bonds, situation.bond_origin)
    assert np.array_equal(sanctions, situation.sanction)


def test_sanction_that_was_lifted_is_no_reason() -> None:
    scenario = load_scenario("baseline_2023")
    sanctioned = next(tie for tie in scenario.ties if tie.kind == "sanction" and tie.value > 0)
    lifted = SanctionShock(kind="sanction", step=2, sender="*", target=sanctioned.b, value=0)
    changed = scenario.model_copy(update={"shocks": (lifted,)})
    move = SimpleNamespace(state=sanctioned.b)
    said = [
        describe_sanctions(cast(Move, move), with_ties_at(changed, step), label_history(changed)) for step in (1, 2)
    ]
    assert said[0].startswith("by ")
    assert not said[1]
