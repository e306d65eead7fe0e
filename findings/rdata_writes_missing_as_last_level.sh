#!/usr/bin/env bash
# rdata: a missing level that is written to an R file and read back is the last level of the scale.
#
# Expected: `read_rds` gives back what `write_rds` has saved, and R reads a missing level as NA, as with numbers and texts.
# Seen: none, missing, pact, none comes back as none, pact, pact, none, and isna() counts 0. The file has code 0 for the
#   missing one, which R does not know (its NA is -2147483648), and code 0 is read as place -1, the last level. Ordered
#   categories come back without an order. Neither warns. pyreadr's files keep the missing level, also when rdata reads
#   them, and pyreadr reads code 0 as missing: the fault shows only when rdata reads what it wrote.
#   Missing numbers, yes/no and texts are right.
# Why it matters: levels of ties are factors in R, and the strongest level is last. A pair of states that was not
#   coded becomes a pair of allies.
# Instead: `pyreadr.write_rds`, or write texts and make the categories after reading.
# seen on 2026-11-29 with rdata 1.1.0, pyreadr 0.5.8
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq rdata==1.1.0 pyreadr==0.5.8 pandas==2.3.3 numpy==2.4.6
v/bin/python -W error - <<'PY'
from importlib.metadata import version

import pandas as pd
import pyreadr
import rdata

LEVELS = ["none", "paper", "pact"]
KEPT = ["none", None, "pact", "none"]


def values(column):
    return [None if pd.isna(value) else value for value in column]


table = pd.DataFrame({"level": pd.Categorical(KEPT, LEVELS, ordered=True), "name": pd.array(KEPT, dtype="string")})
rdata.write_rds("rdata.rds", table)
pyreadr.write_rds("pyreadr.rds", table)
back = rdata.read_rds("rdata.rds")
assert values(back.level) == ["none", "pact", "pact", "none"], back
assert back.level.cat.categories.tolist() == LEVELS and not back.level.cat.ordered
assert values(back.name) == KEPT, back
assert rdata.parser.parse_file("rdata.rds").object.value[0].value.tolist() == [1, 0, 3, 1]
assert values(rdata.read_rds("pyreadr.rds").level) == KEPT
assert values(pyreadr.read_r("rdata.rds")[None].level) == KEPT
print(f"rdata {version('rdata')}: {KEPT} comes back as {values(back.level)}")
PY
