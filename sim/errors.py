"""Input errors: file, line, field, what is wrong, and what would be right."""

from __future__ import annotations

import difflib
import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

PathInFile = tuple[str | int, ...]

SHOWN = 20

LISTED_LINES = 5  # of similar faults

LONGEST_FIELD, LONGEST_MESSAGE = 200, 600  # in a terminal

UNSEEN = ("Cc", "Cf", "Zl", "Zp")  # Unicode categories: controls, formats such as writing direction, and breaks

INDEX = re.compile(r"\[\d+\]")  # of a list entry
NUMBER = re.compile(r"(?<![\w'.-])-?\d+(\.\d+)?(?![\w'])")  # outside names and quotation marks


class Fault(NamedTuple):
    """One fault of the input.

    Attributes
    ----------
    file, line
        Where the fault is; lines count from 1.
    field
        Path of the field, such as `shocks[0].target`; empty if the fault concerns the whole file.
    message
        What is wrong, with the value, and what would be right.
    """

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        field = shorten(escape_controls(self.field), LONGEST_FIELD)
        place = ": ".join(part for part in (f"{self.file}:{self.line}", field) if part)
        return f"{place}: {shorten(escape_controls(self.message), LONGEST_MESSAGE)}"


class InputError(Exception):
    """The input is refused.

    Attributes
    ----------
    faults
        Every fault found, sorted by file and line, each once.
    """

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(dict.fromkeys(faults))  # unlike a set, keeps the order, so that sorting is fast
        super().__init__("\n".join(self.lines()))

    def lines(self, shown: int = SHOWN) -> list[str]:
        """Faults as lines for a terminal: similar faults share a line, and the last line counts those not shown."""
        groups = group_similar(self.faults)
        lines = [escape_controls(f"{group[0]}{count_similar(group)}") for group in groups[:shown]]
        hidden = sum(map(len, groups[shown:]))
        if hidden:
            lines.append(f"… and {hidden} more faults ({len(self.faults)} in all; --json lists them)")
        return lines


class InputWarning(UserWarning):
    """The input is accepted, but a part of it does nothing or a result would mislead."""


def warning_lines(warnings: Iterable[Fault]) -> list[str]:
    """Warnings as lines for a terminal; similar warnings share a line."""
    marked = [fault._replace(field=": ".join(filter(None, ("warning", fault.field)))) for fault in warnings]
    return InputError(marked).lines()


def group_similar(faults: Iterable[Fault]) -> list[list[Fault]]:
    """Group faults with the same file, field and message, whatever the numbers in them."""
    groups: dict[tuple[str, str, str], list[Fault]] = {}
    for fault in faults:
        groups.setdefault((fault.file, INDEX.sub("", fault.field), NUMBER.sub("0", fault.message)), []).append(fault)
    return [*groups.values()]


def count_similar(group: list[Fault]) -> str:
    """' … and 2 more like it, on lines 4, 7' for the faults after the first; empty if there are none."""
    lines = [str(line) for line in dict.fromkeys(fault.line for fault in group[1:])]
    if not lines:
        return ""
    shown = [*lines[:LISTED_LINES], *["…"] * (len(lines) > LISTED_LINES)]
    return f" … and {len(group) - 1} more like it, on line{'s' * (len(lines) > 1)} {', '.join(shown)}"


def escape_controls(text: str) -> str:
    """Escape control characters, so that the content of a file cannot control a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def escape_page(page: str) -> str:
    """Escape invisible characters of a page that change what a reader sees: controls and writing directions."""
    return re.sub(
        r"[^\n\t -~]", lambda c: escape_controls(c[0]) if unicodedata.category(c[0]) in UNSEEN else c[0], page
    )


def quote(value: object, limit: int = 60) -> str:
    """A value for a message: short, and in quotes if it is text."""
    if isinstance(value, str):
        value = value[:limit]  # `repr` of a text of megabytes takes many times its memory
    return shorten(repr(list(value) if isinstance(value, tuple) else value), limit)


def shorten(text: str, limit: int) -> str:
    """Cut a text that is longer than the limit."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def last_line(text: str) -> str:
    """The last line of the text of an error, which names it; '' where the text is empty."""
    return (text.strip().splitlines() or [""])[-1]


def suggest(word: object, known: Iterable[str]) -> str:
    """' (did you mean …?)' if a known word is similar, else ' (known: …)' if at most 12 words are known."""
    options = list(known)
    near = difflib.get_close_matches(str(word), options, n=1)
    if near:
        return f" (did you mean {quote(near[0])}?)"
    return f" (known: {shorten(', '.join(sorted(options)), LONGEST_FIELD)})" if 0 < len(options) <= 12 else ""


SHAPES = {
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "dataclass_type": "a table",
    "tuple_type": "a list",
    "string_type": "text; put it in quotes",
    "bool_type": "true or false",
    "finite_number": "a finite number",
    "float_type": "a finite number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
}

LIMITS = {
    "greater_than_equal": "{given} is too small; give {ge} or more",
    "greater_than": "{given} is too small; give more than {gt}",
    "less_than_equal": "{given} is too large; give at most {le}",
    "less_than": "{given} is too large; give less than {lt}",
    "string_too_long": "{given} is too long; give at most {max_length} characters",
    "string_too_short": "is empty; give a text",
}


def date_form(given: object) -> str:
    """How to write a date; it shows the day itself if a text can mean only one."""
    numeric = re.fullmatch(r"\s*(?:(\d{1,2})\.(\d{1,2})\.(\d{4})|(\d{4})-(\d{2})-(\d{2}))\s*", str(given))
    if isinstance(given, str) and numeric:
        day, month, year, *iso = numeric.groups()
        return f"{'-'.join(iso) if iso[0] else f'{year}-{int(month):02}-{int(day):02}'} without quotes"
    return "as year-month-day without quotes, such as 2017-12-21"


def explain_error(error: Any, known: Iterable[str]) -> str:
    """One sentence for a validation error of pydantic: what is wrong, and what would be right."""
    kind, context, given = error["type"], error.get("ctx", {}), error.get("input")
    if kind == "missing":
        return "is missing; give it a value"
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"unknown key{suggest(error['loc'][-1], known)}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return f"{quote(given)} is not a valid id; its pattern is {context['pattern']}"
    if kind == "literal_error":
        return f"{quote(given)} is not one of {context['expected']}"
    if kind == "model_type" and context.get("class_name") == "Sourced":
        return f"{quote(given)} is not a number, nor a table {{ value = …, source = …, note = … }}"
    if kind in SHAPES:
        return f"{quote(given)} is not {SHAPES[kind]}"
    if kind == "too_short":
        return "is empty; give at least one"
    if kind == "too_long":
        return f"has {len(given)} entries; give at most {context['max_length']}"
    if kind in LIMITS:
        return LIMITS[kind].format(given=quote(given), **context)
    if kind.startswith("date"):
        return f"{quote(given)} is not a date; write it {date_form(given)}"
    message = f"{error['msg'][:1].lower()}{error['msg'][1:]}"
    return message if isinstance(given, (dict, list, tuple)) else f"{quote(given)}: {message}"


def display_path(path: Path) -> str:
    """A path as a person would type it: relative if it is inside the working folder."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def field_name(path: PathInFile) -> str:
    """`shocks[0].target` for ('shocks', 0, 'target')."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).lstrip(".")
