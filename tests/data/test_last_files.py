"""The last file that a reader takes and the first that it refuses, and the folders that a world is written to."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from invented import POINTS, TSS, VOTES, base, save, world_of

from sim.data import open_folder, write_world
from sim.data.readers import binary, files, raw, text
from sim.data.write import scenario_of_import, world_files
from sim.errors import InputError
from sim.scenario.loading import load_scenario

ROW = [1, "x", 2, 365, 1946, 1990]


def refused(call: Any) -> list[tuple[int, str, str]]:
    """Line, field and message of each fault."""
    with pytest.raises(InputError) as caught:
        call()
    return [(fault.line, fault.field, fault.message) for fault in caught.value.faults]


def test_limits_of_files() -> None:
    assert (raw.MOST_BYTES, raw.MOST_ROWS, raw.MOST_CELLS) == (629_145_600, 5_000_000, 20_000_000)
    assert (files.MOST_FILES, files.MOST_MEMBERS, binary.MOST_SHEETS) == (1_000, 200, 20)
    assert (text.HEAD, text.TAIL, text.PIECE) == (262_144, 262_144, 100_000)


def test_largest_text_file() -> None:
    content = b"a,b\n" + b"1,2\n" * 10
    assert text.scan_text("a.csv", io.BytesIO(content), len(content)).broken == ""
    found = refused(lambda: text.scan_text("a.csv", io.BytesIO(content), len(content) - 1))
    assert found == [(1, "", "is larger than 0 MB, the limit for data files")]
    long = b"x" * 2**20 + b"y" * 2**20
    scan = text.scan_text("a.csv", io.BytesIO(long), 2 * 2**20)
    assert (scan.head, scan.tail) == (long[: 2**20], long[-(2**18) :])


def test_largest_file_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, "tss.csv", TSS, [[1, "x", 2, 365, 1946, 1990]])
    monkeypatch.setattr(files, "MOST_BYTES", path.stat().st_size)
    assert len(files.read_tables(path)) == 1
    monkeypatch.setattr(files, "MOST_BYTES", path.stat().st_size - 1)
    assert refused(lambda: files.read_tables(path))[0][2] == "is larger than 0 MB, the limit for data files"
    monkeypatch.setattr(files, "MOST_FILES", 1)
    assert files.data_files(tmp_path) == [path]
    (tmp_path / "more.txt").touch()
    assert refused(lambda: files.data_files(tmp_path))[0][0] == 1


def test_limits_are_said_in_megabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 2**20)
    monkeypatch.setattr(binary, "MOST_BYTES", 2**20)
    large = b"x" * (2**20 + 1)
    (tmp_path / "large.csv").write_bytes(large)
    with zipfile.ZipFile(tmp_path / "large.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", large)
    larger, unpacked = "is larger than 1 MB, the limit for data files", "unpacks to more than 1 MB"
    assert refused(lambda: files.read_tables(tmp_path / "large.csv")) == [(1, "", larger)]
    assert refused(lambda: files.read_tables(tmp_path / "large.zip")) == [
        (1, "", f"{unpacked}, the limit for data files")
    ]
    assert refused(lambda: text.scan_text("a.csv", io.BytesIO(large), 2**20)) == [(1, "", larger)]
    assert refused(lambda: binary.unpack("a.rds", gzip.compress(large)))[0][2].startswith(unpacked)


def test_most_rows_and_cells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, "votes.csv", VOTES, [[n, 2, 1, 1, "n", "1980-01-01", "Q"] for n in range(3)])
    table = files.read_tables(path)[0]
    monkeypatch.setattr(text, "MOST_ROWS", 3)
    assert table.load(["rcid"], ["rcid"]).index.tolist() == [2, 3, 4]
    monkeypatch.setattr(text, "MOST_ROWS", 2)
    assert refused(lambda: table.load(["rcid"], ["rcid"]))[0][0] == 1
    grid: Any = {"one": [(1, 2), (3, 4)], "two": [(5, 6)]}
    monkeypatch.setattr(binary, "MOST_CELLS", 6)
    assert binary.read_grids("a.xlsx", grid) == {"one": [[1, 2], [3, 4]], "two": [[5, 6]]}
    monkeypatch.setattr(binary, "MOST_CELLS", 5)
    assert refused(lambda: binary.read_grids("a.xlsx", grid))[0][0] == 1


def test_sheets_that_are_tables() -> None:
    grids: Any = {
        "empty": [], "note": [["a note"], ["x"]], "header": [["a", "b"]],
        "data": [["A", " b ", None, "a"], [1, 2, 3, 4], [None, "", None, None], [5]],
    }  # fmt: skip
    (table,) = binary.tables_of_grids("a.xlsx", "0", grids)
    assert (table.file, table.columns) == ("a.xlsx[data]", ("a", "b", "a.2"))
    loaded = table.load(["a"], ["a"])
    assert (loaded["a"].tolist(), loaded.index.tolist()) == ([1, 5], [2, 3])


def test_members_of_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text and Stata files are read, an archive in the archive and others are not."""
    columns = ["rivalryno", "rivalryname", "ccode1", "ccode2", "styear", "endyear"]
    table = pd.DataFrame([ROW], columns=columns)
    stata = io.BytesIO()
    table.to_stata(stata, write_index=False)
    members = {
        "a.csv": f"{','.join(columns)}\n1,x,2,365,1946,1990\n".encode(),
        "b.zip": b"none",
        "c.DTA": stata.getvalue(),
        "d": b"",
    }
    path = tmp_path / "all.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    found = files.read_tables(path)
    assert [table.file.partition("all.zip")[2] for table in found] == ["[a.csv]", "[c.DTA]"]
    assert [table.load(["styear"], ["styear"])["styear"].tolist() for table in found] == [[1946], [1946]]
    size = sum(len(content) for content in members.values())
    for limit, most in (("MOST_BYTES", size), ("MOST_MEMBERS", 3)):
        monkeypatch.setattr(files, "hash_data_file", lambda path: "0")
        monkeypatch.setattr(files, limit, most)
        assert len(files.read_tables(path)) == 2
        monkeypatch.setattr(files, limit, most - 1)
        assert refused(lambda: files.read_tables(path))[0][0] == 1
        monkeypatch.undo()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, bytes])
