"""Find what would move a state from its coded start: the smallest change of one setting with an even chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from sim.analysis.flips import FEW, Candidate, bracket_digits, candidates_by_account, require_deciding
from sim.analysis.states.decisions import check_state
from sim.analysis.states.direct import chances_after
from sim.analysis.states.start import account_at_start, simulate_shares, step_by
from sim.batch.executor import evaluate
from sim.model.starts import with_starts_of
from sim.model.world import world_of
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario

EVEN = 0.5

PARTS = (0.25, 0.5, 0.75, 1.0)  # of the way to an end of the range, at which the chance is computed first


@dataclass(frozen=True)
class Turn:
    """The smallest change of one setting after which the chance of a move is on the other side of one half.

    Parameters
    ----------
    setting
        The setting, as `--set` takes it.
    before, to
        Its value now, and the first on the way that turns the state.
    short
        The nearest value tried that does not.
    low, high
        The range that is searched.
    moves
        Chance at `to` that the state is not in its start at the date.
    interval
        Wilson's 95 % interval of a simulated chance; None in closed form.
    becomes
        The likeliest alignment at the date at `to`, besides the start.
    """

    setting: str
    before: float
    to: float
    short: float
    low: float
    high: float
    moves: float
    interval: tuple[float, float] | None
    becomes: str

    @property
    def relative(self) -> float:
        """Size of the change as a share of the range."""
        return abs(self.to - self.before) / (self.high - self.low)

    def record(self) -> dict[str, Any]:
        """Return the turn as a record."""
        return {**vars(self), "interval": self.interval and list(self.interval), "relative": self.relative}


@dataclass(frozen=True)
class Turns:
    """All turns of a state among the candidates, by the direct chance or in simulated histories.

    Parameters
    ----------
    moves
        Chance of a move without a change.
    interval
        Its Wilson 95 % interval; None in closed form.
    replicates
        Histories at each value; None in closed form.
    seed
        Their random seed; None in closed form.
    found
        The turns, the smallest relative change first.
    """

    moves: float
    interval: tuple[float, float] | None
    replicates: int | None
    seed: int | None
    found: tuple[Turn, ...]

    def record(self) -> dict[str, Any]:
        """Return the turns as a record."""
        values = {"moves": self.moves, "interval": self.interval and list(self.interval)}
        values |= {"replicates": self.replicates, "seed": self.seed}
        return {**values, "flips": [turn.record() for turn in self.found]}


@dataclass(frozen=True)
class StartFlips:
    """What would move a state from its start by a date: direct, and in all where histories were simulated."""

    state: str
    held: str
    day: str
    tried: int
    direct: Turns
    total: Turns | None

    def record(self) -> dict[str, Any]:
        """Return the flips as a record."""
        values = {"state": self.state, "held": self.held, "date": self.day, "tried": self.tried}
        rule = "smallest change with P(not in the start at the date | start) on the other side of 1/2"
        return {**values, "rule": rule, "direct": self.direct.record(), "total": self.total and self.total.record()}


@dataclass(frozen=True)
class StateLaw:
    """The law of a state at a date, and the 95 % interval of its chance of a move where it was simulated."""

    law: tuple[float, ...]
    held: int
    interval: tuple[float, float] | None = None

    @property
    def chance(self) -> float:
        """Chance that it is not in its start."""
        return 1 - self.law[self.held]

    @property
    def likeliest(self) -> int:
        """The likeliest alignment besides the start."""
        return max((k for k in range(len(self.law)) if k != self.held), key=lambda k: self.law[k])


Measure = Callable[[float], StateLaw]  # of a setting's value


def start_candidates(scenario: Scenario, state: str) -> list[Candidate]:
    """List the settings that may move a state from its start, with its partners there."""
    world = world_of(scenario)
    return candidates_by_account(scenario, state, account_at_start(world, world.states.index(state)))


def find_start_flips(
    scenario: Scenario, state: str, *, day: str | None = None, seed: int | None = None, replicates: int | None = None,
    workers: int | None = None, among: list[Candidate] | None = None, replicate: int = 0,
) -> StartFlips:  # fmt: skip
    """Find the smallest change of each setting with which a state is as likely as not to have moved by a date.

    Each setting is probed at four parts of the way to both ends of its range. Bisection finds the crossing to a
    hundredth of the range. Where the state moves with a chance above one half as it is, the change holds it.

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
        Histories at each value, for the total with followers. Default: the direct chance only.
    workers
        Threads. Default: the cores of this process.
    among
        The candidates. Default: those of `start_candidates`.
    replicate
        Number of the run whose drawn starts are taken, where the scenario draws starts.

    Returns
    -------
    StartFlips
        The smallest relative change first.

    Raises
    ------
    InputError
        If the state is unknown, or fixed so that it never decides.
    """
    check_state(scenario, state)
    require_deciding(scenario, state)
    seed = scenario.sweep.seed if seed is None else seed
    scenario = with_starts_of(scenario, seed=seed, replicate=replicate)
    day = day or scenario.dates()[-1]
    step = step_by(scenario, day)
    tried = start_candidates(scenario, state) if among is None else among

    def measure_direct(settings: dict[str, float]) -> StateLaw:
        world = world_of(with_settings(scenario, settings))
        i = world.states.index(state)
        held = int(world.setting.initial[i])
        law = chances_after(world, step, [i])[0] if step else np.eye(len(world.alignments))[held]
        return StateLaw(tuple(law.tolist()), held)

    def measure_total(settings: dict[str, float], count: int) -> StateLaw:
        changed = with_settings(scenario, settings)
        world = world_of(changed)
        i = world.states.index(state)
        found = simulate_shares(changed, world, i, step, seed=seed, replicates=count, workers=1)
        law = tuple(share for share, _, _ in found.shares.values())
        return StateLaw(law, int(world.setting.initial[i]), found.moved[1:])

    def surely_still(moves: StateLaw, now: StateLaw) -> bool:
        """Whether few histories show that the state does not turn."""
        low, high = moves.interval or (0.0, 1.0)
        return high < EVEN if now.chance < EVEN else low >= EVEN

    now = measure_direct({})

    def search_direct(candidate: Candidate) -> Turn | None:
        return smallest_turn(candidate, now, cache(lambda value: measure_direct({candidate.setting: value})), scenario)

    direct = Turns(now.chance, None, None, None, ordered(evaluate(search_direct, tried, workers=workers)))
    if replicates is None:
        return StartFlips(state, scenario.alignments()[now.held], day, len(tried), direct, None)
    count, in_all = replicates, measure_total({}, replicates)

    def search_total(candidate: Candidate) -> Turn | None:
        def measure(value: float) -> StateLaw:
            few = measure_total({candidate.setting: value}, min(FEW, count))
            sure = count <= FEW or surely_still(few, in_all)
            return few if sure else measure_total({candidate.setting: value}, count)

        return smallest_turn(candidate, in_all, cache(measure), scenario)

    found = ordered(evaluate(search_total, tried, workers=workers))
    total = Turns(in_all.chance, in_all.interval, count, seed, found)
    return StartFlips(state, scenario.alignments()[now.held], day, len(tried), direct, total)


def ordered(turns: list[Turn | None]) -> tuple[Turn, ...]:
    """Order turns by the size of their change, without the missing ones."""
    return tuple(sorted(filter(None, turns), key=lambda turn: (turn.relative, turn.setting)))


def smallest_turn(candidate: Candidate, now: StateLaw, measure: Measure, scenario: Scenario) -> Turn | None:
    """Find the smaller of the turns towards either end of a candidate's range, if there is one."""
    span = candidate.high - candidate.low
    if not candidate.low - span <= candidate.value <= candidate.high + span:
        return None  # far outside the range, such as the budget of a bloc whose attention has no limit
    ends = [end for end in (candidate.low, candidate.high) if end != candidate.value]
    found = [turn for end in ends if (turn := turn_towards(candidate, end, now, measure, scenario))]
    return min(found, key=lambda turn: turn.relative, default=None)


def turn_towards(candidate: Candidate, end: float, now: StateLaw, measure: Measure, scenario: Scenario) -> Turn | None:
    """Find the first turn on the way from a candidate's value to an end of its range."""
    digits = bracket_digits(candidate)

    def turns(value: float) -> bool:
        return (measure(value).chance >= EVEN) != (now.chance >= EVEN)

    short = candidate.value
    for part in PARTS:
        to = end if part == 1.0 else round(candidate.value + part * (end - candidate.value), digits)
        if to not in (short, candidate.value) and turns(to):
            break
        short = to
    else:
        return None
    while (middle := round((short + to) / 2, digits)) not in (short, to):
        short, to = (short, middle) if turns(middle) else (middle, to)
    there = measure(to)
    return Turn(
        candidate.setting, candidate.value, to, short, candidate.low, candidate.high, there.chance, there.interval,
        scenario.alignments()[there.likeliest],
    )  # fmt: skip
