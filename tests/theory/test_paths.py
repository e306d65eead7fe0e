"""Kept dispositions along a path of weights: parts computed by hand, and paths whose chances are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sim.theory.paths import MOST_NODES, choose_nodes, give_rest, path_chances, renewed_law, with_later

Floats = NDArray[np.float64]
LEVEL = np.zeros((1, 2))


def levels(*values: float) -> Floats:
    """A path of one state whose second alternative has these log-weights."""
    return np.array([[[0.0, value]] for value in values])


def chances(path: Floats, renewal: list[float], toward: list[int] | None = None) -> tuple[list[float], list[float]]:
    """Chances and entries of a state that begins in the first of two alternatives with equal weights."""
    law, entries = path_chances(
        LEVEL, path, np.array([0]), inertia=np.zeros(len(path)), renewal=np.array(renewal)[:, None],
        toward=None if toward is None else np.array(toward)[:, None],
    )  # fmt: skip
    return law[0].tolist(), entries[0].tolist()


# A path


def test_renewal_toward_an_alternative() -> None:
    """At rest only a renewal moves a state: where the new government prefers, or by the logit if it prefers none."""
    rest = levels(0.0)
    assert chances(rest, [0.25], [1]) == (pytest.approx([0.75, 0.25]), pytest.approx([1, 0.25]))
    assert chances(rest, [0.25], [0]) == (pytest.approx([1, 0]), pytest.approx([1, 0]))
    assert chances(rest, [0.25], [-1]) == chances(rest, [0.25]) == (
        pytest.approx([0.875, 0.125]), pytest.approx([1, 0.125])
    )  # fmt: skip


def test_renewals_of_two_steps_by_hand() -> None:
    """Renewed at step 1 with chance 1/2, when both are equal, and at step 2 with 1/4, when the second has weight 3.

    Kept, 0 stays with chance 1/2 (two of four), and of the half that is in 1 after a renewal all remain.
    """
    law, entries = chances(levels(0.0, np.log(3.0)), [0.5, 0.25])
    kept = 0.5 * 0.75 * 0.5  # never renewed, and 0 still wins
    first = 0.5 * 0.75 * 0.5 * 0.5  # renewed at step 1 only, then 0, and 0 still wins
    last = 0.25 * 0.25  # renewed at step 2: 0 has one of four
    assert law == pytest.approx([kept + first + last, 1 - kept - first - last])
    never = kept + first + 0.25 * (0.5 + 0.5 * 0.5) * 0.25  # drawn at step 2 after 0 at step 1
    assert entries == pytest.approx([1, 1 - never])


def test_weights_that_return_bring_a_kept_disposition_back() -> None:
    """Without inertia the last weights decide: of the half that left when 1 had weight 3 all return."""
    law, entries = chances(levels(np.log(3.0), 0.0), [0.0, 0.0])
    assert law == pytest.approx([1, 0])
    assert entries == pytest.approx([1, 0.5])


def test_alternative_that_is_never_possible() -> None:
    assert chances(levels(-np.inf, -np.inf), [0.0, 0.0]) == ([1, 0], [1, 0])
    assert chances(levels(-np.inf, -np.inf), [0.5, 0.5]) == ([1, 0], [1, 0])


def test_alternative_that_is_impossible_at_first() -> None:
    """What is impossible at one step, as all but the best are at temperature 0, has its chance at a later one."""
    assert chances(levels(-np.inf, np.log(3.0)), [0.0, 0.0])[0] == pytest.approx([0.25 / 0.5, 0.5])
    cold = np.array([[[0.0, -np.inf]], [[-np.inf, 0.0]]])
    law, entries = path_chances(cold[0], cold, np.array([0]), inertia=np.zeros(2), renewal=np.zeros((2, 1)))
    assert law[0].tolist() == [0, 1]
    assert entries[0].tolist() == [1, 1]


def test_inertia_keeps_what_the_weights_moved() -> None:
    """Inertia doubles the weight of what is held; 1 alone has weight 8 for a step, else both have 1.

    With x = E_1 / E_0, P(x > r) = 1 / (1 + r). A state in 0 has x > 1/2, leaves 0 for the weight of 8 if x < 8/2,
    and returns if x > 2/1. So of P(x > 1/2) = 2/3 stay 1/5 and return 1/3 - 1/5.
    """
    law, entries = path_chances(
        np.log([[2.0, 1.0]]), levels(np.log(8.0), 0.0), np.array([0]), inertia=np.full(2, np.log(2.0)),
        renewal=np.zeros((2, 1)),
    )  # fmt: skip
    stays, back = (1 / 5) / (2 / 3), (1 / 3 - 1 / 5) / (2 / 3)
    assert law[0] == pytest.approx([stays + back, 1 - stays - back])
    assert entries[0] == pytest.approx([1, 1 - stays])


# Parts


def test_nodes_of_a_path() -> None:
    """The last step before each change, and the last of all; changes of a thousandth and forbidden ones are none."""
    assert choose_nodes(levels(0, 0, 0)).tolist() == [2]
    assert choose_nodes(levels(0, 0, 1, 1)).tolist() == [1, 3]
    assert choose_nodes(levels(1, 0, 1)).tolist() == [0, 1, 2]
    assert choose_nodes(levels(0, 0.0005, 0.001)).tolist() == [2]
    assert choose_nodes(levels(0, 0.0009, 0.0018)).tolist() == [0, 2]
    assert choose_nodes(levels(-np.inf, -np.inf)).tolist() == [1]
    assert choose_nodes(levels(-np.inf, 0)).tolist() == [0, 1]


@pytest.mark.parametrize("steps", [MOST_NODES - 1, MOST_NODES, MOST_NODES + 1, 10 * MOST_NODES])
def test_most_nodes_of_a_path(steps: int) -> None:
    nodes = choose_nodes(levels(*range(steps)))
    assert len(nodes) == min(steps, MOST_NODES)
    assert (nodes[0], nodes[-1]) == (0, steps - 1)
    assert np.diff(nodes).min() >= steps // MOST_NODES


def test_largest_ratio_of_a_stay_by_hand() -> None:
    """The first step counts by `first`, those after it by `later`, whose own first step belongs to no stay."""
    first, later = np.array([3.0, 1.0, 2.0]), np.array([9.0, 5.0, 0.0])
    assert with_later(first, later).tolist() == [5, 1, 2]


def test_rest_in_proportion_to_moves() -> None:
    """What is left goes to the alternatives moved to, 2 : 1; to the one held where no state moves."""
    law = np.array([[0.5, 0.2, 0.1], [0.0, 0.75, 0.0]])
    found = give_rest(law, np.array([0, 1]))
    assert found == pytest.approx(np.array([[0.5, 1 / 3, 1 / 6], [0, 1, 0]]))


def test_mass_of_renewed_states_by_hand() -> None:
    """Every step keeps 0 with chance 1/2 and sends the rest to 1, which is kept; a renewal sends all to 1."""
    moves = np.array([[[[0.5, 0.5], [0.0, 1.0]]]] * 2)
    drawn = np.array([[[[0.0, 1.0], [0.0, 1.0]]]] * 2)
    renewal = np.array([[0.25], [0.5]])
    assert renewed_law(np.array([0]), moves, drawn, renewal).tolist() == [[0, 1 - 0.75 * 0.5]]
