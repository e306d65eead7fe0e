"""The text that names the last steps of a run."""

from __future__ import annotations

import pytest

from sim.model.outcomes import last_steps


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        (40, "the last 8 steps"),
        (8, "the last 8 steps"),
        (3, "the last 3 steps"),
        (1, "the last step"),
        ([40, 20], "the last 8 steps"),
        ([3, 40], "the last 3 to 8 steps"),
        ([], "the last 8 steps"),
    ],
)
def test_last_steps_text(steps: int | list[int], words: str) -> None:
    assert last_steps(steps) == words
