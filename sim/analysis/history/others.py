"""Other histories: how often the same moves happen in them, and the first in which something happens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sim.analysis.statistics import share_interval
from sim.errors import Fault, InputError, quote, suggest
from sim.model.arrays import Flags, Integers
from sim.model.compiled import iterate_runs
from sim.model.trajectory import Run, store_alignments
from sim.model.world import World
from sim.scenario.checks.references import unknown_state
from sim.scenario.schema import NON_ALIGNED_ID, Scenario

OTHERS = 100  # histories that one is compared with

SEARCHED = 1_000  # replicates among which one is looked for


@dataclass(frozen=True, eq=False)
class OtherHistories:
    """What happens in the runs of other replicates with the same seed.

    Parameters
    ----------
    states, alignments
        Ids of the N states and K + 1 alignments.
    movers
        Number of states that move in each of the n runs, (n,).
    enters, leaves
        Number of the runs in which a state enters or leaves an alignment at some step, (N, K + 1).
    gained, lost
        Number of the runs in which any state does, (K + 1,).
    """

    states: tuple[str, ...]
    alignments: tuple[str, ...]
    movers: Integers
    enters: Integers
    leaves: Integers
    gained: Integers
    lost: Integers

    @property
    def count(self) -> int:
        """Number of runs."""
        return int(self.movers.size)

    @property
    def without_moves(self) -> int:
        """Number of runs in which no state moves."""
        return int((self.movers == 0).sum())

    def alike(self, state: str, left: str, entered: str) -> int:
        """Number of runs in which a state enters the bloc that it enters here, or leaves the one that it leaves."""
        i = self.states.index(state)
        if entered == NON_ALIGNED_ID:
            return int(self.leaves[i, self.alignments.index(left)])
        return int(self.enters[i, self.alignments.index(entered)])

    def record(self) -> dict[str, Any]:
        """Return what the histories have in common as a record."""
        _, low, high, n = share_interval(self.without_moves, self.count)
        return {
            "histories": n,
            "without_moves": self.without_moves,
            "without_moves_low": low,
            "without_moves_high": high,
            "states_that_move": {
                name: float(np.quantile(self.movers, q)) for name, q in (("least", 0), ("median", 0.5), ("most", 1))
            },
            "gained": dict(zip(self.alignments, self.gained.tolist(), strict=True)),
            "lost": dict(zip(self.alignments, self.lost.tolist(), strict=True)),
        }


def observe_others(scenario: Scenario, world: World, run: Run, *, count: int) -> OtherHistories:
    """Observe the first replicates of a scenario, without that of the run.

    Parameters
    ----------
    scenario
        The scenario of the run.
    world
        Its arrays.
    run
        The run that the others are compared with.
    count
        Number of other runs, from 0.

    Returns
    -------
    OtherHistories
        Counts of entries and exits.
    """
    others = [replicate for replicate in range(count + 1) if replicate != run.replicate][:count]
    shape = (len(run.states), len(run.alignments))
    movers, enters, leaves = [], np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    gained, lost = np.zeros(shape[1], dtype=np.int64), np.zeros(shape[1], dtype=np.int64)
    stored = store_alignments(world.steps)
    for other in iterate_runs(scenario, seed=run.seed, replicates=others, world=world, stored=stored):
        entered, left = entries_and_exits(other)
        movers.append(int(entered.any(axis=1).sum()))
        enters += entered
        leaves += left
        gained += entered.any(axis=0)
        lost += left.any(axis=0)
    return OtherHistories(run.states, run.alignments, np.array(movers, dtype=np.int64), enters, leaves, gained, lost)


def entries_and_exits(run: Run) -> tuple[Flags, Flags]:
    """Whether each state enters and leaves each alignment at some step of a run, (N, K + 1) each."""
    before, after = run.alignment[:-1], run.alignment[1:]
    moved, choices = before != after, range(len(run.alignments))
    enters = np.stack([(moved & (after == k)).any(axis=0) for k in choices], axis=-1)
    leaves = np.stack([(moved & (before == k)).any(axis=0) for k in choices], axis=-1)
    return enters, leaves


class Condition(NamedTuple):
    """A state enters an alignment, or leaves it, at some step of a run."""

    state: int
    alignment: int
    enters: bool

    def holds(self, entered: Flags, left: Flags) -> bool:
        """Whether it happens, from entries and exits, (N, K + 1) each."""
        return bool((entered if self.enters else left)[self.state, self.alignment])


VERBS = {"enters": True, "joins": True, "leaves": False, "exits": False}

CLAUSE = re.compile(rf"(?P<state>.+?)\s+(?P<verb>{'|'.join(VERBS)})\s+(?P<alignment>.+)", re.IGNORECASE)

FORM = 'give STATE enters BLOC or STATE leaves BLOC, such as "CHN enters front", and several with `and`'


def parse_conditions(scenario: Scenario, text: str) -> list[Condition]:
    """Parse what is to happen in a history.

    Parameters
    ----------
    scenario
        The scenario, whose states and blocs may be given by id or by name.
    text
        One clause or several with `and` between them, such as ``"CHN enters front and BLR leaves front"``.

    Returns
    -------
    list of Condition
        The conditions; a history must meet all of them.

    Raises
    ------
    InputError
        With every fault: a clause without a verb, an unknown state or bloc, or a state that never decides.
    """
    faults: list[Fault] = []
    found = []
    for clause in list(split_clauses(text)) or [text]:
        match = CLAUSE.fullmatch(clause)
        if match is None:
            faults.append(Fault("--where", 1, "", f"{quote(clause)} is not a condition; {FORM}"))
            continue
        state, state_fault = find_state(scenario, match["state"])
        alignment, alignment_fault = find_alignment(scenario, match["alignment"])
        faults += [Fault("--where", 1, "", message) for message in (state_fault, alignment_fault) if message]
        found.append(Condition(state, alignment, VERBS[match["verb"].lower()]))
    if faults:
        raise InputError(faults)
    return found


def split_clauses(text: str) -> Iterator[str]:
    """Split at each `and` that ends a clause; one in a name stays."""
    begun = ""
    for part in re.split(r"\s+and\s+", text.strip(), flags=re.IGNORECASE):
        whole = f"{begun} and {part}" if begun else part
        if CLAUSE.fullmatch(whole):
            begun = ""
            yield whole
        else:
            begun = whole
    if begun:
        yield begun


def without_article(words: str) -> str:
    """A name without `the` before it, for comparison."""
    return re.sub(r"^the\s+", "", words.strip(), flags=re.IGNORECASE).casefold()


def find_state(scenario: Scenario, words: str) -> tuple[int, str]:
    """Find a state by id or name; return its index, and the fault if there is one."""
    for i, (id, record) in enumerate(scenario.states.items()):
        if without_article(words) in (id.casefold(), without_article(record.name)):
            if record.fixed or id in {bloc.leader for bloc in scenario.blocs.values()}:
                return i, f"{id} never decides in this scenario; choose another state"
            return i, ""
    return 0, f"{unknown_state(scenario.states, words)}; `blocs show` lists the states"


def find_alignment(scenario: Scenario, words: str) -> tuple[int, str]:
    """Find an alignment by id or name; return its index, and the fault if there is one."""
    names = {NON_ALIGNED_ID: "non-aligned", **{id: bloc.name for id, bloc in scenario.blocs.items()}}
    for k, (id, name) in enumerate(names.items()):
        if without_article(words) in (id.casefold(), without_article(name)):
            if id == NON_ALIGNED_ID and not scenario.non_aligned_allowed:
                return k, "no state can be non-aligned in this scenario; choose a bloc"
            return k, ""
    return 0, f"unknown bloc {quote(words)}{suggest(words, [*names, *names.values()])}"


class Found(NamedTuple):
    """The replicates in which conditions hold, among those searched."""

    replicates: list[int]
    searched: int


def find_histories(
    scenario: Scenario, world: World, conditions: Sequence[Condition], *, seed: int, count: int
) -> Found:
    """Find the replicates in which all conditions hold.

    Parameters
    ----------
    scenario
        The scenario to run.
    world
        Its arrays.
    conditions
        What has to happen, each at some step.
    seed
        Random seed of the runs.
    count
        Number of replicates to search, from 1.

    Returns
    -------
    Found
        The replicates in order, and how many were searched.
    """
    stored = store_alignments(world.steps)
    runs = iterate_runs(scenario, seed=seed, replicates=range(count), world=world, stored=stored)
    hits = [run.replicate for run in runs if all(one.holds(*entries_and_exits(run)) for one in conditions)]
    return Found(hits, count)
