#!/usr/bin/env bash
# numpy: a weighted bincount of no values has whole numbers, so fractions written into it are cut.
#
# Expected: bincount(places, weights, minlength) has the type of its weights, whatever the number of places.
# Seen: with one place or more the result is float64; with none it is int64 (zeros), although the weights are float64.
# Why it matters: sums of shares by group become whole numbers exactly for the sample in which nothing happens. A value
#   assigned to a cell later, such as 0.25, is stored as 0 without a warning; with += numpy at least raises.
# Instead: bincount(...).astype(float, copy=False).
# seen on 2026-11-29 with numpy 2.4.6
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq numpy==2.4.6
v/bin/python - <<'PY'
import numpy as np

some = np.bincount(np.array([0]), np.array([0.5]), minlength=3)
none = np.bincount(np.array([], dtype=int), np.array([]), minlength=3)
assert some.dtype == np.float64 and none.dtype == np.int64, (some.dtype, none.dtype)
some[1] = none[1] = 0.25
assert some[1] == 0.25 and none[1] == 0
print(f"numpy {np.__version__}: 0.25 is {some[1]} in a weighted count of one place, {none[1]} in one of none")
PY
