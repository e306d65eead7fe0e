"""Convert findings to JSON: the only writer of JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def to_json_record(value: Any) -> Any:
    """Convert a value to what JSON can express: a table to a list of rows, an array to a list, in full precision.

    NaN and infinities become null.
    """
    if isinstance(value, Mapping):
        return {key: to_json_record(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json_record(inner) for inner in value]
    if hasattr(value, "to_dict"):  # a table of pandas, without importing pandas
        return to_json_record(value.to_dict(orient="records"))
    if hasattr(value, "tolist"):  # an array or a number of NumPy
        return to_json_record(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_json_text(record: Any) -> str:
    """Return a record as indented JSON text; raise TypeError for a value that JSON cannot express."""
    return json.dumps(to_json_record(record), ensure_ascii=False, indent=1, allow_nan=False)
