"""Mutants of honest folders of datasets: what a spreadsheet, a cut download or a stranger could make of them."""

from __future__ import annotations

import gzip
import os
import random
import shutil
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import rdata
from invented import (
    ARMS,
    ATOP,
    COW_MID,
    GML,
    GSDB,
    IGO,
    POINTS,
    PRODUCT,
    REGIMES,
    TIES,
    TRADE,
    TSS,
    VOTES,
    base,
    both_ways,
    imposed,
    save,
)
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

CELLS: list[Any] = [
    "", "NA", ".", "-9", "-1", "0", "1", "2.0", "2.5", "1e308", "1e400", "-1e30", "9223372036854775808", "nan", "inf",
    "x", "1,5", "1.234,5", "01.02.2004", "2001-02-04", "1/2/1980", "Jan 80", "1 2 4", "1990, 1992", "?", "=1+1", "\0",
    "\x1b[31m\u202e", "São Tomé", "y" * 40_000, "1" * 5_000, "'; drop table", "../../etc/passwd", "Egypt, Arab Rep.",
    "EU", "1000", "1653", "999", "365", "1980", "1980.5", "3000", "-1980", "true", "١٩٨٠",
]  # fmt: skip
FORMS = ["csv", "csv", "csv", "csv", "tsv", "zip", "dta", "xlsx", "rda", "rds", "rds.gz"]
YEARS = (1979, 1980, 1981)


def honest_folder(folder: Path) -> Path:
    """A folder with an invented file of each kind of dataset, of 10 to 20 rows."""
    base(folder, 1980)
    pairs = [(2, 20), (2, 200), (2, 260), (365, 290), (365, 265), (2, 740)]
    save(folder, "atop.csv", ATOP, both_ways([[a, b, year, 1, 0, 0, 0, 1] for a, b in pairs for year in YEARS]))
    rivals = [(2, 365), (2, 40), (651, 666), (365, 710), (260, 265)]
    spells = [[n, f"rivalry {n}", a, b, 1946 + n, 2020 - n % 2] for n, (a, b) in enumerate(rivals * 2)]
    save(folder, "tss.csv", TSS, spells)
    disputes = [[a, b, n, year, 1, 1, n % 3, 2 + n % 4, n % 2] for n, (a, b) in enumerate(rivals) for year in YEARS]
    rows = [[number, a, b, *rest] for a, b, number, *rest in both_ways(disputes)]
    save(folder, "gml.csv", GML, rows)
    save(folder, "mid.csv", COW_MID, rows)
    save(folder, "ties.csv", TIES, [
        imposed(n, 1970 + n, [2, 365, 1000][n % 3], [40, 710, 645, 651][n % 4], sanctiontype=["1 3 4", 7, 6][n % 3],
                endyear=["", 1990, "1990, 1992"][n % 3], institutionid=["", "1653 4400"][n % 2])
        for n in range(12)
    ])  # fmt: skip
    names = ["Egypt, Arab Rep.", "Poland, Hungary", "Cuba", "China", "Iraq"]
    senders = ["League of Arab States", "United States", "CoCom", "EU", "USSR"]
    measures = [[n, names[n % 5], senders[n % 4], 1970 + n, 1985 + n, n % 2, "exp_part", 0, 0, 1, 0, 0, "", ""]
                for n in range(12)]  # fmt: skip
    save(folder, "gsdb.csv", GSDB, measures)
    save(folder, "trade.csv", TRADE, [
        [a, b, year, 9_000 + a, 7_000 + b, 1, 1] for a, b in pairs for year in YEARS])  # fmt: skip
    codes = [2, 20, 40, 70, 200, 260, 265, 290, 365, 710]
    save(folder, "igo.csv", IGO, [[code, 1980, "x", *[n % 4 for n in range(10)]] for code in codes])
    save(
        folder, "gdp.csv", PRODUCT, [[code, year, 9.0, 1_000_000 + code, 50] for code in codes for year in (1980, 1981)]
    )
    save(folder, "democracy.csv", REGIMES, [[code, 1980, 0.5, 7, code / 800] for code in codes])
    save(folder, "ideal.csv", POINTS, [[code, "X", "n", 1980, 1.0, 2 - code / 200, 60] for code in codes])
    save(folder, "votes.csv", VOTES, [
        [call, code, 1, [1, 2, 3, 8, 9][(code + call) % 5], "n", f"1980-11-{call + 10}", f"Question {call}"]
        for call in range(2) for code in codes
    ])  # fmt: skip
    save(folder, "arms.csv", ARMS, [
        [supplier, recipient, 1980 - n % 5, 40 * n, code, other]
        for n, (supplier, recipient, code, other) in enumerate([
            ("Soviet Union", "Cuba", 365, 40), ("United States", "Israel", 2, 666),
            ("United Kingdom", "Egypt", 200, 651),
            ("China", "Viet Minh (France)*", 710, 220),
            ("Soviet Union", "NATO**", 365, ""),
        ] * 2)
    ])  # fmt: skip
    return folder


