"""Make synthetic worlds of any size: two blocs with leaders, random ties between all pairs."""

from __future__ import annotations

import numpy as np

from sim.model import arrays
from sim.model.arrays import Shocks, Situation, WorldSetting
from sim.model.world import World, encode_alignments, encode_states, normalise_shares

ALIGNMENTS = ("non_aligned", "west", "east")
THEATRES = ("land", "sea")


def layers(size: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw ties of every kind for so many pairs: a third has a bond, a third a rivalry, a tenth a sanction."""
    return {
        "bond": np.where(rng.random(size) < 0.34, rng.random(size).round(2), 0.0),
        "institution": np.where(rng.random(size) < 0.5, 0.4, 0.0),
        "rivalry": np.where(rng.random(size) < 0.34, rng.random(size).round(2), 0.0),
        "sanction": np.where(rng.random(size) < 0.1, rng.random(size).round(2), 0.0),
        "trade": rng.random(size) * 0.02,
    }


def settings(n: int, steps: int, base: World, rng: np.random.Generator) -> tuple[WorldSetting, Situation]:
    """Make the arrays of a world, with empty ties."""
    names = tuple(f"S{i:05d}" for i in range(n))
    none, capability = np.zeros((0, 0)), normalise_shares(rng.lognormal(0.0, 1.5, n))
    codes, id_order = encode_states(names)
    setting = WorldSetting(
        capability=capability,
        product=normalise_shares(rng.lognormal(0.0, 1.5, n)),
        relative_capability=capability / capability.max(),
        theatre=rng.integers(0, 2, n),
        autonomy=np.ones(n),
        renewal=np.ones(n),
        fixed=np.arange(n) < 2,
        codes=codes,
        id_order=id_order,
        alternatives=encode_alignments(ALIGNMENTS),
        allowed=np.ones(3, dtype=np.bool_),
        leader=np.array([0, 1]),
        propensity=none,
        dependence=none,
        crisis=np.zeros((steps + 1, 2)),
        initial=np.concatenate([[1, 2], np.full(n - 2, -1)]),
        initial_chances=np.zeros((n, 3)),
        layers=arrays.LIKENESS,
        kept=False,
        calendar=False,
        years=1.0,
    )
    start = Situation(
        *(none,) * 5,
        regime=np.zeros((0, 0), dtype=np.int64),
        priority=np.array([[0.5, 1.0], [0.2, 0.2]]),
        enforcement=np.array([0.6, 0.0]),
        attention_budget=np.ones(2),
        accommodation=np.array([0.02, 0.0]),
        parameters=base.start.parameters,
        polyarchy=np.full(n, np.nan),
        upheaval=np.full(n, arrays.NOT_RENEWED),
    )
    return setting, start


def dense(n: int, steps: int, base: World, *, seed: int = 1) -> World:
    """Make a world in which all pairs are tied."""
    rng = np.random.default_rng(seed)
    setting, start = settings(n, steps, base, rng)
    i, j = np.triu_indices(n, 1)
    found = layers(i.size, rng)

    def matrix(values: np.ndarray) -> np.ndarray:
        full = np.zeros((n, n))
        full[i, j] = full[j, i] = values
        return full

    sanction = np.zeros((n, n))
    sanction[i, j] = found["sanction"]
    bond = matrix(found["bond"])
    start = start._replace(
        bond=bond, bond_origin=bond.copy(), institution=matrix(found["institution"]),
        rivalry=matrix(found["rivalry"]), sanction=sanction, regime=(sanction > 0).astype(np.int64),
    )  # fmt: skip
    setting = setting._replace(propensity=np.zeros((n, n)), dependence=matrix(found["trade"]))
    nothing = Shocks(np.zeros(steps + 2, dtype=np.int64), *(np.zeros(0, dtype=d) for d in "qqqdq?"))
    states = tuple(f"S{k:05d}" for k in range(n))
    return World(
        states, ALIGNMENTS, THEATRES, steps, arrays.RANDOM_ORDER, setting, start, nothing, anchored=True, factual=None
    )
