#!/usr/bin/env bash
# statsmodels: McNemar's test of two identical paired outcomes has p = 0.0 in its chi-square form.
#
# Expected: pairs that never differ give p = 1 (exact form) or no p; equal counts of changes either way (b = c) give
#   p = 1, as nothing differs.
# Seen: with exact=False and the correction that is on by default, b = c = 0 gives statistic inf and p = 0.0 (numpy's
#   warning of a division is all that is said), and b = c = 1 gives statistic 0.5 and p = 0.48 where 0 and 1 are right:
#   the correction is subtracted from a difference of 0 and squared. pingouin refuses the first and has p = 0.48 too.
# Why it matters: two scenarios under common random numbers often end alike in every pair. "No run changed" becomes the
#   strongest result of the table, and it passes any correction for multiple tests.
# Instead: exact=True, or refuse tables whose b + c is 0 and cut |b - c| - 1 at 0.
# seen on 2026-11-28 with statsmodels 0.15.0 and pingouin 0.7.0
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq statsmodels==0.15.0 pingouin==0.7.0 numpy==2.4.6 scipy==1.17.1 pandas==2.3.3
v/bin/python -W ignore - <<'PY'
import pandas as pd
import pingouin
import statsmodels
from statsmodels.stats.contingency_tables import mcnemar

alike = [[60, 0], [0, 40]]  # 100 pairs of runs, no outcome differs
assert mcnemar(alike, exact=True).pvalue == 1.0
assert mcnemar(alike, exact=False).pvalue == 0.0
balanced = [[60, 1], [1, 38]]
assert mcnemar(balanced, exact=True).pvalue == 1.0
p = mcnemar(balanced, exact=False).pvalue
assert mcnemar(balanced, exact=False).statistic == 0.5 and round(p, 4) == 0.4795
assert mcnemar(balanced, exact=False, correction=False).pvalue == 1.0
first = [1] * 60 + [0] * 38 + [1, 0]
second = [1] * 60 + [0] * 38 + [0, 1]
result = pingouin.chi2_mcnemar(pd.DataFrame({"a": first, "b": second}), "a", "b")[1]
assert round(float(result["p_approx"].iloc[0]), 4) == 0.4795, result
try:
    pingouin.chi2_mcnemar(pd.DataFrame({"a": first, "b": first}), "a", "b")
except ValueError:
    pass
else:
    raise AssertionError("pingouin accepts outcomes that never differ")
print(f"statsmodels {statsmodels.__version__}: McNemar's chi-square p of 100 identical pairs is 0.0, of one change each way {p:.2f}; exact: 1.0 and 1.0")
PY
