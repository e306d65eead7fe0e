"""Faults of input files, each with file, line and field, and the index that finds the line of a TOML key."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PathInFile = tuple[str | int, ...]
SHOWN = 20
MAX_BYTES = 16 * 2**20
MAX_DEPTH = 32
STRINGS = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*', re.DOTALL
)  # strings and comments of a TOML text


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong with the input, and what would be right."""

    file: str
    line: int
    field: str
    message: str

    def __str__(self) -> str:
        place = ": ".join(part for part in (f"{self.file}:{self.line}", self.field) if part)
        return f"{place}: {self.message}"


class InputError(Exception):
    """The input is refused; it carries every fault at once."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(set(faults))
        super().__init__("\n".join(self.lines()))

    def lines(self, shown: int = SHOWN) -> list[str]:
        """The faults for a terminal: the first ones, and how many more there are."""
        lines = [printable(str(fault)) for fault in self.faults[:shown]]
        if len(self.faults) > shown:
            lines.append(f"… and {len(self.faults) - shown} more faults ({len(self.faults)} in all; --json lists them)")
        return lines


def printable(text: str) -> str:
    """Text with its control characters escaped, so that no file's content can steer a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def quoted(value: object, limit: int = 60) -> str:
    """A value as it may be shown in a message: short, and between quotes when it is text."""
    try:
        text = repr(value)
    except ValueError:
        text = "a number of thousands of digits"
    return text if len(text) <= limit else text[: limit - 1] + "…"


def suggestion(word: object, known: Iterable[str]) -> str:
    """' (did you mean …?)' where a known word is near, else ' (known: …)' where the known ones are few."""
    options = list(known)
    near = difflib.get_close_matches(str(word), options, n=1)
    if near:
        return f" (did you mean {near[0]!r}?)"
    return f" (known: {', '.join(sorted(options))})" if 0 < len(options) <= 12 else ""


def shown_path(path: Path) -> str:
    """A path as a person would type it: relative where it lies below the working folder."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def field_name(path: PathInFile) -> str:
    """`shocks[0].target` for ('shocks', 0, 'target')."""
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in path]
    return "".join(parts).lstrip(".")


def read_text(path: Path) -> str:
    """Text of an input file; raises InputError when it is missing, too large, not a file or not UTF-8."""
    name = shown_path(path)
    try:
        if not path.is_file():
            raise InputError([Fault(name, 1, "", "there is no such file")])
        if path.stat().st_size > MAX_BYTES:
            raise InputError([Fault(name, 1, "", f"is larger than {MAX_BYTES // 2**20} MB, which no input may be")])
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
    text = read_text(path)
    if not text.strip():
        raise InputError([Fault(shown_path(path), 1, "", "is empty; `blocs check` needs at least a title")])
    try:
        content = tomllib.loads(text)
        if deeper(content, MAX_DEPTH):
            raise RecursionError
        return content, key_lines(text)
    except (ValueError, RecursionError) as error:
        found = re.search(r"at line (\d+)", str(error))
        message = re.sub(r" \(at .*\)", "", str(error))
        if isinstance(error, RecursionError):
            message = f"nested too deeply; give at most {MAX_DEPTH} levels"
        line = int(found.group(1)) if found else len(text.splitlines()) if "at end" in str(error) else 1
        if digits := re.search(r"\w{4300}", text) if "integer string conversion" in message else None:
            line, message = text.count("\n", 0, digits.start()) + 1, "a number has thousands of digits"
        raise InputError([Fault(shown_path(path), line, "", f"is not TOML: {message}")]) from None


def deeper(content: object, levels: int) -> bool:
    """Whether tables and lists are nested deeper than so many levels."""
    if not isinstance(content, (dict, list)):
        return False
    parts = content.values() if isinstance(content, dict) else content
    return levels == 0 or any(deeper(part, levels - 1) for part in parts)


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
            lines[table] = number
        elif not brackets and (key := re.match(r"((?:\"(?:\\.|[^\"\\])*\"|'[^']*'|[\w.\s-])+)=", line)):
            path = (*table, *key_path(key[1]))
            for depth in range(len(table) + 1, len(path) + 1):
                lines.setdefault(path[:depth], number)
        unquoted = STRINGS.sub("", line)
        brackets += sum(unquoted.count(c) for c in "[{") - sum(unquoted.count(c) for c in "]}")
    return lines


def on_one_line(found: re.Match[str]) -> str:
    """A comment or long string as the line ends in it, any other string as it is."""
    text = found[0]
    return "\n" * text.count("\n") if text.startswith(('"""', "'''", "#")) else text


def key_path(key: str) -> PathInFile:
    """The parts of a TOML key such as `a."b.c"`."""
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
