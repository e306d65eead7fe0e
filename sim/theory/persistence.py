"""Closed forms of dispositions that persist: who stays, who moves where, how often (model: Decision).

A state has a disposition, one draw E_k from Exp(1) for each alternative k, and takes the k with the greatest
U_k − τ ln E_k: an exponential race with weights w_k = exp(U_k / τ), which makes the logit p = w / Σw. A state that
keeps its disposition while the weights become w′ moves only if its race has another winner.

All functions use log-weights U / τ (`log_weights`) of shape (..., K + 1), 0 non-aligned, 1..K a bloc, and differences
of them only, so that a chance that underflows does no harm. `held` is the alignment a that the state took, an integer
or an array (...). The utility of a includes inertia, before *and* after: at the start inertia is part of why the state
is in a, and until it moves it still has that inertia. The caller adds it to U(a) and U′(a), to no other alternative.

Where the start says nothing about the disposition its draws are plain: at temperature 0, which `before` then shows, and
after a random start, for which the caller gives `before` as of a fixed state.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Integers = NDArray[np.int64]

Flags = NDArray[np.bool_]


def log_weights(utilities: Floats, temperature: float, held: int | Integers, *, fixed: bool | Flags = False) -> Floats:
    """Compute the log-weights U / τ of the exponential race.

    Parameters
    ----------
    utilities : array of float, (..., K + 1)
        Utilities with inertia included, in units of utility; −inf where the alternative is forbidden.
    temperature : float
        Temperature τ, 0 or more, in units of utility.
    held : int or array of int, (...)
        Alignment held, 0..K.
    fixed : bool or array of bool, (...)
        Whether the state never decides.

    Returns
    -------
    array of float, (..., K + 1)
        U / τ, without unit. At temperature 0: 0 for the best alternative (ties go to the one held, then to the lowest
        index) and −inf for the others. Of a fixed state: 0 for what is held and −inf for the others.

    Raises
    ------
    ValueError
        If the temperature is negative, U / τ is too large for a float, or every alternative is forbidden.

    Examples
    --------
    >>> log_weights(np.array([1.0, 2.0]), 0.5, held=0)
    array([2., 4.])
    >>> log_weights(np.array([1.0, 2.0]), 0.0, held=0)
    array([-inf,   0.])
    """
    if not temperature >= 0:
        raise ValueError(f"temperature {temperature} is not a number of 0 or more")
    utilities = np.asarray(utilities, dtype=np.float64)
    with np.errstate(over="ignore"):
        weights = utilities / (temperature or 1.0)
    highest = weights.max(axis=-1, keepdims=True)
    if not np.isfinite(highest).all():
        raise ValueError("utilities over temperature must be finite, or −inf for some alternatives, not for all")
    own = _one_hot(utilities, held)
    if temperature == 0:
        best = weights == highest
        kept = best & (own == 0)
        weights = _one_hot(utilities, np.where(kept.any(axis=-1), kept.argmax(axis=-1), best.argmax(axis=-1)))
    return np.where(np.asarray(fixed)[..., None], own, weights)


def spell_chance(path: Floats, held: int | Integers) -> Floats:
    """Compute the chance that a state takes one alternative at every step of a spell, its disposition unknown before.

    1 / Σ_k max_s (w_k^s / w_a^s).

    Parameters
    ----------
    path : array of float, (S, ..., K + 1)
        Log-weights at each of the S steps.
    held : int or array of int, (...)
        The alternative a.

    Returns
    -------
    array of float, (...)
        Probability, 0 to 1.
    """
    return np.exp(-_log_sum(log_ratios(np.asarray(path), held).max(axis=0)))


def stay_chance(path: Floats, held: int | Integers) -> Floats:
    """Compute the chance that a state that took a at the first of S steps takes it at all later ones, disposition kept.

    [Σ_k w_k^0 / w_a^0] / [Σ_k max_s (w_k^s / w_a^s)]; for S = 2 the chance to stay when w becomes w′.

    Parameters
    ----------
    path : array of float, (S, ..., K + 1)
        Log-weights at each step: `[before, after]`, or more.
    held : int or array of int, (...)
        The alternative a, taken at the first step.

    Returns
    -------
    array of float, (...)
        Probability, 0 to 1; exactly 1 where nothing changes.

    Examples
    --------
    >>> print(stay_chance(np.log([[1, 1, 1], [1, 1, 2]]), held=0).round(6))
    0.75
    """
    return np.exp(_log_stay(np.asarray(path), held))


def transition_chances(before: Floats, after: Floats, held: int | Integers) -> Floats:
    """Compute the chance of each alternative under w′ given that a was taken under w, disposition kept.

    For b ≠ a it is the joint chance over p_a: with ρ = E_b / E_a, α = w / w_a, β = w′ / w′_b and
    D(ρ) = Σ_k max(α_k, β_k ρ), it is Σ_k α_k times the integral of dρ / D(ρ)² from α_b = w_b / w_a to 1 / β_a =
    w′_b / w′_a, and 0 where these bounds cross. D is linear between the breakpoints α_k / β_k, and there the integral
    from ρ₁ to ρ₂ is exactly (ρ₂ − ρ₁) / (D(ρ₁) D(ρ₂)).

    Parameters
    ----------
    before, after : array of float, (..., K + 1)
        Log-weights when a was taken, and now; both with inertia on a.
    held : int or array of int, (...)
        The alternative a.

    Returns
    -------
    array of float, (..., K + 1)
        P(a → b | kept) by b, 0 to 1, with sum 1; the chance to stay at b = a.

    Examples
    --------
    >>> print(transition_chances(np.log([1, 1, 1]), np.log([1, 2, 3]), held=0).round(6))
    [0.5      0.142857 0.357143]
    """
    return np.exp(_log_transitions(before, after, held))


def joint_chances(before: Floats, after: Floats, held: int | Integers) -> Floats:
    """Compute the chance of taking a under w and b under w′ with one disposition, (..., K + 1) by b, with sum p_a.

    Parameters
    ----------
    before, after : array of float, (..., K + 1)
        Log-weights at the two decisions.
    held : int or array of int, (...)
        The alternative a of the first.

    Returns
    -------
    array of float, (..., K + 1)
        Probability, 0 to 1. It underflows with p_a; `transition_chances` does not. Where w_a is 0 it is 0.
    """
    first = log_ratios(np.asarray(before), held)
    return np.exp(_log_transitions(before, after, held) - _log_sum(first)[..., None])


def expected_movers(before: Floats, after: Floats, held: int | Integers) -> float:
    """Compute the expected number of states that move if no other does: Σ_i (1 − P(stay_i)).

    Parameters
    ----------
    before, after : array of float, (N, K + 1)
        Log-weights at the start in the factual world, and at the first decision with the others as they were.
    held : int or array of int, (N,)
        Alignment of each state at the start.

    Returns
    -------
    float
        Number of states, 0 to N.
    """
    return float((1 - stay_chance(np.stack([before, after]), held)).sum())


def tipping_distance(utilities: Floats, temperature: float) -> Floats:
    """Compute the gain δ½ of each alternative at which half of the states that are elsewhere would have moved to it.

    τ ln(1 + 1 / p_k); at temperature 0 its limit, the distance from the best alternative.

    Parameters
    ----------
    utilities : array of float, (..., K + 1)
        Utilities with inertia on the alignment held; −inf where forbidden.
    temperature : float
        Temperature τ, 0 or more, in units of utility.

    Returns
    -------
    array of float, (..., K + 1)
        Gain in utility, 0 or more, of alternative k by itself; infinite where forbidden. Of the alignment held, it is
        the distance of a state like this one that is elsewhere. A fixed state has none: it never moves.

    Examples
    --------
    >>> print(tipping_distance(np.array([0.0, 0.0, 0.0]), 0.1).round(6))  # 0.1 ln 4
    [0.138629 0.138629 0.138629]
    """
    if temperature == 0:
        return utilities.max(axis=-1, keepdims=True) - utilities
    return temperature * np.logaddexp(0, -_log_chances(log_weights(utilities, temperature, 0)))


def tipping_chance(weights: Floats, gain: float | Floats) -> Floats:
    """Compute the chance that a state elsewhere moves to k if k by itself gains: p_k (e^g − 1) / (1 + p_k (e^g − 1)).

    Parameters
    ----------
    weights : array of float, (..., K + 1)
        Log-weights with inertia on the alignment held.
    gain : float or array of float
        Gain g = δ / τ of alternative k, without unit. A loss moves no state to k.

    Returns
    -------
    array of float, (..., K + 1)
        Probability by k, 0 to 1, whatever other alternative the state took.
    """
    with np.errstate(divide="ignore"):
        rise = np.maximum(gain, 0) + np.log(-np.expm1(-np.maximum(gain, 0.0)))  # log(e^g − 1), for any g
    odds = _log_chances(weights) + rise
    return np.exp(-np.logaddexp(0, -odds))


def switching_rate(weights: Floats, *, inertia: float | Floats, renewal: float | Floats) -> Floats:
    """Compute the chance per step that a state changes alignment in a world at rest.

    At renewal it redraws by the logit with inertia on its alignment, a reversible chain. With g = e^inertia and
    s = Σ p², its stationary law is π_a ∝ p_a (1 + (g − 1) p_a), and h Σ_a π_a (1 − p_a(a)) comes to
    h (1 − s) / (1 + (g − 1) s); without inertia h (1 − s).

    Parameters
    ----------
    weights : array of float, (..., K + 1)
        Log-weights *without* inertia.
    inertia : float or array of float, (...)
        Inertia over temperature, without unit.
    renewal : float or array of float, (...)
        Chance h per step that the disposition is renewed, 0 to 1.

    Returns
    -------
    array of float, (...)
        Changes per step, 0 to h.
    """
    p = np.exp(_log_chances(weights))
    same, other = (p * p).sum(axis=-1), (p * (1 - p)).sum(axis=-1)
    with np.errstate(divide="ignore"):
        return renewal * np.exp(np.log(other) - np.logaddexp(np.log(other), inertia + np.log(same)))


def direct_chances(
    before: Floats, after: Floats, held: int | Integers,
    *, inertia: float | Floats, renewal: float | Floats, steps: int,
) -> Floats:  # fmt: skip
    """Compute the chance of each alignment after some steps if no other state moves.

    The weights become w′ before step 1 and stay. Without inertia: r P(a → b | kept) + (1 − r) p′_b, where
    r = (1 − h)^steps = e^{−λt} is the chance that the disposition is kept throughout. (It then holds for every w′ of
    the last step, whatever came between.) With inertia a renewed state redraws with inertia on what it then holds:
    the law of step 1 is q = (1 − h) P(a → · | kept) + h M_a and that of step T is q [(1 − h) I + h M]^{T − 1}, with
    M_c the logit of w′ with inertia on c.

    Parameters
    ----------
    before, after : array of float, (..., K + 1)
        Log-weights at the start in the factual world, and since; both with inertia on a.
    held : int or array of int, (...)
        Alignment a at the start.
    inertia : float or array of float, (...)
        Inertia over temperature as it is included in `after`, without unit; 0 at temperature 0.
    renewal : float or array of float, (...)
        Chance h per step that the disposition is renewed, 1 − e^{−λΔ}, 0 to 1.
    steps : int
        Number of steps, 1 or more.

    Returns
    -------
    array of float, (..., K + 1)
        Probability by alignment, with sum 1. The direct effect is this less the same with after = before.
    """
    after = np.asarray(after, dtype=np.float64)
    own = _one_hot(after, held) == 0
    inertia = np.asarray(inertia, dtype=np.float64)[..., None]
    h = np.asarray(renewal, dtype=np.float64)[..., None]
    redrawn = np.exp(_log_chances(after))
    plain = np.where(own, after - inertia, after)
    chain = np.exp(_log_chances(plain[..., None, :] + inertia[..., None] * np.eye(after.shape[-1])))
    first = (1 - h) * transition_chances(before, after, held) + h * redrawn
    later = (1 - h[..., None]) * np.eye(after.shape[-1]) + h[..., None] * chain
    return (first[..., None, :] @ np.linalg.matrix_power(later, steps - 1))[..., 0, :]


def redrawn_chances(weights: Floats) -> Floats:
    """Compute the logit of log-weights, (..., K + 1): the chances of a state whose disposition is drawn."""
    return np.exp(_log_chances(np.asarray(weights, dtype=np.float64)))


def log_ratios(weights: Floats, held: int | Integers) -> Floats:
    """Compute log (w_k / w_held), (..., K + 1); infinite where w_held is 0 and w_k is not."""
    own = np.where(_one_hot(weights, held) == 0, weights, -np.inf).max(axis=-1, keepdims=True)
    return np.subtract(weights, own, out=np.zeros_like(weights), where=weights != own)


def log_ratios_at_start(before: Floats, held: int | Integers) -> Floats:
    """Compute log (w_k / w_held), (..., K + 1); as of plain draws where the start could not have been chosen."""
    ratios = log_ratios(before, held)
    explained = (ratios < np.inf).all(axis=-1, keepdims=True)
    return np.where(explained, ratios, _one_hot(before, held))


def log_joint_move(start: Floats, after: Floats, held: int | Integers, b: int) -> Floats:
    """Compute the logarithm of the joint chance of a by the log-ratios `start` and of b by the log-weights `after`."""
    return _log_move(start, after, held, b) - _log_sum(start)


def _log_sum(weights: Floats) -> Floats:
    """Return log Σ_k w_k, (...)."""
    return np.logaddexp.reduce(weights, axis=-1)


def _log_chances(weights: Floats) -> Floats:
    """Return log p_k of the logit, (..., K + 1)."""
    return weights - _log_sum(weights)[..., None]


def _one_hot(weights: Floats, chosen: int | Integers) -> Floats:
    """Return log-weights of the shape given that are 0 for the alternative chosen and −inf for the others."""
    own = np.arange(weights.shape[-1]) == np.asarray(chosen)[..., None]
    return np.where(np.broadcast_to(own, weights.shape), 0.0, -np.inf)


def _log_stay(path: Floats, held: int | Integers) -> Floats:
    """Return the logarithm of `stay_chance`, 0 or less."""
    first = log_ratios_at_start(path[0], held)
    most = np.maximum(first, log_ratios(path[1:], held).max(axis=0))
    return np.minimum(_log_sum(first) - _log_sum(most), 0.0)


def _log_transitions(before: Floats, after: Floats, held: int | Integers) -> Floats:
    """Return the logarithm of `transition_chances`."""
    before, after = np.broadcast_arrays(np.asarray(before, dtype=np.float64), np.asarray(after, dtype=np.float64))
    start = log_ratios_at_start(before, held)
    moves = [_log_move(start, after, held, b) for b in range(after.shape[-1])]
    stay = _log_stay(np.stack([before, after]), held)
    return np.where(_one_hot(after, held) == 0, stay[..., None], np.stack(moves, axis=-1))


def _log_move(start: Floats, after: Floats, held: int | Integers, b: int) -> Floats:
    """Return the logarithm of P(a → b | kept), (...), from log α and the log-weights after; −inf where b = a."""
    possible = after[..., b, None] > -np.inf
    beta = after - np.where(possible, after[..., b, None], 0.0)
    turns = np.subtract(start, beta, out=np.zeros_like(beta), where=start != beta)  # breakpoints of D
    highest = np.where(_one_hot(after, held) == 0, -beta, -np.inf).max(axis=-1, keepdims=True)
    points = np.sort(np.clip(turns, start[..., b, None], highest), axis=-1)
    left, right = points[..., :-1], points[..., 1:]
    proper = (left < right) & possible
    left, right = np.where(proper, left, 0.0)[..., None], np.where(proper, right, 1.0)[..., None]
    start, beta = start[..., None, :], beta[..., None, :]
    at_left = _log_sum(np.maximum(start, beta + left))  # log D
    at_right = _log_sum(np.maximum(start - right, beta))  # log (D / ρ), which is finite at ρ = ∞ as well
    lengths = np.log(-np.expm1(left - right))[..., 0]
    pieces = np.where(proper, lengths - at_left - at_right, -np.inf)
    return np.minimum(_log_sum(pieces) + _log_sum(start)[..., 0], 0.0)
