"""Files of every type: read by what they are, refused in one line where they are damaged, cut or too large."""

from __future__ import annotations

import gzip
import io
import os
import struct
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import rdata
from click.testing import CliRunner
from invented import NMC, STATES, TIES, TSS, base, imposed, save, spell_rows, ties, world_of

from sim.cli import cli
from sim.data import open_folder
from sim.data.readers import binary, files, raw
from sim.errors import InputError

RIVALS = [[1, "a", 2, 365, 1945, 1989], [2, "b", 2, 40, 1959, 2020], [3, "c", 651, 666, 1948, 2020]]


def refusal(folder: Path, year: int = 1980) -> str:
    """Lines of the faults of a folder."""
    with pytest.raises(InputError) as caught:
        world_of(folder, year)
    return "\n".join(caught.value.lines())


def frame() -> pd.DataFrame:
    """Rivalries as a data frame."""
    names = ["rivalryno", "rivalryname", "ccode1", "ccode2", "styear", "endyear"]
    return pd.DataFrame(RIVALS, columns=names).astype({"rivalryname": object})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """States and capabilities of 1980."""
    return base(tmp_path / "data", 1980)


FOUND = {"CUB-USA": "strategic", "SUN-USA": "strategic", "EGY-ISR": "strategic"}


def test_csv_in_zip(folder: Path) -> None:
    save(folder, "tss.csv", TSS, RIVALS)
    with zipfile.ZipFile(folder / "any_name.zip", "w") as archive:
        archive.write(folder / "tss.csv", "folder/data.csv")
        archive.writestr("codebook.pdf", b"%PDF")
    (folder / "tss.csv").unlink()
    assert ties(world_of(folder, 1980), "rivalry") == FOUND


def test_tab_separated_with_windows_letters(folder: Path) -> None:
    rows = [TSS.split(","), *RIVALS, [4, "São Tomé", 2, 20, 1960, 1961]]
    (folder / "tss.tsv").write_bytes("".join("\t".join(map(str, row)) + "\r\n" for row in rows).encode("cp1252"))
    world = world_of(folder, 1980)
    assert ties(world, "rivalry") == FOUND
    assert any("Windows-1252" in entry.example for entry in world.journal.entries)


def test_stata(folder: Path) -> None:
    frame().to_stata(folder / "tss.dta", write_index=False)
    assert ties(world_of(folder, 1980), "rivalry") == FOUND


