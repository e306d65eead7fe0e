"""Explain a state at the coded start: its structural chances, its chances by a date, and what would move it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from sim.analysis.contributions import state_contributions
from sim.analysis.states.accounts import Account, rank_alignments
from sim.analysis.states.decisions import check_state
from sim.analysis.states.direct import chances_after
from sim.analysis.states.tipping import Gain, TieChanges, terms_of_state
from sim.analysis.statistics import share_interval
from sim.batch.executor import evaluate
from sim.calendar import last_step_by
from sim.model import compiled
from sim.model.arrays import TERMS, Floats, Integers
from sim.model.rules import TEMPERATURE
from sim.model.starts import coded_start_chances, draws_starts, start_environment, with_starts_of
from sim.model.world import World, world_of
from sim.scenario.schema import DRAWN_ID, Scenario
from sim.theory.persistence import tipping_distance

RUNS_TOGETHER = 25


@dataclass(frozen=True)
class Simulated:
    """Shares of histories in which a state has each alignment at a date, followers included."""

    seed: int
    replicates: int
    shares: dict[str, tuple[float, float, float]]  # share and Wilson's 95 % interval, by alignment
    moved: tuple[float, float, float]  # share that is not in the alignment of the start

    def record(self) -> dict[str, Any]:
        """Return the shares as a record."""
        shares = {alignment: list(found) for alignment, found in self.shares.items()}
        return {"seed": self.seed, "replicates": self.replicates, "shares": shares, "moved": list(self.moved)}


@dataclass(frozen=True)
class DrawnStart:
    """The run whose starts an account takes, in a scenario that draws starts.

    Parameters
    ----------
    seed, replicate
        The run.
    chances
        Chance of each alignment at the start of the state; empty where its own start is coded, and others are drawn.
    """

    seed: int
    replicate: int
    chances: dict[str, float]

    def words(self) -> str:
        """Say which starts these are."""
        return f"as drawn in replicate {self.replicate} of seed {self.seed}"


@dataclass(frozen=True)
class StartAccount:
    """What the start says of a state, the three kinds of chances apart.

    Parameters
    ----------
    state, held, fixed
        The state, its coded alignment, and whether it never decides.
    account
        Its utilities at the coded start before shocks, without inertia; the chances are structural: those of a state
        like it whose disposition is not known.
    tipping
        Gain in utility of each alternative by itself at which half of the states elsewhere move to it, inertia
        included; none if fixed.
    gains
        For each other alternative, changes of one tie that are worth as much.
    day, step
        The date asked for, and the last step that ends by then.
    direct
        Chance of each alignment at the date given the start, if no other state moves, in closed form.
    simulated
        Shares of simulated histories at the date, if asked for.
    drawn
        The run whose starts these are, where the scenario draws starts; all the rest is given these.
    """

    state: str
    held: str
    fixed: bool
    account: Account
    tipping: dict[str, float]
    gains: dict[str, tuple[Gain, ...]]
    day: str
    step: int
    direct: dict[str, float]
    simulated: Simulated | None
    drawn: DrawnStart | None = None

    @property
    def moves(self) -> float:
        """Chance that the state is not in its start at the date, if no other state moves."""
        return 1 - self.direct[self.held]

    def words(self) -> str:
        """Return the structural chances and that of a move by the date, in words."""
        chances = zip(self.account.alignments, self.account.chances, strict=True)
        structural = ", ".join(f"{p:.2f} {name}" for name, p in chances)
        moves = f"elsewhere on {self.day} with chance {self.moves:.3f}, followers left out"
        held = f"{self.held} {self.drawn.words()}" if self.drawn else self.held
        return f"structural chances {structural}; held {held}, {moves}"

    def record(self) -> dict[str, Any]:
        """Return the account as a record; `structural`, `by_date.direct` and `by_date.simulated` are apart."""
        found = self.account.record()
        structural = found.pop("chances")
        tipping = {
            name: {"distance": distance, "as_much_as": [gain.record() for gain in self.gains.get(name, ())]}
            for name, distance in self.tipping.items()
        }
        return {
            "state": self.state,
            "held": self.held,
            "fixed": self.fixed,
            **({"drawn": vars(self.drawn)} if self.drawn else {}),
            "structural": structural,
            "by_date": {
                "date": self.day,
                "step": self.step,
                "direct": self.direct,
                "moves": self.moves,
                "leaves_out": "followers",
                "simulated": self.simulated and self.simulated.record(),
            },
            "tipping": tipping,
            **found,
        }


def step_by(scenario: Scenario, day: str) -> int:
    """Return the last step of a dated scenario that ends on or before an ISO date."""
    return last_step_by(date.fromisoformat(str(scenario.date)), scenario.step, date.fromisoformat(day))


def explain_start(
    scenario: Scenario, state: str, *, day: str | None = None, seed: int | None = None, replicates: int | None = None,
    workers: int | None = None, replicate: int = 0,
) -> StartAccount:  # fmt: skip
    """Explain a state at the start of a scenario with kept dispositions and dates.

    Where the scenario draws starts, they are those of one run.

    Parameters
    ----------
    scenario
        A scenario with `why_no_direct_chances` empty.
    state
        Id of the state, such as ``"IRN"``.
    day
        ISO date within the run. Default: the end of the run.
    seed
        Random seed of simulated histories, and of drawn starts. Default: the seed of the scenario.
    replicates
        Number of histories to simulate besides. Default: none.
    workers
        Threads. Default: the cores of this process.
    replicate
        Number of the run whose drawn starts are taken.

    Returns
    -------
    StartAccount
        Structural chances, chances by the date given the start, and tipping distances.

    Raises
    ------
    InputError
        If the scenario does not have the state.

    Examples
    --------
    >>> from sim.scenario import load_scenario
    >>> found = explain_start(load_scenario("baseline_2023"), "IRN")
    >>> found.held, found.day
    ('non_aligned', '2033-10-25')
    """
    check_state(scenario, state)
    seed = scenario.sweep.seed if seed is None else seed
    drawn = None
    if draws_starts(scenario):
        own = scenario.states[state]
        drawn = DrawnStart(seed, replicate, dict(own.initial_chances) if own.initial == DRAWN_ID else {})
        scenario = with_starts_of(scenario, seed=seed, replicate=replicate)
    world = world_of(scenario)
    i, day = world.states.index(state), day or scenario.dates()[-1]
    step, held = step_by(scenario, day), int(world.setting.initial[i])
    account, fixed = account_at_start(world, i), bool(world.setting.fixed[i])
    tipping: dict[str, float] = {}
    gains: dict[str, tuple[Gain, ...]] = {}
    if not fixed:
        utilities = np.where(world.setting.allowed, terms_of_state(world, i).sum(axis=1), -np.inf)
        distances = tipping_distance(utilities, float(world.start.parameters[TEMPERATURE]))
        tipping = {name: float(distances[k]) for k, name in enumerate(world.alignments) if world.setting.allowed[k]}
        changes = TieChanges(scenario, world, i, account)
        gains = {name: changes.worth(name, distance) for name, distance in tipping.items()}
    law = chances_after(world, step, [i])[0] if step else np.eye(len(world.alignments))[held]
    direct = dict(zip(world.alignments, law.tolist(), strict=True))
    simulated = None
    if replicates is not None:
        simulated = simulate_shares(scenario, world, i, step, seed=seed, replicates=replicates, workers=workers)
    found = (fixed, account, tipping, gains, day, step, direct, simulated, drawn)
    return StartAccount(state, world.alignments[held], *found)


def account_at_start(world: World, i: int) -> Account:
    """Compute utilities and structural chances of state i at the coded start before shocks, without inertia."""
    setting, alignment, size = world.setting, world.setting.initial, len(world.alignments)
    env = start_environment(world, alignment, 0)
    terms = terms_of_state(world, i)
    terms[:, TERMS.index("inertia")] = 0.0
    utilities = np.array([reduce(add, row, 0.0) for row in terms.tolist()])
    chances: Floats = coded_start_chances(world)[i]
    if setting.fixed[i]:
        chances = np.eye(size)[alignment[i]]
    parts = state_contributions(i, alignment, setting, world.start, world.start_weights, env)
    best = rank_alignments(chances, utilities, setting.allowed)
    return Account(world.alignments, world.states, terms, utilities, chances, parts, *best)


def simulate_shares(
    scenario: Scenario, world: World, i: int, step: int, *, seed: int, replicates: int, workers: int | None = None
) -> Simulated:
    """Simulate histories; count in how many state i has each alignment after a step."""
    blocks = [range(n, min(n + RUNS_TOGETHER, replicates)) for n in range(0, replicates, RUNS_TOGETHER)]

    def count(block: range) -> Integers:
        runs = compiled.iterate_runs(scenario, seed=seed, replicates=block, world=world)
        return np.bincount([run.alignment[step, i] for run in runs], minlength=len(world.alignments))

    counts = np.sum(evaluate(count, blocks, workers=workers), axis=0)
    shares = {name: share_interval(int(counts[k]), replicates)[:3] for k, name in enumerate(world.alignments)}
    moved = replicates - int(counts[world.setting.initial[i]])
    return Simulated(seed, replicates, shares, share_interval(moved, replicates)[:3])
