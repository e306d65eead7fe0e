"""What the app says of how sure a difference is, in a sentence and in its table."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sim.analysis.paired import CLEAR_ITSELF, ITSELF_MEANS
from sim.app.pages.dated import EXPLAINED, ITSELF, change_cells, describe_change, sureness
from sim.cli.results.comparison import STARS, star

APART = {"baseline_mean": 0.03, "mean": 0.08, "difference": 0.05, "low": 0.027, "high": 0.09, "pairs": 200}


@pytest.mark.parametrize(("clear", "verdict"), [(True, "clear"), (False, ITSELF)])
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


def test_one_phrase_for_what_is_clear_by_itself_only() -> None:
    """The app, the command and its sentences call one rule and say one phrase, which is no word of likelihood."""
    assert ITSELF_MEANS.startswith(f"{CLEAR_ITSELF}: its own interval leaves out 0, but among so many")
    assert "likely" not in CLEAR_ITSELF
    row = SimpleNamespace(**APART, clear=False, identical=False)
    assert star(row) == "(*)"
    assert STARS.endswith(f"(*) {ITSELF_MEANS}")
    assert ITSELF.endswith(" (*)")
    assert f"(*) {ITSELF_MEANS}" in EXPLAINED


def test_followers_have_their_interval() -> None:
    """The change, less the exact direct part: its interval is that of the change, moved by this part."""
    row = SimpleNamespace(
        **APART, clear=True, identical=False, direct=0.06, rest=-0.01, rest_low=-0.033, rest_high=0.03
    )
    assert change_cells(row)[3:5] == ("+6.0", "-3.3 to +3.0")
    none = SimpleNamespace(**{**vars(row), "rest_low": float("nan"), "rest_high": float("nan")})
    assert change_cells(none)[4] == "–"
