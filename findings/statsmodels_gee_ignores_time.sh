#!/usr/bin/env bash
# statsmodels: a GEE with autoregressive errors goes by the order of the rows; the years given to it do not count.
#
# Expected: with `time="year"` the correlation of two years of a state is r to the power of their distance, as documented, so
#   rows may come in any order, and years that are five apart hang together less than neighbours.
# Seen: the same table with its rows shuffled has a standard error of 0.028 for 0.011, another coefficient, and with
#   grid=True a correlation of 0.36 for 0.88 (0.9 is true). With r held at 0.9 years that are one apart and years that are
#   five apart give the same fit to the last digit. No warning. An exchangeable structure does not depend on the order.
#   Cause: the inverse of the covariance is written out for rows that are neighbours, one step apart; only the estimate of r
#   (with grid=False) looks at the years.
# Why it matters: panels of states come sorted by anything, joins sort them anew, and years are missing (wars, sessions
#   without votes). Whether an effect is clear then depends on the order of a file.
# Instead: sort by state and year before fitting; with gaps in the years, errors clustered by state and no such structure.
# seen on 2026-11-30 with statsmodels 0.15.0
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq statsmodels==0.15.0 scipy==1.17.1 pandas==2.3.3 numpy==2.4.6
v/bin/python -W error - <<'PY'
from importlib.metadata import version

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from statsmodels.genmod.cov_struct import Autoregressive, Exchangeable

STATES, YEARS, RHO, EFFECT = 40, 20, 0.9, 0.5
rng = np.random.default_rng(1)
errors = np.empty((STATES, YEARS))
errors[:, 0] = rng.normal(size=STATES)
for year in range(1, YEARS):
    errors[:, year] = RHO * errors[:, year - 1] + np.sqrt(1 - RHO**2) * rng.normal(size=STATES)
state, year = (index.ravel() for index in np.indices(errors.shape))
panel = pd.DataFrame({"state": state, "year": year, "threat": rng.normal(size=errors.size)})
panel["agreement"] = EFFECT * panel.threat + errors.ravel()
shuffled = panel.sample(frac=1, random_state=1)


def fit(rows, structure, r=None):
    model = smf.gee("agreement ~ threat", "state", rows, time="year", cov_struct=structure, update_dep=r is None)
    if r is not None:
        structure.dep_params = r
    found = model.fit()
    return found.params.threat, found.bse.threat, float(np.ravel(structure.dep_params)[0])


ordered, mixed = (fit(rows, Autoregressive(grid=False)) for rows in (panel, shuffled))
assert abs(ordered[1] - 0.0106) < 1e-3 and abs(mixed[1] - 0.0280) < 1e-3, (ordered, mixed)
assert abs(ordered[0] - mixed[0]) > 0.01, (ordered, mixed)
grid, mixed_grid = (fit(rows, Autoregressive(grid=True)) for rows in (panel, shuffled))
assert abs(grid[2] - 0.88) < 0.01 and abs(mixed_grid[2] - 0.36) < 0.01, (grid, mixed_grid)
assert np.allclose(fit(panel, Exchangeable()), fit(shuffled, Exchangeable()), rtol=1e-9)
near = fit(panel, Autoregressive(grid=False), RHO)
assert near == fit(panel.assign(year=5 * panel.year), Autoregressive(grid=False), RHO), near
print(f"statsmodels {version('statsmodels')}: effect ± error {ordered[0]:.3f} ± {ordered[1]:.3f}, rows shuffled {mixed[0]:.3f} ± {mixed[1]:.3f}")
print(f"  correlation (grid) {grid[2]:.2f}, rows shuffled {mixed_grid[2]:.2f}; gaps of 5 years change nothing")
PY
