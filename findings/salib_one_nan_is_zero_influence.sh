#!/usr/bin/env bash
# SALib: one undefined outcome makes every Sobol index 0.0 with a confidence of 0.0, without a message.
#
# Expected: NaN, or an error; the maintainers prefer "SALib failing to produce results when NaN exist" (their issue 237, in
#   which indices are NaN).
# Seen: sobol.analyze gives S1 = ST = 0 and both confidences 0 for all parameters: "nothing matters, and this is sure". No
#   warning. morris gives NaN for the parameters that the fault touches, rbd_fast for all. FAST gives NaN for the parameter that decides and finite
#   values near 0 for the others.
# Why it matters: an outcome of a bloc is undefined where the bloc has no member, which a few of a thousand points reach. A
#   table of zeros is a finding; it would be printed. (scipy.stats.sobol_indices does so too, and warns of it in its docs.)
# Instead: assert np.isfinite(Y).all() before every analysis; choose outcomes that are defined everywhere.
# seen on 2026-11-29 with SALib 1.6.0
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq SALib==1.6.0 numpy==2.4.6 scipy==1.17.1 pandas==2.3.3
v/bin/python -W error - <<'PY'
import numpy as np
from SALib.analyze import morris, sobol
from SALib.sample import morris as morris_sample
from SALib.sample import sobol as sobol_sample

problem = {"num_vars": 3, "names": ["pressure", "bonds", "noise"], "bounds": [[0, 1]] * 3}
rows = sobol_sample.sample(problem, 256, calc_second_order=False, seed=1)
outcome = rows[:, 0] + 0.1 * rows[:, 1]
sound = sobol.analyze(problem, outcome, calc_second_order=False, seed=1)
assert sound["ST"][0] > 0.9, sound
outcome[7] = np.nan  # one of 1280
found = sobol.analyze(problem, outcome, calc_second_order=False, seed=1)
for name in ("S1", "S1_conf", "ST", "ST_conf"):
    assert (found[name] == 0).all(), found
rows = morris_sample.sample(problem, 20, num_levels=4, seed=1)
outcome = rows[:, 0] + 0.1 * rows[:, 1]
outcome[7] = np.nan
effects = np.asarray(morris.analyze(problem, rows, outcome, num_levels=4, seed=1)["mu_star"], dtype=float)
assert np.isnan(effects).any(), effects
print(f"SALib: with one NaN among 1280 outcomes ST is {found['ST'].tolist()} ± {found['ST_conf'].tolist()}; without, {sound['ST'].round(2).tolist()}")
PY
