"""Small files that expand: refused, or read in little memory and time; entities of XML lead nowhere."""

from __future__ import annotations

import gzip
import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from sim.data.readers import binary, files
from sim.errors import InputError

MOST_MB = 300  # 160 MB are the empty cells at the limit


def far_cell_of_workbook() -> bytes:
    """A workbook of 5 kB whose last cell is the last of the sheet: 17 thousand million cells."""
    book = openpyxl.Workbook()
    for row in (["a", "b"], [1, 2]):
        book.active.append(row)
    book.active["XFD1048576"] = 1
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def far_cell_of_old_workbook() -> bytes:
    """A workbook of BIFF 2 with a header, a row and the last cell of the sheet."""

    def text(y: int, x: int, letter: bytes) -> bytes:
        return struct.pack("<HHHH3sB", 4, 9, y, x, b"\0\0\0", 1) + letter

    cells = [text(0, 0, b"a"), text(0, 1, b"b"), text(1, 0, b"c"), text(1, 1, b"d"), text(4_000, 255, b"e")]
    return struct.pack("<HHHH", 9, 4, 2, 0x10) + b"".join(cells) + struct.pack("<HH", 10, 0)


def number(value: int) -> bytes:
    """An integer as R saves it."""
    return struct.pack(">i", value)


def long_sequences(count: int, length: float) -> bytes:
    """A list of R's compact sequences, 70 bytes each before they are expanded."""
    name, of = b"compact_intseq", b"base"
    words = [number(1) + number(0x40009) + number(len(word)) + word for word in (name, of)]
    described = (
        number(2) + words[0] + number(2) + words[1] + number(2) + number(13) + number(1) + number(13) + number(254)
    )
    state = number(14) + number(3) + struct.pack(">ddd", length, 1.0, 1.0)
    head = b"X\n" + number(3) + number(0x40300) + number(0x30500) + number(5) + b"UTF-8"
    return gzip.compress(head + number(19) + number(count) + count * (number(238) + described + state + number(254)))


def archive_of_zeros() -> bytes:
    """Three members of 1 MB each."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(3):
            archive.writestr(f"{n}.csv", bytes(2**20))
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "phrase"),
    [
        ("far.xlsx", far_cell_of_workbook, "more than 20000000 cells, the limit"),
        ("far.xls", far_cell_of_old_workbook, ""),
        ("one.rds", lambda: long_sequences(1, 1e12), "more than 50000 numbers"),
        ("many.rds", lambda: long_sequences(1000, 6e3), "more than 50000 numbers"),
        ("undefined.rds", lambda: long_sequences(1, float("nan")), "cannot be read"),
        ("zeros.zip", archive_of_zeros, "unpacks to more than 2 MB, the limit"),
    ],
)
def test_small_file_that_expands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: Callable[[], bytes], phrase: str
) -> None:
    """No member of the archive is above the limit of a file."""
    monkeypatch.setattr(files, "MOST_BYTES", 2**21)
    monkeypatch.setattr(binary, "MOST_ROWS", 50_000)
    (tmp_path / name).write_bytes(content())
    assert (tmp_path / name).stat().st_size < 20_000
    tracemalloc.start()
    try:
        if phrase:
            with pytest.raises(InputError, match=phrase):
                files.read_tables(tmp_path / name)
        else:
            (table,) = files.read_tables(tmp_path / name)
            assert table.columns == ("a", "b")
            assert len(table.load(["a"], [])) == 1
        assert tracemalloc.get_traced_memory()[1] < MOST_MB * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "entities",
    [
        '<!ENTITY e SYSTEM "{secret}">',
        "<!ENTITY a 'aaaaaaaaaa'>"
        + "".join(f"<!ENTITY {to} '{10 * f'&{of};'}'>" for of, to in zip("abcdefgh", "bcdefghe", strict=True)),
    ],
    ids=["of a file", "of entities"],
)
def test_entities_lead_nowhere(tmp_path: Path, entities: str) -> None:
    """A text of a workbook that names another file, or 10⁸ letters."""
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET", encoding="utf-8")
    packed, path = io.BytesIO(), tmp_path / "book.xlsx"
    book = openpyxl.Workbook()
    for row in (["a", "b"], ["text", 2]):
        book.active.append(row)
    book.save(packed)
    with zipfile.ZipFile(packed) as old, zipfile.ZipFile(path, "w") as new:
        for part in old.infolist():
            text = old.read(part).decode()
            if part.filename == "xl/sharedStrings.xml":
                doctype = f"<!DOCTYPE sst [{entities.format(secret=secret.as_uri())}]><sst"
                text = text.replace("<sst", doctype, 1).replace("<t>text</t>", "<t>&e;</t>")
                assert "&e;" in text
            new.writestr(part, text)
    tracemalloc.start()
    try:
        (table,) = files.read_tables(path)
        shown = str(table.load(["a"], []).to_dict())
    except InputError as error:
        shown = "\n".join(error.lines())
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert "SECRET" not in shown
    assert len(shown) < 1000
    assert peak < MOST_MB * 2**20


def test_unpacking_takes_memory_once() -> None:
    packed = gzip.compress(bytes(2**25), 1)
    tracemalloc.start()
    try:
        plain = binary.unpack("x.rds", packed)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(plain) == 2**25
    assert peak < 1.5 * 2**25
