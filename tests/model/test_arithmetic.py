"""The exponential, the logarithm and the 128-bit product of the rules, against exact arithmetic."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sim.model.numerics.arithmetic import LOWEST, exponential, logarithm, product_words
from sim.model.numerics.streams import philox

WORDS = st.integers(0, 2**64 - 1)


@given(st.floats(LOWEST, 0))
def test_exponential_error_bound(x: float) -> None:
    with localcontext(prec=60):
        true = Decimal(x).exp()
        assert abs(Decimal(exponential(x)) / true - 1) <= Decimal("1.1") * Decimal(2) ** -52


@given(st.floats(1e-300, 1e300) | st.floats(0.5, 2.0) | st.floats(1.0, 1.0 + 1e-9) | st.floats(1.0 - 1e-9, 1.0))
@example(1.0 - 2.0**-53)
@example(2.0**-53)
def test_logarithm_error_bound(x: float) -> None:
    with localcontext(prec=60):
        true = Decimal(x).ln()
        assert abs(Decimal(logarithm(x)) - true) <= abs(true) * Decimal(2) ** -52


@pytest.mark.parametrize(
    ("x", "value"), [(0.0, 1.0), (-0.0, 1.0), (-5e-324, 1.0), (LOWEST - 1.0, 0.0), (-math.inf, 0.0)]
)
def test_exponential_limits(x: float, value: float) -> None:
    assert exponential(x) == value


@given(WORDS, WORDS)
def test_128_bit_product(a: int, b: int) -> None:
    with np.errstate(over="ignore"):
        high, low = product_words(np.uint64(a), np.uint64(b))
    assert (int(high) << 64) + int(low) == a * b


def test_random_numbers_without_compilation() -> None:
    code = (
        "from sim.model.numerics.streams import philox; from numpy import uint64;"
        "print(*map(int, philox(*map(uint64, (1, 2, 3, 4, 5, 6)))))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == [str(word) for word in philox(*(np.uint64(n) for n in (1, 2, 3, 4, 5, 6)))]
