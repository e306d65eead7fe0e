"""Check the arguments of public functions."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from numbers import Real
from pathlib import Path
from typing import Any

from sim.errors import Fault, InputError, quote
from sim.scenario.schema import MAX_REPLICATES, MAX_STEPS

WHOLE = {
    "replicates": (1, MAX_REPLICATES),
    "replicate": (0, MAX_REPLICATES - 1),
    "seed": (0, 2**63 - 1),
    "steps": (1, MAX_STEPS),
    "workers": (1, 512),
}  # the least and the most of each count


def require_whole(function: str, name: str, value: Any) -> int:
    """A count or a seed as an int, by its name in WHOLE; raises InputError for any other value."""
    low, high = WHOLE[name]
    try:
        if not isinstance(value, bool) and low <= (found := operator.index(value)) <= high:
            return found
    except TypeError:
        pass  # no whole number
    raise argument_fault(function, name, value, f"a whole number from {low} to {high}")


def require_whole_or_none(function: str, name: str, value: Any) -> int | None:
    """The same, or None where nothing is given."""
    return None if value is None else require_whole(function, name, value)


def require_number(function: str, name: str, value: Any) -> float:
    """A number as a float; raises InputError for text, truth values and anything else."""
    if isinstance(value, Real) and not isinstance(value, bool):
        return float(value)
    raise argument_fault(function, name, value, "a number")


def require_path(function: str, name: str, value: Any, what: str = "a name or path of a scenario") -> str | Path:
    """A name or path; raises InputError for anything else, and for empty text."""
    if isinstance(value, (str, Path)) and str(value):
        return value
    raise argument_fault(function, name, value, what)


def require_texts(function: str, name: str, values: Any) -> list[str]:
    """A text alone or several, as a list; raises InputError for anything else."""
    found = [values] if isinstance(values, str) else list(values) if isinstance(values, Iterable) else [values]
    if wrong := [value for value in found if not isinstance(value, str)]:
        raise argument_fault(function, name, wrong[0], "text, nor a list of texts")
    return found


def argument_fault(function: str, name: str, value: Any, what: str) -> InputError:
    """The error of a value that is not what it should be."""
    return InputError([Fault(function, 1, name, f"{quote(value)} is not {what}")])
