#!/usr/bin/env bash
# numpy: the random stream of [seed, 0] is the stream of [seed].
#
# Expected: default_rng([seed, replicate]) gives each replicate a stream of its own, apart from that of the bare seed
#   (a list of whole numbers is a documented seed, and a common way to key a run).
# Seen: short lists are filled up with zeros to four words, so 7, [7], [7, 0], [7, 0, 0] and [7, 0, 0, 0] are one
#   stream, and [7, 1] is [7, 1, 0]. A fifth word, or a spawn key of 0, gives another stream.
# Why it matters: replicate 0 (or shock 0, state 0) repeats the draws of whatever was made with the bare seed: a world
#   generated from `seed` and its replicate 0 share their noise, and only that replicate does. Means look right.
# Instead: SeedSequence(seed, spawn_key=(replicate,)), or count keys from 1.
# seen on 2026-11-28 with numpy 2.4.6
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq numpy==2.4.6
v/bin/python - <<'PY'
import numpy as np


def first(key):
    return np.random.default_rng(key).random(3).tolist()


same = [first(key) for key in (7, [7], [7, 0], [7, 0, 0], [7, 0, 0, 0])]
assert all(draws == same[0] for draws in same), same
assert first([7, 1]) == first([7, 1, 0]) != first([7, 0, 1])
assert first([7, 0, 0, 0, 0]) != same[0]
assert first(np.random.SeedSequence(7, spawn_key=(0,))) != same[0]
print(f"numpy {np.__version__}: seeds 7, [7], [7, 0] and [7, 0, 0, 0] all begin with {same[0][0]:.6f}")
PY
