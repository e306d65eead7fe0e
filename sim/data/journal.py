"""The journal of an import: every rule applied, with its counts, its reason and an example."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import NamedTuple

COLUMNS = ("rule", "dataset", "rows_read", "rows_kept", "rows_dropped", "why", "example")


class Applied(NamedTuple):
    """One rule applied to the rows of one dataset.

    Attributes
    ----------
    rule, dataset
        Short names.
    read, kept
        Numbers of rows before and after the rule; the difference was dropped.
    why
        Reason of the rule.
    example
        One row that it changed or dropped; empty if there is none.
    """

    rule: str
    dataset: str
    read: int
    kept: int
    why: str
    example: str = ""


@dataclass
class Journal:
    """Rules in the order in which they were applied."""

    entries: list[Applied] = field(default_factory=list)

    def note(self, rule: str, dataset: str, read: int, kept: int, why: str, example: str = "") -> None:
        """Add a rule that read some rows and kept some of them."""
        self.entries.append(Applied(rule, dataset, int(read), int(kept), why, example))

    def to_csv(self) -> str:
        """Return the journal as a table that a spreadsheet opens."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        for entry in self.entries:
            cells = [entry.rule, entry.dataset, entry.read, entry.kept, entry.read - entry.kept, entry.why]
            writer.writerow([*cells, entry.example])
        return text.getvalue()
