"""A user's folder of datasets: each file recognised by its columns, loaded once, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sim.data.adapters.base import Dataset
from sim.data.adapters.catalog import DATASETS, Match, recognise, resembles
from sim.data.journal import Journal
from sim.data.readers.files import data_files, read_tables
from sim.data.readers.raw import RawTable
from sim.errors import Fault, InputError, display_path

if TYPE_CHECKING:
    import pandas as pd

ROLES = {
    "states": "the project's own table says which states exist",
    "states_gw": "",
    "capabilities": "everything: no world can be made",
    "alliances": "no bonds, so no state but the leaders starts in a bloc",
    "rivalries": "no rivalries that states themselves perceive",
    "disputes": "no hostility from clashes",
    "sanctions": "no sanctions",
    "trade": "no dependence on trade",
    "organisations": "institutions only where the project lists the members itself",
    "product": "no product, so sanctions close nothing and dependence on trade is unknown",
    "regimes": "no likeness of regimes",
    "ideal_points": "no record to score against",
    "votes": "no single votes in the record",
    "roll_calls": "",
    "arms": "no bonds by aid without a treaty, such as of Cuba and Israel",
}  # what a world lacks without each role; empty where it lacks nothing


@dataclass(frozen=True)
class LoadedRows:
    """The tidy rows of a dataset.

    Attributes
    ----------
    dataset, file, sha256
        What it is, and the file that it came from.
    rows
        Tidy rows; the columns depend on the role of the dataset.
    journal
        Rules applied to make them tidy.
    first, last
        First and last year that it covers.
    """

    dataset: Dataset
    file: str
    sha256: str
    rows: pd.DataFrame
    journal: Journal
    first: int
    last: int


@dataclass
class DataFolder:
    """A folder of datasets, recognised; `load` reads them when they are first needed.

    Attributes
    ----------
    path
        The folder.
    tables
        Recognised tables by the id of their dataset.
    unread
        Files that match no dataset, each with a reason.
    """

    path: Path
    tables: dict[str, tuple[Match, RawTable]]
    unread: list[tuple[str, str]] = field(default_factory=list)
    _loaded: dict[str, LoadedRows] = field(default_factory=dict, repr=False)

    def load(self, dataset: str) -> LoadedRows:
        """Load the tidy rows of a dataset that the folder has; raises InputError with every fault in them."""
        if dataset not in self._loaded:
            match, table = self.tables[dataset]
            form, journal = match.form, Journal()
            names = {**form.columns, **{raw: name for raw, name in form.optional.items() if raw in table.columns}}
            numbers = [raw for raw, name in names.items() if name not in form.text]
            frame = table.load([*names], numbers).rename(columns=names)
            journal.note("rows read", dataset, len(frame), len(frame), table.file, "; ".join(table.notes))
            rows = frame if frame.empty else match.dataset.tidy(frame, journal, match.dataset, table.file)
            if rows.empty:
                raise InputError([Fault(table.file, 1, "", "has no row of use after 1945; download it again")])
            first, last = span(rows)
            self._loaded[dataset] = LoadedRows(match.dataset, table.file, table.sha256, rows, journal, first, last)
        return self._loaded[dataset]

    def of_role(self, role: str) -> list[LoadedRows]:
        """Loaded datasets of a role, preferred ones first."""
        return [self.load(one.id) for one in DATASETS if one.role == role and one.id in self.tables]

    def missing_roles(self) -> Iterator[tuple[str, list[Dataset]]]:
        """Yield what a world lacks, for each role that no file has, and the datasets that have it."""
        there = {match.dataset.role for match, _ in self.tables.values()}
        for role, lack in ROLES.items():
            if role not in there and lack:
                yield lack, [one for one in DATASETS if one.role == role]


def span(rows: pd.DataFrame) -> tuple[int, int]:
    """First and last year of tidy rows."""
    if "year" in rows:
        return int(rows["year"].min()), int(rows["year"].max())
    if "open" in rows:
        return int(rows["start"].min()), int(rows["end"].max())
    if "begun" in rows:
        return int(rows["begun"].min()), int(rows["begun"].max())
    return 1945, 9999


def open_folder(folder: str | Path) -> DataFolder:
    """Recognise the datasets in a folder.

    Parameters
    ----------
    folder
        Folder with the files as they were downloaded; folders in it are not searched.

    Returns
    -------
    DataFolder
        The recognised tables; none is loaded yet.

    Raises
    ------
    InputError
        With every file that is damaged, cut, saved by a spreadsheet or of an unknown release, and with every
        dataset that two files have.

    Examples
    --------
    >>> open_folder("downloads").tables.keys()  # doctest: +SKIP
    """
    path = Path(folder)
    found: dict[str, list[tuple[Match, RawTable]]] = {}
    unread: list[tuple[str, str]] = []
    faults: list[Fault] = []
    for file in data_files(path):
        try:
            tables = read_tables(file)
        except InputError as error:
            faults += error.faults
            continue
        matches = [(recognise(table), table) for table in tables]
        for match, table in matches:
            message = resembles(table) if match is None else ""
            if table.broken and (match or message):
                faults.append(Fault(table.file, 1, "", table.broken))
            elif match is not None:
                found.setdefault(match.dataset.id, []).append((match, table))
            elif message:
                faults.append(Fault(table.file, 1, "", message))
        if not any(match for match, _ in matches):
            unread.append((display_path(file), "its columns are those of no dataset in `blocs import --list`"))
    for several in found.values():
        if len(several) > 1:
            files = [table.file for _, table in several]
            message = f"is {several[0][0].dataset.title}, and so is {files[0]}; keep one of the two"
            faults += [Fault(file, 1, "", message) for file in files[1:]]
    if faults:
        raise InputError(faults)
    return DataFolder(path, {name: several[0] for name, several in found.items()}, unread)