def convert(path: Path, form: str) -> Path:
    """Save a file in another form; the path of the new one, which replaces it."""
    new = path.with_name(f"{path.stem}.{form}")
    if form == "csv":
        return path
    if form == "zip":
        with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, path.name)
    elif form == "tsv":
        pd.read_csv(path, dtype=str, keep_default_na=False).to_csv(new, sep="\t", index=False)
    else:
        frame = pd.read_csv(path)
        texts = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
        frame = frame.astype(dict.fromkeys(texts, object))
        if form == "dta":
            frame.fillna(dict.fromkeys(texts, "")).to_stata(new, write_index=False)
        elif form == "xlsx":
            frame[texts] = frame[texts].replace(ILLEGAL_CHARACTERS_RE, "", regex=True)  # a workbook has none
            frame.to_excel(new, index=False)
        elif form == "rda":
            rdata.write_rda(new, {"x": frame})
        else:
            new = path.with_suffix(".rds")
            rdata.write_rds(new, frame)
            new.write_bytes(gzip.compress(new.read_bytes()) if form.endswith("gz") else new.read_bytes())
    path.unlink()
    return new


def change_cells(path: Path, rng: random.Random) -> str:
    """Other cells, rows or columns of a text file."""
    lines = [line.split(",") for line in path.read_text("utf-8").splitlines()]
    how = rng.choice(["cell", "cell", "cell", "cell", "column", "swap", "repeat", "delete", "rename", "double", "short",
                      "long", "order", "year"])  # fmt: skip
    row, column = rng.randrange(1, len(lines)), rng.randrange(len(lines[0]))
    if how == "cell":
        for _ in range(rng.choice([1, 1, 3])):
            target = lines[rng.randrange(1, len(lines))]
            value = str(rng.choice(CELLS))
            target[rng.randrange(len(target))] = f'"{value}"' if "," in value else value
    elif how == "column":
        value = str(rng.choice(CELLS)).replace(",", ";")
        lines = [lines[0], *([*line[:column], value, *line[column + 1 :]] for line in lines[1:])]
    elif how == "swap":
        other = rng.randrange(len(lines[0]))
        for line in lines:
            if len(line) == len(lines[0]):
                line[column], line[other] = line[other], line[column]
    elif how == "repeat":
        lines += [lines[row]] * rng.choice([1, 1000])
    elif how == "delete":
        del lines[row]
    elif how == "rename":
        lines[0][column] = rng.choice(["x", "", lines[0][0], lines[0][column].upper(), f"{lines[0][column]} "])
    elif how == "double":
        lines = [[*line, line[min(column, len(line) - 1)]] for line in lines]
    elif how == "short":
        lines[row] = lines[row][:column]
    elif how == "long":
        lines[row] = [*lines[row], "1", "2"]
    elif how == "order":
        rng.shuffle(lines[0])
    elif how == "year":
        lines = [[cell.replace("1980", rng.choice(["1962", "1995", "1980"])) for cell in line] for line in lines]
    path.write_text("\n".join(map(",".join, lines)) + "\n", "utf-8")
    return f"{how} of {path.name}"


