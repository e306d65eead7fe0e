"""Read input files: their text, TOML with the line of each key, and drafts merged over one another."""

from __future__ import annotations

import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.errors import Fault, InputError, PathInFile, display_path, field_name
from sim.scenario.schema import MAX_SHOCKS, MAX_TIES
from sim.scenario.ties import make_tie_key

MAX_BYTES = 16 * 2**20


def read_text(path: Path, most: int = MAX_BYTES) -> str:
    """Read an input file of at most `most` bytes.

    Raises InputError if the file is missing, too large or not UTF-8, or if the path is not a file.
    """
    name = display_path(path)
    try:
        if not path.is_file():
            there = os.path.lexists(path)
            raise InputError([Fault(name, 1, "", "is not a file that can be read" if there else "does not exist")])
        if path.stat().st_size > most:
            raise InputError(
                [Fault(name, 1, "", f"is larger than {most // 2**20} MB, the limit for {path.suffix[1:]} files")]
            )
        content = path.read_bytes()
    except OSError as error:
        raise InputError([Fault(name, 1, "", f"cannot be read: {error.strerror}")]) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError([Fault(name, line, "", "is not UTF-8; save the file as UTF-8 text")]) from None


MAX_TOML, MAX_KEYS = 2**20, 30_000  # bytes and keys; Python reads TOML letter by letter

MAX_DEPTH = 32

TOO_DEEP = f"nested too deeply; give at most {MAX_DEPTH} levels"

TOO_LONG = "a whole number has thousands of digits"

OPEN_QUOTE = "a quotation mark is not closed"

STRINGS = re.compile(
    r'"""(?>(?:[^"\\]++|\\.|"(?!""))*)"{3,5}|\'\'\'.*?\'{3,5}|"(?>(?:[^"\\\n]++|\\.)*)"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL
)  # strings and comments of a TOML text, without backtracking (`*+` fails to match before Python 3.11.5)

DOTTED = re.compile(
    rf"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){{{MAX_DEPTH},}}"
)  # memory that tomllib uses grows with their square


def read_toml(path: Path) -> tuple[dict[str, object], dict[PathInFile, int]]:
    """Content of a TOML file and the line of each key; raises InputError if it is not valid TOML."""
    return parse_toml(path, read_text(path, MAX_TOML))


def parse_toml(path: Path, text: str) -> tuple[dict[str, object], dict[PathInFile, int]]:
    """Content of a TOML text and the line of each key; `path` is its file, named in the faults."""
    name = display_path(path)
    if not text.strip():
        raise InputError([Fault(name, 1, "", "is empty; `blocs check` needs at least a title")])
    if (keys := text.count("=")) > MAX_KEYS:
        raise InputError([Fault(name, 1, "", f"has {keys} equal signs; a file gives at most {MAX_KEYS} values")])
    content: dict[str, object] = {}
    line = 1
    if DOTTED.search(text) and (deep := DOTTED.search(bare := STRINGS.sub(blank_string, text))):
        line = line_at(bare, deep.start())
        raise InputError([Fault(name, line, "", f"is not TOML: {TOO_DEEP}")])
    try:
        content = tomllib.loads(text)
        message = find_excess(content)
    except RecursionError:
        message = TOO_DEEP
    except ValueError as error:
        line, message = explain_toml_error(str(error), text)
    if not message:
        return content, key_lines(text)
    if message == TOO_LONG and (digits := re.search(r"\b\d\w{2000}", text)):
        line = line_at(text, digits.start())
    raise InputError([Fault(name, line, "", f"is not TOML: {message}")]) from None


