"""Faults of input files, each with file, line and field, and the index that finds the line of a TOML key."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sim.errors import Fault, InputError, display_path, quote, suggest

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


SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}

DECLARED = re.compile(r"\s*\"?sep=([,;\t])\"?[,;\t\s]*")  # a first line that spreadsheets write

HEAD = 10_000  # characters in which the first line of a table is looked for

EXPONENT = r"(?:[eE][+-]?\d+)?"

Row = tuple[int, dict[str, str]]  # line and filled cells


@dataclass
class Table:
    """The good rows of a table, numbers with a decimal point, and what is wrong with the others."""

    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def read_table(
    path: Path, columns: Sequence[str], optional: Sequence[str], numbers: Collection[str], most: int
) -> Table:
    """A table with its required and optional columns, of so many rows at most; faults say what is wrong with it."""
    found, name = Table(), display_path(path)
    try:
        text = read_text(path)
    except InputError as error:
        found.faults += error.faults
        return found
    known = {*columns, *optional}
    separator = find_separator(text, known)
    given = count_rows(text, separator, most)
    if given > most:  # counted first, as they take a hundred times the room of their text
        found.faults.append(Fault(name, 1, "", f"has {given} rows; give at most {most}"))
        return found
    try:
        records = split_records(text, separator)
        line, header = next(records, (1, []))
        if not header:
            message = f"is empty; its first line names the columns {', '.join(columns)}, …"
            found.faults.append(Fault(name, 1, "", message))
            return found
        found.faults += header_faults(name, line, header, columns, optional)
        for line, cells in records:
            if message := find_misplaced(header, cells, separator):
                found.faults.append(Fault(name, line, "", message))
            else:
                filled = zip(header, cells, strict=True)
                found.rows.append((line, {column: cell for column, cell in filled if cell and column in known}))
    except csv.Error as error:
        message = "a quoted cell is not closed" if "end of data" in str(error) else str(error)
        found.faults.append(Fault(name, getattr(error, "line", 1), "", f"is not CSV: {message}"))
    return with_points(name, found, numbers, separator)


def find_separator(text: str, known: Collection[str]) -> str:
    """What parts the cells: the separator by which the first line names most of the known columns, else the comma."""
    first = next((line for line in text[:HEAD].splitlines() if re.search(r"\w", line)), "")
    if declared := DECLARED.fullmatch(first):
        return declared[1]

    def names(separator: str) -> int:
        return sum(cell.strip().strip('"') in known for cell in first.split(separator))

    return max(SEPARATORS, key=names)


def split_records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Line and stripped cells of each row that is not blank; raises csv.Error, with its line."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
    line = 1
    try:
        for record in reader:
            cells = [cell.strip() for cell in record]
            if any(cells) and not (line == 1 and DECLARED.fullmatch(separator.join(record))):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        error.line = line  # type: ignore[attr-defined]
        raise


def count_rows(text: str, separator: str, most: int) -> int:
    """How many rows a table has, or a number that is no greater than `most` where it cannot have more."""
    if text.count("\n") + text.count("\r") <= most:
        return 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    return sum(any(cell.strip() for cell in cells) for cells in reader) - 1


def header_faults(
    name: str, line: int, header: list[str], columns: Sequence[str], optional: Sequence[str]
) -> Iterator[Fault]:
    """Columns that are missing, unknown or there twice; a blank one is none."""
    known = (*columns, *optional)
    for column in columns:
        if column not in header:
            yield Fault(name, line, column, "this column is missing")
    for column in dict.fromkeys(filter(None, header)):
        if column not in known:
            yield Fault(name, line, column, f"unknown column{suggest(column, known)}")
        elif header.count(column) > 1:
            yield Fault(name, line, column, "this column is there more than once")


def find_misplaced(header: list[str], cells: list[str], separator: str) -> str:
    """What is wrong with a row whose cells do not lie under the header's columns, or nothing."""
    if len(cells) != len(header):
        hint = "quote a cell that holds a comma, and write decimals with a point" if separator == "," else ""
        hint = hint or f"quote a cell that holds one of the {SEPARATORS[separator]}"
        return f"has {len(cells)} cells where the header has {len(header)}; {hint}"
    for column, cell in zip(header, cells, strict=True):
        if cell and not column:
            return f"{quote(cell)} is in a column without a name; name the column in the first line, or clear the cell"
    return ""


def grouped(cell: str, sign: str) -> bool:
    """Whether a cell may be a whole number whose thousands a sign parts, such as 1.234."""
    return bool(re.fullmatch(rf"[+-]?[1-9]\d{{0,2}}(?:{re.escape(sign)}\d{{3}})+", cell))


def decimal(cell: str, sign: str) -> bool:
    """Whether a cell is a number with one decimal sign."""
    return bool(re.fullmatch(rf"[+-]?(?:\d+{re.escape(sign)}\d*|{re.escape(sign)}\d+){EXPONENT}", cell))


def decimal_signs(cells: Collection[str]) -> set[str]:
    """The signs that are surely decimal ones in some cell of a table."""
    return {sign for sign in ",." if any(decimal(cell, sign) and not grouped(cell, sign) for cell in cells)}


def with_points(name: str, table: Table, numbers: Collection[str], separator: str) -> Table:
    """The table with every number written with a point; a row with a number of two readings becomes a fault."""
    written = [row[column] for _, row in table.rows for column in numbers if column in row]
    if separator == "," and not any("," in cell or cell.count(".") > 1 for cell in written):
        return table
    signs = {"."} if separator == "," else decimal_signs(written)
    kept = []
    for line, row in table.rows:
        wrong = {c: message for c in numbers if (message := unreadable(row.get(c, ""), signs, separator))}
        table.faults += [Fault(name, line, column, message) for column, message in wrong.items()]
        if not wrong:
            kept.append((line, pointed(row, numbers) if signs == {","} else row))
    return Table(kept, table.faults)


def pointed(row: Mapping[str, str], numbers: Collection[str]) -> dict[str, str]:
    """A row with points for the commas of its numbers."""
    return {column: cell.replace(",", ".") if column in numbers else cell for column, cell in row.items()}


def unreadable(cell: str, signs: set[str], separator: str) -> str:
    """What is wrong with how a number is written in a table that has these decimal signs, or nothing."""
    if "," not in cell and "." not in cell:
        return ""
    plain = cell.replace(",", "").replace(".", "")
    if not re.fullmatch(rf"[+-]?\d+{EXPONENT}", plain):
        return ""  # no number at all, which validation reports
    if len(re.findall(r"[,.]", cell)) > 1:
        return f"{quote(cell)} has a separator of thousands; write it without, such as 1234.5"
    sign = "," if "," in cell else "."
    if signs == {sign}:
        return ""
    if grouped(cell, sign):
        either, four = f"{plain} or {cell.replace(',', '.')}", cell.replace(sign, min(signs, default=sign)) + "0"
        return f"{quote(cell)} may mean {either}; write {plain}, or {four} with a fourth decimal"
    if separator == ",":
        return f"{quote(cell)} has a decimal comma; write {cell.replace(',', '.')}"
    return f"{quote(cell)}: other numbers of this table have another decimal sign; write all with a point"
