"""What is prepared while the browser opens is what the first page shows."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from sim.app import cache
from sim.app.player import ahead
from sim.app.serve import PAGES


def test_first_page_computes_no_frames_after_preparation(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead.prepare_first_page()
    monkeypatch.setattr(cache, "frame_data", None)
    monkeypatch.setattr(cache, "runs_here", None)
    assert not AppTest.from_file(str(PAGES), default_timeout=300).run().exception
