"""Import the worlds of the years that a folder lacks, from the field's public datasets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from sim.backtesting.worlds import find_worlds
from sim.data import import_world, open_folder, write_world
from sim.errors import Fault, InputError


def import_years(
    folder: Path, years: Sequence[int], data: Path, *,
    states: int | None, carry: bool, imported: Callable[[int, int], None] = lambda done, total: None,
) -> list[Path]:  # fmt: skip
    """Import the world of each year into FOLDER/world_YEAR, unless that or another world of the year is there.

    A world without what a score needs, such as its record, does not count as there.

    Parameters
    ----------
    folder
        Folder of worlds; it is made where it is missing.
    years
        Years, each as of its 31 December.
    data
        Folder with the datasets as they were downloaded.
    states
        Number of the most capable states; None for all.
    carry
        Whether the last year of a dataset that ends earlier is carried forward.
    imported
        Function that is called with the number of years imported and the number of all to import.

    Returns
    -------
    list of Path
        Folders of the new worlds.

    Raises
    ------
    InputError
        With every fault of the data, of all years.
    """
    paths = {year: folder / f"world_{year}" for year in years}
    known = find_worlds(folder).by_year
    missing = [year for year, path in paths.items() if year not in known and not path.exists()]
    if not missing:
        return []
    opened = open_folder(data)
    faults: list[Fault] = []
    made = []
    for done, year in enumerate(missing):
        imported(done, len(missing))
        try:
            made.append(write_world(import_world(year, opened, states=states, carry=carry), paths[year]))
        except InputError as error:
            faults += [fault for fault in error.faults if fault not in faults]
    if faults:
        raise InputError(faults)
    imported(len(missing), len(missing))
    return made
