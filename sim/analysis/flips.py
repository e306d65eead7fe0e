"""Find flips: the smallest change of one setting that changes a state's most likely alignment."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim.analysis.explain import average_account
from sim.analysis.states.accounts import Account
from sim.analysis.states.decisions import check_state
from sim.analysis.statistics import mean_interval
from sim.batch.executor import evaluate
from sim.errors import Fault, InputError
from sim.model import compiled
from sim.model.arrays import Floats
from sim.model.trajectory import store_late, window_of
from sim.model.world import world_of
from sim.scenario.checks.idle import unsampled_parameters
from sim.scenario.overrides import with_settings
from sim.scenario.parameters import Parameters, parameter_range
from sim.scenario.schema import Scenario
from sim.scenario.ties import tie_key


@dataclass(frozen=True)
class Candidate:
    """A setting that may change a state's alignment, and the range that is searched."""

    setting: str  # as --set takes it
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Flip:
    """The smallest change of one setting that makes another alignment the most likely."""

    setting: str  # as --set takes it
    before: float
    to: float
    short: float  # the nearest value tried that does not change the alignment
    low: float  # of the range that is searched
    high: float
    becomes: str  # the most likely alignment at `to`
    sure_before: float  # up to here the first alignment leads beyond chance; NaN: not even unchanged
    sure_after: float  # from here on another leads beyond chance; NaN: nowhere in the range

    @property
    def relative(self) -> float:
        """Size of the change as a share of the range."""
        return abs(self.to - self.before) / (self.high - self.low)

    def record(self) -> dict[str, Any]:
        """Return the flip as a record; undefined bounds are null."""
        values = {key: None if isinstance(x, float) and math.isnan(x) else x for key, x in vars(self).items()}
        return {**values, "relative": self.relative}


@dataclass(frozen=True)
class Flips:
    """All flips of a state among the candidates.

    Parameters
    ----------
    state, seed, replicates
        The state, and the runs at each value.
    alignment
        The most likely alignment without a change.
    lead
        Its late share minus that of the runner-up, with the 95 % interval.
    tried
        Number of candidates.
    found
        The flips, the smallest relative change first.
    """

    state: str
    seed: int
    replicates: int
    alignment: str
    lead: tuple[float, float, float]
    tried: int
    found: tuple[Flip, ...]

    def record(self) -> dict[str, Any]:
        """Return the flips as a record."""
        values = {key: getattr(self, key) for key in ("state", "seed", "replicates", "alignment", "tried")}
        return {**values, "lead": list(self.lead), "flips": [flip.record() for flip in self.found]}


FEW = 40  # replicates that are enough to drop a candidate that clearly has no flip

PARTNERS = 6  # states whose ties are candidates

AUTONOMY_RANGE = (0.0, 2.0)  # from no autonomy to twice the default

ACCOMMODATION_RANGE = (0.0, 0.2)  # at 0.2 and the default cost a bloc has no enforcement left

PROBES = (0.5, 1.0)  # parts of the way to an end of the range at which a flip is looked for

SMALLEST_BUDGET = 0.001  # below it the range has no width to search

RESOLUTION = 0.01  # part of the range


@dataclass(frozen=True)
class Lead:
    """How far another alignment leads over the first one in late shares, with the 95 % interval."""

    by: float
    low: float
    high: float
    other: str
    flipped: bool  # whether the other is the most likely one

    @property
    def clearly_flipped(self) -> bool:
        """Whether the other leads beyond chance."""
        return self.low > 0.0

    @property
    def clearly_not(self) -> bool:
        """Whether the first leads beyond chance."""
        return self.high < 0.0


@dataclass
class Probe:
    """Late shares of a state with one setting changed; each value is run once."""

    scenario: Scenario
    state: str
    seed: int
    first: int  # the most likely alignment without a change
    candidate: Candidate
    made: dict[tuple[float, int], Lead] = field(default_factory=dict)

    def lead(self, value: float, replicates: int) -> Lead:
        """Compute who leads at a value, paired run by run on common random numbers."""
        if (value, replicates) not in self.made:
            scenario = with_settings(self.scenario, {self.candidate.setting: value})
            shares = sample_late_shares(scenario, self.state, self.seed, replicates)
            self.made[value, replicates] = lead_over(self.first, shares, self.scenario.alignments())
        return self.made[value, replicates]


