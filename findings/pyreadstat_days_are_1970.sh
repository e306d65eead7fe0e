#!/usr/bin/env bash
# pyreadstat, pandas: dates made from days of numpy are saved to SPSS and Stata as 1 January 1970, every one.
#
# Expected: the file has the dates of the table, or the writer refuses them.
# Seen: days (or years) of numpy are datetime64[s] in pandas; write_sav and write_dta save 1970-01-01 in every row of such a
#   column. The same dates as datetime64[us] come back right, from the same file, and to_stata of pandas is right for both.
#   No warning.
#   Cause: microseconds and two other units are converted as columns. Seconds go to a conversion by value that knows plain
#   datetimes only, and takes any other value, such as those of pandas, as 0 seconds since 1970.
# Why it matters: a pact or a spell has a day and no time, so days of numpy are its natural type. A column of dates beside it
#   that was read from text is right, so the table looks sound, and every spell lasts from 1970 to 1970.
# Instead: `.astype("datetime64[us]")` before writing, or `to_stata`.
# seen on 2026-11-30 with pyreadstat 1.3.7, pandas 3.1.1 and 2.3.3
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for pandas in 3.1.1 2.3.3; do
  python3 -m venv --clear v
  v/bin/pip install -qq pyreadstat==1.3.7 narwhals==2.29.0 pandas=="$pandas" numpy==2.4.6
  v/bin/python -W error - <<'PY'
import numpy as np
import pandas as pd
import pyreadstat

DAYS = ["1955-05-05", "1991-12-26"]
table = pd.DataFrame({"days": np.array(DAYS, "datetime64[D]")})
assert str(table.days.dtype) == "datetime64[s]" and table.days.dt.strftime("%F").tolist() == DAYS, table
table["micro"] = table.days.astype("datetime64[us]")
back = {}
pyreadstat.write_sav(table, "spss_file")
back["SPSS"], _ = pyreadstat.read_sav("spss_file")
pyreadstat.write_dta(table, "stata_file")
back["Stata"], _ = pyreadstat.read_dta("stata_file")
for found in back.values():
    assert pd.to_datetime(found.days).dt.strftime("%F").tolist() == ["1970-01-01"] * 2, found
    assert pd.to_datetime(found.micro).dt.strftime("%F").tolist() == DAYS, found
table.to_stata("own.dta")
assert pd.read_stata("own.dta").days.dt.strftime("%F").tolist() == DAYS
print(f"pyreadstat {pyreadstat.__version__}, pandas {pd.__version__}: {DAYS} are read back as {back['SPSS'].days.astype(str).tolist()}")
PY
done
