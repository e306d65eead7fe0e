#!/usr/bin/env bash
# scipy: the Hamming distance counts "both absent" as disagreement, so a state is at a distance from itself.
#
# Expected: NaN in a vote gives NaN (as cityblock, cosine and correlation of the same function do), is left out, or is
#   refused (as scikit-learn's pairwise_distances does).
# Seen: cdist(votes, votes, "hamming") compares NaN != NaN, so each vote at which either is absent counts as a
#   disagreement; the diagonal is the share of absences. No warning. "jaccard" and "rogerstanimoto" of the same function
#   take NaN as a vote of yes instead, so two absent states agree.
# Why it matters: agreement in votes is the usual measure of alignment, and states that miss votes (small, suspended)
#   come out as opposed to all others: two states that agree in every vote at which both were present look 0.5 apart.
# Instead: agreement over pairs present, by hand: (a == b).sum() / (~isnan(a) & ~isnan(b)).sum().
# seen on 2026-11-28 with scipy 1.17.1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq scipy==1.17.1 numpy==2.4.6
v/bin/python -W error - <<'PY'
import numpy as np
import scipy
from scipy.spatial.distance import cdist

nan = np.nan
votes = np.array([[1, 0, 1, 0], [1, 0, nan, nan], [1, 0, nan, nan]])
hamming = cdist(votes, votes, "hamming")
assert hamming[0, 1] == 0.5, hamming  # they agree in both votes at which both were present
assert hamming[1, 1] == hamming[1, 2] == 0.5, hamming  # a state and itself, a state and its twin
for other in ("cityblock", "euclidean", "cosine", "correlation"):
    assert np.isnan(cdist(votes, votes, other)[1, 2]), other
for other in ("jaccard", "rogerstanimoto"):
    assert cdist(votes, votes, other)[1, 2] == 0.0, other
print(f"scipy {scipy.__version__}: a state absent from half the votes is {hamming[1, 1]} from itself by hamming, 0 by jaccard, NaN by cityblock")
PY