def test_xlsx_with_doubles_and_several_codes(folder: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(TIES.split(","))
    sheet.append(imposed(1, 1970, 2.0, 40.0, sanctiontype="1 2 4", endyear=1990.0, issue1=2.0))
    sheet.append(imposed(2, 1970, 2.0, 290.0, sanctiontype=2.0, endyear=1990.0, endmonth=None))
    sheet.append(imposed(3, 1985, 2.0, 290.0))
    book.save(folder / "sheets.xlsx")
    assert ties(world_of(folder, 1980), "sanction") == {"USA-CUB": "comprehensive", "USA-POL": "sectoral"}


@pytest.mark.parametrize("form", ["rda", "rds"])
@pytest.mark.parametrize("packed", [True, False])
def test_r_with_factors_and_doubles(folder: Path, form: str, packed: bool) -> None:
    table = frame().assign(rivalryname=pd.Categorical(["a", "b", "c"]), ccode1=[2.0, 2.0, 651.0])
    path = folder / f"tss.{form}"
    if form == "rda":
        rdata.write_rda(path, {"tss": table}, compression=None)
    else:
        rdata.write_rds(path, table, compression=None)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    assert ties(world_of(folder, 1980), "rivalry") == FOUND


def old_workbook(rows: list[list[object]]) -> bytes:
    """A workbook of BIFF 2, the oldest that the library reads."""
    out = io.BytesIO()

    def record(kind: int, content: bytes) -> None:
        out.write(struct.pack("<HH", kind, len(content)) + content)

    record(0x0009, struct.pack("<HH", 2, 0x10))
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            place = struct.pack("<HH3s", y, x, b"\0\0\0")
            if isinstance(cell, str):
                record(0x0004, place + bytes([len(cell)]) + cell.encode("ascii"))
            else:
                record(0x0003, place + struct.pack("<d", cell))
    record(0x000A, b"")
    return out.getvalue()


def test_xls(folder: Path) -> None:
    (folder / "tss.xls").write_bytes(old_workbook([TSS.split(","), *RIVALS]))
    assert ties(world_of(folder, 1980), "rivalry") == FOUND


@pytest.mark.parametrize("ending", ["dta", "xlsx", "xls", "rds", "zip"])
def test_every_cut_of_a_binary_file_is_refused_or_complete(tmp_path: Path, ending: str) -> None:
    whole = tmp_path / f"whole.{ending}"
    if ending == "dta":
        frame().to_stata(whole, write_index=False)
    elif ending == "xlsx":
        frame().to_excel(whole, index=False)
    elif ending == "xls":
        whole.write_bytes(old_workbook([TSS.split(","), *RIVALS]))
    elif ending == "rds":
        rdata.write_rds(whole, frame())
    else:
        with zipfile.ZipFile(whole, "w") as archive:
            archive.writestr("tss.csv", "a,b\n1,2\n")
    content = whole.read_bytes()
    cut = tmp_path / f"cut.{ending}"
    refused = []
    for size in range(0, len(content), max(1, len(content) // 40)):
        cut.write_bytes(content[:size])
        try:
            for table in files.read_tables(cut):
                rows = len(table.load(table.columns, ()))
                assert rows == 3 or ending == "xls", (size, rows)
        except InputError as error:
            refused.append(len(error.faults))
    assert {*refused} == {1}


def test_every_cut_of_a_text_file_inside_a_row_is_refused(tmp_path: Path) -> None:
    whole = save(tmp_path, "tss.csv", TSS, RIVALS).read_bytes()
    cut = tmp_path / "cut.csv"
    accepted, refused = 0, []
    for size in range(len(whole)):
        cut.write_bytes(whole[:size])
        try:
            (table,) = files.read_tables(cut)
            table.load(table.columns, ())
            accepted += 1
        except InputError as error:
            refused.append(len(error.faults))
    assert {*refused} == {1}
    assert accepted == len(RIVALS) - 1  # at the ends of rows only, which the number of states shows


def test_capabilities_cut_at_the_end_of_a_row_are_refused(folder: Path) -> None:
    lines = (folder / "NMC-70.csv").read_text().splitlines(keepends=True)
    (folder / "NMC-70.csv").write_text("".join(lines[: len(lines) // 2]))
    assert "as a file that was cut does" in refusal(folder)


def test_columns_of_an_unknown_release(folder: Path) -> None:
    save(folder, "tss.csv", TSS.replace("end", "finish"), RIVALS)
    found = refusal(folder)
    assert "tss.csv:1: resembles Strategic rivalries, 1494-2020 but has no column end" in found


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (TSS.replace(",", ";") + "\n1;a;2;365;1945;1989\n", "semicolons, as a spreadsheet saves it"),
        ("sep=,\n" + TSS + "\n1,a,2,365,1945,1989\n", "as a spreadsheet saves it"),
        (
            TSS + '\n1,a,2,365,"1945,0",1989\n',
            "tss.csv:2: start: '1945,0' has a decimal comma, as a spreadsheet writes it",
        ),
        (TSS + "\n1,a,2,365,Jan 45,1989\n", "tss.csv:2: start: 'Jan 45' is not a number"),
        (TSS + '\n1,"a,2,365,1945,1989\n', "ends in a row of 2 cells where the header has 6"),
        (TSS + "\n", "has a header and no rows"),
        ("\n" + TSS + "\n1,a,2,365,1945,1989\n", "tss.csv:1: begins with an empty line; delete it"),
        ("\x0c" + TSS + "\n1,a,2,365,1945,1989\n", "tss.csv:1: begins with an empty line; delete it"),
        ("", "is empty"),
        ("\0\1\2" * 20 + "\n", "is not text, although its name says so"),
    ],
)
def test_wrong_text(folder: Path, text: str, message: str) -> None:
    (folder / "tss.csv").write_text(text)
    found = refusal(folder)
    assert message in found
    assert found.count("\n") == 0


def test_workbook_with_wrong_xml_is_refused(folder: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["a", "b"])
    book.active.append([1, 2])
    book.save(folder / "right.xlsx")
    with zipfile.ZipFile(folder / "right.xlsx") as right, zipfile.ZipFile(folder / "wrong.xlsx", "w") as wrong:
        for name in right.namelist():
            content = right.read(name)
            wrong.writestr(name, content.replace(b"<v>2<", b"<v>\x01<") if "sheet1" in name else content)
    found = refusal(folder)
    assert f"{folder}/wrong.xlsx:1: is not an xlsx workbook that can be read" in found
    assert "right.xlsx" not in found


@pytest.mark.parametrize("ending", ["dta", "xls", "xlsx", "rda", "zip"])
def test_wrong_content_under_a_name(folder: Path, ending: str) -> None:
    (folder / f"file.{ending}").write_bytes(b"this is a text of some length, and nothing else\n" * 4)
    assert refusal(folder).startswith(f"{folder}/file.{ending}:1: ")


def test_two_files_for_one_dataset(folder: Path) -> None:
    save(folder, "copy.csv", NMC, [[2, 1980, 1, 1, 1, 1, 1, 1, 0.1]])
    assert f"copy.csv:1: is National Material Capabilities, and so is {folder}/NMC-70.csv" in refusal(folder)


def test_link_out_of_the_folder(folder: Path, tmp_path: Path) -> None:
    save(tmp_path, "outside.csv", TSS, RIVALS)
    (folder / "tss.csv").symlink_to(tmp_path / "outside.csv")
    assert "is a link, which a folder of data cannot contain" in refusal(folder)


def test_pipe_and_pickle(folder: Path) -> None:
    (folder / "data.pkl").write_bytes(b"cos\nsystem\n(S'touch /tmp/x'\ntR.")
    assert open_folder(folder).tables.keys() == {"cow_states", "cow_nmc"}
    os.mkfifo(folder / "tss.csv")
    assert "is a pipe, a device or a socket" in refusal(folder)


def test_names_in_an_archive_lead_nowhere(folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(folder / "tss.zip", "w") as archive:
        archive.writestr("../../outside.csv", TSS + "\n" + "\n".join(",".join(map(str, row)) for row in RIVALS) + "\n")
    assert ties(world_of(folder, 1980), "rivalry") == FOUND
    assert not (tmp_path / "outside.csv").exists()


@pytest.mark.parametrize("ending", ["csv", "zip", "rda", "xlsx"])
def test_size_bomb(folder: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> None:
    for module in (raw, files, binary):
        monkeypatch.setattr(module, "MOST_BYTES", 2**17)
    path = folder / f"bomb.{ending}"
    zeros = b"0" * 2**18
    if ending == "csv":
        path.write_bytes(b"a,b\n" + zeros + b"\n")
    elif ending == "rda":
        path.write_bytes(gzip.compress(b"RDX3\n" + zeros))
    else:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.csv" if ending == "zip" else "xl/workbook.xml", b"a,b\n" + zeros)
    assert "the limit for data files" in refusal(folder)


def test_unknown_table_is_said_and_not_read(folder: Path) -> None:
    save(folder, "mine.csv", "a,b", [[1, 2]])
    world = world_of(folder, 1980)
    (entry,) = [e for e in world.journal.entries if e.rule == "file not read"]
    assert entry.example.endswith("mine.csv")


def test_file_with_other_names_and_order_of_columns(folder: Path) -> None:
    header = "smoothflow1,FLOW2,flow1,year,ccode2,importer1,ccode1"
    rows = [[1, 47_000, 40_000, 1980, b, "x", a] for a, b in ((2, 20),)] + [[1, 40_000, 47_000, 1980, 2, "x", 20]]
    save(folder, "zzz.csv", header, rows)
    assert open_folder(folder).load("cow_trade").rows["imports_a"].tolist() == [40_000]


def run(*words: str) -> tuple[int, str]:
    """Exit code and output of the command."""
    done = CliRunner().invoke(cli, ["import", *words])
    return done.exit_code, done.output


def test_command_names_the_file_that_it_does_not_read(folder: Path, tmp_path: Path) -> None:
    save(folder, "mine.csv", "a,b", [[1, 2]])
    code, output = run("1980", "--from", str(folder), "--out", str(tmp_path / "world"))
    assert code == 0
    assert "file not read mine.csv 1 0" in " ".join(output.split())


def test_command_writes_a_world_that_passes_check(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "world"
    code, output = run("1980", "--from", str(folder), "--out", str(out), "--states", "all")
    assert code == 0, output
    assert {path.name for path in out.iterdir()} == {
        "world.toml",
        "states.csv",
        "ties.csv",
        "sources.toml",
        "import_log.csv",
    }
    assert CliRunner().invoke(cli, ["check", str(out)]).output.startswith("1 checked, no fault")
    assert "SHA-256" in (out / "sources.toml").read_text()
    assert (
        (out / "import_log.csv").read_text().startswith("rule,dataset,rows_read,rows_kept,rows_dropped,why,example\n")
    )
    again, output = run("1980", "--from", str(folder), "--out", str(out))
    assert again == 2
    assert "is not empty" in output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["1830"], "is outside what the table of states covers"),
        (["soon"], "is neither a year nor a day"),
        (["1981"], "covers 1980 to 1980, not 1981"),
        (["1979"], "covers 1980 to 1980, not 1979; take it out"),
        (["1980", "--states", "1"], "is too few for a world"),
        (["1980", "--states", "many"], "neither a number nor all"),
        (["1980", "--leaders", "USA,XYZ"], "XYZ: is the id of no state"),
        (["1980", "--date", "1990-01-01"], "is not in 1980"),
        ([], "Missing argument 'YEAR'"),
    ],
)
def test_command_refuses_and_writes_nothing(folder: Path, tmp_path: Path, words: list[str], message: str) -> None:
    out = tmp_path / "world"
    code, output = run(*words, "--from", str(folder), "--out", str(out))
    assert code == 2
    assert message in output
    assert "Traceback" not in output
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_command_lists_every_dataset_with_terms() -> None:
    code, output = run("--list")
    assert code == 0
    assert output.count("Terms: ") == output.count("Recognised by the columns") == 20


def test_command_compares_counts(folder: Path) -> None:
    save(folder, "states2016.csv", STATES, spell_rows())
    code, output = run("--selftest", str(folder))
    assert code == 1
    assert "differs" in output
