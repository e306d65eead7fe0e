#!/usr/bin/env bash
# DuckDB: a CSV file of one state that is Norway has the state `false`, and so has the Parquet file that is made of it.
#
# Expected: a column of codes is text whatever the codes are; or one folder of files has one type for a column.
# Seen: types are guessed file by file, and `NO` is a way to write a boolean. Of three files, one for each state, the code of
#   NO.csv is a boolean. Turned into Parquet file by file and read together, booleans and texts become texts, and Norway is
#   the state "false", with all its years and its sum. No warning. The CSV files read together are right, because the type is
#   then guessed once; so the fault comes with the step to Parquet. A file of `T`, `F` or `yes` goes the same way.
# Why it matters: downloads come one file a state, and Parquet is where tables go. The join with names drops "false" without a
#   word; a chart of all states has one state more that nobody knows, and lacks Norway.
# Instead: `read_csv(path, all_varchar=true)` or `types={'iso2': 'VARCHAR'}` for every column of codes.
# seen on 2026-11-30 with duckdb 2.0.1 and 1.4.2
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for duckdb in 2.0.1 1.4.2; do
  python3 -m venv --clear v
  v/bin/pip install -qq duckdb=="$duckdb"
  v/bin/python -W error - <<'PY'
from pathlib import Path

import duckdb

STATES = {"DK": "Denmark", "NO": "Norway", "SE": "Sweden"}
for code in STATES:
    Path(f"{code}.csv").write_text(f"iso2,year,votes\n{code},1990,1\n{code},1991,2\n")
    duckdb.sql(f"copy (from '{code}.csv') to '{code}.parquet'")
    duckdb.sql(f"copy (from read_csv('{code}.csv', types={{'iso2': 'VARCHAR'}})) to '{code}.typed' (format parquet)")


def votes(files):
    return dict(duckdb.sql(f"select iso2, sum(votes) from {files} group by iso2").fetchall())


right = dict.fromkeys(STATES, 3)
assert votes("'*.csv'") == votes("read_parquet('*.typed')") == right, votes("'*.csv'")
assert duckdb.sql("select distinct iso2 from 'NO.csv'").fetchall() == [(False,)]
for word in ("T", "F", "yes"):
    Path("word.txt").write_text(f"bloc,year\n{word},1990\n")
    assert duckdb.sql("select bloc from read_csv('word.txt')").fetchall() == [(word != "F",)], word
found = votes("'*.parquet'")
assert found == {"DK": 3, "false": 3, "SE": 3}, found
assert votes("read_parquet('*.parquet', union_by_name=true)") == found
Path("names.txt").write_text("iso2,name\n" + "".join(f"{code},{name}\n" for code, name in STATES.items()))
joined = duckdb.sql("select distinct name from '*.parquet' join read_csv('names.txt') using (iso2) order by name").fetchall()
assert joined == [("Denmark",), ("Sweden",)], joined
print(f"duckdb {duckdb.__version__}: states read from Parquet are {found}")
PY
done
