#!/usr/bin/env bash
# numba: int(), round() and floor() of NaN or infinity are numbers in compiled code, also where errors follow Python.
#
# Expected: error_model="python", the default, makes compiled code raise what Python raises. It does for a division by
#   zero. int(nan) raises ValueError in Python and int(inf) OverflowError, so compiled code should too.
# Seen: int, round and math.floor of NaN and of infinity return -9223372036854775808 under both error models, without
#   a word, and so does int(1e300). The same function without compilation raises.
# Why it matters: a simulation that bins a value, looks up a table or draws "the k-th of n" computes an index so. One
#   undefined value then addresses memory far outside the array, which numba does not check by default; the
#   interpreted test of the same function would have raised.
# Instead: refuse NaN before an index is computed, initialise every array that is summed, and test with
#   NUMBA_BOUNDSCHECK=1 and with NUMBA_DISABLE_JIT=1.
# seen on 2026-11-29 with numba 0.68.1, numpy 2.4.6
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq numba==0.68.1 numpy==2.4.6
v/bin/python - <<'PY'
import math

import numba

LOWEST = -(2**63)


def to_int(x):
    return int(x)


def to_floor(x):
    return math.floor(x)


def to_nearest(x):
    return round(x)


def divided(x):
    return 1.0 / x


def raised(function, x):
    try:
        return function(x)
    except (ArithmeticError, ValueError) as error:
        return type(error).__name__


compiled = {f.__name__: numba.njit(error_model="python")(f) for f in (to_int, to_floor, to_nearest, divided)}
assert raised(divided, 0.0) == raised(compiled["divided"], 0.0) == "ZeroDivisionError"
for function in (to_int, to_floor, to_nearest):
    assert raised(function, math.nan) == "ValueError"
    assert raised(function, math.inf) == "OverflowError"
    assert compiled[function.__name__](math.nan) == compiled[function.__name__](math.inf) == LOWEST
assert to_int(1e300) > 0 > compiled["to_int"](1e300)
print(f"numba {numba.__version__}: int(nan) raises in Python and is {compiled['to_int'](math.nan)} compiled")
PY
