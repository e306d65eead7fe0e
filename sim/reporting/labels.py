"""Names for readers: labels of alignments, states and outcomes, and lists of names."""

from __future__ import annotations

import math
import textwrap
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sim.calendar import ROUND
from sim.errors import escape_controls

if TYPE_CHECKING:
    from sim.analysis.history.words import Names

NON_ALIGNED = "non-aligned"

MAX_LETTERS = 60  # of a name in a sentence or a table

ALIGNMENT_OUTCOMES = ("members", "capability", "product", "bite", "enforcement", "cohesion", "leverage", "attention")


def shorten_middle(text: str, letters: int = MAX_LETTERS) -> str:
    """Return text on one line, cut in the middle if it exceeds `letters` (at least 3)."""
    whole = " ".join(escape_controls(text).split())
    letters = max(letters, 3)
    if len(whole) <= letters:
        return whole
    tail = (letters - 1) // 2
    return f"{whole[: letters - 1 - tail].rstrip()}…{whole[-tail:].lstrip()}"


def wrap_text(text: str, letters: int) -> str:
    """Wrap text in lines of at most `letters`; break longer words."""
    return "\n".join(textwrap.wrap(text, max(letters, 3), break_on_hyphens=False)) or text


def distinct_labels(names: Mapping[str, str], letters: int = MAX_LETTERS, lines: int = 1) -> dict[str, str]:
    """Return a label for each key: its name in about `lines` lines of `letters` letters.

    A long name is cut in the middle. Equal labels get their key in brackets, so that different keys always have
    different labels.
    """
    marked: set[str] = set()
    while True:
        labels = {key: label_of(key, name, letters, lines, marked=key in marked) for key, name in names.items()}
        counted = Counter(labels.values())
        alike = {key for key, found in labels.items() if counted[found] > 1} - marked
        if not alike:
            return labels
        marked |= alike


def label_of(key: str, name: str, letters: int, lines: int, *, marked: bool) -> str:
    """Return the label of one key, followed by the key if it is marked."""
    mark = f" ({key})" if marked else ""
    text = shorten_middle(name, letters * lines - len(mark)) + mark
    return text if lines == 1 else wrap_text(text, letters)


def label_alignments(*scenarios: Any) -> dict[str, str]:
    """Return the name of each alignment, by id; the first scenario that has a bloc names it.

    The scenarios are resolved: objects, or mappings from a manifest.
    """
    names: dict[str, str] = {}
    for scenario in scenarios:
        content = scenario if isinstance(scenario, Mapping) else {"blocs": scenario.blocs}
        for key, bloc in content["blocs"].items():
            names.setdefault(key, bloc["name"] if isinstance(bloc, Mapping) else bloc.name)
    return distinct_labels({**{key: name or key for key, name in names.items()}, "non_aligned": NON_ALIGNED})


def label_theatres(scenario: Any) -> dict[str, str]:
    """Return the name of each theatre of a resolved scenario, by id."""
    return distinct_labels({key: name or key for key, name in scenario.theatres.items()})


def label_outcome(outcome: str, alignments: Mapping[str, str], theatres: Mapping[str, str] | None = None) -> str:
    """Return an outcome's name for readers, with the names of its bloc and theatre instead of ids."""
    what, _, rest = outcome.partition("_")
    if what not in ALIGNMENT_OUTCOMES:
        return outcome.replace("_", " ")
    fits = [key for key in alignments if rest == key or rest.startswith(f"{key}_")]
    key = max(fits, key=len, default=rest)
    where = rest.removeprefix(key).removeprefix("_")
    place = f" in {(theatres or {}).get(where, where.replace('_', ' '))}" if where else ""
    return f"{what} of {alignments.get(key, key.replace('_', ' '))}{place}"


def list_names(names: Collection[str]) -> str:
    """Join names unambiguously: with commas, with semicolons if a name has a comma, else in quotes."""
    for sign in (",", ";"):
        if not any(sign in name for name in names):
            return f"{sign} ".join(names)
    return "; ".join(f"“{name}”" for name in names)


SETTINGS_LETTERS = 60  # of swept settings in a name or a reason


def name_settings(settings: Mapping[str, float]) -> list[str]:
    """Name swept settings with their values, a parameter without its path: `w_pressure=0.5`."""
    return [f"{path.removeprefix('parameters.')}={value:g}" for path, value in settings.items()]


def list_fitting(names: Sequence[str], letters: float = math.inf) -> str:
    """List the first names, at least one, that take at most so many letters, and count the others."""
    for left in range(len(names)):
        text = ", ".join(names[: len(names) - left]) + (f" and {left} more" if left else "")
        if len(text) <= letters:
            return text
    return text if names else ""


def label_history(scenario: Any) -> Names:
    """Return how a history of a scenario names its states, alignments and steps; a tendency has no dates."""
    from sim.analysis.history.words import Names

    return Names(
        distinct_labels({id: state.name for id, state in scenario.states.items()}),
        label_alignments(scenario),
        label_theatres(scenario),
        distinct_labels({id: institution.name or id for id, institution in scenario.institutions.items()}),
        () if scenario.sweep.lens == "tendency" else scenario.dates(),
        ROUND if scenario.sweep.lens == "tendency" else scenario.step,
    )
