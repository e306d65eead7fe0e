"""The folder of invented worlds that the tests of a backtest share."""

from __future__ import annotations

from pathlib import Path

import pytest
from invented_years import STARTS, write_invented_world


@pytest.fixture(scope="session")
def invented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Worlds of six years, five years apart; one state leaves the front in 1970."""
    folder = tmp_path_factory.mktemp("worlds")
    for year in range(1950, 1980, 5):
        changed = STARTS if year < 1970 else (*STARTS[:6], "non_aligned", *STARTS[7:])
        write_invented_world(folder, year, starts=changed)
    return folder