TOML_ERRORS = (  # what tomllib reports, what the line looks like, and the plain message; the first match counts
    ("integer string conversion", "", TOO_LONG),
    (r"""Illegal character '(\\r)?\\n'|Illegal character '\\r'|Unterminated string|Expected "'+\"""", "", OPEN_QUOTE),
    ("", r"=\s*(-?\d+),(\d+)\s*(?:#.*)?$", "{0},{1} has a decimal comma; write {0}.{1}"),
    ("", r"=\s*(\d{1,2})\.(\d{1,2})\.(\d{4})\s*(?:#.*)?$", "a date is year-month-day; write {2}-{1:0>2}-{0:0>2}"),
    (
        r"Unescaped '\\' in a string|Invalid hex value|not a Unicode scalar",
        "",
        r'a backslash in "…" begins an escape such as \n; write \\ for a backslash, or use single quotation marks',
    ),
    (
        "Invalid value",
        "",
        "no valid value follows the equal sign; put text in quotation marks, write true and false in small letters"
        " and numbers with a point",
    ),
    (
        "Expected '=' after a key",
        "",
        "an equal sign is missing; a line reads key = value, and a key with a blank is put in quotation marks",
    ),
    (
        "Expected newline or end of document",
        "",
        "something follows the value; put text in quotation marks, and write numbers with a point, without a unit or"
        " leading zeros",
    ),
    ("Cannot overwrite a value|Duplicate inline table key", "", "this key is given twice; keep one of the two"),
    ("Cannot declare .* twice", "", "this table is given twice; put its keys in one place"),
    ("Cannot mutate immutable", "", "this table is given already; put its keys in one place"),
    ("Unclosed array", "", "a list is not closed; commas separate its values and ] ends it"),
    ("Unclosed inline table", "", "a table in braces is not closed; commas separate its keys and }} ends it"),
    (
        "Expected ']+' at the end",
        "",
        "a table's name is not closed; write [name], or [[name]] for an entry of a list",
    ),
    (
        "Invalid initial character for a key part|Invalid statement",
        "",
        "a key is missing or begins with a sign that no key may have; a line reads key = value",
    ),
    ("Illegal character|Found invalid character", "", "the line has a control character; remove it"),
)


def explain_toml_error(error: str, text: str) -> tuple[int, str]:
    """Line and plain message of an error that tomllib reports for a text."""
    place = re.search(r"at line (\d+)", error)
    line = int(place[1]) if place else text.removesuffix("\n").count("\n") + 1
    short = re.sub(r" \(at .*\)", "", error)
    for pattern, form, message in TOML_ERRORS:
        if re.search(pattern, short) and (found := re.search(form, text.split("\n")[line - 1])):
            if message != OPEN_QUOTE:
                return line, message.format(*found.groups())
            if (opened := open_quote_line(text)) or "Illegal" not in short:  # a closed text may have a line end in it
                return opened or line, message
    return line, short


def open_quote_line(text: str) -> int:
    """Line of the first quotation mark that opens no complete string; 0 if there is none."""
    bare = STRINGS.sub(blank_string, text)
    mark = re.search("[\"']", bare)
    return line_at(bare, mark.start()) if mark else 0


def line_at(text: str, place: int) -> int:
    """Line, from 1, of a place in a text."""
    return text[:place].count("\n") + 1


def find_excess(content: object, levels: int = MAX_DEPTH) -> str:
    """Fault of a content that is nested too deeply or has a number of thousands of digits; empty if there are none."""
    if isinstance(content, int):
        return TOO_LONG if content.bit_length() > 10_000 else ""
    if not isinstance(content, (dict, list)):
        return ""
    parts = content.values() if isinstance(content, dict) else content
    return next(filter(None, (find_excess(part, levels - 1) for part in parts)), "") if levels else TOO_DEEP


def key_lines(text: str) -> dict[PathInFile, int]:
    """Line, from 1, of every table and key of a valid TOML text; what is in an inline table has no line of its own."""
    lines: dict[PathInFile, int] = {}
    table: PathInFile = ()
    arrays: Counter[PathInFile] = Counter()
    brackets = 0  # open ones at the start of the line
    for number, line in enumerate(STRINGS.sub(join_string_lines, text).split("\n"), start=1):
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


def blank_string(found: re.Match[str]) -> str:
    """Replacement of a string or comment: one letter, and its line ends."""
    return "s" + "\n" * found[0].count("\n")


def join_string_lines(found: re.Match[str]) -> str:
    """Replacement of a comment or long string: its line ends; other strings stay as they are."""
    text = found[0]
    return "\n" * text.count("\n") if text.startswith(('"""', "'''", "#")) else text


def key_path(key: str) -> PathInFile:
    """Parts of a TOML key such as `a."b.c"`."""
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
    """Path of a table header, with the index of each list entry that it continues."""
    placed: PathInFile = ()
    for depth, part in enumerate(path):
        placed = (*placed, part)
        if depth < len(path) - 1 and arrays[placed]:
            placed = (*placed, arrays[placed] - 1)
    return placed


LISTS = {"ties": MAX_TIES, "shocks": MAX_SHOCKS}


