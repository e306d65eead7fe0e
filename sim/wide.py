"""The product of two 64-bit words in full, by the processor's own instruction where it is compiled.

Luck takes twenty of them a draw, which takes half as long again where they are put together from halves.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload


def product_words(a: np.uint64, b: np.uint64) -> tuple[np.uint64, np.uint64]:
    """High and low word of the product of two 64-bit words."""
    half = np.uint64(32)
    low_half = np.uint64(0xFFFFFFFF)
    a_high, a_low = a >> half, a & low_half
    b_high, b_low = b >> half, b & low_half
    middle = a_high * b_low + ((a_low * b_low) >> half)
    other = a_low * b_high + (middle & low_half)
    return a_high * b_high + (middle >> half) + (other >> half), a * b


@intrinsic
def multiplied(_: Any, a: Any, b: Any) -> tuple[Any, Callable[..., Any]]:
    """The same in numba's words: a product of 128 bits, cut in two."""

    def instructions(context: Any, builder: Any, signature: Any, words: Any) -> Any:
        wide, word = ir.IntType(128), ir.IntType(64)
        product = builder.mul(*(builder.zext(factor, wide) for factor in words))
        high = builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), word)
        return context.make_tuple(builder, signature.return_type, (high, builder.trunc(product, word)))

    pair: Any = types.UniTuple
    return pair(types.uint64, 2)(types.uint64, types.uint64), instructions


@overload(product_words)
def compiled_product_words(a: Any, b: Any) -> Callable[..., Any]:
    """What compiled rules call by that name."""

    def product(a: Any, b: Any) -> Any:
        return multiplied(a, b)  # type: ignore[call-arg]  # its first argument is numba's own

    return product
