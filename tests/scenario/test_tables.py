"""Tables as spreadsheets write them: separators, decimal signs, blank rows and columns, padded headers."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.scenario.tables import Table, read_table

ROWS = [("A", "B", "trade", 0.5), ("A", "C", "bond", 12.25), ("B", "C", "trade", 3.0)]


numbers = st.floats(-1e6, 1e6).map(lambda x: round(x, 4))


def read(folder: Path, text: str) -> Table:
    """The table of a text."""
    path = folder / "ties.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return read_table(path, ("a", "b", "kind", "value"), ("note",), ("value",), most=100)


def written(separator: str, decimal: str, *, blanks: str = "", pad: str = "") -> str:
    """The rows as a spreadsheet of a country writes them."""
    header = separator.join(f"{pad}{name}{pad}" for name in ("a", "b", "kind", "value")) + blanks
    lines = [separator.join([*ends, str(value).replace(".", decimal)]) + blanks for *ends, value in ROWS]
    return "\r\n".join([header, lines[0], separator * 3 + blanks, *lines[1:], separator * 3 + blanks, ""])


@pytest.mark.parametrize(("separator", "decimal"), [(",", "."), (";", ","), (";", "."), ("\t", ","), ("\t", ".")])
@pytest.mark.parametrize("blank_columns", [0, 2])
@pytest.mark.parametrize("pad", ["", " ", '"'])
def test_table_of_any_spreadsheet(separator: str, decimal: str, blank_columns: int, pad: str, tmp_path: Path) -> None:
    found = read(tmp_path, written(separator, decimal, blanks=separator * blank_columns, pad=pad))
    assert found.faults == []
    assert [(row["a"], row["b"], row["kind"], float(row["value"])) for _, row in found.rows] == ROWS
    assert [line for line, _ in found.rows] == [2, 4, 5]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(numbers, min_size=1, max_size=6), separator=st.sampled_from(";\t"))
def test_number_read_as_written_or_refused(values: list[float], separator: str, tmp_path: Path) -> None:
    cells = [f"{value:.4f}".rstrip("0").rstrip(".").replace(".", ",") for value in values]
    rows = [("a", "b", "kind", "value"), *(("A", "B", "trade", cell) for cell in cells)]
    lines = [separator.join(row) for row in rows]
    found = read(tmp_path, "\n".join(lines))
    if not found.faults:
        assert [float(row["value"]) for _, row in found.rows] == values
    else:
        assert all("may mean" in fault.message for fault in found.faults)


@pytest.mark.parametrize(
    ("cells", "phrase"),
    [
        (["1.234"], "'1.234' may mean 1234 or 1.234; write 1234, or 1.2340 with a fourth decimal"),
        (["1,234"], "'1,234' may mean 1234 or 1.234; write 1234, or 1,2340 with a fourth decimal"),
        (["1.234", "0,5"], "'1.234' may mean 1234 or 1.234; write 1234, or 1,2340"),
        (["1.234,5"], "'1.234,5' has a separator of thousands"),
        (["1,234,567"], "'1,234,567' has a separator of thousands"),
        (["0,5", "0.25"], "'0,5': other numbers of this table have another decimal sign; write all with a point"),
    ],
)
def test_number_of_two_readings(cells: list[str], phrase: str, tmp_path: Path) -> None:
    text = "a;b;kind;value\n" + "".join(f"A;B;trade;{cell}\n" for cell in cells)
    assert any(phrase in fault.message and fault.line == 2 for fault in read(tmp_path, text).faults)


def test_decimal_comma_between_commas(tmp_path: Path) -> None:
    (bare,) = read(tmp_path, "a,b,kind,value,note\nA,B,bond,0,5,x\n").faults
    assert bare.message.startswith("has 6 cells where the header has 5")
    assert "write decimals with a point" in bare.message
    (in_quotes,) = read(tmp_path, 'a,b,kind,value\nA,B,bond,"0,5"\n').faults
    assert in_quotes.message == "'0,5' has a decimal comma; write 0.5"


def test_cell_in_a_column_without_a_name(tmp_path: Path) -> None:
    (fault,) = read(tmp_path, "a,b,kind,value,,\nA,B,bond,0.5,,x\n").faults
    assert (fault.line, fault.message.split(";")[0]) == (2, "'x' is in a column without a name")


def test_declared_separator(tmp_path: Path) -> None:
    found = read(tmp_path, "sep=;\na;b;kind;value\nA;B;bond;0,5\n")
    assert (found.faults, found.rows[0][0], found.rows[0][1]["value"]) == ([], 3, "0.5")


def test_semicolon_within_a_cell(tmp_path: Path) -> None:
    found = read(tmp_path, "a,b,kind,value,note\nA,B,bond,0.5,one; two\n")
    assert found.rows[0][1]["note"] == "one; two"
