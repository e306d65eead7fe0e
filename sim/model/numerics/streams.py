"""Random numbers of a run: Philox streams by seed, replicate, step and state (model: Scheduling)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sim.model.arrays import RANDOM_ORDER, Floats, Integers, Words
from sim.model.numerics.arithmetic import logarithm, product_words
from sim.model.numerics.jit import compile_apart, compile_inline, compile_rule, compile_within


class RandomNumbers(NamedTuple):
    """Random numbers of a run, the same for all scenarios (model: Scheduling); runs come first for several."""

    keys: Words  # (T + 1, N), by which the states of a step are ordered; (0, N) where drawn as they are needed
    uniforms: Floats  # (T + 1, N)
    key: Words  # (2,), seed and replicate


@compile_inline
def philox(
    key0: np.uint64, key1: np.uint64, c0: np.uint64, c1: np.uint64, c2: np.uint64, c3: np.uint64
) -> tuple[np.uint64, np.uint64]:
    """Compute output words 0 and 1 of Philox 4x64-10 with this key and counter (Salmon et al. 2011)."""
    x0, x1, x2, x3 = c0, c1, c2, c3
    k0, k1 = key0, key1
    for _ in range(10):
        high0, low0 = product_words(np.uint64(0xD2E7470EE14C6C93), x0)
        high1, low1 = product_words(np.uint64(0xCA5A826395121157), x2)
        x0, x1, x2, x3 = high1 ^ x1 ^ k0, low1, high0 ^ x3 ^ k1, low0
        k0 += np.uint64(0x9E3779B97F4A7C15)
        k1 += np.uint64(0xBB67AE8584CAA73B)
    return x0, x1


@compile_inline
def draw_exponentials(key: Words, step: int, code: np.uint64, alternatives: Words, out: Floats) -> None:
    """Draw Exp(1) of each alternative of a state at a step into out, (K + 1,) (model: Dispositions).

    key is (seed, replicate). Each alternative has its own counter, so that another bloc changes no other draw.
    """
    for k in range(alternatives.size):
        word, _ = philox(key[0], key[1], np.uint64(step), code, alternatives[k], np.uint64(1))
        out[k] = -logarithm((np.float64(word >> np.uint64(12)) + 0.5) * 2.0**-52)


@compile_inline
def draw_step(seed: np.uint64, replicate: np.uint64, step: int, codes: Words, keys: Words, uniforms: Floats) -> None:
    """Draw the order key and the uniform in [0, 1) of every state at a step, into keys and uniforms.

    Random numbers belong to states, so scenarios share common random numbers (model: Scheduling).
    """
    for i in range(codes.size):
        key, word = philox(seed, replicate, np.uint64(step), codes[i], np.uint64(0), np.uint64(0))
        keys[i] = key
        uniforms[i] = np.float64(word >> np.uint64(11)) * 2.0**-53


@compile_within
def draw_uniforms(seed: np.uint64, replicate: np.uint64, step: int, codes: Words, uniforms: Floats) -> None:
    """Draw the uniforms of `draw_step` without its keys, which takes less time."""
    for i in range(codes.size):
        _, word = philox(seed, replicate, np.uint64(step), codes[i], np.uint64(0), np.uint64(0))
        uniforms[i] = np.float64(word >> np.uint64(11)) * 2.0**-53


@compile_apart
def order_step(
    step: int, activation: int, numbers: RandomNumbers, codes: Words, id_order: Integers, order: Integers,
    keys: Words, slots: Integers,
) -> None:  # fmt: skip
    """Write the order of decisions of a step to order, (N,); keys and slots are workspace."""
    drawn = numbers.keys.shape[0] > 0
    for i in range(codes.size):
        if drawn:
            keys[i] = numbers.keys[step, i]
        else:
            word, _ = philox(numbers.key[0], numbers.key[1], np.uint64(step), codes[i], np.uint64(0), np.uint64(0))
            keys[i] = word
    order_by_keys(activation, keys, id_order, order, slots)


@compile_within
def order_by_keys(activation: int, keys: Words, id_order: Integers, order: Integers, slots: Integers) -> None:
    """Write the order of decisions to order, (N,): by key then id, or the world's order (model: Scheduling).

    Keys are uniform, so each of N slots (with bounds in slots, (N + 1,)) receives about one key. Insertion
    sort then orders the keys within a slot. It is stable, so equal keys stay in the order of ids.
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
    for i in id_order:
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
    """Return the slot of a key among n slots of equal width."""
    return int(((key >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))


@compile_rule
def decision_order(activation: int, keys: Words, id_order: Integers) -> Integers:
    """Return the order of decisions, (N,): by key then id, or the world's order (model: Scheduling)."""
    order, slots = np.empty(keys.size, dtype=np.int64), np.empty(keys.size + 1, dtype=np.int64)
    order_by_keys(activation, keys, id_order, order, slots)
    return order


def draw_numbers(seed: int, replicates: Sequence[int], steps: int, codes: Words, with_keys: bool) -> RandomNumbers:
    """Draw the random numbers of runs, one for each replicate."""
    n, runs, rows = codes.size, len(replicates), steps + 1
    key = np.array([(seed, replicate) for replicate in replicates], dtype=np.uint64)
    numbers = RandomNumbers(
        np.empty((runs, rows if with_keys else 0, n), dtype=np.uint64), np.empty((runs, rows, n)), key
    )
    fill_numbers(*numbers, codes)
    return numbers


@compile_rule
def fill_numbers(keys: Words, uniforms: Floats, key: Words, codes: Words) -> None:
    """Write the random numbers of runs, one for each row of key, (runs, 2); keys, where they have rows."""
    for r in range(uniforms.shape[0]):
        for step in range(uniforms.shape[1]):
            if keys.shape[1] > 0:
                draw_step(key[r, 0], key[r, 1], step, codes, keys[r, step], uniforms[r, step])
            else:
                draw_uniforms(key[r, 0], key[r, 1], step, codes, uniforms[r, step])
