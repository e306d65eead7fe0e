#!/usr/bin/env bash
# pyjstat: a table that is not a full grid in the order of its columns gives its values to other states in JSON-stat.
#
# Expected: `Dataset.read(table)` keeps the value of each state and year, or refuses the table.
# Seen: JSON-stat has values without keys, in the order of a grid, the last dimension fastest. pyjstat writes the values in
#   the order of the rows of the table instead. Sorted by year, as `melt` gives it, a full table of three states comes back
#   with four of six values at another state or year. With one row left out, there are five values for six cells: the absent
#   UK of 1990 has the value of 1991, and all after it have those of the next cell. No warning of it; `category` and `size` are as
#   they should be. (Turned back into a table, the incomplete one is refused; a file of it is not.)
# Why it matters: Eurostat and other offices give out JSON-stat, so it is a format to pass tables on. The sum and the spread
#   of all values stay right, so only a look at one known state shows it.
# Instead: before reading, `table.set_index(dims).reindex(pd.MultiIndex.from_product(levels)).reset_index()`.
# known: https://github.com/predicador37/pyjstat/issues/36 (the refusal of the incomplete table; since 2023, open)
# seen on 2026-11-30 with pyjstat 2.4.0, pandas 3.1.1 and 2.3.3 (the script: 3.1.1)
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq pyjstat==2.4.0 pandas==3.1.1 numpy==2.4.6
v/bin/python -W error::UserWarning - <<'PY'
import json
from importlib.metadata import version

import pandas as pd
from pyjstat import pyjstat

wide = pd.DataFrame({"state": ["US", "UK", "FR"], "1990": [10, 20, 30], "1991": [11, 21, 31]})
by_year = wide.melt("state", var_name="year")
grid = pd.MultiIndex.from_product([["US", "UK", "FR"], ["1990", "1991"]], names=["state", "year"])


def cells(table):
    return table.set_index(["state", "year"])["value"].to_dict()


def written(table):
    return pyjstat.Dataset.read(table).write()


def filled(table):
    return table.set_index(["state", "year"]).reindex(grid).reset_index()


back = cells(pyjstat.Dataset.read(written(by_year)).write("dataframe"))
wrong = [key for key, value in cells(by_year).items() if back[key] != value]
assert len(wrong) == 4 and back["UK", "1990"] == 30 and back["US", "1991"] == 20, back
assert cells(pyjstat.Dataset.read(written(filled(by_year))).write("dataframe")) == cells(by_year)

partial = filled(by_year).drop(index=2)
assert ("UK", "1990") not in cells(partial)
stat = pyjstat.Dataset.read(partial)
assert json.loads(stat.write())["size"] == [3, 2] and stat["value"] == [10, 11, 21, 30, 31], stat["value"]
shifted = {key: stat.get_value([{"state": key[0]}, {"year": key[1]}]) for key in (("UK", "1990"), ("UK", "1991"), ("FR", "1990"))}
assert shifted == {("UK", "1990"): 21, ("UK", "1991"): 30, ("FR", "1990"): 31}, shifted
assert pyjstat.Dataset.read(filled(partial))["value"] == [10, 11, None, 21, 30, 31]
print(f"pyjstat {version('pyjstat')}, pandas {pd.__version__}: {len(wrong)} of {len(by_year)} values are at another state or year; the absent UK of 1990 is {shifted['UK', '1990']}")
PY
