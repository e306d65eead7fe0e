"""Check the arguments of public functions."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Real
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sim.analysis.compare import list_first
from sim.batch.design import missing_date, read_dates
from sim.batch.tables.chunk import KEPT
from sim.errors import Fault, InputError, quote
from sim.scenario.schema import MAX_REPLICATES, Scenario
from sim.scenario.shocks import MAX_STEPS

WHOLE = {
    "replicates": (1, MAX_REPLICATES),
    "replicate": (0, MAX_REPLICATES - 1),
    "histories": (1, MAX_REPLICATES),
    "seed": (0, 2**63 - 1),
    "steps": (1, MAX_STEPS),
    "step": (1, MAX_STEPS),
    "workers": (1, 512),
    "points": (0, 100_000),
    "point_replicates": (2, 10_000),
    "placebos": (0, 10_000),
}  # the smallest and the largest value of each count

TEXTS = {
    "state": "the id of a state",
    "baseline": "the name of a scenario",
    "outcome": "the name of an outcome",
    "parameters": "'posterior' or the path of a file of draws",
    "label": "a name",
    "run": "text POINT-REPLICATE, such as '0-17'",
    "engine": "'compiled' or 'mesa'",
}

PATHS = {"results": "the path of a folder", "out": "the path of a folder", "folder": "the path of a folder"}

LENSES = ("histories", "tendency")

CHOICES = {
    "lens": LENSES,
    "format": ("csv", "parquet", "tidy", "gexf", "graphml"),  # of `export`
    "maps": ("land", "tiles"),
}

Check = Callable[[str, str, Any], Any]


def require(
    function: str, optional: Mapping[str, Any] | None = None, numbers: Mapping[str, Any] | None = None, /, **needed: Any
) -> SimpleNamespace:
    """Check arguments by their names, those in `optional` unless they are None; raises InputError with every fault."""
    given = {**needed, **{name: value for name, value in (optional or {}).items() if value is not None}}
    checks = [(name, value, require_argument) for name, value in given.items()]
    checks += [(name, value, require_number) for name, value in (numbers or {}).items()]
    values: dict[str, Any] = dict.fromkeys(optional or {})
    faults: list[Fault] = []
    for name, value, check in checks:
        try:
            values[name] = check(function, name, value)
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    return SimpleNamespace(**values)


def require_argument(function: str, name: str, value: Any) -> Any:
    """Check one argument by its name."""
    if name in WHOLE:
        return require_whole(function, name, value)
    if name in TEXTS:
        return require_text(function, name, value)
    if name in PATHS:
        return Path(require_path(function, name, value, PATHS[name]))
    return OTHER[name](function, name, value)


def require_whole(function: str, name: str, value: Any) -> int:
    """Check that a value is a whole number in the range of its name; return it as an int."""
    low, high = WHOLE[name]
    try:
        if not isinstance(value, bool) and low <= (found := operator.index(value)) <= high:
            return found
    except TypeError:
        pass  # not a whole number
    raise argument_fault(function, name, value, f"a whole number from {low} to {high}")


def require_number(function: str, name: str, value: Any) -> float:
    """Check that a value is a number, neither text nor a truth value; return it as a float."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise argument_fault(function, name, value, "a number")
    if not math.isfinite(value):
        raise argument_fault(function, name, value, "a finite number")
    return float(value)


def require_flag(function: str, name: str, value: Any) -> bool:
    """Check that a value is True or False."""
    if isinstance(value, bool):
        return value
    raise argument_fault(function, name, value, "True or False")


def require_text(function: str, name: str, value: Any) -> str:
    """Check that a value is text."""
    if isinstance(value, str) and value:
        return value
    raise argument_fault(function, name, value, TEXTS[name])


def require_choice(function: str, name: str, value: Any) -> str:
    """Check that a value is one of the texts that its name allows."""
    if value in CHOICES[name]:
        return str(value)
    raise argument_fault(function, name, value, " or ".join(map(repr, CHOICES[name])))


def require_tables(function: str, name: str, values: Any) -> list[str]:
    """Check that values are names of tables that a sweep keeps on request."""
    found = require_texts(function, name, values)
    if wrong := [value for value in found if value not in KEPT]:
        raise argument_fault(function, name, wrong[0], " or ".join(map(repr, KEPT)))
    return found


