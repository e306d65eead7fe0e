"""Tables as spreadsheets write them: cells parted by commas, semicolons or tabs, with blank rows and columns.

A table parted by commas has decimal points. One parted by semicolons or tabs may have decimal commas: its numbers show
which. A number that can be read in two ways is refused.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sim.faults import Fault, InputError, quoted, read_text, shown_path, suggestion

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
    found, name = Table(), shown_path(path)
    try:
        text = read_text(path)
    except InputError as error:
        found.faults += error.faults
        return found
    known = {*columns, *optional}
    separator = separator_of(text, known)
    given = rows_in(text, separator, most)
    if given > most:  # counted first, as they take a hundred times the room of their text
        found.faults.append(Fault(name, 1, "", f"has {given} rows; give at most {most}"))
        return found
    try:
        records = records_of(text, separator)
        line, header = next(records, (1, []))
        if not header:
            message = f"is empty; its first line names the columns {', '.join(columns)}, …"
            found.faults.append(Fault(name, 1, "", message))
            return found
        found.faults += header_faults(name, line, header, columns, optional)
        for line, cells in records:
            if message := misplaced(header, cells, separator):
                found.faults.append(Fault(name, line, "", message))
            else:
                filled = zip(header, cells, strict=True)
                found.rows.append((line, {column: cell for column, cell in filled if cell and column in known}))
    except csv.Error as error:
        message = "a quoted cell is not closed" if "end of data" in str(error) else str(error)
        found.faults.append(Fault(name, getattr(error, "line", 1), "", f"is not CSV: {message}"))
    return with_points(name, found, numbers, separator)


def separator_of(text: str, known: Collection[str]) -> str:
    """What parts the cells: the separator by which the first line names most of the known columns, else the comma."""
    first = next((line for line in text[:HEAD].splitlines() if re.search(r"\w", line)), "")
    if declared := DECLARED.fullmatch(first):
        return declared[1]

    def names(separator: str) -> int:
        return sum(cell.strip().strip('"') in known for cell in first.split(separator))

    return max(SEPARATORS, key=names)


def records_of(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
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


def rows_in(text: str, separator: str, most: int) -> int:
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
            yield Fault(name, line, column, f"unknown column{suggestion(column, known)}")
        elif header.count(column) > 1:
            yield Fault(name, line, column, "this column is there more than once")


def misplaced(header: list[str], cells: list[str], separator: str) -> str:
    """What is wrong with a row whose cells do not lie under the header's columns, or nothing."""
    if len(cells) != len(header):
        hint = "quote a cell that holds a comma, and write decimals with a point" if separator == "," else ""
        hint = hint or f"quote a cell that holds one of the {SEPARATORS[separator]}"
        return f"has {len(cells)} cells where the header has {len(header)}; {hint}"
    for column, cell in zip(header, cells, strict=True):
        if cell and not column:
            return f"{quoted(cell)} is in a column without a name; name the column in the first line, or clear the cell"
    return ""


# Decimals


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
        return f"{quoted(cell)} has a separator of thousands; write it without, such as 1234.5"
    sign = "," if "," in cell else "."
    if signs == {sign}:
        return ""
    if grouped(cell, sign):
        either, four = f"{plain} or {cell.replace(',', '.')}", cell.replace(sign, min(signs, default=sign)) + "0"
        return f"{quoted(cell)} may mean {either}; write {plain}, or {four} with a fourth decimal"
    if separator == ",":
        return f"{quoted(cell)} has a decimal comma; write {cell.replace(',', '.')}"
    return f"{quoted(cell)}: other numbers of this table have another decimal sign; write all with a point"
