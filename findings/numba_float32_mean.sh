#!/usr/bin/env bash
# numba: the mean of two million float32 shares is 1.5 % off, of fifty million 58 %; numpy's is right.
#
# Expected: x.mean(), x.sum() and x.std() inside @njit give what numpy gives for the same array, up to rounding (numba's
#   manual lists them as supported).
# Seen: numba adds one after another in float32, numpy pairwise. Shares of 0.1: at 2e6 values the mean is 0.0985 and the
#   standard deviation 0.0015 instead of 0, at 5e7 the mean is 0.042, as the sum stays at 2^21. No fastmath, no threads.
# Why it matters: sweeps keep results as float32 to save memory, and 50 states x 40 steps x 1,000 runs are 2e6 values:
#   an effect of 1 % comes from where in the array the runs lie, and halving the sweep moves the mean.
# Instead: x.astype(np.float64), or a float64 sum in a loop.
# seen on 2026-11-28 with numba 0.68.1, numpy 2.4.6
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq numba==0.68.1 numpy==2.4.6
v/bin/python -W error - <<'PY'
import numba
import numpy as np


@numba.njit
def moments(x):
    return x.sum(), x.mean(), x.std()


shares = np.full(2_000_000, 0.1, dtype=np.float32)
_, mean, spread = moments(shares)
assert abs(shares.mean() - 0.1) < 1e-6 and shares.std() < 1e-6
assert 0.098 < mean < 0.099 and spread > 0.001, (mean, spread)
many = np.full(50_000_000, 0.1, dtype=np.float32)
total, small, _ = moments(many)
assert total == 2**21 and small < 0.05 and abs(many.mean() - 0.1) < 1e-6, (total, small)
print(f"numba {numba.__version__}: mean of 2e6 float32 values of 0.1 is {mean:.4f}, of 5e7 {small:.4f}; numpy {shares.mean():.4f} and {many.mean():.4f}")
PY
