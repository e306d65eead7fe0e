"""Read Stata files, workbooks and R files, with bounds on what they unpack to."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import lzma
import warnings
import zipfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from sim.data.readers.raw import (
    DAMAGED,
    MOST_BYTES,
    MOST_CELLS,
    MOST_ROWS,
    RawTable,
    clean_names,
    convert_numbers,
    refuse_table,
    table_of_frame,
)

if TYPE_CHECKING:
    import pandas as pd

EXTRA = "needs the extra [data]: pip install 'blocs[data]'"
MOST_SHEETS = 20
CUT = "download it again"
R_FORMATS = {b"RDX2\n": "rda", b"RDX3\n": "rda", b"X\n": "rds"}  # binary ones; nothing else is read


def missing_library(file: str) -> Exception:
    """Return the error of a file whose library is not installed."""
    return refuse_table(file, EXTRA)


def read_stata(file: str, sha256: str, content: bytes) -> RawTable:
    """Recognise the columns of a Stata file; raises InputError if it is damaged."""
    import pandas as pd

    try:
        with pd.io.stata.StataReader(io.BytesIO(content)) as reader:
            names = list(reader.variable_labels())
            rows = reader._nobs
    except DAMAGED as error:
        raise refuse_table(file, f"is not a Stata file that can be read ({short(error)}); {CUT}") from None
    if rows > MOST_ROWS:
        raise refuse_table(file, f"has more than {MOST_ROWS} rows, the limit for data files")
    columns = dict(zip(clean_names(names), names, strict=True))

    def load(wanted: Sequence[str], numbers: Collection[str]) -> pd.DataFrame:
        chosen = [columns[name] for name in wanted]
        try:
            frame = pd.read_stata(io.BytesIO(content), columns=chosen, convert_categoricals=False, convert_dates=False)
        except DAMAGED as error:
            raise refuse_table(file, f"is damaged ({short(error)}); {CUT}") from None
        if len(frame) != rows:
            raise refuse_table(file, f"has {len(frame)} rows where its header says {rows}; {CUT}")
        frame.columns = list(wanted)
        frame.index = range(1, len(frame) + 1)
        return convert_numbers(frame, numbers, file)

    return RawTable(file, sha256, tuple(columns), load)


def read_old_workbook(file: str, sha256: str, content: bytes) -> list[RawTable]:
    """Sheets of an xls workbook; raises InputError if it is damaged."""
    try:
        import xlrd
    except ImportError:
        raise missing_library(file) from None
    try:
        with xlrd.open_workbook(file_contents=content, on_demand=True, ragged_rows=True, logfile=io.StringIO()) as book:
            sheets = [book.sheet_by_index(n) for n in range(min(book.nsheets, MOST_SHEETS))]
            grids = {sheet.name: [sheet.row_values(n) for n in range(sheet.nrows)] for sheet in sheets}
    except (*DAMAGED, xlrd.XLRDError) as error:
        raise refuse_table(file, f"is not an xls workbook that can be read ({short(error)}); {CUT}") from None
    return tables_of_grids(file, sha256, grids)


def read_workbook(file: str, sha256: str, content: bytes) -> list[RawTable]:
    """Sheets of an xlsx workbook; raises InputError if it is damaged or unpacks to too much."""
    try:
        import openpyxl
    except ImportError:
        raise missing_library(file) from None
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            if sum(part.file_size for part in parts.infolist()) > MOST_BYTES:
                raise refuse_table(file, f"unpacks to more than {MOST_BYTES // 2**20} MB, the limit for data files")
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        grids = read_grids(file, {sheet.title: sheet.iter_rows(values_only=True) for sheet in book.worksheets})
    except (*DAMAGED, SyntaxError) as error:  # which parsers of XML raise
        raise refuse_table(file, f"is not an xlsx workbook that can be read ({short(error)}); {CUT}") from None
    return tables_of_grids(file, sha256, grids)


def read_grids(file: str, sheets: dict[str, Iterable[Sequence[object]]]) -> dict[str, list[list[object]]]:
    """Read the rows of all sheets; raises InputError above the limit of cells, which one far cell can reach."""
    grids: dict[str, list[list[object]]] = {}
    cells = 0
    for name, rows in sheets.items():
        grids[name] = []
        for row in rows:
            cells += len(row)
            if cells > MOST_CELLS:
                raise refuse_table(file, f"has more than {MOST_CELLS} cells, the limit for data files")
            grids[name].append(list(row))
    return grids


def tables_of_grids(file: str, sha256: str, grids: dict[str, list[list[object]]]) -> list[RawTable]:
    """Tables of the sheets of a workbook whose first row names columns."""
    import pandas as pd

    found = []
    for name, grid in grids.items():
        names = [cell for cell in (grid[0] if grid else []) if cell not in (None, "")]
        if len(names) < 2 or len(grid) < 2:
            continue
        rows = [[*row[: len(names)], *[None] * (len(names) - len(row))] for row in grid[1:]]
        frame = pd.DataFrame(rows, columns=clean_names(names), dtype=object)
        frame = frame[~frame.map(lambda cell: cell in (None, "")).all(axis=1)]
        shown = file if len(grids) == 1 else f"{file}[{name}]"
        found.append(table_of_frame(shown, sha256, frame, first=2))
    if not found:
        raise refuse_table(file, "has no sheet with a row of column names and rows under it; download it again")
    return found


def read_r_file(file: str, sha256: str, content: bytes) -> list[RawTable]:
    """Data frames of an R file, read by a parser in Python that evaluates nothing; raises InputError if damaged."""
    try:
        import rdata
    except ImportError:
        raise missing_library(file) from None
    plain = unpack(file, content)
    form = next((form for magic, form in R_FORMATS.items() if plain.startswith(magic)), "")
    if not form:
        raise refuse_table(file, "is not a binary R file (.rda or .rds); save it with save() or saveRDS()")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about R classes that do not matter here, such as tibbles
            parsed = rdata.parser.parse_data(
                plain, extension=f".{form}", altrep_constructor_dict=bounded_sequences(rdata.parser.DEFAULT_ALTREP_MAP)
            )
            content_found = rdata.conversion.convert(parsed)
    except DAMAGED as error:
        raise refuse_table(file, f"is an R file that cannot be read ({short(error)}); {CUT}") from None
    import pandas as pd

    objects = content_found if isinstance(content_found, dict) else {"": content_found}
    frames = {name: value for name, value in objects.items() if isinstance(value, pd.DataFrame)}
    if not frames:
        raise refuse_table(file, "has no data frame; export the table as CSV")
    found = []
    for name, frame in frames.items():
        for column in frame.columns:
            if isinstance(frame[column].dtype, pd.api.extensions.ExtensionDtype):  # factors, integers with NA
                number = pd.api.types.is_numeric_dtype(frame[column])
                kind, missing = (float, float("nan")) if number else (object, None)
                frame[column] = frame[column].to_numpy(kind, na_value=missing)
        shown = file if len(frames) == 1 else f"{file}[{name}]"
        found.append(table_of_frame(shown, sha256, frame, first=1))
    return found


def bounded_sequences(constructors: Mapping[bytes, Callable[[Any], Any]]) -> dict[bytes, Callable[[Any], Any]]:
    """Constructors of R's compact sequences, a few bytes each, that expand to at most so many numbers in a file."""
    left = MOST_ROWS

    def expand(constructor: Callable[[Any], Any], state: Any) -> Any:
        nonlocal left
        left -= max(0, int(state.value[0]))
        if left < 0:
            raise ValueError(f"its sequences have more than {MOST_ROWS} numbers")
        return constructor(state)

    return {
        name: functools.partial(expand, one) if name.startswith(b"compact_") else one
        for name, one in constructors.items()
    }


