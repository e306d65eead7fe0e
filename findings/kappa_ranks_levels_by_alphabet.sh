#!/usr/bin/env bash
# scikit-learn: weighted kappa of named levels ranks them by the alphabet, also where they are ordered categories.
#
# Expected: two coders of treaty levels (none < paper < consultation < partnership < pact) who differ by one level at
#   most agree well under weights="linear", and much the same as with levels 0 to 4. With pandas' ordered categories the
#   order is known.
# Seen: 0.35 for the names and 0.35 for ordered categories; 0.77 for the same codings as numbers, or with labels= in order.
#   Quadratic weights: 0.23 against 0.91. No warning. Without weights all agree (0.52), so the order is lost unseen.
#   A level that neither coder used changes the value too: it shrinks the distance of its neighbours.
# Why it matters: the agreement of coders is what a coded dataset is judged by, and levels of ties are names.
# Instead: cohen_kappa_score(..., weights="linear", labels=levels) with every level of the scale, in its order.
# seen on 2026-11-29 with scikit-learn 1.7.2
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq scikit-learn==1.7.2 numpy==2.3.5 pandas==2.3.3
v/bin/python -W error - <<'PY'
import numpy as np
import pandas as pd
import sklearn
from sklearn.metrics import cohen_kappa_score

LEVELS = ["none", "paper", "consultation", "partnership", "pact"]
rng = np.random.default_rng(1)
first = rng.integers(0, 5, 60)
second = np.clip(first + rng.choice([-1, 0, 1], 60, p=[0.2, 0.6, 0.2]), 0, 4)
names = [[LEVELS[i] for i in coder] for coder in (first, second)]
ordered = [pd.Series(pd.Categorical(coder, LEVELS, ordered=True)) for coder in names]


def kappa(coders, weights, labels=None):
    return round(float(cohen_kappa_score(*coders, weights=weights, labels=labels)), 2)


for weights, by_alphabet, by_level in ((None, 0.52, 0.52), ("linear", 0.35, 0.77), ("quadratic", 0.23, 0.91)):
    assert kappa(names, weights) == kappa(ordered, weights) == by_alphabet, (kappa(names, weights), kappa(ordered, weights))
    assert kappa((first, second), weights) == kappa(names, weights, LEVELS) == by_level
few = [0, 1, 4, 4, 0, 4, 1, 0], [0, 4, 4, 1, 0, 4, 1, 1]
assert (kappa(few, "linear"), kappa(few, "linear", [0, 1, 2, 3, 4])) == (0.59, 0.53)
print(f"scikit-learn {sklearn.__version__}: linear kappa of names {kappa(names, 'linear')}, of levels {kappa((first, second), 'linear')}")
PY
