"""Values that are given to Python functions: whole numbers of any integer type, numbers, names and paths."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from numbers import Real
from pathlib import Path
from typing import Any

from sim.faults import Fault, InputError, quoted
from sim.scenario import MAX_REPLICATES, MAX_STEPS

WHOLE = {
    "replicates": (1, MAX_REPLICATES),
    "replicate": (0, MAX_REPLICATES - 1),
    "seed": (0, 2**63 - 1),
    "steps": (1, MAX_STEPS),
    "workers": (1, 512),
}  # the least and the most of each count


def whole(function: str, name: str, value: Any) -> int:
    """A count or a seed as an int, by its name in WHOLE; raises InputError for any other value."""
    low, high = WHOLE[name]
    try:
        if not isinstance(value, bool) and low <= (found := operator.index(value)) <= high:
            return found
    except TypeError:
        pass  # no whole number
    raise refusal(function, name, value, f"a whole number from {low} to {high}")


def whole_or_none(function: str, name: str, value: Any) -> int | None:
    """The same, or None where nothing is given."""
    return None if value is None else whole(function, name, value)


def number(function: str, name: str, value: Any) -> float:
    """A number as a float; raises InputError for text, truth values and anything else."""
    if isinstance(value, Real) and not isinstance(value, bool):
        return float(value)
    raise refusal(function, name, value, "a number")


def path(function: str, name: str, value: Any, what: str = "a name or path of a scenario") -> str | Path:
    """A name or path; raises InputError for anything else, and for empty text."""
    if isinstance(value, (str, Path)) and str(value):
        return value
    raise refusal(function, name, value, what)


def texts(function: str, name: str, values: Any) -> list[str]:
    """A text alone or several, as a list; raises InputError for anything else."""
    found = [values] if isinstance(values, str) else list(values) if isinstance(values, Iterable) else [values]
    if wrong := [value for value in found if not isinstance(value, str)]:
        raise refusal(function, name, wrong[0], "text, nor a list of texts")
    return found


def refusal(function: str, name: str, value: Any, what: str) -> InputError:
    """The error of a value that is not what it should be."""
    return InputError([Fault(function, 1, name, f"{quoted(value)} is not {what}")])
