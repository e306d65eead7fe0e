"""Why a state aligns as it does: its utilities term by term and state by state, and what would have turned it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim.analysis.statistics import mean_interval, share_interval
from sim.batch.design import point_labels
from sim.batch.executor import evaluate
from sim.batch.recorded import scenarios_as_run
from sim.batch.store import Results
from sim.errors import Fault, InputError
from sim.model import arrays, compiled, rules
from sim.model.agents import BlocModel, StateAgent
from sim.model.arrays import TERMS, Environment, Floats, Integers, Situation, Weights, WorldSetting
from sim.model.outcomes import LATE_STEPS
from sim.model.trajectory import Run
from sim.model.world import World, world_of
from sim.scenario.checks import suggest_state
from sim.scenario.schema import Scenario

FROM_STATES = ("propensity", "bond", "institution", "hostility", "balance", "trade", "shelter", "pressure")

INSIDE = {  # terms that the members of the bloc itself bring
    "propensity": (arrays.PROPENSITY, rules.W_PROPENSITY, 1.0),
    "bond": (arrays.BOND, rules.W_BOND, 1.0),
    "institution": (arrays.INSTITUTION, rules.W_INSTITUTION, 1.0),
    "hostility": (arrays.HOSTILITY, rules.W_HOSTILITY, -1.0),
    "trade": (arrays.TRADE, rules.W_TRADE, 1.0),
}

SMALLEST = 0.0005  # what rounds to 0.001

BALANCE, SHELTER, PRESSURE = TERMS.index("balance"), TERMS.index("shelter"), TERMS.index("pressure")


def state_contributions(
    i: int, seen: Integers, setting: WorldSetting, situation: Situation, weights: Weights, env: Environment
) -> Floats:
    """What each state's alignment adds to each term of each alignment's utility to i, (K + 1, len(TERMS), N).

    Over the states they sum to the term, for the terms in FROM_STATES (MODEL §5). Balance is attributed to those
    who threaten i from other blocs, pressure to the members of the bloc that presses, by their capability.
    seen, (N,), are the alignments at i's turn.
    """
    p, c, brings = situation.parameters, setting.capability, weights.contributions[:, :, i].T
    bite, floor = env.bite[i], p[rules.PRESSURE_FLOOR]
    shares = np.zeros((setting.allowed.size, len(TERMS), seen.size))
    groups = [seen == k for k in range(setting.allowed.size)]
    for group in groups:
        group[i] = False
    aligned = np.any(groups[1:], axis=0)
    for k in range(1, len(groups)):
        for term, (layer, weight, sign) in INSIDE.items():
            shares[k, TERMS.index(term)] = np.where(groups[k], sign * p[weight] * brings[layer], 0.0)
        threat = np.where(aligned & ~groups[k], brings[arrays.HOSTILITY], 0.0)
        shares[k, BALANCE] = p[rules.W_BALANCE] * c[groups[k]].sum() * threat
        leader = setting.leader[k - 1]
        unsanctioned = 1.0 - (situation.sanction[leader, i] if leader >= 0 else 0.0)
        shelter = p[rules.W_SHELTER] * bite * unsanctioned * brings[arrays.OPEN_PRODUCT]
        shares[k, SHELTER] = np.where(groups[k], shelter, 0.0)
        for other in range(1, len(groups)):
            if other != k:
                exposed = brings[arrays.TRADE][groups[other]].sum() * (1.0 - bite)
                pressing = env.pressing[other - 1, setting.theatre[i]]
                pressure = p[rules.W_PRESSURE] * pressing * c * (floor + (1.0 - floor) * exposed)
                shares[k, PRESSURE] -= np.where(groups[other], pressure, 0.0)
    return shares


@dataclass(frozen=True)
class Account:
    """Utility of every alignment to a state, and where it comes from: in one decision, or in the mean of several."""

    alignments: tuple[str, ...]
    states: tuple[str, ...]
    terms: Floats  # (K + 1, len(TERMS)); in this order they sum to the utility
    utilities: Floats  # (K + 1,)
    chances: Floats  # (K + 1,), P
    contributions: Floats  # (K + 1, len(TERMS), N), over the states they sum to the term
    first: int  # the most likely alignment
    second: int  # the runner-up

    @property
    def most_likely(self) -> str:
        """The alignment that is most likely."""
        return self.alignments[self.first]

    @property
    def runner_up(self) -> str:
        """The alignment that is most likely after it."""
        return self.alignments[self.second]

    def deciding(self) -> list[tuple[str, float]]:
        """Terms by which the most likely alignment differs from the runner-up, the largest difference first."""
        differences = zip(TERMS, (self.terms[self.first] - self.terms[self.second]).tolist(), strict=True)
        return sorted((d for d in differences if d[1] != 0.0), key=lambda d: -abs(d[1]))

    def from_states(self, term: str | None = None) -> list[tuple[str, float]]:
        """What each state adds to that difference, in a term or in all, the largest first."""
        gap = self.contributions[self.first] - self.contributions[self.second]
        row = gap.sum(axis=0) if term is None else gap[TERMS.index(term)]
        found = [(state, float(value)) for state, value in zip(self.states, row, strict=True) if value != 0.0]
        return sorted(found, key=lambda d: -abs(d[1]))

    def rows(self) -> list[tuple[str, Floats, float, list[tuple[str, float]]]]:
        """Terms that do not round to 0, those that decide first: value by alignment, difference, whose it is."""
        found = []
        for term in dict.fromkeys([*dict(self.deciding()), *TERMS]):
            column = self.terms[:, TERMS.index(term)]
            gap = float(column[self.first] - column[self.second])
            if max(abs(gap), float(np.abs(column).max())) >= SMALLEST:
                found.append((term, column, gap, self.from_states(term)))
        return found

    def record(self) -> dict[str, Any]:
        """The account for machines."""
        by_name = dict(enumerate(self.alignments))
        return {
            "most_likely": self.most_likely,
            "runner_up": self.runner_up,
            "chances": {name: float(self.chances[k]) for k, name in by_name.items()},
            "utilities": {name: float(self.utilities[k]) for k, name in by_name.items()},
            "terms": {name: dict(zip(TERMS, self.terms[k].tolist(), strict=True)) for k, name in by_name.items()},
            "deciding": dict(self.deciding()),
            "from_states": {term: dict(found) for term in FROM_STATES if (found := self.from_states(term))},
            "from_states_in_all": dict(self.from_states()),
        }


def rank_alignments(likelihood: Floats, utilities: Floats, allowed: Any) -> tuple[int, int]:
    """The most likely alignment and the runner-up: of the equally likely the more useful, then the lowest index."""
    order = sorted(range(utilities.size), key=lambda k: (not allowed[k], -likelihood[k], -utilities[k]))
    return order[0], order[1]


@dataclass(frozen=True)
class Decision:
    """A decision of a state at its turn."""

    state: str
    seed: int
    replicate: int
    step: int
    fixed: bool  # it never decides: P is 1 for what it holds
    held: str
    choice: str
    u: float  # the first alignment at which the cumulative P exceeds it is chosen
    seen: dict[str, str]  # where every other state stood at its turn
    account: Account

    def record(self) -> dict[str, Any]:
        """The decision for machines."""
        told = {key: getattr(self, key) for key in ("state", "seed", "replicate", "step", "fixed", "held", "choice")}
        return {**told, "u": self.u, **self.account.record(), "seen": self.seen}


class RecordingAgent(StateAgent):
    """The agent of a state that keeps its decisions from a step on, as things stood at its turn."""

    def __init__(self, model: BlocModel, index: int, name: str, since: int = 1) -> None:
        super().__init__(model, index, name)
        self.since = since
        self.decisions: list[Decision] = []

    def decide(self) -> int:
        """Decide as any agent does, and keep why."""
        choice = super().decide()
        if self.model.steps >= self.since:
            self.decisions.append(self.decision(choice))
        return choice

    def decision(self, choice: int) -> Decision:
        """The decision just taken."""
        model, i, world = self.model, self.index, self.model.world
        held, utilities, chances = int(model.seen[i]), model.utilities[i].copy(), model.chances[i].copy()
        whose = state_contributions(i, model.seen, world.setting, model.situation, model.weights, model.environment)
        best = rank_alignments(chances, utilities, world.setting.allowed)
        account = Account(world.alignments, world.states, model.terms[i].copy(), utilities, chances, whose, *best)
        seen = {world.states[j]: world.alignments[k] for j, k in enumerate(model.seen) if j != i}
        seed, replicate = model.random_key
        return Decision(
            self.id, seed, replicate, int(model.steps), bool(world.setting.fixed[i]), world.alignments[held],
            world.alignments[choice], float(model.uniforms[i]), seen, account,
        )  # fmt: skip


def explain_decision(scenario: Scenario, state: str, *, seed: int, replicate: int = 0, step: int) -> Decision:
    """The decision of a state at its turn in a step, by agents; raises InputError where there is none."""
    check_state(scenario, state)
    if not 1 <= step <= scenario.steps:
        message = f"{step} is not one of the scenario's steps; give one from 1 to {scenario.steps}"
        raise InputError([Fault("--step", 1, "", message)])
    model = BlocModel(scenario, seed=seed, replicate=replicate)
    agent = model.state(state)
    model.states[agent.index] = witness = RecordingAgent(model, agent.index, agent.name, since=step)
    for _ in range(step):
        model.step()
    return witness.decisions[0]


def check_state(scenario: Scenario, state: str) -> None:
    """Raise InputError, with the state that may be meant, where the scenario has none of this id."""
    if state in scenario.states:
        return
    hint = suggest_state(scenario.states, state)
    raise InputError([Fault("STATE", 1, "", f"unknown state {state!r}{hint}; `blocs show` lists them")])


class FollowingAgent(StateAgent):
    """An agent that takes the alignments of a run already made."""

    model: RetracedRun

    def step(self) -> None:
        """Stand where the run says."""
        self.model.alignment[self.index] = self.model.path[int(self.model.steps), self.index]


class RetracedRun(BlocModel):
    """A compiled run made again by agents, of which one alone weighs its alignments, and nothing is observed."""

    def __init__(self, told: Scenario, run: Run, world: World, index: int, *, since: int) -> None:
        super().__init__(told, seed=run.seed, replicate=run.replicate, world=world)
        self.path = run.alignment
        self.witness = RecordingAgent(self, index, self.states[index].name, since=since)
        self.states = [
            self.witness if agent.index == index else FollowingAgent(self, agent.index, agent.name)
            for agent in self.states
        ]

    def observe(self, before: Integers) -> None:
        """Nothing: the run was observed when it was made."""


def decisions_in_run(scenario: Scenario, run: Run, world: World, index: int, *, since: int = 1) -> list[Decision]:
    """The decisions of one state in a compiled run from a step on, a decision a step."""
    model = RetracedRun(scenario, run, world, index, since=since)
    for _ in range(scenario.steps):
        model.step()
    return model.witness.decisions


@dataclass(frozen=True)
class AverageAccount:
    """Why a state aligns as it does in the late steps of many runs (the last 8 of each, MODEL §7)."""

    state: str
    seed: int
    fixed: bool
    shares: Floats  # (replicates, K + 1), late share of each alignment
    account: Account  # mean over all late decisions
    among: dict[str, tuple[int, Account]]  # the same over the runs that stand mostly in an alignment, and how many

    @property
    def replicates(self) -> int:
        """Number of runs."""
        return len(self.shares)

    def interval(self, alignment: str) -> tuple[float, float, float, int]:
        """P of an alignment, the mean late share, with its 95 % interval over the runs, and their number.

        Student's, kept in [0, 1]; Wilson's where no run differs from the others, which is not yet certainty.
        """
        values = self.shares[:, self.account.alignments.index(alignment)]
        if np.all(values == values[0]) and values[0] in (0.0, 1.0):
            return share_interval(int(values.sum()), values.size)
        mean, low, high, runs = mean_interval(values)
        return mean, float(np.clip(low, 0.0, 1.0)), float(np.clip(high, 0.0, 1.0)), runs

    def record(self) -> dict[str, Any]:
        """The average for machines; undefined bounds are null."""
        found = {name: self.interval(name)[:3] for name in self.account.alignments}
        return {
            "state": self.state,
            "seed": self.seed,
            "replicates": self.replicates,
            "fixed": self.fixed,
            "P": {name: [None if math.isnan(x) else x for x in row] for name, row in found.items()},
            **self.account.record(),
            "runs_mostly_in": {name: {"runs": n, **account.record()} for name, (n, account) in self.among.items()},
        }


@dataclass
class AccountSums:
    """Accounts added up."""

    decisions: int = 0
    runs: int = 0
    parts: list[Floats] = field(default_factory=list)

    def add(self, account: Account) -> None:
        """Take in one more decision."""
        new = [account.terms, account.utilities, account.chances, account.contributions]
        self.parts = [a + b for a, b in zip(self.parts, new, strict=True)] if self.parts else new
        self.decisions += 1

    def mean(self, world: World, first: int, second: int) -> Account:
        """Their mean, with the two alignments that are compared in it."""
        terms, utilities, chances, whose = (part / self.decisions for part in self.parts)
        return Account(world.alignments, world.states, terms, utilities, chances, whose, first, second)


def average_account(
    scenario: Scenario, state: str, *, seed: int | None = None, replicates: int = 100, workers: int | None = None
) -> AverageAccount:
    """The mean account of a state's late decisions over replicates; raises InputError for an unknown state."""
    check_state(scenario, state)
    seed = scenario.sweep.seed if seed is None else seed
    world = world_of(scenario)
    i, late = world.states.index(state), max(1, scenario.steps - LATE_STEPS + 1)

    def followed(replicate: int) -> tuple[Floats, list[Decision]]:
        run = compiled.run_compiled(scenario, seed=seed, replicate=replicate, world=world)
        return run.late_shares()[i], decisions_in_run(scenario, run, world, i, since=late)

    whole, parts = AccountSums(), [AccountSums() for _ in world.alignments]
    shares = np.empty((replicates, len(world.alignments)))
    for replicate, (share, decisions) in enumerate(evaluate(followed, range(replicates), workers=workers)):
        shares[replicate] = share
        part = parts[int(share.argmax())]
        part.runs += 1
        for one in decisions:
            whole.add(one.account)
            part.add(one.account)
    first = int(shares.mean(axis=0).argmax())
    order = rank_alignments(shares.mean(axis=0), whole.parts[1], world.setting.allowed)
    best = first, next(k for k in order if k != first)
    among = {
        name: (part.runs, part.mean(world, *best))
        for name, part in zip(world.alignments, parts, strict=True)
        if part.runs
    }
    return AverageAccount(state, seed, bool(world.setting.fixed[i]), shares, whole.mean(world, *best), among)


MOST_REPLICATES = 100  # of each design point of a results folder, unless more are asked


def average_accounts(
    results: Results, state: str, *, replicates: int | None = None, workers: int | None = None
) -> Iterator[tuple[str, AverageAccount]]:
    """The averages of every design point of a results folder that has the state, by label, its runs made again.

    Raises InputError where the folder holds no results, or no scenario has the state.
    """
    question = results.manifest()["question"]
    points = question["points"]
    asked = {name: point["replicates"] for name, point in zip(point_labels(points), points, strict=True)}
    ran = scenarios_as_run(results, asked)
    if not any(state in scenario.states for scenario in ran.values()):
        check_state(next(iter(ran.values())), state)
    for design, scenario in ran.items():
        if state in scenario.states:
            count = replicates or min(asked[design], MOST_REPLICATES)
            yield design, average_account(scenario, state, seed=question["seed"], replicates=count, workers=workers)