def lead_over(first: int, shares: Floats, alignments: tuple[str, ...]) -> Lead:
    """Compute how far the best other alignment leads over the first; shares is (replicates, K + 1)."""
    means = shares.mean(axis=0)
    other = max((k for k in range(means.size) if k != first), key=lambda k: means[k])
    by, low, high, _ = mean_interval(shares[:, other] - shares[:, first])
    low, high = max(low, -1.0), min(high, 1.0)  # a difference of shares
    return Lead(by, low, high, alignments[other], int(means.argmax()) != first)


def sample_late_shares(scenario: Scenario, state: str, seed: int, replicates: int) -> Floats:
    """Run the scenario; return the state's late share of each alignment, (replicates, K + 1)."""
    world = world_of(scenario)
    i = world.states.index(state)
    window = window_of(scenario)
    stored = store_late(scenario.steps, window)
    runs = compiled.iterate_runs(scenario, seed=seed, replicates=range(replicates), world=world, stored=stored)
    return np.stack([run.late_shares(window)[i] for run in runs])


def find_partners(scenario: Scenario, state: str, account: Account) -> list[str]:
    """Find the leaders, and the states that contribute most to a state's utilities, PARTNERS in all."""
    leaders = [bloc.leader for bloc in scenario.blocs.values() if bloc.leader and bloc.leader != state]
    weight = np.abs(account.contributions).sum(axis=(0, 1))
    ordered = [account.states[j] for j in np.argsort(-weight, kind="stable") if weight[j] > 0]
    return list(dict.fromkeys([*leaders, *ordered]))[: max(PARTNERS, len(leaders))]


def parameter_candidates(scenario: Scenario) -> list[Candidate]:
    """List the parameters with their values in a scenario, over their documented ranges."""
    unsampled = unsampled_parameters(scenario)
    return [
        Candidate(name, getattr(scenario.parameters, name).value, *parameter_range(name))
        for name in Parameters.model_fields
        if name not in unsampled
    ]


def bloc_candidates(scenario: Scenario) -> list[Candidate]:
    """List what the blocs of a scenario can set, each over the range in which it matters."""
    found = []
    for name, bloc in scenario.blocs.items():
        asked = sum(priority.value for priority in bloc.priority.values())
        budget = bloc.attention_budget.value
        most = 2.0 * max(min(budget, 10.0), asked)
        found += [
            Candidate(f"blocs.{name}.accommodation", bloc.accommodation.value, *ACCOMMODATION_RANGE),
            Candidate(f"blocs.{name}.enforcement", bloc.enforcement.value, 0.0, 1.0),
            Candidate(f"blocs.{name}.attention_budget", budget, 0.0, most if most > SMALLEST_BUDGET else 1.0),
        ]
    return found


def flip_candidates(scenario: Scenario, state: str, *, seed: int | None = None) -> list[Candidate]:
    """List the settings that may change a state's alignment, with its partners in its late decisions."""
    return candidates_by_account(scenario, state, average_account(scenario, state, seed=seed, replicates=10).account)


def candidates_by_account(scenario: Scenario, state: str, account: Account) -> list[Candidate]:
    """List parameters, a state's ties with its partners, its autonomy and its blocs' choices."""
    found = parameter_candidates(scenario)
    values = {tie_key(tie): tie.value for tie in scenario.ties}
    for partner in find_partners(scenario, state, account):
        for kind in ("bond", "rivalry", "sanction"):
            a, b = (partner, state) if kind == "sanction" else sorted((partner, state))
            found.append(Candidate(f"ties.{kind}.{a}.{b}", values.get((kind, a, b), 0.0), 0.0, 1.0))
    autonomy = scenario.states[state].autonomy.value
    found.append(Candidate(f"states.{state}.autonomy", autonomy, *AUTONOMY_RANGE))
    return found + bloc_candidates(scenario)


