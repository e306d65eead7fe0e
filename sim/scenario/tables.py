"""Read the CSV tables of a world, as spreadsheets write them, and a world's folder as one draft."""

from __future__ import annotations

import csv
import difflib
import io
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.errors import Fault, InputError, display_path, quote, suggest
from sim.scenario.files import Draft, read_text, read_toml_draft
from sim.scenario.schema import MAX_STATES, MAX_TIES

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}

DECLARED = re.compile(r"\s*\"?sep=([,;\t])\"?[,;\t\s]*")  # a first line that spreadsheets may write

HEAD = 10_000  # characters that are searched for the first line of a table

EXPONENT = r"(?:[eE][+-]?\d+)?"

Row = tuple[int, dict[str, str]]  # line, and filled cells by column


@dataclass
class Table:
    """Rows of a table that can be read, numbers with a decimal point, and the faults of the others."""

    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def read_table(
    path: Path, columns: Sequence[str], optional: Sequence[str], numbers: Collection[str], most: int
) -> Table:
    """Read a table of at most `most` rows, with required columns, optional columns and columns of numbers."""
    found, name = Table(), display_path(path)
    try:
        text = read_text(path)
    except InputError as error:
        found.faults += error.faults
        return found
    known = {*columns, *optional}
    separator = find_separator(text, known)
    count = count_rows(text, separator, most)
    if count > most:  # counted first: parsed rows take a hundred times the memory of their text
        found.faults.append(Fault(name, 1, "", f"has {count} rows; give at most {most}"))
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
    return with_decimal_points(name, found, numbers, separator)


def find_separator(text: str, known: Collection[str]) -> str:
    """The separator with which the first line names most of the known columns; a comma if none does."""
    first = next((line for line in text[:HEAD].splitlines() if re.search(r"\w", line)), "")
    if declared := DECLARED.fullmatch(first):
        return declared[1]

    def names(separator: str) -> int:
        return sum(cell.strip().strip('"') in known for cell in first.split(separator))

    return max(SEPARATORS, key=names)


