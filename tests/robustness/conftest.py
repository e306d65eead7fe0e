"""The uninterrupted sweep."""

from __future__ import annotations

import pytest
from robustness.ground import question

from sim.batch.store import Results
from sim.batch.sweep import run_sweep


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The uninterrupted sweep by one worker."""
    return run_sweep(question(), tmp_path_factory.mktemp("whole") / "results", workers=1).results