def unpack(file: str, content: bytes) -> bytes:
    """Unpack gzip, bzip2 or xz; other content stays. Raises InputError where it is damaged or too large."""
    try:
        if content.startswith(b"\x1f\x8b"):
            plain = read_bounded(gzip.GzipFile(fileobj=io.BytesIO(content)))
        elif content.startswith(b"BZh"):
            plain = read_bounded(bz2.BZ2File(io.BytesIO(content)))
        elif content.startswith(b"\xfd7zXZ\0"):
            plain = lzma.LZMADecompressor(memlimit=MOST_BYTES).decompress(content, MOST_BYTES + 1)
        else:
            plain = content
    except (*DAMAGED, OSError) as error:
        raise refuse_table(file, f"cannot be unpacked ({short(error)}); {CUT}") from None
    if len(plain) > MOST_BYTES:
        raise refuse_table(file, f"unpacks to more than {MOST_BYTES // 2**20} MB, the limit for data files")
    return plain


def read_bounded(packed: IO[bytes] | gzip.GzipFile | bz2.BZ2File) -> bytes:
    """Unpack until just beyond the limit, in pieces: one large reading would ask for all of its memory at once."""
    found = io.BytesIO()  # whose value is its buffer: no second copy
    with packed:
        while found.tell() <= MOST_BYTES and (piece := packed.read(2**20)):
            found.write(piece)
    return found.getvalue()


def short(error: BaseException) -> str:
    """First line of an error, at most 80 characters."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:80]
