#!/usr/bin/env bash
# pandas: reading a Stata file drops the levels of a scale that no row has, and the codes of the levels above change.
#
# Expected: a column whose value labels are none, paper, consultation, pact is an ordered category of these four, whatever
#   rows the file has; pandas wrote the file from such a category, and the file has all four labels.
# Seen: without a row of `paper` the scale read is none < consultation < pact, and `pact` has code 2 where the file has 3.
#   Read in chunks (`chunksize=`), the same file has all four levels. pyreadstat gives all four too. No warning.
#   Two files of one scale then have different types: `concat` gives texts, whose order is that of the alphabet.
# Why it matters: distances between levels (weighted kappa, a mean of codes) and what is "the level above" depend on
#   which levels a sample happens to have: one year or one region has other codes than the next.
# Instead: `convert_categoricals=False` and the labels from `StataReader.value_labels()`, or `set_categories` after reading.
# seen on 2026-11-29 with pandas 2.3.3, pyreadstat 1.3.7
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq pandas==2.3.3 pyreadstat==1.3.7 numpy==2.4.6
v/bin/python -W error - <<'PY'
import pandas as pd
import pyreadstat

SCALE = ["none", "paper", "consultation", "pact"]


def saved(name, levels):
    pd.DataFrame({"level": pd.Categorical(levels, SCALE, ordered=True)}).to_stata(name, write_index=False)
    return pd.read_stata(name).level


late = saved("late.dta", ["pact", "none", "consultation"])
early = saved("early.dta", ["pact", "none", "consultation", "paper"])
with pd.read_stata("late.dta", iterator=True) as reader:
    assert list(reader.value_labels()["level"].values()) == SCALE
with pd.read_stata("late.dta", chunksize=3) as chunks:
    chunk = next(chunks).level
assert early.cat.categories.tolist() == chunk.cat.categories.tolist() == SCALE
assert late.cat.ordered and late.cat.categories.tolist() == ["none", "consultation", "pact"], late
assert late.cat.codes.tolist() == [2, 0, 1] and chunk.cat.codes.tolist() == [3, 0, 2], late.cat.codes
other = pyreadstat.read_dta("late.dta", apply_value_formats=True, formats_as_ordered_category=True)[0].level
assert other.cat.categories.tolist() == SCALE, other
both = pd.concat([early, late])
assert both.dtype == object and both.max() == "paper", both
print(f"pandas {pd.__version__}: pact has code {early.cat.codes[0]} in one file and {late.cat.codes[0]} in another")
PY
