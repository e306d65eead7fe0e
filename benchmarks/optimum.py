"""Measure the time to prove the optimum of two blocs: 60 states, all tied, one tie in five frustrated.

`python -m benchmarks.optimum [--states 60] [--frustrated 0.2] [--instances 3] [--seconds 60] [--json]`
"""

from __future__ import annotations

import argparse
import json
import os

# One core; numpy reads these variables when it is imported.
os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})

import time
from dataclasses import dataclass

import numpy as np

from sim.theory.landscape import Matrix
from sim.theory.optimum import Optimum, find_optimum


@dataclass(frozen=True)
class Proof:
    """A solved instance, with wall and CPU seconds."""

    instance: int
    wall_seconds: float
    cpu_seconds: float
    violated: int  # frustrated ties of the optimum
    found: Optimum


def frustrated_network(states: int, *, frustrated: float, rng: np.random.Generator) -> Matrix:
    """Make a balanced complete network of two camps, (N, N), and turn this share of its signs."""
    camp = rng.choice([-1.0, 1.0], states)
    pairs = states * (states - 1) // 2
    sign = np.ones(pairs)
    sign[rng.choice(pairs, round(frustrated * pairs), replace=False)] = -1.0
    network = np.zeros((states, states))
    network[np.triu_indices(states, 1)] = sign
    return np.outer(camp, camp) * (network + network.T)


def prove(instance: int, *, states: int, frustrated: float, seconds: float) -> Proof:
    """Solve one instance; its number is the random seed."""
    rng = np.random.default_rng(instance)
    network = frustrated_network(states, frustrated=frustrated, rng=rng)
    wall, cpu = time.perf_counter(), time.process_time()
    found = find_optimum(np.ones(states), network, rng=rng, seconds=seconds)
    spent = time.perf_counter() - wall, time.process_time() - cpu
    violated = round(found.energy / 2) + int((network < 0).sum()) // 2
    return Proof(instance, *spent, violated, found)


def gap(energy: float, bound: float) -> float:
    """(energy - bound) / |bound|, in [0, 1]; 0 where both are 0."""
    return (energy - bound) / abs(bound) if bound else 0.0


def lines(proof: Proof) -> list[str]:
    """Describe the course and the end of one search."""
    course = [
        f"  {at:7.2f} s   energy {energy:9.1f}   bound {bound:9.1f}   gap {gap(energy, bound):7.2%}"
        for at, energy, bound in proof.found.trace
    ]
    end = "proven" if proof.found.proven else f"not proven, gap {proof.found.gap:.2%}"
    return [
        f"instance {proof.instance}",
        *course,
        f"  {end} in {proof.wall_seconds:.2f} s ({proof.cpu_seconds:.2f} s of CPU); {proof.violated} ties frustrated",
    ]


def main() -> None:
    """Prove each instance and print the gap over time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--states", type=int, default=60)
    parser.add_argument("--frustrated", type=float, default=0.2, help="share of ties turned, in [0, 1]")
    parser.add_argument("--instances", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60.0, help="limit of each instance")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    prove(0, states=8, frustrated=0.2, seconds=given.seconds)  # compiles
    proofs = [
        prove(instance, states=given.states, frustrated=given.frustrated, seconds=given.seconds)
        for instance in range(1, given.instances + 1)
    ]
    if given.json:
        records = [
            {
                "instance": proof.instance,
                "proven": proof.found.proven,
                "wall_seconds": round(proof.wall_seconds, 3),
                "cpu_seconds": round(proof.cpu_seconds, 3),
                "energy": proof.found.energy,
                "bound": proof.found.bound,
                "gap": proof.found.gap,
                "frustrated_ties": proof.violated,
                "trace": [
                    {"seconds": round(at, 3), "energy": energy, "bound": bound, "gap": gap(energy, bound)}
                    for at, energy, bound in proof.found.trace
                ],
            }
            for proof in proofs
        ]
        print(json.dumps({"states": given.states, "frustrated": given.frustrated, "instances": records}))
    else:
        print("\n".join(line for proof in proofs for line in lines(proof)))


if __name__ == "__main__":
    main()
