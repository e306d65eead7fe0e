#!/usr/bin/env bash
# numba: the options of functions hash alike whatever their values, so compiling compares them one by one.
#
# Expected: `Flags` are keys of dictionaries in the compiler. Options that differ should have different hashes, as a
#   dictionary needs to be fast, and looking one up should cost about one comparison.
# Seen: the hash is that of the names of the options that are set, not of their values. Options that differ in one
#   value hash alike and are unequal. A comparison builds a dictionary of all values of both sides. Twelve functions of
#   three lines, in a chain, every other one with forceinline, make some hundreds of them.
# Why it matters: the compile time of a program of many small functions. Under a profiler a tenth of it or more was in
#   these comparisons.
# Instead: fewer and larger functions where compile time counts; or a subclass of `Flags` with a hash of its own, set
#   by a compiler class given as `pipeline_class`.
# seen on 2026-11-29 with numba 0.68.1, numpy 2.4.6
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq numba==0.68.1 numpy==2.4.6
cat > chain.py <<'PY'
import numba
from numba.core.compiler import Flags
from numba.core.targetconfig import TargetConfig

with_counts, without = Flags(), Flags()
with_counts.nrt, without.nrt = True, False
print("equal:", with_counts == without, "same hash:", hash(with_counts) == hash(without))

compared = [0]
plain = TargetConfig.__eq__


def counted(self, other):
    compared[0] += 1
    return plain(self, other)


TargetConfig.__eq__ = counted
inner = numba.njit(lambda x: x + 1.0)
for n in range(12):

    def outer(x, inner=inner):
        total = 0.0
        for k in range(3):
            total += min(inner(x), max(x, float(k))) * abs(x)
        return total

    inner = numba.njit(outer, forceinline=n % 2 == 1)
inner(1.0)
print("more than 100 comparisons:", compared[0] > 100, compared[0])
PY
seen=$(v/bin/python chain.py)
echo "$seen"
grep -qx "equal: False same hash: True" <<<"$seen"
grep -q "more than 100 comparisons: True" <<<"$seen"
