"""Mutants of honest fits: saved chances with their plan, and draws of a posterior."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
from batch.mutants import (
    Mutant,
    attempt,
    break_file,
    change_table,
    change_value,
    forge_seals,
    move_shards,
    plant_link,
    remove,
)

from sim.article.robustness import VARIED
from sim.forecast import chances
from sim.forecast.chances import PLAN, ChancePlan, ChanceTable, fixed_digest, prior_bounds, stored_chances
from sim.forecast.draws import Draws, write_draws
from sim.scenario.loading import BASE, load_scenario

DRAWS = "posterior.csv"
SMALL = ChancePlan(points=6, replicates=1, seed=3)
CELLS = [
    "", "-1", "1e300", "nan", "inf", "x", "0.5;0.5", "0,5", "1_0", " 1 ", '"', '"a\nb"', "\0", "١", "0x1p3", "1" * 400,
    "1" * 200_000, "=1+1", "'; drop table", "\x1b[31m\u202e",
]  # fmt: skip
NAMES = ["", "../outside/secret", "/etc/passwd", "baseline_2023", "unix_1988", "nowhere", "x" * 5_000, "secret.json"]
BLOCK = 3  # points in a shard, so that a small table has two


def make_fit(folder: Path) -> ChanceTable:
    """Compute or read a small table of chances."""
    before, chances.BLOCK = chances.BLOCK, BLOCK
    try:
        return stored_chances(load_scenario(BASE), SMALL, folder, workers=1)
    finally:
        chances.BLOCK = before


def make_draws(folder: Path) -> None:
    """Write draws from the prior as those of a fit."""
    low, high = prior_bounds()
    values = low + np.random.default_rng(1).random((12, len(VARIED))) * (high - low)
    record = {"scenario": "unix_1988", "digest": fixed_digest(load_scenario("unix_1988")), "seed": "1"}
    folder.mkdir()
    write_draws(folder / DRAWS, Draws(values, record))


class FitMutant(Mutant):
    """A copy of a folder of saved chances, whose record is the plan."""

    @property
    def manifest(self) -> Path:
        return self.folder / PLAN


class DrawsMutant(Mutant):
    """A copy of a folder with the draws of a posterior."""

    @property
    def manifest(self) -> Path:
        return self.folder / DRAWS

    def any_path(self) -> Path:
        return self.manifest


def change_plan(mutant: Mutant) -> str:
    """Another value, or another shape, in a plan."""
    how = mutant.rng.choice(["value", "value", "number", "list", "none", "nested"])
    if how == "value":
        return change_value(mutant)
    content = {"number": 7, "list": [1], "none": None, "nested": {"plan": {"points": [[]]}, "ranges": "x"}}[how]
    mutant.manifest.write_text(json.dumps(content), "utf-8")
    return f"{how} plan"


def change_draws(mutant: Mutant) -> str:
    """Another cell, row, column or header in a file of draws."""
    rng, path = mutant.rng, mutant.manifest
    if not path.is_file() or path.is_symlink():
        return "nothing"
    lines = path.read_text("utf-8", errors="replace").splitlines()
    first = next((n for n, line in enumerate(lines) if not line.startswith("#")), 0)
    at = rng.randrange(len(lines)) if lines else 0
    how = rng.choice(["cell", "cell", "cell", "name", "digest", "column", "row", "twice", "header", "cut", "many"])
    cells = lines[at].split(",") if lines else [""]
    cells[rng.randrange(len(cells))] = rng.choice(CELLS)
    changed: dict[str, Callable[[], list[str]]] = {
        "cell": lambda: [*lines[:at], ",".join(cells), *lines[at + 1 :]],
        "name": lambda: [f"# scenario: {rng.choice(NAMES)}", *lines[1:]],
        "digest": lambda: ["# digest: 0", *lines],
        "column": lambda: [line.rpartition(",")[0] or line for line in lines],
        "row": lambda: [*lines[:at], *lines[at + 1 :]],
        "twice": lambda: [*lines[: at + 1], *lines[at:]],
        "header": lambda: [*lines[:first], lines[first].upper() if lines else "", *lines[first + 1 :]],
        "cut": lambda: lines[:at],
        "many": lambda: [*lines, *[line[:1_000] for line in lines[-1:]] * rng.choice([1_000, 100_000])],
    }
    path.write_text("\n".join(changed[how]()), "utf-8")
    return f"{how} draws"


def break_draws(mutant: Mutant) -> str:
    """Draws cut anywhere, with other bytes, or with something else in their place."""
    rng, path = mutant.rng, mutant.manifest
    how = rng.choice(["cut", "bytes", "flip", "link", "link"])
    if how == "link" or not path.is_file() or path.is_symlink():
        return plant_link(mutant)
    content = bytearray(path.read_bytes())
    if how == "cut":
        del content[rng.randrange(len(content) + 1) :]
    elif how == "flip" and content:
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    elif how == "bytes":
        content = bytearray(rng.randbytes(200))
    remove(path)
    path.write_bytes(content)
    return f"{how} draws"


def mutate_fit(mutant: Mutant) -> list[str]:
    """Change saved chances or their plan in one or two ways, in most cases with seals that fit."""
    rng = mutant.rng
    ways = [change_plan, change_table, change_table, break_file, plant_link, move_shards]
    done = [attempt(rng.choice(ways), mutant) for _ in range(rng.choice([1, 1, 2]))]
    return [*done, attempt(forge_seals, mutant)] if rng.random() < 0.8 else done


def mutate_draws(mutant: Mutant) -> list[str]:
    """Change a file of draws in one or two ways."""
    rng = mutant.rng
    return [
        attempt(rng.choice([change_draws, change_draws, break_draws]), mutant) for _ in range(rng.choice([1, 1, 2]))
    ]


def mutant_of(kind: str, folder: Path, outside: Path, foreign: Path, rng: random.Random) -> Mutant:
    """A copy of an honest folder of a kind."""
    return {"fit": FitMutant, "draws": DrawsMutant}.get(kind, Mutant)(folder, outside, foreign, rng)
