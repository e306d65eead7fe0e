#!/usr/bin/env bash
# pandas, openpyxl, XlsxWriter, calamine, polars: a date before 1900 saved by pandas to Excel comes back as the day before.
#
# Expected: `read_excel` of pandas gives the dates that `to_excel` of pandas was given; or such dates are refused.
# Seen: where XlsxWriter is installed, 1 January 1816 comes back as 31 December 1815, another year; where it is not, it comes
#   back right. The same file read with engine="calamine", which pandas says will be its reader, has the time 00:00:00 for
#   every date before 1900. polars reads 1 January from XlsxWriter's file, but 2 January from that of openpyxl. Dates from
#   March 1900 on are right. No warning about dates.
#   Cause: pandas writes with XlsxWriter if it is there, else with openpyxl, and reads with openpyxl. Excel counts from 1900
#   and has a 29 February 1900 that was none; below that openpyxl and XlsxWriter count back from starts that are a day apart.
#   The pages of openpyxl advise against such dates; those of to_excel and read_excel do not speak of them.
# Why it matters: the Correlates of War list of states begins on 1 January 1816, and in one column the spells before 1900 are
#   wrong and the others right. XlsxWriter comes along with other packages (`write_excel` of polars needs it), and then the
#   same script gives other dates. A shift of a day at the turn of a year puts a state into another year.
# Instead: texts ("1816-01-01") in the sheet, or year, month and day as three columns; CSV or Parquet where one may choose.
# seen on 2026-11-30 with pandas 3.1.1, openpyxl 3.1.5, XlsxWriter 3.3.1, python-calamine 0.9.1, polars 2.1.0, fastexcel 0.21.0
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq pandas==3.1.1 numpy==2.4.6 polars==2.1.0 openpyxl==3.1.5 xlsxwriter==3.3.1 fastexcel==0.21.0 python-calamine==0.9.1
v/bin/python -W error - <<'PY'
import datetime as dt
import sys
from importlib.metadata import version

import pandas as pd
import polars as pl

START = [dt.date(1816, 1, 1), dt.date(1866, 7, 3), dt.date(1945, 5, 8)]
RIGHT, EARLY = ["1816-01-01", "1866-07-03", "1945-05-08"], ["1815-12-31", "1866-07-02", "1945-05-08"]
table = pd.DataFrame({"start": START})


def by_pandas(path, engine="openpyxl"):  # the reader that is taken unless one names another
    return [str(one).removesuffix(" 00:00:00") for one in pd.read_excel(path, engine=engine)["start"]]


def by_polars(path):
    return [str(one) for one in pl.read_excel(path)["start"]]


table.to_excel("with.xlsx", index=False)
sys.modules["xlsxwriter"] = None  # as if it were not installed
table.to_excel("without.xlsx", index=False)
assert by_pandas("with.xlsx") == EARLY, by_pandas("with.xlsx")
assert by_pandas("without.xlsx") == by_polars("with.xlsx") == RIGHT, by_pandas("without.xlsx")
late = by_polars("without.xlsx")
assert late == ["1816-01-02", "1866-07-04", "1945-05-08"], late
for path in ("with.xlsx", "without.xlsx"):
    times = by_pandas(path, engine="calamine")
    assert times == ["00:00:00", "00:00:00", "1945-05-08"], times
table.astype(str).to_excel("texts.xlsx", index=False)
assert by_pandas("texts.xlsx") == by_pandas("texts.xlsx", engine="calamine") == RIGHT
versions = ", ".join(f"{name} {version(name)}" for name in ("pandas", "openpyxl", "xlsxwriter", "python-calamine", "polars", "fastexcel"))
print(f"{versions}:\n  {RIGHT[0]} is read as {EARLY[0]} with XlsxWriter installed, {times[0]} with calamine, {late[0]} from pandas to polars")
PY
