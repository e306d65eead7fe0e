#!/usr/bin/env bash
# polars, DuckDB: an unknown number that is NaN counts as the greatest in medians, ranks and filters, not in the mean.
#
# Expected: NaN makes every statistic NaN, as in numpy, or is left out of every one, as in pandas.
# Seen: of the capabilities 0.1, 0.2, 0.3, 0.4, NaN, NaN the mean is NaN, but the median is 0.35 (0.25 of those known), the
#   filter `> 0.35` has three states for one, the two strongest are the two unknown ones, and Spearman's correlation with a
#   column that falls as capability rises is 0.41 for -1. Pearson's is NaN. The maximum leaves NaN out: 0.4. DuckDB
#   on the same table has the same median and filter, and NaN as the maximum. No warning.
#   A column from pandas is null where it is NaN, and right; one from numpy, a dictionary or arithmetic (0/0) is NaN.
# Why it matters: a table is sound until one column is computed; then the states without data are the great powers.
# Instead: `fill_nan(None)` on every column of floats when a table is made.
# known: the order of NaN is documented; the correlation was https://github.com/pola-rs/polars/issues/4930 (closed in 2022)
# seen on 2026-11-30 with polars 2.1.0 and duckdb 2.0.1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq polars==2.1.0 duckdb==2.0.1 pyarrow==26.0.1 pandas==3.1.1 numpy==2.4.6
v/bin/python -W error - <<'PY'
import math

import duckdb
import numpy as np
import pandas as pd
import polars as pl

COLUMNS = {"state": list("ABCDEF"), "capability": [0.1, 0.2, 0.3, 0.4, math.nan, math.nan], "trade": [4.0, 3, 2, 1, 5, 6]}
table = pl.DataFrame(COLUMNS)
known = table.with_columns(pl.col("capability").fill_nan(None))


def describe(rows):
    capability = pl.col("capability")
    numbers = rows.select(
        mean=capability.mean(), median=capability.median(), rank=pl.corr("capability", "trade", method="spearman")
    ).row(0)
    strong = rows.filter(capability > 0.35).height
    return np.round(numbers, 2).tolist(), strong, rows.top_k(2, by="capability")["state"].sort().to_list()


numbers, strong, top = describe(table)
assert math.isnan(numbers[0]) and numbers[1:] == [0.35, 0.41] and strong == 3 and top == ["E", "F"], (numbers, strong, top)
assert describe(known) == ([0.25, 0.25, -1.0], 1, ["C", "D"]), describe(known)
assert describe(pl.from_pandas(pd.DataFrame(COLUMNS))) == describe(known)
assert table["capability"].max() == 0.4 and math.isnan(table.select(pl.corr("capability", "trade")).item())
assert math.isnan(np.median(COLUMNS["capability"])) and pd.Series(COLUMNS["capability"]).median() == 0.25
duckdb.register("states", table)
query = "select avg(capability), max(capability), median(capability), count(*) filter (capability > 0.35) from states"
mean, most, median, count = duckdb.sql(query).fetchall()[0]
assert math.isnan(mean) and math.isnan(most) and round(median, 2) == 0.35 and count == 3, (mean, most, median, count)
print(f"polars {pl.__version__}: median and Spearman {numbers[1:]} with two NaN, {describe(known)[0][1:]} of those known; strongest {top}")
print(f"  duckdb {duckdb.__version__}: median {median:.2f}, {count} states above 0.35")
PY
