"""Tables for narrow terminals: one block of lines for each row where the columns do not fit."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

READABLE = 16  # characters; wider content wraps


class ReadableTable(Table):
    """A table, or a block of `column: value` lines for each row where a column would be too narrow."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.width_needed(console) <= options.max_width:
            yield from super().__rich_console__(console, options)
        else:
            yield from self.records()

    def width_needed(self, console: Console) -> int:
        """Sum the widths that the columns need, READABLE at most for each, with a blank between two."""
        needed = []
        for column in self.columns:
            widths = [console.measure(cell).maximum for cell in (column.header, *column.cells)]
            needed.append(min(max(widths), READABLE))
        return sum(needed) + len(needed) - 1

    def records(self) -> Iterator[Text]:
        """Yield the title and each row as lines; of an empty table only the names of its columns."""
        names = [str(column.header) for column in self.columns]
        if self.title:
            yield Text.from_markup(str(self.title), style="italic")
        if not self.rows:
            yield Text.from_markup(f"no rows of {', '.join(names)}")
        for n, cells in enumerate(zip(*(column.cells for column in self.columns), strict=True)):
            if n:
                yield Text()
            lines: list[Text] = []
            for name, cell in zip(names, map(str, cells), strict=True):
                if not cell:
                    continue
                if name or not lines:
                    lines.append(Text.from_markup(f"[bold]{name}:[/bold] {cell}" if name else cell))
                else:
                    lines[-1].append_text(Text.from_markup(f" {cell}"))
            yield from lines