def require_dates(function: str, name: str, values: Any) -> tuple[str, ...]:
    """Check that values are one date or several, as texts or dates; return ISO texts."""
    several = isinstance(values, Iterable) and not isinstance(values, str)
    return read_dates(function, name, values if several else [values])


def refuse_arguments(function: str, given: Mapping[str, Any], message: str) -> None:
    """Raise InputError with a fault for each argument that is given and does not fit the others."""
    faults = [Fault(function, 1, name, message) for name, value in given.items() if value is not None]
    if faults:
        raise InputError(faults)


def require_date(function: str, scenarios: Mapping[str, Scenario], days: tuple[str, ...] | None) -> str | None:
    """Return the one date asked for, if any; raises InputError where a scenario's runs do not contain it.

    Scenarios with the same reason share one message, which names them unless it is of all.
    """
    if days is None:
        return None
    if len(days) != 1:
        raise InputError([Fault(function, 1, "at", f"has {len(days)} dates; give one")])
    lacking: dict[str, list[str]] = {}
    for name, scenario in scenarios.items():
        if reason := missing_date(scenario, days[0]) or within_first_step(scenario, days[0]):
            lacking.setdefault(reason, []).append(name)
    if lacking:
        of_all = 1 < len(scenarios) == len(next(iter(lacking.values())))
        raise InputError(
            Fault(function, 1, "at", reason if of_all else f"{list_first(names)}: {reason}")
            for reason, names in lacking.items()
        )
    return days[0]


def within_first_step(scenario: Scenario, day: str) -> str:
    """Say that a date is before the end of the first step; empty where it is not."""
    first = scenario.dates()[1]
    return f"{day} is in the first step; give {first} or later" if day < first else ""


def require_path(function: str, name: str, value: Any, what: str = "a name or path of a scenario") -> str | Path:
    """Check that a value is a name or path, and not empty text."""
    if isinstance(value, (str, Path)) and str(value):
        return value
    raise argument_fault(function, name, value, what)


def require_texts(function: str, name: str, values: Any) -> list[str]:
    """Check that values are one text or several; return a list."""
    found = [values] if isinstance(values, str) else list(values) if isinstance(values, Iterable) else [values]
    if wrong := [value for value in found if not isinstance(value, str)]:
        raise argument_fault(function, name, wrong[0], "text, nor a list of texts")
    return found


def require_progress(function: str, name: str, value: Any) -> Any:
    """Check that a value can be called with the runs done and the number of all runs."""
    if callable(value):
        return value
    raise argument_fault(function, name, value, "a function of the runs done and of all runs")


def require_ranges(function: str, name: str, value: Any) -> dict[str, tuple[float, float]]:
    """Check that a value maps settings to ranges (low, high) with low below high."""
    if not isinstance(value, Mapping) or not value:
        raise argument_fault(function, name, value, "a mapping of settings to ranges (low, high)")
    found, faults = {}, []
    for path, span in value.items():
        try:
            low, high = (require_number(function, name, end) for end in span)
            found[path] = (low, high)
        except (TypeError, ValueError, InputError):
            faults.append(Fault(function, 1, name, f"the range {quote(span)} of {path} is not a pair (low, high)"))
        else:
            if not low < high:
                faults.append(Fault(function, 1, name, f"{low:g} is not below {high:g}, the other end of {path}"))
    if faults:
        raise InputError(faults)
    return found


OTHER: dict[str, Check] = {
    "threshold": require_number,
    "seconds": require_number,
    "maximize": require_flag,
    "flip": require_flag,
    "progress": require_progress,
    "vary": require_ranges,
    "without": require_texts,
    **dict.fromkeys(CHOICES, require_choice),
    "runs": require_texts,
    "keep": require_tables,
    "at": require_dates,
    "by": require_dates,
    "name": require_path,
    "observed": require_path,
}


@contextmanager
def argument_faults(function: str) -> Iterator[None]:
    """Name arguments of the function in place of options in faults, such as step for --step and state for STATE."""
    try:
        yield
    except InputError as error:
        raise InputError(
            fault._replace(file=function, field=fault.file.strip("-").replace("-", "_").lower())
            if fault.file.startswith("--") or fault.file.isupper()
            else fault
            for fault in error.faults
        ) from None


def argument_fault(function: str, name: str, value: Any, what: str) -> InputError:
    """Return the error for an argument of the wrong kind."""
    return InputError([Fault(function, 1, name, f"{quote(value)} is not {what}")])