def change_text(path: Path, rng: random.Random) -> str:
    """A text file as a spreadsheet or another program saves it."""
    text = path.read_text("utf-8")
    changed: dict[str, Callable[[], bytes]] = {
        "semicolons": lambda: text.replace(",", ";").encode(),
        "decimal commas": lambda: text.replace(",", "\t").replace(".", ",").encode(),
        "sep": lambda: ("sep=,\n" + text).encode(),
        "utf-16": lambda: text.encode("utf-16"),
        "bom": lambda: text.encode("utf-8-sig"),
        "windows": lambda: text.replace("rivalry", "São").encode("cp1252"),
        "old mac": lambda: text.replace("\n", "\r").encode(),
        "quotes": lambda: ("\n".join(",".join(f'"{c}"' for c in line.split(",")) for line in text.splitlines())
                           + "\n").encode(),
        "open quote": lambda: text.replace("\n2", '\n"2', 1).encode(),
        "blank lines": lambda: text.replace("\n", "\n\n").encode(),
        "header": lambda: (text.splitlines()[0] + "\n").encode(),
        "no header": lambda: (text.partition("\n")[2]).encode(),
        "prose": lambda: b"A readme, with commas, of no table\nand an end",
    }  # fmt: skip
    how = rng.choice(sorted(changed))
    path.write_bytes(changed[how]())
    return f"{how} in {path.name}"


def break_bytes(path: Path, rng: random.Random) -> str:
    """A file cut short, with changed bytes, or with other content."""
    content = bytearray(path.read_bytes())
    how = rng.choice(["cut", "cut", "flip", "flip", "some flips", "more", "random"])
    if how == "cut":
        del content[rng.randrange(len(content) + 1) :]
    elif "flip" in how and content:
        for _ in range(1 if how == "flip" else 30):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif how == "more":
        content += rng.randbytes(40)
    else:
        content = bytearray(rng.randbytes(300))
    path.write_bytes(bytes(content))
    return f"{how} of {path.name}"


def plant(path: Path, outside: Path, rng: random.Random) -> str:
    """A link, a pipe, a folder, a copy or nothing in the place of a file."""
    how = rng.choice(["link", "link out", "pipe", "folder", "copy", "gone", "device", "pickle"])
    if how == "copy":
        shutil.copy(path, path.with_name(f"copy_of_{path.name}"))
    elif how == "pickle":
        path.with_suffix(".pkl").write_bytes(b"cos\nsystem\n(S'touch unpickled'\ntR.")
    else:
        content = path.read_bytes()
        path.unlink()
        if how == "link":
            (outside / path.name).write_bytes(content)
            path.symlink_to(outside / path.name)
        elif how == "link out":
            path.symlink_to("../outside/missing")
        elif how == "device":
            path.symlink_to("/dev/zero")
        elif how == "pipe":
            os.mkfifo(path)
        elif how == "folder":
            path.mkdir()
    return f"{how} {path.name}"


def mutate_data(folder: Path, outside: Path, rng: random.Random) -> list[str]:
    """Change one to three files of a folder; say how."""
    done = []
    for path in rng.sample(sorted(folder.iterdir()), rng.choice([1, 1, 1, 2, 3])):
        if rng.random() < 0.75:
            done.append((change_cells if rng.random() < 0.7 else change_text)(path, rng))
        form = rng.choice(FORMS)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # pandas renames columns such as `end`, and cuts long cells
                path = convert(path, form)
            done.append(form)
        except (ValueError, TypeError, KeyError, NotImplementedError, UnicodeError):
            done.append(f"no {form}")  # what is in it cannot be saved so
        if rng.random() < 0.25:
            done.append(break_bytes(path, rng))
        if rng.random() < 0.1:
            done.append(plant(path, outside, rng))
    return done
