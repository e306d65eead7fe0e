#!/usr/bin/env bash
# numba: each place that indexes an array makes the compiler read all its registries again.
#
# Expected: the registries of types and of their code are read when a compilation starts, and again when a call has no
#   code yet. To index an array is the first thing numba was made for, so it needs no search.
# Seen: for each place that indexes an array, numba asks for a conversion named "__array__", which it has for no array
#   of its own. It takes the miss for a sign of new extensions, imports twenty modules again (from Python's cache) and
#   goes through its registries, for types and for code. A function with 40 places does so 40 times more than one
#   with none.
# Why it matters: code full of arrays has hundreds of such places, each costs half a millisecond (on this machine),
#   and no profile of one's own code shows it.
# Instead: register the missing conversion as what it is (an array is an array). The count no longer grows.
# seen on 2026-11-30 with numba 0.68.1, numpy 2.4.6
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq numba==0.68.1 numpy==2.4.6
cat > count.py <<'PY'
import sys

import numba
from numba import types
from numba.core.base import BaseContext
from numba.extending import lower_builtin

reads = [0]
refresh = BaseContext.refresh


def counted(context):
    reads[0] += 1
    return refresh(context)


BaseContext.refresh = counted
if "registered" in sys.argv:

    @lower_builtin("__array__", types.Array)
    def same(context, builder, signature, given):
        return given[0]


def reads_of(places):
    """How often compiling a sum of so many elements reads the registries."""
    names = {}
    exec("def f(a, i):\n    return " + " + ".join(["0.0", *("a[i]" for _ in range(places))]), names)
    before = reads[0]
    numba.njit("float64(float64[::1], int64)", no_cpython_wrapper=True, no_cfunc_wrapper=True)(names["f"])
    return reads[0] - before


reads_of(1)
print(reads_of(0), reads_of(40))
PY
read -r none forty <<<"$(v/bin/python count.py)"
read -r kept forty_kept <<<"$(v/bin/python count.py registered)"
echo "reads of the registries: $none without an index, $forty with 40; where arrays are registered, $kept and $forty_kept"
[ "$((forty - none))" -ge 40 ]
[ "$((forty_kept - kept))" -le 1 ]
