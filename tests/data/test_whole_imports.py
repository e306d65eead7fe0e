"""Whole imports equal the expected texts in `tests/cases/imports`, to the byte.

`PYTHONPATH=tests python tests/data/whole_imports.py` writes them again and prints the difference.
"""

from __future__ import annotations

import pytest
from data.whole_imports import CASES, EXPECTED, import_text


@pytest.mark.parametrize("name", CASES)
def test_whole_import(name: str) -> None:
    assert import_text(name) == (EXPECTED / f"{name}.txt").read_text("utf-8")
