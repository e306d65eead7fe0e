"""Findings as JSON: the one place where tables and numbers become text for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def to_json_record(value: Any) -> Any:
    """A nested record of what JSON has: a table as a list of its rows, an array as a list, numbers in full precision.

    NaN and infinities become null, as JSON has none of them.
    """
    if isinstance(value, Mapping):
        return {key: to_json_record(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_json_record(inner) for inner in value]
    if hasattr(value, "to_dict"):  # a table of pandas, which need not be imported for this
        return to_json_record(value.to_dict(orient="records"))
    if hasattr(value, "tolist"):  # an array or a number of numpy
        return to_json_record(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_json_text(record: Any) -> str:
    """A record as JSON text, readable by people too; raises TypeError for what JSON has no form for."""
    return json.dumps(to_json_record(record), ensure_ascii=False, indent=1, allow_nan=False)
