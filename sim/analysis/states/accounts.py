"""Accounts of a state's utilities: by term and by state, and of a decision in a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sim.analysis.contributions import FROM_STATES
from sim.model.arrays import TERMS, Floats

SMALLEST = 0.0005  # the smallest value that rounds to 0.001

DISPOSITION = "disposition"  # the term of a kept disposition, -τ ln E


@dataclass(frozen=True)
class Account:
    """Utility of every alignment to a state, and its sources: in one decision, or in the mean of several."""

    alignments: tuple[str, ...]
    states: tuple[str, ...]
    terms: Floats  # (K + 1, terms); summed in this order they give the utility
    utilities: Floats  # (K + 1,)
    chances: Floats  # (K + 1,), P
    contributions: Floats  # (K + 1, terms, N); summed over the states they give the term
    first: int  # the most likely alignment
    second: int  # the runner-up
    names: tuple[str, ...] = TERMS  # of the terms

    @property
    def most_likely(self) -> str:
        """The most likely alignment."""
        return self.alignments[self.first]

    @property
    def runner_up(self) -> str:
        """The second most likely alignment."""
        return self.alignments[self.second]

    def deciding(self) -> list[tuple[str, float]]:
        """List the terms in which the most likely alignment differs from the runner-up, the largest first."""
        differences = zip(self.names, (self.terms[self.first] - self.terms[self.second]).tolist(), strict=True)
        return sorted((d for d in differences if d[1] != 0.0), key=lambda d: -abs(d[1]))

    def from_states(self, term: str | None = None) -> list[tuple[str, float]]:
        """List what each state adds to that difference, in one term or in all, the largest first."""
        gap = self.contributions[self.first] - self.contributions[self.second]
        row = gap.sum(axis=0) if term is None else gap[self.names.index(term)]
        found = [(state, float(value)) for state, value in zip(self.states, row, strict=True) if value != 0.0]
        return sorted(found, key=lambda d: -abs(d[1]))

    def rows(self) -> list[tuple[str, Floats, float, list[tuple[str, float]]]]:
        """List the terms that do not round to 0: name, value by alignment, difference, and its states."""
        found = []
        for term in dict.fromkeys([*dict(self.deciding()), *self.names]):
            column = self.terms[:, self.names.index(term)]
            gap = float(column[self.first] - column[self.second])
            if max(abs(gap), float(np.abs(column).max())) >= SMALLEST:
                found.append((term, column, gap, self.from_states(term)))
        return found

    def deciding_words(self) -> str:
        """Return the terms that decide, in words."""
        terms = contributors(self.deciding(), 3)
        return f"{self.most_likely} over {self.runner_up} by {terms}" if terms else "no term decides"

    def record(self) -> dict[str, Any]:
        """Return the account as a record."""
        by_name = dict(enumerate(self.alignments))
        return {
            "most_likely": self.most_likely,
            "runner_up": self.runner_up,
            "chances": {name: float(self.chances[k]) for k, name in by_name.items()},
            "utilities": {name: float(self.utilities[k]) for k, name in by_name.items()},
            "terms": {name: dict(zip(self.names, self.terms[k].tolist(), strict=True)) for k, name in by_name.items()},
            "deciding": dict(self.deciding()),
            "from_states": {term: dict(found) for term in FROM_STATES if (found := self.from_states(term))},
            "from_states_in_all": dict(self.from_states()),
        }


def contributors(found: list[tuple[str, float]], listed: int = 4) -> str:
    """Return the largest contributions in words."""
    return ", ".join(f"{name} {value:+.3f}" for name, value in found[:listed])


def rank_alignments(likelihood: Floats, utilities: Floats, allowed: Any) -> tuple[int, int]:
    """Find the most likely alignment and the runner-up; ties go to the higher utility, then to the lower index."""
    order = sorted(range(utilities.size), key=lambda k: (not allowed[k], -likelihood[k], -utilities[k]))
    return order[0], order[1]


@dataclass(frozen=True)
class Decision:
    """A decision of a state at its turn.

    Parameters
    ----------
    state, seed, replicate, step
        The state, the run and the step of the decision.
    fixed
        Whether the state never decides: P of its alignment is 1.
    held, choice
        Alignment before and after the decision.
    u
        Uniform random number in [0, 1): if fresh, the first alignment whose cumulative P exceeds it is chosen; if
        kept, it decides whether the disposition is renewed.
    disposition
        What a kept disposition adds to the utility of each alignment, -τ ln E; None where dispositions are fresh.
    renewed
        Whether that disposition was drawn at this step.
    seen
        Alignment of every other state at its turn.
    account
        Utility of every alignment, by term and by state.
    """

    state: str
    seed: int
    replicate: int
    step: int
    fixed: bool
    held: str
    choice: str
    u: float
    disposition: dict[str, float] | None
    renewed: bool
    seen: dict[str, str]
    account: Account

    @property
    def weighed(self) -> Account:
        """The account of the choice against the next best alignment, a kept disposition as its last term."""
        if self.disposition is None or self.fixed:
            return self.account
        account, own = self.account, np.array([*self.disposition.values()])
        values = account.utilities + own
        first = account.alignments.index(self.choice)
        others = [k for k in range(values.size) if k != first and account.chances[k] > 0.0]
        return replace(
            account,
            terms=np.column_stack([account.terms, own]),
            utilities=values,
            contributions=np.pad(account.contributions, ((0, 0), (0, 1), (0, 0))),
            first=first,
            second=max(others, key=lambda k: values[k], default=account.second),
            names=(*TERMS, DISPOSITION),
        )

    def how(self, names: Mapping[str, str]) -> str:
        """Describe what chose, given the names of the alignments."""
        if self.fixed:
            return "it keeps this alignment"
        if self.disposition is None:
            return f"with u = {self.u:.3f} it chose {names[self.choice]}"
        adds = ", ".join(f"{value:+.3f} to {names[alignment]}" for alignment, value in self.disposition.items())
        return f"with its disposition ({adds}; {'new' if self.renewed else 'kept'}) it chose {names[self.choice]}"

    def record(self) -> dict[str, Any]:
        """Return the decision as a record; chances of a kept disposition are those of a state that has another one."""
        keys = ("state", "seed", "replicate", "step", "fixed", "held", "choice", "u", "disposition", "renewed")
        found = self.weighed.record()
        if self.disposition is not None:
            found["chances_without_disposition"] = found.pop("chances")
            del found["most_likely"]
        return {**{key: getattr(self, key) for key in keys}, **found, "seen": self.seen}
