"""JSON in full precision from one writer."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import sim
from sim.reporting.records import to_json_text


@given(st.lists(st.floats(), max_size=5))
def test_numbers_round_trip(numbers: list[float]) -> None:
    table = pd.DataFrame({"p": np.array(numbers, dtype=float)})
    for back in (json.loads(to_json_text(table)), json.loads(to_json_text({"rows": table, "x": 1}))["rows"]):
        assert [row["p"] for row in back] == [x if math.isfinite(x) else None for x in numbers]
    assert json.loads(to_json_text(np.array(numbers, dtype=float))) == [
        x if math.isfinite(x) else None for x in numbers
    ]


def test_small_p_is_not_0() -> None:
    assert json.loads(to_json_text(pd.DataFrame({"p": [3e-31]}))) == [{"p": 3e-31}]


def test_numpy_types_as_json() -> None:
    record = {"whole": np.int64(3), "flag": np.True_, "none": np.float64("nan"), "rows": (np.float64(0.1), "ä")}
    assert to_json_text(record) == '{\n "whole": 3,\n "flag": true,\n "none": null,\n "rows": [\n  0.1,\n  "ä"\n ]\n}'
    with pytest.raises(TypeError):
        to_json_text({"what": object()})


def test_no_other_json_writer() -> None:
    """The JSON writer of pandas keeps ten decimals only."""
    for path in Path(sim.__file__).parent.rglob("*.py"):
        assert ".to_json(" not in path.read_text(encoding="utf-8"), path.name
