"""Read CSV and tab-separated files: their encoding, separator and end, and columns in pieces."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Collection, Sequence
from typing import IO, TYPE_CHECKING, NamedTuple

from sim.data.readers.raw import MOST_ROWS, RawTable, clean_names, convert_numbers, refuse_table

if TYPE_CHECKING:
    import pandas as pd

PIECE = 100_000  # rows that are in memory as text
HEAD = TAIL = 2**18

SPREADSHEET = "as a spreadsheet saves it, which may change numbers and dates; give the file as it was downloaded"

Opener = Callable[[], IO[bytes]]


class Scan(NamedTuple):
    """What one pass over a text file finds."""

    head: bytes
    tail: bytes
    encoding: str
    broken: str


def scan_text(file: str, opened: IO[bytes], most: int) -> Scan:
    """Read a text file once, in pieces; raises InputError where it is empty, too large or binary."""
    decoder: codecs.IncrementalDecoder | None = codecs.getincrementaldecoder("utf-8")()
    head, tail, size = b"", b"", 0
    while piece := opened.read(2**20):
        size += len(piece)
        if size > most:
            raise refuse_table(file, f"is larger than {most // 2**20} MB, the limit for data files")
        if b"\0" in piece:
            raise refuse_table(file, "is not text, although its name says so; give the file as it was downloaded")
        head = head if len(head) >= HEAD else head + piece
        tail = (tail + piece)[-TAIL:]
        try:
            if decoder:
                decoder.decode(piece)
        except UnicodeDecodeError:
            decoder = None
    if not head.strip():
        raise refuse_table(file, "is empty; download it again")
    whole = tail.endswith((b"\n", b"\r"))
    broken = "" if whole else "ends without a line end, as a file that was cut does; download it again"
    return Scan(head, tail, "utf-8-sig" if decoder else "cp1252", broken)


def read_text_table(file: str, sha256: str, opener: Opener, most: int) -> RawTable:
    """Recognise the columns of a text file.

    Parameters
    ----------
    file
        Path for messages.
    sha256
        Of the file.
    opener
        Opens the file for reading, each time from its start.
    most
        Largest number of bytes.

    Returns
    -------
    RawTable
        The table, not yet loaded.

    Raises
    ------
    InputError
        If the file is empty, too large or not text.
    """
    with opener() as opened:
        scan = scan_text(file, opened, most)
    broken, lines = scan.broken, [*scan.head.decode(scan.encoding, errors="ignore").splitlines(), ""]
    while not lines[0] and len(lines) > 1:
        broken = broken or "begins with an empty line; delete it, or download the file again"
        del lines[0]
    first = lines[0]
    if first.strip().strip('"').lower().startswith("sep="):
        first, broken = lines[1], f"begins with {first.strip()[:10]!r}, {SPREADSHEET}"
    counts = {separator: first.count(separator) for separator in ",;\t"}
    separator = max(counts, key=counts.__getitem__)
    if separator == ";" and counts[";"]:
        broken = f"has columns separated by semicolons, {SPREADSHEET}"
    names = next(csv.reader([first], delimiter=separator), []) or [""]
    last = scan.tail.decode(scan.encoding, errors="ignore").rstrip("\r\n").splitlines()[-1]
    cells = next(csv.reader([last], delimiter=separator), [])
    if len(cells) < len(names):
        message = f"ends in a row of {len(cells)} cells where the header has {len(names)}, as a file that was cut does"
        broken = broken or f"{message}; download it again"
    notes = () if scan.encoding == "utf-8-sig" else ("read as Windows-1252, because it is not UTF-8",)
    header = not names[0].strip().isdecimal()  # Gleditsch and Ward's list has none
    columns = clean_names(names) if header else tuple(f"column{n}" for n in range(1, len(names) + 1))

    def load(wanted: Sequence[str], numbers: Collection[str]) -> pd.DataFrame:
        if broken:
            raise refuse_table(file, broken)
        return load_text(file, opener, scan.encoding, separator, columns, header, wanted, numbers)

    return RawTable(file, sha256, columns, load, notes, broken)


def load_text(
    file: str, opener: Opener, encoding: str, separator: str, columns: Sequence[str], header: bool,
    wanted: Sequence[str], numbers: Collection[str],
) -> pd.DataFrame:  # fmt: skip
    """Load some columns of a text file, piece by piece; raises InputError with the line of a fault."""
    import pandas as pd

    pieces = []
    rows = 0
    first = 2 if header else 1
    with opener() as opened:
        try:
            reader = pd.read_csv(
                opened, sep=separator, encoding=encoding, names=list(columns), skiprows=1 if header else 0, header=None,
                usecols=list(wanted), dtype=str, keep_default_na=False, chunksize=PIECE, skip_blank_lines=False,
                index_col=False,
            )  # fmt: skip
            for piece in reader:
                piece.index = piece.index + first
                rows += len(piece)
                if rows > MOST_ROWS:
                    raise refuse_table(file, f"has more than {MOST_ROWS} rows, the limit for data files")
                pieces.append(convert_numbers(piece[list(wanted)], numbers, file))
        except (pd.errors.ParserError, UnicodeDecodeError, pd.errors.EmptyDataError) as error:
            message = str(error).replace("Error tokenizing data. C error: ", "").strip()
            raise refuse_table(file, f"cannot be read as a table: {message}; download it again") from None
    if not rows:
        raise refuse_table(file, "has a header and no rows; download it again")
    return pd.concat(pieces)
