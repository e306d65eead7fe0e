"""Findings: a table with the sentence that it supports, shown in a terminal and in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup


@dataclass(frozen=True, eq=False)
class Finding:
    """The finding of an analysis.

    Parameters
    ----------
    title
        What was analysed.
    summary
        The finding in a sentence, with its uncertainty.
    table
        The finding as a table.
    record
        The same record that the command prints with ``--json``; tables in it are DataFrames.
    """

    title: str
    summary: str
    table: pd.DataFrame
    record: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"<{self.title}: {self.summary}>"

    def _repr_html_(self) -> str:
        return render_table(self.title, self.table, self.summary)


def render_table(title: str, table: pd.DataFrame, note: str) -> str:
    """Return a table with a title and a note as HTML, all text escaped."""
    shown = Markup(table.to_html(index=False, border=0, na_rep="–", float_format="{:.3f}".format))  # noqa: S704  # escapes
    return str(Markup("<p><strong>{}</strong></p>{}<p>{}</p>").format(title, shown, note))
