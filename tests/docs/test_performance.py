"""The page on speed has the rows and goals of the command that measures them; figures are of the release."""

from __future__ import annotations

from benchmarks.rows import GROUPS, markdown, table_rows
from tests.docs.follow import ROOT

PAGE = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
EVERY = {name: 1.0 for group in GROUPS.values() for name in group}


def cells(line: str) -> list[str]:
    """Cells of a row of a table, without the figure."""
    return [cell.strip() for cell in line.strip("|").split("|")][:2]


def test_rows_of_the_page() -> None:
    table = PAGE.split("| --- | --- | --- |\n", 1)[1].split("\n\n", 1)[0]
    assert [cells(line) for line in table.splitlines()] == [list(row[:2]) for row in table_rows(EVERY)]


def test_table_that_the_command_prints() -> None:
    printed = markdown({"mesa_ratio": 61.4, "exponent_steps": 0.987}, {"python": "3.11"})
    assert printed.splitlines() == [
        "Measured on python 3.11.",
        "",
        "| what | goal | figure |",
        "| --- | --- | --- |",
        "| **Peers** |  |  |",
        "| the same, every tie responds | at least 10 | 61 times |",
        "| **Growth** |  |  |",
        "| exponent of the cost in steps, 20 to 320 | at most 1.1 | 0.987 |",
    ]
