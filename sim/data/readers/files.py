"""Open the data files of a folder: regular files in it, of bounded size, by the type that their name gives."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import IO

from sim.data.readers import binary
from sim.data.readers.raw import DAMAGED, MOST_BYTES, RawTable, refuse_table
from sim.data.readers.text import read_text_table
from sim.errors import display_path
from sim.files import open_regular

TEXT = (".csv", ".tsv", ".tab", ".txt", ".dat")
READ = (*TEXT, ".dta", ".xls", ".xlsx", ".rda", ".rdata", ".rds", ".zip")
MOST_MEMBERS = 200
MOST_FILES = 1000


def data_files(folder: Path) -> list[Path]:
    """Files in a folder that may be datasets, sorted by name; raises InputError if it is not a folder or too full."""
    if not folder.is_dir():
        raise refuse_table(display_path(folder), "is not a folder; give the folder that you saved the datasets in")
    found = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "~")))
    if len(found) > MOST_FILES:
        raise refuse_table(display_path(folder), f"has {len(found)} files; give a folder of the datasets only")
    return [path for path in found if path.suffix.lower() in READ and not path.is_dir()]


def read_tables(path: Path) -> list[RawTable]:
    """Recognise the tables of a data file.

    Parameters
    ----------
    path
        A file whose name ends as one of `READ`.

    Returns
    -------
    list of RawTable
        The tables, most of them not yet loaded. A file without tables has none.

    Raises
    ------
    InputError
        If the file is a link or special, too large, cut or damaged.
    """
    file = display_path(path)
    sha256 = hash_data_file(path)
    ending = path.suffix.lower()
    if ending == ".zip":
        return read_archive(file, sha256, path)
    if ending in TEXT:
        return [read_text_table(file, sha256, lambda: open_regular(path, "a folder of data"), MOST_BYTES)]
    with open_regular(path, "a folder of data") as opened:
        return read_binary(file, sha256, ending, opened.read())


def read_binary(file: str, sha256: str, ending: str, content: bytes) -> list[RawTable]:
    """Tables of a file that is not text."""
    if ending == ".dta":
        return [binary.read_stata(file, sha256, content)]
    if ending == ".xls":
        return binary.read_old_workbook(file, sha256, content)
    if ending == ".xlsx":
        return binary.read_workbook(file, sha256, content)
    return binary.read_r_file(file, sha256, content)


def read_archive(file: str, sha256: str, path: Path) -> list[RawTable]:
    """Tables of the members of a zip archive, read in memory; nothing is unpacked to the disk."""
    with open_regular(path, "a folder of data") as opened:
        content = opened.read()
    found: list[RawTable] = []
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [m for m in archive.infolist() if PurePosixPath(m.filename).suffix.lower() in READ]
            if len(members) > MOST_MEMBERS:
                raise refuse_table(file, f"has {len(members)} data files; give at most {MOST_MEMBERS}")
            if sum(member.file_size for member in members) > MOST_BYTES:
                raise refuse_table(file, f"unpacks to more than {MOST_BYTES // 2**20} MB, the limit for data files")
            for member in members:
                shown, ending = f"{file}[{member.filename}]", PurePosixPath(member.filename).suffix.lower()
                if ending in TEXT:
                    found.append(read_text_table(shown, sha256, open_member(content, member), MOST_BYTES))
                elif ending != ".zip":
                    found += read_binary(shown, sha256, ending, archive.read(member))
    except DAMAGED as error:
        raise refuse_table(file, f"is not a zip archive that can be read ({binary.short(error)})") from None
    return found


def open_member(content: bytes, member: zipfile.ZipInfo) -> Callable[[], IO[bytes]]:
    """A function that opens a member of an archive in memory, each time from its start."""
    return lambda: zipfile.ZipFile(io.BytesIO(content)).open(member)


def hash_data_file(path: Path) -> str:
    """SHA-256 of a file; raises InputError where it is a link, special or too large."""
    found = hashlib.sha256()
    size = 0
    with open_regular(path, "a folder of data") as opened:
        while piece := opened.read(2**20):
            size += len(piece)
            if size > MOST_BYTES:
                message = f"is larger than {MOST_BYTES // 2**20} MB, the limit for data files"
                raise refuse_table(display_path(path), message)
            found.update(piece)
    return found.hexdigest()