@dataclass
class Draft:
    """Content of a scenario before validation, with the file and line of each part; the empty path is the whole file.

    A draft is not whole if a part could not be read. Then checks report nothing that this part might explain.
    """

    content: dict[str, Any] = field(default_factory=dict)
    origins: dict[PathInFile, tuple[str, int, PathInFile]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    whole: bool = True
    world: str = ""  # name of its world
    files: tuple[Path, ...] = ()  # that the draft was read from, extended files first

    def add_reading_faults(self, *faults: Fault) -> Draft:
        """Add faults that prevent reading a part, mark this draft as not whole, and return it."""
        self.faults += faults
        self.whole = False
        return self

    def fault(self, path: PathInFile, message: str) -> Fault:
        """A fault at a path, with the file, line and field name where its author wrote it."""
        depth = next(depth for depth in range(len(path), -1, -1) if path[:depth] in self.origins)
        file, line, local = self.origins[path[:depth]]
        return Fault(file, line, field_name((*local, *path[depth:])), message)


def read_toml_draft(path: Path) -> Draft:
    """Read a TOML file as a draft; each entry of a list has a line too."""
    name = display_path(path)
    draft = Draft(origins={(): (name, 1, ())}, files=(path,))
    try:
        draft.content, lines = read_toml(path)
    except InputError as error:
        return draft.add_reading_faults(*error.faults)
    draft.origins |= {at: (name, line, at) for at, line in lines.items()}
    for key, most in LISTS.items():
        values = draft.content.get(key)
        if isinstance(values, list) and len(values) > most:
            draft.add_reading_faults(draft.fault((key,), f"has {len(values)} entries; give at most {most}"))
            draft.content[key] = values = []
        for n in range(len(values) if isinstance(values, list) else 0):
            draft.origins.setdefault((key, n), (name, lines.get((key,), 1), (key, n)))
    return draft


def merge_drafts(base: Draft, over: Draft) -> Draft:
    """Merge one draft over another: tables merge, lists of ties and shocks are joined, all else is replaced."""
    origins = dict(base.origins)
    content = merge_tables(base.content, over.content, (), origins)
    for path, origin in over.origins.items():
        if path[:1] in [(name,) for name in LISTS] and len(path) > 1 and isinstance(path[1], int):
            before = base.content.get(str(path[0]))
            path = (path[0], path[1] + (len(before) if isinstance(before, list) else 0), *path[2:])
        origins[path] = origin
    faults, whole = [*base.faults, *over.faults], base.whole and over.whole
    return Draft(content, origins, faults, whole, base.world, base.files + over.files)


def merge_tables(
    base: dict[str, Any], over: dict[str, Any], at: PathInFile, origins: dict[PathInFile, Any]
) -> dict[str, Any]:
    """Merge one table over another, and drop the origins of what is replaced."""
    result = dict(base)
    for key, value in over.items():
        old, place = base.get(key), (*at, key)
        if isinstance(value, dict) and isinstance(old, dict) and "value" not in value:
            result[key] = merge_tables(old, value, place, origins)
        elif not at and key in LISTS and isinstance(value, list) and isinstance(old, list):
            result[key] = [*old, *value]
        else:
            result[key] = value
            forget_origins(old, place, origins)
    return result


def forget_origins(content: Any, at: PathInFile, origins: dict[PathInFile, Any]) -> None:
    """Drop the origins of a content and of all its parts."""
    origins.pop(at, None)
    parts = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, part in parts:
        forget_origins(part, (*at, key), origins)


def duplicate_ties(draft: Draft) -> Iterator[Fault]:
    """Faults of ties that one file gives twice; a later file may replace the ties of an earlier one."""
    seen: dict[tuple[str, ...], int] = {}  # the last index of each tie; ties of one file are adjacent
    ties = draft.content.get("ties", [])
    for n, tie in enumerate(ties if isinstance(ties, list) else []):
        kind, a, b = (tie.get("kind"), tie.get("a"), tie.get("b")) if isinstance(tie, dict) else (None, None, None)
        if isinstance(kind, str) and isinstance(a, str) and isinstance(b, str):
            key = make_tie_key(kind, a, b)
            if key in seen:
                before, now = (draft.origins.get(("ties", place), ("", 0, ())) for place in (seen[key], n))
                if before[0] == now[0]:
                    message = f"this {kind} of {a} and {b} is on line {before[1]} already; give it once"
                    yield draft.fault(("ties", n), message)
            seen[key] = n
