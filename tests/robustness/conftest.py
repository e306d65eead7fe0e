"""The sweep that nothing happens to."""

from __future__ import annotations

import pytest
from robustness.ground import question

from sim.store import Results
from sim.sweep import sweep


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The sweep run without interruption, by one worker."""
    return sweep(question(), tmp_path_factory.mktemp("whole") / "results", workers=1).results
