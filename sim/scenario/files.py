"""Read input files: their text, TOML with the line of each key, and drafts merged over one another."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.errors import Fault, InputError, PathInFile, date_form, display_path, field_name
from sim.scenario.schema import MAX_SHOCKS, MAX_TIES
from sim.scenario.ties import make_tie_key

MAX_BYTES = 16 * 2**20


def read_text(path: Path, most: int = MAX_BYTES) -> str:
    """Text of an input file of so many bytes at most.

    Raises InputError when it is missing, too large, not a file or not UTF-8.
    """
    name = display_path(path)
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


MAX_TOML, MAX_KEYS = 2**20, 30_000  # bytes and keys; it is read letter by letter in Python

MAX_DEPTH = 32

TOO_DEEP = f"nested too deeply; give at most {MAX_DEPTH} levels"

TOO_LONG = "a whole number has thousands of digits"

STRINGS = re.compile(
    r'"""(?>(?:[^"\\]++|\\.|"(?!""))*)"{3,5}|\'\'\'.*?\'{3,5}|"(?>(?:[^"\\\n]++|\\.)*)"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL
)  # strings and comments of a TOML text; they never go back (not by `*+`, which fails to match before Python 3.11.5)

DOTTED = re.compile(rf"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){{{MAX_DEPTH},}}")  # tomllib takes their square in memory


def read_toml(path: Path) -> tuple[dict[str, object], dict[PathInFile, int]]:
    """A TOML file's content and the line of each of its keys; raises InputError where it is no TOML."""
    return parse_toml(path, read_text(path, MAX_TOML))


def parse_toml(path: Path, text: str) -> tuple[dict[str, object], dict[PathInFile, int]]:
    """The same of the text of a file that has been read."""
    if not text.strip():
        raise InputError([Fault(display_path(path), 1, "", "is empty; `blocs check` needs at least a title")])
    if (keys := text.count("=")) > MAX_KEYS:
        message = f"has {keys} equal signs; a file gives at most {MAX_KEYS} values"
        raise InputError([Fault(display_path(path), 1, "", message)])
    content: dict[str, object] = {}
    line = 1
    if DOTTED.search(text) and (deep := DOTTED.search(bare := STRINGS.sub(blank_string, text))):
        line = bare.count("\n", 0, deep.start()) + 1
        raise InputError([Fault(display_path(path), line, "", f"is not TOML: {TOO_DEEP}")])
    try:
        content = tomllib.loads(text)
        message = find_excess(content)
    except RecursionError:
        message = TOO_DEEP
    except ValueError as error:
        line, message = toml_error(str(error), text)
        message += toml_hint(text.split("\n")[line - 1])
    if not message:
        return content, key_lines(text)
    if message == TOO_LONG and (digits := re.search(r"\b\d\w{2000}", text)):
        line = text.count("\n", 0, digits.start()) + 1
    raise InputError([Fault(display_path(path), line, "", f"is not TOML: {message}")]) from None


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
        bare = STRINGS.sub(blank_string, text)
        place = re.search("[\"']", bare)
        return bare.count("\n", 0, place.start()) + 1 if place else line, OPEN_QUOTE
    plain = re.sub(r" \(at .*\)", "", said)
    return line, next((told for pattern, told in TOML_MESSAGES.items() if re.search(pattern, plain)), plain)


def find_excess(content: object, levels: int = MAX_DEPTH) -> str:
    """What is beyond any use in a TOML content: nesting without end, or a whole number without end."""
    if isinstance(content, int):
        return TOO_LONG if content.bit_length() > 10_000 else ""
    if not isinstance(content, (dict, list)):
        return ""
    parts = content.values() if isinstance(content, dict) else content
    return next(filter(None, (find_excess(part, levels - 1) for part in parts)), "") if levels else TOO_DEEP


def key_lines(text: str) -> dict[PathInFile, int]:
    """Line, from 1, of every table and key of a valid TOML text (inline tables count as their key)."""
    lines: dict[PathInFile, int] = {}
    table: PathInFile = ()
    arrays: Counter[PathInFile] = Counter()
    brackets = 0  # how many are open at the line's start
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
    """A string or comment as a word and the line ends in it."""
    return "s" + "\n" * found[0].count("\n")


def join_string_lines(found: re.Match[str]) -> str:
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


LISTS = {"ties": MAX_TIES, "shocks": MAX_SHOCKS}


@dataclass
class Draft:
    """Content of a scenario before it is validated, and the place in a file of each of its parts.

    Where a part could not be read the draft isn't whole, and nothing is said of what may be in that part.
    """

    content: dict[str, Any] = field(default_factory=dict)
    origins: dict[PathInFile, tuple[str, int, PathInFile]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    whole: bool = True
    world: str = ""  # name of the world that it is of
    files: tuple[Path, ...] = ()  # that it was read from, those extended first

    def broken(self, *faults: Fault) -> Draft:
        """This draft, not whole for these faults."""
        self.faults += faults
        self.whole = False
        return self

    def fault(self, path: PathInFile, message: str) -> Fault:
        """A fault at a place, named as in the file that it stands in."""
        for depth in range(len(path), -1, -1):
            if path[:depth] in self.origins:
                file, line, local = self.origins[path[:depth]]
                return Fault(file, line, field_name((*local, *path[depth:])), message)
        return Fault("?", 1, field_name(path), message)


def read_toml_draft(path: Path) -> Draft:
    """A TOML file as a draft; its origins give each element of a list a line too."""
    name = display_path(path)
    draft = Draft(origins={(): (name, 1, ())}, files=(path,))
    try:
        draft.content, lines = read_toml(path)
    except InputError as error:
        return draft.broken(*error.faults)
    draft.origins |= {at: (name, line, at) for at, line in lines.items()}
    for key, most in LISTS.items():
        values = draft.content.get(key)
        if isinstance(values, list) and len(values) > most:
            draft.broken(draft.fault((key,), f"has {len(values)} entries; give at most {most}"))
            draft.content[key] = values = []
        for n in range(len(values) if isinstance(values, list) else 0):
            draft.origins.setdefault((key, n), (name, lines.get((key,), 1), (key, n)))
    return draft


def merge_drafts(base: Draft, over: Draft) -> Draft:
    """One draft over another: tables merge, lists of ties and shocks grow, all else is replaced."""
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
    """A table over another; the origins of what is replaced are forgotten."""
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
    """Drop the origins of a content and of all in it."""
    origins.pop(at, None)
    parts = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, part in parts:
        forget_origins(part, (*at, key), origins)


def duplicate_ties(draft: Draft) -> Iterator[Fault]:
    """Ties that one file states twice; a later file may replace what an earlier one says."""
    seen: dict[tuple[str, ...], int] = {}  # the last place of each tie; those of one file stand together
    ties = draft.content.get("ties", [])
    for n, tie in enumerate(ties if isinstance(ties, list) else []):
        kind, a, b = (tie.get("kind"), tie.get("a"), tie.get("b")) if isinstance(tie, dict) else (None, None, None)
        if isinstance(kind, str) and isinstance(a, str) and isinstance(b, str):
            key = make_tie_key(kind, a, b)
            if key in seen:
                before, now = (draft.origins.get(("ties", place), ("", 0, ())) for place in (seen[key], n))
                if before[0] == now[0]:
                    message = f"this {kind} of {a} and {b} stands on line {before[1]} already; give it once"
                    yield draft.fault(("ties", n), message)
            seen[key] = n
