"""Draw the random numbers of a run: Philox streams by seed, replicate, step and state (MODEL §3)."""

from __future__ import annotations

import numpy as np

from sim.model.arithmetic import product_words
from sim.model.arrays import RANDOM_ORDER, Floats, Integers, Words
from sim.model.jit import compile_inline, compile_rule


@compile_inline
def philox(key0: np.uint64, key1: np.uint64, step: np.uint64, code: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Output words 0 and 1 of Philox 4x64-10 with counter (step, code, 0, 0) (Salmon et al. 2011)."""
    x0, x1, x2, x3 = step, code, np.uint64(0), np.uint64(0)
    k0, k1 = key0, key1
    for _ in range(10):
        high0, low0 = product_words(np.uint64(0xD2E7470EE14C6C93), x0)
        high1, low1 = product_words(np.uint64(0xCA5A826395121157), x2)
        x0, x1, x2, x3 = high1 ^ x1 ^ k0, low1, high0 ^ x3 ^ k1, low0
        k0 += np.uint64(0x9E3779B97F4A7C15)
        k1 += np.uint64(0xBB67AE8584CAA73B)
    return x0, x1


@compile_inline
def draw_step(seed: np.uint64, replicate: np.uint64, step: int, codes: Words, keys: Words, uniforms: Floats) -> None:
    """Luck of every state at a step: its order key and its uniform in [0, 1), written to keys and uniforms.

    Luck belongs to the state, so that scenarios are compared on common random numbers (MODEL §3).
    """
    for i in range(codes.size):
        key, word = philox(seed, replicate, np.uint64(step), codes[i])
        keys[i] = key
        uniforms[i] = np.float64(word >> np.uint64(11)) * 2.0**-53


@compile_inline
def order_by_keys(activation: int, keys: Words, by_id: Integers, order: Integers, slots: Integers) -> None:
    """Order in which the states decide, written to order, (N,): by key then id, or the world's (MODEL §3).

    Keys are spread evenly, so each of N slots (their bounds in slots, (N + 1,)) gets about one of them; what
    shares a slot is then sorted by insertion. Ids come in order and equal keys never pass each other.
    """
    n = order.size
    if activation != RANDOM_ORDER:
        for i in range(n):
            order[i] = i
        return
    for s in range(n + 1):
        slots[s] = 0
    for i in range(n):
        slots[slot_of(keys[i], n) + 1] += 1
    for s in range(n):
        slots[s + 1] += slots[s]
    for i in by_id:
        slot = slot_of(keys[i], n)
        order[slots[slot]] = i
        slots[slot] += 1
    for place in range(1, n):
        state = order[place]
        while place > 0 and keys[order[place - 1]] > keys[state]:
            order[place] = order[place - 1]
            place -= 1
        order[place] = state


@compile_inline
def slot_of(key: np.uint64, n: int) -> int:
    """The slot of n even ones that a key falls into."""
    return int(((key >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@compile_rule
def decision_order(activation: int, keys: Words, by_id: Integers) -> Integers:
    """Order in which the states decide, (N,): by key then id, or the world's (MODEL §3)."""
    order, slots = np.empty(keys.size, dtype=np.int64), np.empty(keys.size + 1, dtype=np.int64)
    order_by_keys(activation, keys, by_id, order, slots)
    return order