def test_largest_content_of_a_packed_file(pack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = b"X\n" * 2**19
    monkeypatch.setattr(binary, "MOST_BYTES", 2**24)  # an xz file needs some memory, too
    assert binary.unpack("a.rds", pack(plain)) == plain
    if pack is not lzma.compress:
        monkeypatch.setattr(binary, "MOST_BYTES", len(plain))
        assert binary.unpack("a.rds", pack(plain)) == plain
        monkeypatch.setattr(binary, "MOST_BYTES", len(plain) - 1)
        assert refused(lambda: binary.unpack("a.rds", pack(plain)))[0][2].startswith("unpacks to more than 0 MB")
    assert [binary.short(error) for error in (ValueError("x" * 81 + "\ny"), KeyError())] == ["x" * 80, "KeyError"]


def test_numbers_of_compact_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a file count together; one of less than nothing gives no room to others."""
    monkeypatch.setattr(binary, "MOST_ROWS", 3)

    def expand(*counts: int, name: bytes = b"compact_intseq") -> list[int]:
        constructors = binary.bounded_sequences({name: lambda state: state.value[0]})
        return [constructors[name](SimpleNamespace(value=[count])) for count in counts]

    assert expand(2, 0, 1) == [2, 0, 1]
    assert expand(4, name=b"wrap_real") == [4]
    for counts in ((4,), (2, 2), (-2, 4)):
        with pytest.raises(ValueError, match=r"^its sequences have more than 3 numbers$"):
            expand(*counts)


def test_rows_of_a_stata_file(monkeypatch: pytest.MonkeyPatch) -> None:
    stata = io.BytesIO()
    pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}).to_stata(stata, write_index=False)
    monkeypatch.setattr(binary, "MOST_ROWS", 2)
    loaded = binary.read_stata("a.dta", "0", stata.getvalue()).load(["b", "a"], ["a"])
    assert (loaded.index.tolist(), loaded["a"].tolist(), loaded["b"].tolist()) == ([1, 2], [1, 2], ["x", "y"])
    monkeypatch.setattr(binary, "MOST_ROWS", 1)
    assert refused(lambda: binary.read_stata("a.dta", "0", stata.getvalue()))[0][0] == 1


def test_labels_and_dates_of_a_stata_file_are_read_as_codes_and_days() -> None:
    stata = io.BytesIO()
    frame = pd.DataFrame({"a": pd.Categorical(["no", "yes"]), "d": pd.to_datetime(["1960-01-01", "1960-02-01"])})
    frame.to_stata(stata, write_index=False, convert_dates={"d": "td"})
    loaded = binary.read_stata("a.dta", "0", stata.getvalue()).load(["a", "d"], ["a", "d"])
    assert (loaded["a"].tolist(), loaded["d"].tolist()) == ([0, 1], [0, 31])


def test_cells_that_are_no_numbers_are_named_up_to_a_hundred() -> None:
    def convert(cells: list[Any]) -> pd.DataFrame:
        frame = pd.DataFrame({"a": cells}, index=range(2, 2 + len(cells)), dtype=object)
        return raw.convert_numbers(frame, ["a", "b"], "a.csv")

    assert len(refused(lambda: convert(["x"] * 101))) == 100
    assert [(line, field) for line, field, _ in refused(lambda: convert(["1,5", "2,5"]))] == [(2, "a")]
    assert [line for line, *_ in refused(lambda: convert(["1", "1,5", "x"]))] == [3, 4]
    assert convert(["1", "NA", None, 2])["a"].fillna(-1).tolist() == [1, -1, -1, 2]


def test_lines_of_a_file_without_a_header(tmp_path: Path) -> None:
    (tmp_path / "ksgmdw.txt").write_text("2\tUSA\tUnited States\t01:01:1816\t31:12:2017\n" * 2, "utf-8")
    (table,) = files.read_tables(tmp_path / "ksgmdw.txt")
    assert table.columns == ("column1", "column2", "column3", "column4", "column5")
    assert table.load(["column1"], ["column1"]).index.tolist() == [1, 2]
    (tmp_path / "blank.csv").write_text("a,b\n1,2\n\n3,4\n", "utf-8")
    (table,) = files.read_tables(tmp_path / "blank.csv")
    assert table.load(["a"], ["a"]).dropna().index.tolist() == [2, 4]


def test_world_is_written_to_a_new_or_empty_folder(tmp_path: Path) -> None:
    world = world_of(base(tmp_path / "data", 1980), 1980)
    out = write_world(world, tmp_path / "a" / "b" / "mine")
    assert sorted(path.name for path in out.iterdir()) == [
        "import_log.csv", "sources.toml", "states.csv", "ties.csv", "world.toml",
    ]  # fmt: skip
    assert refused(lambda: write_world(world, out)) == [(1, "", "exists and is not empty; choose another --out")]
    (tmp_path / "empty").mkdir()
    assert write_world(world, tmp_path / "empty") == tmp_path / "empty"
    (tmp_path / "file").touch()
    assert len(refused(lambda: write_world(world, tmp_path / "file"))) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "data", "empty", "file"]


def test_scenario_of_an_import_is_that_of_the_written_folder(tmp_path: Path) -> None:
    world = world_of(base(tmp_path / "data", 1980), 1980)
    assert scenario_of_import(world) == load_scenario(write_world(world, tmp_path / "mine"))


@pytest.mark.parametrize("kept", ["ideal.csv", "votes.csv", ""])
def test_record_is_written_where_there_is_one(tmp_path: Path, kept: str) -> None:
    folder = base(tmp_path, 1980)
    if kept == "ideal.csv":
        save(folder, kept, POINTS, [[2, "X", "n", 1980, 1, 2.0, 60]])
    elif kept:
        save(folder, kept, VOTES, [[1, code, 1, answer, "n", "1980-11-20", "Q"] for code, answer in ((2, 1), (365, 3))])
    assert ("observed.toml" in world_files(world_of(folder, 1980))) == bool(kept)


def test_every_fault_of_a_folder_is_said_at_once(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "c.csv"):
        save(tmp_path, name, POINTS, [[2, "X", "n", 1980, 1, 2.0, 60]])
    (tmp_path / "d.zip").write_bytes(b"PK")
    save(tmp_path, "e.csv", "dispnum,ccode1,ccode2,year", [[1, 2, 20, 1980]])
    save(tmp_path, "f.csv", "one,two", [[1, 2]])
    with pytest.raises(InputError) as caught:
        open_folder(tmp_path)
    said = [
        (Path(one.file).name, one.line, one.field, *one.message.split()[:3])
        for one in caught.value.faults
    ]  # fmt: skip
    assert said == [
        ("b.csv", 1, "", "is", "United", "Nations"), ("c.csv", 1, "", "is", "United", "Nations"),
        ("d.zip", 1, "", "is", "not", "a"), ("e.csv", 1, "", "resembles", "Militarised", "disputes,"),
    ]  # fmt: skip
    assert caught.value.faults[1].message.endswith("a.csv; keep one of the two")


def test_roles_that_a_folder_lacks(tmp_path: Path) -> None:
    lacking = [lack for lack, _ in open_folder(base(tmp_path, 1980)).missing_roles()]
    assert (len(lacking), lacking[0][:8]) == (11, "no bonds")
