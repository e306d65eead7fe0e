"""The smallest world with dispositions that persist: two states and two blocs, as an exact Markov chain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CELLS = 3  # of a threshold: below both utility differences, between them, above both


def pair_law(attraction: float, *, renewal: float) -> NDArray[np.float64]:
    """Compute the stationary law of two equal states with two blocs, kept dispositions and random order.

    Of a disposition only the threshold θ = ln E_1 − ln E_2 matters, logistic, and of that only whether it is below,
    between or above the two utility differences −|J| and |J| over τ: 3 cells and 2 alignments for each of two states,
    36 conditions of a Markov chain. A state takes the first bloc where its difference exceeds θ: below always, above
    never, between with the other (J > 0) or apart from it (J < 0). In each step both states decide in random order,
    each after renewal with chance h. With h = 1 the chance of one bloc is e^J / (1 + e^J) (Boltzmann).

    Parameters
    ----------
    attraction : float
        J = (U(with the other) − U(without)) / τ, without unit; −20 to 20, beyond which rounding shows.
    renewal : float
        Chance h per step that a disposition is renewed, above 0, to 1.

    Returns
    -------
    array of float, (3, 3, 2, 2)
        Probability by cell of each state and alignment of each state, at the end of a step, with sum 1.

    Raises
    ------
    ValueError
        If renewal is not a chance above 0; at 0 the start decides which law holds.

    Examples
    --------
    >>> law = pair_law(1.5, renewal=0.05).sum(axis=(0, 1))
    >>> print(law.trace().round(2))  # chance that both are in one bloc
    0.93
    """
    if not 0 < renewal <= 1:
        raise ValueError(f"renewal {renewal} is not a chance above 0")
    tail = 1 / (1 + np.exp(abs(attraction)))
    cells = np.array([tail, 1 - 2 * tail, tail])
    shape = (CELLS, CELLS, 2, 2)
    size = int(np.prod(shape))
    turn = np.zeros((2, size, size))  # decision of each of the two
    for number, (*cell, x, y) in enumerate(np.ndindex(shape)):
        for i, other in enumerate((y, x)):
            for new, chance in enumerate(cells):
                follow = other if attraction > 0 else 1 - other
                chosen = (0, follow, 1)[new]
                target = [*cell, x, y]
                target[i], target[2 + i] = new, chosen
                place = np.ravel_multi_index(target, shape)
                turn[i, number, place] = renewal * chance + (1 - renewal) * (new == cell[i])
    step = (turn[0] @ turn[1] + turn[1] @ turn[0]) / 2
    equations = np.vstack([(step.T - np.eye(size))[1:], np.ones(size)])  # one balance equation follows from the others
    return np.linalg.solve(equations, np.eye(size)[-1]).reshape(shape)
