"""The network of a run: states, their alignments, and every tie with its strength over the steps."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from sim.analysis.history.retrace import Retrace
from sim.errors import InputWarning, escape_controls
from sim.model.arrays import Floats, Integers
from sim.model.trajectory import Run
from sim.model.world import world_of
from sim.scenario.schema import NON_ALIGNED_ID, Scenario

DIRECTED = {"sanction": "from sender to target", "trade": "from the state to its partner: trade over its product"}

UNDIRECTED = ("bond", "institution", "rivalry", "propensity")


class TiePath(NamedTuple):
    """A tie with the steps from which it has a strength; 0 for none."""

    kind: str
    source: str
    target: str
    steps: Integers
    values: Floats

    def spells(self, last: int) -> Iterator[tuple[int, int, float]]:
        """Yield each strength other than 0 with the first and the last step that has it."""
        ends = [*(self.steps[1:] - 1).tolist(), last]
        for first, end, value in zip(self.steps.tolist(), ends, self.values.tolist(), strict=True):
            if value != 0:
                yield first, end, value

    def at(self, step: int) -> float:
        """Return the strength at a step."""
        place = int(np.searchsorted(self.steps, step, side="right")) - 1
        return float(self.values[place]) if place >= 0 else 0.0


@dataclass(frozen=True)
class RunNetwork:
    """A run as a network that changes.

    Parameters
    ----------
    scenario
        The scenario as it was run.
    run
        Its run.
    """

    scenario: Scenario
    run: Run

    @cached_property
    def dates(self) -> tuple[str, ...]:
        """End date of each step from 0 on; none in rounds and under the lens of tendency."""
        return () if self.scenario.sweep.lens == "tendency" else self.scenario.dates()

    @property
    def last(self) -> int:
        """The last step."""
        return len(self.run.alignment) - 1

    @cached_property
    def labels(self) -> dict[str, str]:
        """The name of each state and alignment by its id, in characters that XML can contain."""
        names = {state: record.name for state, record in self.scenario.states.items()}
        names |= {NON_ALIGNED_ID: "Non-aligned"} | {bloc: one.name for bloc, one in self.scenario.blocs.items()}
        return dict(zip(names, clean_texts(names.values()), strict=True))

    @cached_property
    def ties(self) -> list[TiePath]:
        """Every tie that exists at some step, by kind and then by its ends, as the states weighed it at their turns."""
        world = world_of(self.scenario)
        retrace = Retrace(world, self.run, ())
        changes = {kind: Changes() for kind in ("bond", "institution", "rivalry", "sanction")}

        def look(step: int) -> None:
            for kind, found in changes.items():
                found.add(step, getattr(retrace.situation, kind))

        retrace.visit(range(self.last + 1), look)
        fixed = {"trade": world.setting.dependence, "propensity": world.setting.propensity}
        for kind, matrix in fixed.items():
            changes[kind] = Changes()
            if matrix.size:
                changes[kind].add(0, matrix)
        return [path for kind, found in changes.items() for path in found.paths(kind, world.states, kind in DIRECTED)]

    def spans(self, i: int) -> Iterator[tuple[int, int, str]]:
        """Yield each alignment of a state, by its index, with the first and the last step in it."""
        path = self.run.alignment[:, i]
        starts = [0, *(np.flatnonzero(path[1:] != path[:-1]) + 1).tolist()]
        for first, end in zip(starts, [*(n - 1 for n in starts[1:]), self.last], strict=True):
            yield first, end, self.run.alignments[path[first]]

    def facts(self, i: int) -> dict[str, str | float]:
        """Return what stays fixed of a state, by its index: theatre, shares of capability and product, and ends."""
        state = self.scenario.states[self.run.states[i]]
        path = self.run.alignment[:, i]
        return {
            "theatre": state.theatre,
            "capability": self.shares("capability")[i],
            "product": self.shares("gdp")[i],
            "alignment_start": self.run.alignments[path[0]],
            "alignment_end": self.run.alignments[path[-1]],
        }

    def shares(self, size: str) -> list[float]:
        """Return the share of each state in a size of all states; 0 where none has a size."""
        values = np.array([getattr(state, size).value for state in self.scenario.states.values()], dtype=np.float64)
        shares: list[float] = (values / (values.sum() or 1.0)).tolist()
        return shares


class Changes:
    """The changes of a matrix over the steps."""

    def __init__(self) -> None:
        self.before: Floats | None = None
        self.found: list[tuple[Integers, Integers, Integers, Floats]] = []

    def add(self, step: int, matrix: Floats) -> None:
        """Add the matrix of a step, (N, N)."""
        before = np.zeros_like(matrix) if self.before is None else self.before
        i, j = np.nonzero(matrix != before)
        self.found.append((i, j, np.full(i.size, step), matrix[i, j]))
        self.before = matrix.copy()

    def paths(self, kind: str, states: tuple[str, ...], directed: bool) -> Iterator[TiePath]:
        """Yield the path of each pair that changed; of a kind without direction, once for both directions."""
        if not sum(i.size for i, *_ in self.found):
            return
        i, j, step, value = (np.concatenate(parts) for parts in zip(*self.found, strict=True))
        kept = np.ones(i.size, dtype=bool) if directed else i < j
        i, j, step, value = i[kept], j[kept], step[kept], value[kept]
        order = np.lexsort((step, j, i))
        i, j, step, value = i[order], j[order], step[order], value[order]
        starts = np.flatnonzero(np.r_[True, (i[1:] != i[:-1]) | (j[1:] != j[:-1])])
        for first, end in zip(starts, [*starts[1:], i.size], strict=True):
            yield TiePath(kind, states[i[first]], states[j[first]], step[first:end], value[first:end])


def clean_texts(texts: Iterable[str]) -> list[str]:
    """Return texts in characters that XML can contain; those that it cannot are escaped, with a warning."""
    given = list(texts)
    cleaned = ["".join(c if fits_xml(c) else escape_control(c) for c in text) for text in given]
    if changed := [after for before, after in zip(given, cleaned, strict=True) if before != after]:
        others = f", and {len(changed) - 1} more texts" if len(changed) > 1 else ""
        message = f"XML cannot contain control characters, so they are escaped: {escape_controls(changed[0])}{others}"
        warnings.warn(message, InputWarning, stacklevel=2)
    return cleaned


def fits_xml(character: str) -> bool:
    """Whether XML 1.0 can contain a character (production 2 of the recommendation)."""
    code = ord(character)
    return character in "\t\n\r" or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or code > 0xFFFF


def escape_control(character: str) -> str:
    """Return an escape such as \\x07 for a character."""
    return character.encode("unicode_escape").decode()