def split_records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line and stripped cells of each row that is not blank; raises csv.Error with an attribute `line`."""
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
    """Number of rows of a table; 0 if its line ends show that it has at most `most`."""
    if text.count("\n") + text.count("\r") <= most:
        return 0
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    return sum(any(cell.strip() for cell in cells) for cells in reader) - 1


def header_faults(
    name: str, line: int, header: list[str], columns: Sequence[str], optional: Sequence[str]
) -> Iterator[Fault]:
    """Faults of columns that are missing, unknown or given twice; blank columns do not count."""
    known = (*columns, *optional)
    for column in columns:
        if column not in header:
            yield Fault(name, line, column, "this column is missing")
    for column in dict.fromkeys(filter(None, header)):
        if column not in known:
            yield Fault(name, line, column, f"unknown column{suggest(column, known)}")
        elif header.count(column) > 1:
            yield Fault(name, line, column, "this column is given more than once")


def find_misplaced(header: list[str], cells: list[str], separator: str) -> str:
    """Fault of a row whose cells do not match the columns of the header; empty if they match."""
    if len(cells) != len(header):
        hint = "quote a cell that holds a comma, and write decimals with a point" if separator == "," else ""
        hint = hint or f"quote a cell that holds one of the {SEPARATORS[separator]}"
        return f"has {len(cells)} cells where the header has {len(header)}; {hint}"
    for column, cell in zip(header, cells, strict=True):
        if cell and not column:
            return f"{quote(cell)} is in a column without a name; name the column in the first line, or clear the cell"
    return ""


def has_thousands(cell: str, sign: str) -> bool:
    """Whether a cell may be a whole number with a separator of thousands, such as 1.234."""
    return bool(re.fullmatch(rf"[+-]?[1-9]\d{{0,2}}(?:{re.escape(sign)}\d{{3}})+", cell))


def is_decimal(cell: str, sign: str) -> bool:
    """Whether a cell is a number with this decimal sign."""
    return bool(re.fullmatch(rf"[+-]?(?:\d+{re.escape(sign)}\d*|{re.escape(sign)}\d+){EXPONENT}", cell))


def find_decimal_signs(cells: Collection[str]) -> set[str]:
    """Signs that can only be decimal signs in some cell of a table."""
    return {sign for sign in ",." if any(is_decimal(cell, sign) and not has_thousands(cell, sign) for cell in cells)}


def with_decimal_points(name: str, table: Table, numbers: Collection[str], separator: str) -> Table:
    """Convert all numbers of a table to a decimal point; a row with an ambiguous number becomes a fault."""
    written = [row[column] for _, row in table.rows for column in numbers if column in row]
    if separator == "," and not any("," in cell or cell.count(".") > 1 for cell in written):
        return table
    signs = {"."} if separator == "," else find_decimal_signs(written)
    rows = []
    for line, row in table.rows:
        wrong = {c: message for c in numbers if (message := explain_number(row.get(c, ""), signs, separator))}
        table.faults += [Fault(name, line, column, message) for column, message in wrong.items()]
        if not wrong:
            rows.append((line, replace_commas(row, numbers) if signs == {","} else row))
    return Table(rows, table.faults)


def replace_commas(row: Mapping[str, str], numbers: Collection[str]) -> dict[str, str]:
    """A row whose numbers have a point instead of a comma."""
    return {column: cell.replace(",", ".") if column in numbers else cell for column, cell in row.items()}


def explain_number(cell: str, signs: set[str], separator: str) -> str:
    """Fault of how a number is written in a table with these decimal signs; empty if it can be read."""
    if "," not in cell and "." not in cell:
        return ""
    plain = cell.replace(",", "").replace(".", "")
    if not re.fullmatch(rf"[+-]?\d+{EXPONENT}", plain):
        return ""  # not a number, which validation reports
    if len(re.findall(r"[,.]", cell)) > 1:
        return f"{quote(cell)} has a separator of thousands; write it without, such as 1234.5"
    sign = "," if "," in cell else "."
    if signs == {sign}:
        return ""
    if has_thousands(cell, sign):
        either, four = f"{plain} or {cell.replace(',', '.')}", cell.replace(sign, min(signs, default=sign)) + "0"
        return f"{quote(cell)} may mean {either}; write {plain}, or {four} with a fourth decimal"
    if separator == ",":
        return f"{quote(cell)} has a decimal comma; write {cell.replace(',', '.')}"
    return f"{quote(cell)}: other numbers of this table have another decimal sign; write all with a point"


WORLD_FILES = (
    "world.toml", "states.csv", "ties.csv", "observed.toml", "posterior.csv", "stages.csv", "sources.toml",
    "import_log.csv",
)  # fmt: skip

PASSED_OVER = re.compile(r"[.]|~[$]|readme([.]|$)|.*~$|(thumbs[.]db|desktop[.]ini)$", re.IGNORECASE)  # in its folder

STATE_COLUMNS = ("id", "name", "theatre", "capability", "capability_source")

NUMBERS = ("capability", "gdp", "autonomy", "polyarchy", "renewal")

STATE_OPTIONAL = (
    *(column for name in NUMBERS[1:] for column in (name, f"{name}_source")),
    "initial", "initial_source", "initial_chances", "fixed", "note",
)  # fmt: skip

TIE_COLUMNS = ("a", "b", "kind", "value")

TIE_OPTIONAL = ("regime", "since", "source", "note")


def unread_faults(folder: Path, *, world_is_there: bool) -> Iterator[Fault]:
    """Faults of files and folders in a world's folder that the program does not read.

    Without a `world.toml`, only names that resemble a file of a world count.
    """
    there = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
    for name in sorted(there - {*WORLD_FILES}):
        if PASSED_OVER.match(name):
            continue
        meant = find_meant_file(name)
        if meant is None and not world_is_there:
            continue
        yield Fault(display_path(folder / name), 1, "", f"is not read; {unread_remedy(name, meant, there)}")


def find_meant_file(name: str) -> str | None:
    """File of a world that a name resembles, whatever its case and ending; None if it resembles none."""
    stems = {file.partition(".")[0]: file for file in WORLD_FILES}
    near = difflib.get_close_matches(re.split(r"[. (]", name.casefold())[0], stems, n=1, cutoff=0.8)
    return stems[near[0]] if near else None


def unread_remedy(name: str, meant: str | None, there: set[str]) -> str:
    """What to do about a file that is not read."""
    if meant is None:
        return f"a world's folder has {', '.join(WORLD_FILES)}; move everything else out of it"
    if meant in there:
        return f"{meant} beside it is; keep one of the two"
    if name.casefold().endswith((".xlsx", ".xls", ".ods", ".numbers")):
        return f"save it as {meant}"
    return f"rename it to {meant}"


def read_world_draft(path: Path) -> Draft:
    """Read a world's folder as one draft: `world.toml`, `states.csv` and, if there is one, `ties.csv`."""
    draft = read_toml_draft(path)
    draft.faults += unread_faults(path.parent, world_is_there=path.is_file())
    for key in ("states", "ties"):
        if key in draft.content:
            draft.faults.append(draft.fault((key,), f"belongs in {key}.csv beside this file"))
    states: dict[str, Any] = {}
    ties: list[Any] = []
    draft.content |= {"states": states, "ties": ties}
    table = path.with_name("states.csv")
    name = display_path(table)
    draft.origins["states",] = (name, 1, ())
    for line, row in read_rows(table, STATE_COLUMNS, STATE_OPTIONAL, NUMBERS, MAX_STATES, draft):
        state = row.pop("id", "")
        if state in states:
            message = f"state {quote(state)} is given twice; a state has one row"
            draft.faults.append(Fault(name, line, "id", message))
        states[state] = parse_state_row(row)
        draft.origins["states", state] = (name, line, ())
        for key in states[state]:
            draft.origins["states", state, key] = (name, line, (key,))
        for key in NUMBERS:
            draft.origins["states", state, key, "value"] = (name, line, (key,))
            draft.origins["states", state, key, "source"] = (name, line, (f"{key}_source",))
    table = path.with_name("ties.csv")
    if os.path.lexists(table):  # a folder or a broken link of this name is a fault
        name = display_path(table)
        for line, row in read_rows(table, TIE_COLUMNS, TIE_OPTIONAL, ("value",), MAX_TIES, draft):
            draft.origins["ties", len(ties)] = (name, line, ())
            ties.append({**row, "value": parse_cell(row["value"])} if "value" in row else row)
    return draft