def find_flips(
    scenario: Scenario, state: str, *, seed: int | None = None, replicates: int = 100, workers: int | None = None,
    among: list[Candidate] | None = None,
) -> Flips:  # fmt: skip
    """Find the smallest change of each setting that makes another alignment of a state the most likely one.

    The most likely alignment has the largest mean late share over the replicates, on common random numbers.
    Each setting is probed half way to and at both ends of its range. Bisection finds the crossing to a hundredth
    of the range.

    Parameters
    ----------
    scenario
        The scenario to run.
    state
        Id of the state, such as ``"IRN"``.
    seed
        Random seed of the runs. Default: the seed of the scenario.
    replicates
        Runs at each value.
    workers
        Threads. Default: the cores of this process.
    among
        The candidates. Default: those of `flip_candidates`.

    Returns
    -------
    Flips
        The flips, the smallest relative change first.

    Raises
    ------
    InputError
        If the state is unknown, or fixed so that it never decides.
    """
    check_state(scenario, state)
    require_deciding(scenario, state)
    seed = scenario.sweep.seed if seed is None else seed
    shares = sample_late_shares(scenario, state, seed, replicates)
    first = int(shares.mean(axis=0).argmax())
    now = lead_over(first, shares, scenario.alignments())
    tried = flip_candidates(scenario, state, seed=seed) if among is None else among

    def search(candidate: Candidate) -> Flip | None:
        return smallest_flip(Probe(scenario, state, seed, first, candidate), now, replicates)

    found = [flip for flip in evaluate(search, tried, workers=workers) if flip is not None]
    ordered = tuple(sorted(found, key=lambda flip: (flip.relative, flip.setting)))
    lead = (-now.by, -now.high, -now.low)
    return Flips(state, seed, replicates, scenario.alignments()[first], lead, len(tried), ordered)


def require_deciding(scenario: Scenario, state: str) -> None:
    """Raise InputError where a state is fixed, by itself or as a leader."""
    leaders = [bloc.leader for bloc in scenario.blocs.values()]
    if scenario.states[state].fixed or state in leaders:
        raise InputError([Fault("--flip", 1, "", f"{state} is fixed: it never decides, so it has no flip")])


def bracket_digits(candidate: Candidate) -> int:
    """Return the digits to which values on the way through a candidate's range are rounded."""
    return math.ceil(-math.log10(RESOLUTION * (candidate.high - candidate.low)))


def smallest_flip(probe: Probe, now: Lead, replicates: int) -> Flip | None:
    """Find the smaller of the flips towards either end of a candidate's range, if there is one."""
    candidate, span = probe.candidate, probe.candidate.high - probe.candidate.low
    if not candidate.low - span <= candidate.value <= candidate.high + span:
        return None  # far outside the range, such as the budget of a bloc whose attention has no limit
    ends = [end for end in (candidate.low, candidate.high) if end != candidate.value]
    found = [flip for end in ends if (flip := flip_towards(probe, end, now, replicates)) is not None]
    return min(found, key=lambda flip: flip.relative, default=None)


def flip_towards(probe: Probe, end: float, now: Lead, replicates: int) -> Flip | None:
    """Find the first flip on the way from a candidate's value to an end of its range."""
    candidate, few = probe.candidate, min(FEW, replicates)
    digits = bracket_digits(candidate)
    short = candidate.value
    for part in PROBES:
        to = end if part == 1.0 else round(candidate.value + part * (end - candidate.value), digits)
        if not probe.lead(to, few).clearly_not and probe.lead(to, replicates).flipped:
            break
        short = to
    else:
        return None
    while (middle := round((short + to) / 2, digits)) not in (short, to):
        short, to = (short, middle) if probe.lead(middle, replicates).flipped else (middle, to)
    before, after = clear_bounds(probe, short, to, end, now, replicates)
    becomes = probe.lead(to, replicates).other
    return Flip(candidate.setting, candidate.value, to, short, candidate.low, candidate.high, becomes, before, after)


def clear_bounds(probe: Probe, short: float, to: float, end: float, now: Lead, replicates: int) -> tuple[float, float]:
    """Find the values nearest to a flip at which the first alignment, and the other, lead beyond chance; else NaN.

    Between these values chance decides who leads in this number of replicates.
    """
    start, span = probe.candidate.value, probe.candidate.high - probe.candidate.low
    digits = bracket_digits(probe.candidate)

    def is_clear(value: float, after: bool) -> bool:
        lead = now if value == start else probe.lead(value, replicates)
        return lead.clearly_flipped if after else lead.clearly_not

    found = []
    for unclear, limit, after in ((short, start, False), (to, end, True)):
        if is_clear(unclear, after):
            found.append(unclear)
        elif not is_clear(limit, after):
            found.append(math.nan)
        else:
            known = limit
            while abs(known - unclear) > 2 * RESOLUTION * span:
                middle = round((known + unclear) / 2, digits)
                if middle in (known, unclear):
                    break
                known, unclear = (middle, unclear) if is_clear(middle, after) else (known, middle)
            found.append(known)
    return found[0], found[1]
