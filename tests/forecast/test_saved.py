"""Saved chances, plans and draws of another shape are refused with every fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.article.robustness import VARIED
from sim.batch.store import Results, write_shard
from sim.errors import InputError
from sim.forecast.chances import KINDS, PLAN, prepare_chances, read_chances, shard_columns
from sim.forecast.draws import FILE, read_draws
from sim.forecast.record import observed_file
from sim.scenario.loading import BASE

BLOCKS, STATES = {"000000": range(2), "000002": range(2, 3)}, 4


def saved(folder: Path, **changes: Any) -> Path:
    """A folder with the chances of three points, with other columns in the second block."""
    found = np.random.default_rng(1).random((3, STATES, len(KINDS)))
    for name, block in BLOCKS.items():
        table = shard_columns(block, found[block.start : block.stop])
        table |= changes if block.start else {}
        write_shard(Results(folder), name, {"chances": {k: v for k, v in table.items() if v is not None}}, "")
    return folder


def test_saved_chances_are_read(tmp_path: Path) -> None:
    found = read_chances(saved(tmp_path), BLOCKS, STATES)
    assert np.array_equal(found, np.random.default_rng(1).random((3, STATES, len(KINDS))))


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"yes": None}, "yes", "is missing"),
        ({"yes": np.array(["a", "b", "c", "d"], dtype=object)}, "yes", "has the type VARCHAR, not DOUBLE"),
        ({"no": np.array([0.1, 0.2, 1.5, 0.3])}, "no", "1 of 4 rows are out of range, such as '1.5'; right is from 0"),
        ({"no": np.array([0.1, 0.2, np.nan, 0.3])}, "no", "such as no value"),
        ({"point": np.array([2, 2, 2, 7])}, "point", "such as '7'; right is from 2 to 2"),
    ],
)
def test_saved_chances_are_refused_by_column(tmp_path: Path, changes: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(InputError) as refused:
        read_chances(saved(tmp_path, **changes), BLOCKS, STATES)
    fault = next(fault for fault in refused.value.faults if message in fault.message)
    assert (Path(fault.file).parts[-2:], fault.field) == (("000002", "chances.parquet"), field)


def test_saved_chances_of_other_rows_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="shards:1: chances: has other rows than the fit writes; remove the folder"):
        read_chances(saved(tmp_path, state=np.array([0, 1, 2, 2])), BLOCKS, STATES)


def test_saved_chances_with_a_column_in_other_letters_are_refused(tmp_path: Path) -> None:
    table = shard_columns(range(2), np.random.default_rng(1).random((2, STATES, len(KINDS))))
    renamed = {"POINT" if name == "point" else name: column for name, column in table.items()}
    write_shard(Results(tmp_path), "000000", {"chances": renamed}, "")
    with pytest.raises(InputError, match="point"):
        read_chances(tmp_path, {"000000": range(2)}, STATES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "plan.json:1: is not a table; remove the folder, or choose another --out"),
        ("{", "plan.json:1: is not JSON"),
        ('{"plan": "x", "ranges": {}}', "plan.json:1: ranges: is of another table ({} there, [0, 1] now)"),
    ],
)
def test_plan_of_another_shape_is_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / PLAN).write_text(content, "utf-8")
    with pytest.raises(InputError) as refused:
        prepare_chances(tmp_path, json.loads('{"plan": {"points": 2}, "ranges": [0, 1]}'))
    assert message in str(refused.value)
    assert len(refused.value.faults) == (2 if "ranges" in content else 1)


def changed_draws(path: Path, change: Any) -> Path:
    """The draws of a posterior with another first row."""
    lines = observed_file(BASE).with_name(FILE).read_text("utf-8").splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith(VARIED[0])) + 1
    lines[first] = ",".join(change(lines[first].split(",")))
    path.write_text("\n".join(lines), "utf-8")
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda row: ["-1", *row[1:]], f"{VARIED[0]}: -1 is out of bounds; give a value from 0 to 20"),
        (lambda row: ["1e300", *row[1:]], f"{VARIED[0]}: 1e+300 is out of bounds"),
        (lambda row: ["nan", *row[1:]], "is not a row of"),
        (lambda row: row[1:], "is not a row of"),
        (lambda row: ["1" * 200_000, *row[1:]], "is not CSV (field larger than field limit"),
    ],
)
def test_draws_out_of_bounds_are_refused(tmp_path: Path, change: Any, message: str) -> None:
    with pytest.raises(InputError) as refused:
        read_draws(changed_draws(tmp_path / "p.csv", change))
    assert message in str(refused.value)
