"""Files that a spreadsheet saved, that were cut, or that hold no dataset: one clear line, and nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from invented import ATOP, GSDB, NMC, TIES, TSS, VOTES, base, both_ways, imposed, save

from sim.cli import cli

PACTS = both_ways([[2, code, year, 1, 0, 0, 0, 1] for code in (20, 200, 740) for year in (1980, 1981)])
Make = Callable[[Path], Any]


def atop(rows: list[list[Any]], header: str = ATOP) -> Make:
    """A file of treaties."""
    return lambda folder: save(folder, "atop.csv", header, rows)


def written(name: str, text: str) -> Make:
    """A file with a text."""
    return lambda folder: (folder / name).write_text(text, "utf-8")


def votes(day: str) -> Make:
    """Votes of a day."""
    return lambda folder: save(folder, "votes.csv", VOTES, [[1, 2, 1, 1, "n", day, "Q"], [1, 365, 1, 3, "n", day, "Q"]])


def session(number: Any) -> Make:
    """Votes of a session."""
    return lambda folder: save(folder, "votes.csv", "rcid,session,vote,ccode", [[1, number, 1, 2]])


def gw(day: str) -> Make:
    """The list of Gleditsch and Ward with a day in it."""
    return written("ksgmdw.txt", f"2\tUSA\tUnited States\t{day}\t31:12:2017\n")


def measures(kinds: str) -> Make:
    """Sanctions of some kinds."""
    return lambda folder: save(folder, "ties.csv", TIES, [imposed(1, 1979, 2, 40, sanctiontype=kinds, endyear=1990)])


def measure(begin: Any, end: Any) -> Make:
    """A case of the Global Sanctions Data Base with these years."""
    row = [1, "Cuba", "United States", begin, end, 1, "exp_part", 0, 0, 1, 0, 0, "", ""]
    return lambda folder: save(folder, "gsdb.csv", GSDB, [row])


def spells(code: Any) -> Make:
    """The list of states with this code in each row."""

    def replace_codes(folder: Path) -> None:
        path = folder / "states2016.csv"
        header, *rows = path.read_text("utf-8").splitlines()
        place = header.split(",").index("ccode")
        cells = [row.split(",") for row in rows]
        lines = [",".join([*row[:place], str(code), *row[place + 1 :]]) for row in cells]
        path.write_text("\n".join([header, *lines]) + "\n", "utf-8")

    return replace_codes


def rivalry(end: Any) -> Make:
    """A rivalry that ends in a year."""
    return lambda folder: save(folder, "tss.csv", TSS, [[1, "rivalry", 2, 365, 1946, end]])


def decimal_commas(folder: Path) -> None:
    """Capabilities as a spreadsheet of a language with decimal commas saves them, with tabs."""
    path = folder / "NMC-70.csv"
    path.write_text(path.read_text("utf-8").replace(",", "\t").replace(".", ","), "utf-8")


REFUSED: dict[str, tuple[Make, str]] = {
    "semicolons": (written("atop.csv", ATOP.replace(",", ";") + "\n2;20;1980;1;0;0;0;1\n"), "separated by semicolons"),
    "decimal commas": (decimal_commas, "NMC-70.csv:2: cinc: '0,100000' has a decimal comma, as a spreadsheet writes"),
    "date with slashes": (gw("01/02/1816"), "ksgmdw.txt:1: start: '01/02/1816' is not a date as the list writes it"),
    "date with dots": (gw("01.02.1816"), "start: '01.02.1816' is not a date as the list writes it"),
    "day of no date": (gw("9999999"), "ksgmdw.txt:1: start: '9999999' is not a date as the list writes it"),
    "session of no year": (
        session(8055),
        "votes.csv:2: session: 8055 is not the number of a session, such as 1 of 1946",
    ),
    "session without a number": (session(""), "votes.csv:1: has no row with cow, call, vote, session"),
    "turned date of a vote": (votes("20/11/1980"), "votes.csv:2: date: '20/11/1980' is not a date such as 1970-11-20"),
    "day and month of a vote": (votes("20-Nov-80"), "date: '20-Nov-80' is not a date such as"),
    "serial number of a vote": (votes("29545"), "date: '29545' is not a date such as"),
    "list read as a date": (measures("2004-02-01"), "ties.csv:2: kinds: '2004-02-01' has codes other than 1 to 10"),
    "other words for codes": (measures("embargo"), "kinds: 'embargo' has codes other than 1 to 10"),
    "cut inside a row": (written("atop.csv", ATOP + "\n2,20,1980,1,0,0,0,1\n20,2,19"), "as a file that was cut does"),
    "cut between rows": (atop(PACTS[:5]), "atop.csv:1: 1 of 5 rows have no row of the other direction, as in a file"),
    "other columns": (atop(PACTS, ATOP.replace("defense", "pact")), "but has no column atop_defense; the release is"),
    "empty year": (atop([[*r[:2], r[2] + 2 * (r[2] > 1980) - 2, *r[3:]] for r in PACTS]), "1978 to 1981"),
    "year before": (atop([[*r[:2], r[2] + 5, *r[3:]] for r in PACTS]), "covers 1985 to 1986, not 1980; take it out"),
    "year after": (atop([[*r[:2], r[2] - 5, *r[3:]] for r in PACTS]), "covers 1975 to 1976, not 1980; --carry carries"),
    "part of a year": (
        atop([*PACTS, [2, 40, 1980.5, 1, 0, 0, 0, 1]]),
        "atop.csv:14: year: 1980.5 is not a whole number",
    ),
    "endless year": (atop([*PACTS, [2, 40, "inf", 1, 0, 0, 0, 1]]), "atop.csv:14: year: 'inf' is not a number"),
    "year of no date": (measure(0, 1990), "gsdb.csv:2: begin: 0 is not a year of four digits"),
    "end of no date": (measure(1980, 10**7), "gsdb.csv:2: end: 10000000 is not a year of four digits"),
    "measure without years": (measure("", ""), "gsdb.csv:1: has no row with begin, end"),
    "rivalry without an end": (rivalry(""), "tss.csv:1: has no row with a, b, start, end"),
    "states without codes": (spells(""), "states2016.csv:1: has no row with cow"),
    "half a code": (spells("2.5"), "states2016.csv:2: cow: 2.5 is not a whole number of a code or year"),
    "header alone": (lambda folder: save(folder, "tss.csv", TSS, []), "tss.csv"),
    "code without end": (measures("1" * 400), "ties.csv:2: kinds"),
    "number without end": (lambda f: save(f, "NMC-70.csv", NMC, [[2, 1980, *"111111", "1e400"]]), "'1e400' is not a"),
    "two files": (lambda f: (atop(PACTS)(f), save(f, "copy.csv", ATOP, PACTS)), "and so is"),
    "wrong file": (lambda f: (f / "NMC-70.csv").rename(f / "NMC-70.md"), "has no National Material Capabilities"),
}


def test_votes_without_yes_or_no_divide_no_one(tmp_path: Path) -> None:
    folder = base(tmp_path / "data", 1980)
    save(folder, "votes.csv", VOTES, [[1, 2, 1, 8, "n", "1980-11-20", "Q"], [1, 365, 1, 9, "n", "1980-11-20", "Q"]])
    words = ["import", "1980", "--from", str(folder), "--out", str(tmp_path / "world")]
    assert CliRunner().invoke(cli, words).exit_code == 0


@pytest.mark.parametrize("kind", REFUSED)
def test_bad_file_is_refused_in_one_line(kind: str, tmp_path: Path) -> None:
    make, message = REFUSED[kind]
    folder = base(tmp_path / "data", 1980)
    make(folder)
    done = CliRunner().invoke(cli, ["import", "1980", "--from", str(folder), "--out", str(tmp_path / "world")])
    assert done.exit_code == 2, done.output
    assert message in " ".join(done.output.split())
    assert len(done.output.strip().splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


@pytest.mark.parametrize(
    "text", ["A readme, with commas, and more\nThe end", "ccode; the code of a state\n", "sep=\nx\n"]
)
def test_prose_beside_the_data_is_not_read(text: str, tmp_path: Path) -> None:
    folder = base(tmp_path / "data", 1980)
    written("README.txt", text)(folder)
    atop(PACTS)(folder)
    done = CliRunner().invoke(cli, ["import", "1980", "--from", str(folder), "--out", str(tmp_path / "world")])
    assert done.exit_code == 0, done.output
    assert "README.txt" in (tmp_path / "world" / "import_log.csv").read_text("utf-8")