def read_rows(
    path: Path, columns: Sequence[str], optional: Sequence[str], numbers: Sequence[str], most: int, draft: Draft
) -> list[Row]:
    """Line and filled cells of each row that can be read; faults of the table are added to the draft."""
    found = read_table(path, columns, optional, numbers, most)
    if found.faults:
        draft.add_reading_faults(*found.faults)
    return found.rows


def parse_state_row(row: dict[str, str]) -> dict[str, Any]:
    """A row of `states.csv` in the form of the schema, each number with its source."""
    record: dict[str, Any] = {}
    for key, cell in row.items():
        if key in NUMBERS:
            record[key] = {
                "value": parse_cell(cell),
                "source": row.get(f"{key}_source", ""),
                "note": row.get("note", ""),
            }
        elif key == "fixed":
            record[key] = {"true": True, "false": False, "1": True, "0": False}.get(cell.lower(), cell)
        elif key == "initial_chances":
            record[key] = parse_chances(cell)
        elif not key.endswith("_source") or key == "initial_source":
            record[key] = cell
    return record


def parse_chances(cell: str) -> dict[str, float | str] | str:
    """The table of a cell such as `us_led 0.7; non_aligned 0.3`, or the cell itself if it is none."""
    parts = [part.split() for part in cell.split(";") if part.strip()]
    if not all(len(part) == 2 for part in parts) or len({part[0] for part in parts}) < len(parts):
        return cell
    return {name: parse_cell(value) for name, value in parts}


def parse_cell(cell: str) -> float | str:
    """The number of a cell, or the cell itself if it is not a number, which validation reports."""
    try:
        return float(cell) if "_" not in cell else cell
    except ValueError:
        return cell
