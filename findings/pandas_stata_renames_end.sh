#!/usr/bin/env bash
# pandas: the column `end` is saved to Stata as `_end`, and `quad` as `_quad`; pyreadstat saves them as they are.
#
# Expected: a file keeps the names of its columns where Stata's list of reserved names has none of them ([U] 11.3: _all,
#   _b, byte, double, if, in, int, long, using, with and some more).
# Seen: DataFrame.to_stata puts an underscore before end, quad, class, global, local and other words of Mata, with a
#   warning; read_stata gives the new names, while start stays start. pyreadstat writes and reads the given ones.
# Why it matters: every list of spells has start and end, and a table of institutions may have quad. After a round
#   through Stata a merge or a filter by name fails, and `table.get("end")` says that no spell has ended.
# Instead: pyreadstat.write_dta, or to_stata and a check of the names.
# seen on 2026-11-29 with pandas 2.3.3 and pyreadstat 1.3.2
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq pandas==2.3.3 pyreadstat==1.3.2
v/bin/python -W ignore - <<'PY'
import pandas as pd
import pyreadstat

names = ["ccode", "start", "end", "quad", "state"]
table = pd.DataFrame([[2, 1945, 1989, 0, 1]], columns=names)
table.to_stata("pandas.dta", write_index=False)
pyreadstat.write_dta(table, "pyreadstat.dta")
found = {file: list(pd.read_stata(f"{file}.dta").columns) for file in ("pandas", "pyreadstat")}
assert found["pyreadstat"] == names, found
assert found["pandas"] == ["ccode", "start", "_end", "_quad", "state"], found
print(f"pandas {pd.__version__}: {names} became {found['pandas']}")
PY
