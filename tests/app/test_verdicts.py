"""What the app says of how sure a difference is, in a sentence and in its table."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sim.app.pages.dated import LIKELY, LIKELY_MEANS, describe_change, sureness

APART = {"baseline_mean": 0.03, "mean": 0.08, "difference": 0.05, "low": 0.027, "high": 0.09, "pairs": 200}


@pytest.mark.parametrize(("clear", "verdict"), [(True, "clear"), (False, LIKELY)])
def test_sentence_has_the_verdict_of_the_table(clear: bool, verdict: str) -> None:
    row = SimpleNamespace(**APART, clear=clear, identical=False)
    assert sureness(row) == verdict
    assert describe_change(row, "China joins") == (
        "In 8.0 of 100 histories China joins with the change, and in 3.0 of 100 without it: 5.0 more (95 % interval 2.7"
        f" to 9.0 more). How sure: {verdict}."
    )


def test_interval_with_zero_may_be_chance() -> None:
    row = SimpleNamespace(**{**APART, "low": -0.01}, clear=False, identical=False)
    assert sureness(row) == "may be chance"
    assert describe_change(row, "China joins").endswith("The difference may be chance (95 % interval -1.0 to +9.0).")


def test_meaning_of_likely_names_the_phrase() -> None:
    assert LIKELY_MEANS.startswith(f"{LIKELY}: its own interval leaves out 0, but among so many questions")
