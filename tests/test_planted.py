"""The faults that benchmarks plant can still be planted: what each replaces stands once in its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.planted_faults import FAULTS, Planted

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_what_a_fault_replaces_stands_once_in_its_file(fault: Planted) -> None:
    assert (ROOT / fault.file).read_text(encoding="utf-8").count(fault.before) == 1
    assert fault.after != fault.before
