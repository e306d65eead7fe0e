"""The same run in C: `loop.c` compiled at -O3 by gcc, where there is one, and called through ctypes."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from sim import outcomes
from sim.world import World

SOURCE = Path(__file__).with_name("loop.c")
FLAGS = (
    "-O3",
    "-march=native",
    "-fno-trapping-math",
    "-fno-math-errno",
    "-shared",
    "-fPIC",
)  # values stay what they are
SIZES = ("n", "alignments", "theatres", "steps", "outcomes")
SETTING = (
    "capability", "product", "standing", "autonomy", "propensity", "dependence", "crisis",
    "theatre", "by_id", "leader", "initial", "fixed", "allowed", "codes",
)  # fmt: skip
START = (
    "bond", "institution", "rivalry", "sanction", "priority", "enforcement", "attention_budget", "accommodation",
    "parameters", "regime",
)  # fmt: skip


class CWorld(ctypes.Structure):
    """`struct world` of loop.c."""

    _fields_ = [*((n, ctypes.c_int64) for n in SIZES), *((n, ctypes.c_void_p) for n in (*SETTING, *START))]


class CRecord(ctypes.Structure):
    """`struct record` of loop.c."""

    _fields_ = [(n, ctypes.c_void_p) for n in ("alignment", "chances", "stability", "bite", "outcomes")]


def built() -> ctypes.CDLL | None:
    """The compiled loop, or None where there is no gcc."""
    gcc = shutil.which("gcc")
    if gcc is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "loop.so"
        subprocess.run([gcc, *FLAGS, "-o", str(made), str(SOURCE), "-lm"], check=True)
        return ctypes.CDLL(str(made))


def runner(library: ctypes.CDLL, world: World) -> Callable[[int, int], dict[str, Any]]:
    """A function of seed and replicate that runs the world in C and returns what it recorded, by name."""
    assert world.shocks.kind.size == 0, "the loop in C knows no shocks"
    n, k, rows = len(world.states), len(world.alignments), world.steps + 1
    columns = len(outcomes.names(world.alignments[1:], world.theatres))
    arrays = [np.ascontiguousarray(getattr(world.setting, name)) for name in SETTING]
    arrays += [np.ascontiguousarray(getattr(world.start, name)) for name in START]
    told = CWorld(n, k, len(world.theatres), world.steps, columns, *(a.ctypes.data for a in arrays))

    def run(seed: int, replicate: int, kept: list[Any] = arrays) -> dict[str, Any]:  # kept: C holds their addresses
        record = {
            "alignment": np.empty((rows, n), dtype=np.int64),
            "chances": np.empty((rows, n, k)),
            "stability": np.empty((rows, n)),
            "bite": np.empty((rows, n)),
            "outcomes": np.empty((rows, columns)),
        }
        out = CRecord(*(a.ctypes.data for a in record.values()))
        library.run_loop(ctypes.byref(told), ctypes.c_uint64(seed), ctypes.c_uint64(replicate), ctypes.byref(out))
        return record

    return run
