"""The steps over which a run's outcomes are averaged, in words."""

from __future__ import annotations

from collections.abc import Iterable

from sim.outcomes import LATE_STEPS


def last_steps(steps: int | Iterable[int]) -> str:
    """The steps that means are over, such as `the last 8 steps`, for runs of so many steps, or of several numbers.

    Shorter runs than 8 steps are averaged over all steps but the start.
    """
    lengths = {steps} if isinstance(steps, int) else set(steps)
    counts = sorted({min(length, LATE_STEPS) for length in lengths}) or [LATE_STEPS]
    number = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
    return "the last step" if counts == [1] else f"the last {number} steps"
