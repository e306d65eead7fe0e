"""Faults of input files, each with file, line and field, and the index that finds the line of a TOML key."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

PathInFile = tuple[str | int, ...]
SHOWN = 20
LISTED_LINES = 5  # of faults that are alike
MAX_BYTES = 16 * 2**20
MAX_TOML, MAX_KEYS = 2**20, 30_000  # bytes and keys; it is read letter by letter in Python
MAX_DEPTH = 32
LONGEST_FIELD, LONGEST_MESSAGE = 200, 600  # in a terminal
TOO_DEEP = f"nested too deeply; give at most {MAX_DEPTH} levels"
TOO_LONG = "a whole number has thousands of digits"
UNSEEN = ("Cc", "Cf", "Zl", "Zp")  # of Unicode: controls, formats such as the order of writing, and breaks
STRINGS = re.compile(
    r'"""(?>(?:[^"\\]++|\\.|"(?!""))*)"{3,5}|\'\'\'.*?\'{3,5}|"(?>(?:[^"\\\n]++|\\.)*)"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL
)  # strings and comments of a TOML text; they never go back (not by `*+`, which fails to match before Python 3.11.5)

INDEX = re.compile(r"\[\d+\]")  # of an element of a list
DOTTED = re.compile(rf"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){{{MAX_DEPTH},}}")  # tomllib takes their square in memory


class Fault(NamedTuple):
    """One thing wrong with the input, and what would be right."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        field = shortened(printable(self.field), LONGEST_FIELD)
        place = ": ".join(part for part in (f"{self.file}:{self.line}", field) if part)
        return f"{place}: {shortened(printable(self.message), LONGEST_MESSAGE)}"


class InputError(Exception):
    """The input is refused; it carries every fault at once."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(dict.fromkeys(faults))  # most come in order, and a set would lose it
        super().__init__("\n".join(self.lines()))

    def lines(self, shown: int = SHOWN) -> list[str]:
        """The faults for a terminal, those that are alike in one line: the first lines, and how many more faults."""
        groups = alike(self.faults)
        lines = [printable(f"{group[0]}{more_like_it(group)}") for group in groups[:shown]]
        hidden = sum(map(len, groups[shown:]))
        if hidden:
            lines.append(f"… and {hidden} more faults ({len(self.faults)} in all; --json lists them)")
        return lines


class InputWarning(UserWarning):
    """The input is accepted, but a part of it does nothing or a result would mislead."""


def warning_lines(warnings: Iterable[Fault]) -> list[str]:
    """Warnings as they are shown in a terminal, those that are alike in one line."""
    marked = [fault._replace(field=": ".join(filter(None, ("warning", fault.field)))) for fault in warnings]
    return InputError(marked).lines()


def alike(faults: Iterable[Fault]) -> list[list[Fault]]:
    """Faults of one file that say the same of the same field, in order of the first of each group."""
    groups: dict[tuple[str, str, str], list[Fault]] = {}
    for fault in faults:
        groups.setdefault((fault.file, INDEX.sub("", fault.field), fault.message), []).append(fault)
    return [*groups.values()]


def more_like_it(group: list[Fault]) -> str:
    """' … and 2 more like it, on lines 4 and 7' after the first of a group; nothing where there is one only."""
    lines = [str(line) for line in dict.fromkeys(fault.line for fault in group[1:])]
    if not lines:
        return ""
    named = [*lines[:LISTED_LINES], *(["…"] if len(lines) > LISTED_LINES else [])]
    return f" … and {len(group) - 1} more like it, on line{'s' * (len(lines) > 1)} {', '.join(named)}"


def printable(text: str) -> str:
    """Text with its control characters escaped, so that no file's content can steer a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def inert(page: str) -> str:
    """A page with the characters escaped that show nothing but change what is shown: controls and directions."""
    return re.sub(r"[^\n\t -~]", lambda c: printable(c[0]) if unicodedata.category(c[0]) in UNSEEN else c[0], page)


def quoted(value: object, limit: int = 60) -> str:
    """A value as it may be shown in a message: short, and between quotes when it is text."""
    return shortened(repr(list(value) if isinstance(value, tuple) else value), limit)


def shortened(text: str, limit: int) -> str:
    """A text, cut where it is longer than the limit."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def suggestion(word: object, known: Iterable[str]) -> str:
    """' (did you mean …?)' where a known word is near, else ' (known: …)' where the known ones are few."""
    options = list(known)
    near = difflib.get_close_matches(str(word), options, n=1)
    if near:
        return f" (did you mean {quoted(near[0])}?)"
    return f" (known: {shortened(', '.join(sorted(options)), LONGEST_FIELD)})" if 0 < len(options) <= 12 else ""


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
    "string_too_short": "is empty; give it a text",
}


def date_form(given: object) -> str:
    """How a date is written, with the day that a text means where it can mean one only."""
    numeric = re.fullmatch(r"\s*(?:(\d{1,2})\.(\d{1,2})\.(\d{4})|(\d{4})-(\d{2})-(\d{2}))\s*", str(given))
    if isinstance(given, str) and numeric:
        day, month, year, *iso = numeric.groups()
        return f"{'-'.join(iso) if iso[0] else f'{year}-{int(month):02}-{int(day):02}'} without quotes"
    return "as year-month-day without quotes, such as 2017-12-21"


def phrase(error: Any, known: Iterable[str]) -> str:
    """What is wrong by a validation error, and what would be right, in one sentence."""
    kind, context, given = error["type"], error.get("ctx", {}), error.get("input")
    if kind == "missing":
        return "is missing; give it a value"
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"unknown key{suggestion(error['loc'][-1], known)}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return f"{quoted(given)} is not a valid id; its pattern is {context['pattern']}"
    if kind == "literal_error":
        return f"{quoted(given)} is not one of {context['expected']}"
    if kind == "model_type" and context.get("class_name") == "Sourced":
        return f"{quoted(given)} is not a number, nor a table {{ value = …, source = …, note = … }}"
    if kind in SHAPES:
        return f"{quoted(given)} is not {SHAPES[kind]}"
    if kind == "too_short":
        return "is empty; give at least one"
    if kind == "too_long":
        return f"has {len(given)} entries; give at most {context['max_length']}"
    if kind in LIMITS:
        return LIMITS[kind].format(given=quoted(given), **context)
    if kind.startswith("date"):
        return f"{quoted(given)} is not a date; write it {date_form(given)}"
    message = f"{error['msg'][:1].lower()}{error['msg'][1:]}"
    return message if isinstance(given, (dict, list, tuple)) else f"{quoted(given)}: {message}"


def shown_path(path: Path) -> str:
    """A path as a person would type it: relative where it lies below the working folder."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def field_name(path: PathInFile) -> str:
    """`shocks[0].target` for ('shocks', 0, 'target')."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).lstrip(".")


def read_text(path: Path, most: int = MAX_BYTES) -> str:
    """Text of an input file of so many bytes at most.

    Raises InputError when it is missing, too large, not a file or not UTF-8.
    """
    name = shown_path(path)
    try:
        if not path.is_file():
            raise InputError([Fault(name, 1, "", "there is no such file")])
        if path.stat().st_size > most:
            raise InputError(
                [Fault(name, 1, "", f"is larger than {most // 2**20} MB, which no {path.suffix[1:]} may be")]
            )
        content = path.read_bytes()
    except OSError as error:
        raise InputError([Fault(name, 1, "", f"cannot be read: {error.strerror}")]) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError([Fault(name, line, "", "is not UTF-8; save the file as UTF-8 text")]) from None


def read_toml(path: Path) -> tuple[dict[str, object], dict[PathInFile, int]]:
    """A TOML file's content and the line of each of its keys; raises InputError where it is no TOML."""
    return parse_toml(path, read_text(path, MAX_TOML))


def parse_toml(path: Path, text: str) -> tuple[dict[str, object], dict[PathInFile, int]]:
    """The same of the text of a file that has been read."""
    if not text.strip():
        raise InputError([Fault(shown_path(path), 1, "", "is empty; `blocs check` needs at least a title")])
    if (keys := text.count("=")) > MAX_KEYS:
        message = f"has {keys} equal signs; a file gives at most {MAX_KEYS} values"
        raise InputError([Fault(shown_path(path), 1, "", message)])
    content: dict[str, object] = {}
    line = 1
    if DOTTED.search(text) and (deep := DOTTED.search(bare := STRINGS.sub(as_word, text))):
        line = bare.count("\n", 0, deep.start()) + 1
        raise InputError([Fault(shown_path(path), line, "", f"is not TOML: {TOO_DEEP}")])
    try:
        content = tomllib.loads(text)
        message = excess(content)
    except RecursionError:
        message = TOO_DEEP
    except ValueError as error:
        line, message = toml_error(str(error), text)
        message += toml_hint(text.split("\n")[line - 1])
    if not message:
        return content, key_lines(text)
    if message == TOO_LONG and (digits := re.search(r"\b\d\w{2000}", text)):
        line = text.count("\n", 0, digits.start()) + 1
    raise InputError([Fault(shown_path(path), line, "", f"is not TOML: {message}")]) from None


def toml_hint(line: str) -> str:
    """What is right where a line of a broken TOML text has a decimal comma, a written date or one quotation mark."""
    if found := re.search(r"=\s*(-?\d+),(\d+)\s*(?:#.*)?$", line):
        return f"; decimals have a point: {found[1]}.{found[2]}"
    if found := re.search(r"=\s*(\d{1,2}\.\d{1,2}\.\d{4})\s*(?:#.*)?$", line):
        return f"; write the date {date_form(found[1]).removesuffix(' without quotes')}"
    return ""


TOML_MESSAGES = {  # by what tomllib says
    r"Unescaped '\\' in a string|Invalid hex value|not a Unicode scalar": (
        r'a backslash in "…" begins an escape such as \n; write \\ for a backslash, or use single quotation marks'
    ),
    "Invalid value": (
        "no valid value follows the equal sign; put text in quotation marks, write true and false in small letters"
        " and numbers with a point"
    ),
    "Expected '=' after a key": (
        "an equal sign is missing; a line reads key = value, and a key with a blank is put in quotation marks"
    ),
    "Expected newline or end of document": (
        "something follows the value; put text in quotation marks, and write numbers with a point, without a unit or"
        " leading zeros"
    ),
    "Cannot overwrite a value|Duplicate inline table key": "this key is given twice; keep one of the two",
    "Cannot declare .* twice": "this table is given twice; put its keys in one place",
    "Cannot mutate immutable": "this table is given already; put its keys in one place",
    "Unclosed array": "a list is not closed; commas separate its values and ] ends it",
    "Unclosed inline table": "a table in braces is not closed; commas separate its keys and } ends it",
    "Expected ']+' at the end": "a table's name is not closed; write [name], or [[name]] for an entry of a list",
    "Invalid initial character for a key part|Invalid statement": (
        "a key is missing or begins with a sign that no key may have; a line reads key = value"
    ),
    "Illegal character": "a control character stands here; remove it",
}
OPEN_QUOTE = "a quotation mark is not closed"
UNCLOSED = re.compile(r"""Illegal character '(\\r)?\\n'|Illegal character '\\r'|Unterminated string|Expected "'+\"""")


def toml_error(said: str, text: str) -> tuple[int, str]:
    """The line of what tomllib says of a text, and the same in plain words."""
    found = re.search(r"at line (\d+)", said)
    line = int(found.group(1)) if found else text.removesuffix("\n").count("\n") + 1
    if "integer string conversion" in said:
        return line, TOO_LONG
    if UNCLOSED.search(said):
        bare = STRINGS.sub(as_word, text)
        place = re.search("[\"']", bare)
        return bare.count("\n", 0, place.start()) + 1 if place else line, OPEN_QUOTE
    plain = re.sub(r" \(at .*\)", "", said)
    return line, next((told for pattern, told in TOML_MESSAGES.items() if re.search(pattern, plain)), plain)


def excess(content: object, levels: int = MAX_DEPTH) -> str:
    """What is beyond any use in a TOML content: nesting without end, or a whole number without end."""
    if isinstance(content, int):
        return TOO_LONG if content.bit_length() > 10_000 else ""
    if not isinstance(content, (dict, list)):
        return ""
    parts = content.values() if isinstance(content, dict) else content
    return next(filter(None, (excess(part, levels - 1) for part in parts)), "") if levels else TOO_DEEP


def key_lines(text: str) -> dict[PathInFile, int]:
    """Line, from 1, of every table and key of a valid TOML text (inline tables count as their key)."""
    lines: dict[PathInFile, int] = {}
    table: PathInFile = ()
    arrays: Counter[PathInFile] = Counter()
    brackets = 0  # how many are open at the line's start
    for number, line in enumerate(STRINGS.sub(on_one_line, text).split("\n"), start=1):
        if not brackets and (header := re.match(r"\s*(\[\[?)(.+?)\]\]?\s*$", line)):
            path = place_in_arrays(key_path(header[2]), arrays)
            if header[1] == "[[":
                arrays[path] += 1
                path = (*path, arrays[path] - 1)
            table = path
            for depth in range(1, len(path)):
                lines.setdefault(path[:depth], number)
            lines[table] = number
        elif not brackets and (key := re.match(r"((?:\"(?:\\.|[^\"\\])*\"|'[^']*'|[\w.\s-])+)=", line)):
            path = (*table, *key_path(key[1]))
            for depth in range(len(table) + 1, len(path) + 1):
                lines.setdefault(path[:depth], number)
        unquoted = STRINGS.sub("", line)
        brackets += sum(unquoted.count(c) for c in "[{") - sum(unquoted.count(c) for c in "]}")
    return lines


def as_word(found: re.Match[str]) -> str:
    """A string or comment as a word and the line ends in it."""
    return "s" + "\n" * found[0].count("\n")


def on_one_line(found: re.Match[str]) -> str:
    """A comment or long string as the line ends in it, any other string as it is."""
    text = found[0]
    return "\n" * text.count("\n") if text.startswith(('"""', "'''", "#")) else text


def key_path(key: str) -> PathInFile:
    """The parts of a TOML key such as `a."b.c"`."""
    if '"' not in key and "'" not in key:
        return tuple(part.strip() for part in key.split("."))
    parts: list[str] = []
    value: object = tomllib.loads(f"{key} = 0")
    while isinstance(value, dict):
        (name,) = value
        parts.append(name)
        value = value[name]
    return tuple(parts)


def place_in_arrays(path: PathInFile, arrays: Counter[PathInFile]) -> PathInFile:
    """A header's path with the index of the array element that it continues."""
    placed: PathInFile = ()
    for depth, part in enumerate(path):
        placed = (*placed, part)
        if depth < len(path) - 1 and arrays[placed]:
            placed = (*placed, arrays[placed] - 1)
    return placed
