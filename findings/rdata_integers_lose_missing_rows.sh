#!/usr/bin/env bash
# rdata, pandas: the same filter keeps rows with NA where R stored doubles, and drops them where it stored integers.
#
# Expected: `table[table.vote != 9]` of a column 1, NA, 9 has the same rows whether R had integers or doubles.
# Seen: rdata gives integers with NA as pandas' Int32, doubles with NA as float64. NA != 9 is NA, which a filter takes
#   as no; NaN != 9 is yes. So one row is left of the integers, two of the doubles. Integers without NA are int32, so
#   the answer changes when one value is missing. sum() of `vote == 9` and mean() are alike in both.
# Why it matters: R stores codes both ways, and a release may change it. "Not 9" then means "known and not 9" in one file and "not known to be 9" in the other.
# Instead: convert columns when they are read (`to_numpy(float, na_value=nan)`), or filter with notna() beside.
# seen on 2026-11-29 with rdata 1.1.0 and pandas 2.3.3
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq rdata==1.1.0 pandas==2.3.3
v/bin/python -W ignore - <<'PY'
import numpy as np
import pandas as pd
import rdata

columns = {"integer": pd.array([1, None, 9], dtype="Int32"), "double": np.array([1.0, np.nan, 9.0])}
kept = {}
for kind, column in columns.items():
    rdata.write_rds("votes.rds", pd.DataFrame({"state": [2, 365, 710], "vote": column}))
    table = rdata.read_rds("votes.rds")
    kept[kind] = (str(table.vote.dtype), table[table.vote != 9].state.tolist())
assert kept == {"integer": ("Int32", [2]), "double": ("float64", [2, 365])}, kept
print(f"rdata: {kept}")
PY
