#!/usr/bin/env bash
# SALib: where the outcome is yes or no, delta gives an input that does nothing as much influence as one that does a lot.
#
# Expected: delta is half the mean area between two densities, so it is 0 for an input without influence. For an outcome of
#   0 or 1 it is the mean distance of the chance within a slice from the chance overall: 0.10 for `threat` below, 0 for
#   `unused`. The bias is corrected, an interval comes with each value, and more samples bring it nearer to the truth.
# Seen: with 500 samples `unused` has 0.08, with 4000 0.13, each ± 0.01 or less, as much as `threat`. First-order Sobol
#   indices of the same call tell them apart. No warning. Counts (0, 1, 2, ...) have the same fault.
#   Cause: each slice gets a kernel density with a bandwidth of its own, wider as it has fewer samples. Two lumps at 0 and 1
#   that are smoothed differently differ in area, however alike they are; more samples mean more and smaller slices.
# Why it matters: "two blocs at the end: yes or no" and "number of blocs" are the usual outcomes of such models, and delta
#   is the index for which any sample will do.
# Instead: the outcome before it is cut in two; S1 of the same call; or the chance of a yes per slice.
# seen on 2026-11-29 with SALib 1.5.1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq SALib==1.5.1 numpy==2.4.6 scipy==1.17.1 pandas==2.3.3
v/bin/python -W error::RuntimeWarning -W error::UserWarning - <<'PY'
from importlib.metadata import version

import numpy as np
from SALib.analyze import delta

PROBLEM = {"num_vars": 2, "names": ["threat", "unused"], "bounds": [[0, 1]] * 2}


def influence(samples, outcome):
    rng = np.random.default_rng(1)
    inputs = rng.random((samples, 2))
    chance = 0.3 + 0.4 * inputs[:, 0]
    found = delta.analyze(PROBLEM, inputs, outcome(chance, rng.random(samples)), num_resamples=10, seed=1)
    return {key: np.round(found[key], 2).tolist() for key in ("delta", "delta_conf", "S1")}


def war(chance, u):
    return (u < chance).astype(float)


few, many = influence(500, war), influence(4000, war)
assert few["delta"][1] >= 0.06 and many["delta"][1] >= 0.11, (few, many)
assert many["delta"][0] - many["delta"][1] <= 0.02 and max(many["delta_conf"]) <= 0.01, many
assert many["S1"][0] >= 0.04 and many["S1"][1] <= 0.02, many
count = influence(4000, lambda chance, u: np.floor(3 * (chance + u)))
uncut = influence(4000, lambda chance, u: chance + u)
assert count["delta"][1] >= 0.11 and uncut["delta"][1] <= 0.06, (count, uncut)
print(f"SALib {version('SALib')}: delta of threat and unused {few['delta']} with 500 samples, {many['delta']} with 4000")
print(f"  S1 {many['S1']}; delta of a count {count['delta']}, of the sum before it is cut {uncut['delta']}")
PY
