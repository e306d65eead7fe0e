"""The article's world beside a prototype of the model: `python -m benchmarks.prototype` prints the table of docs.

Ours runs at the prototype's bond weight and temperature, before both were fitted to the record.
"""

from __future__ import annotations

import numpy as np

from sim import ensemble
from sim.catalog import load
from sim.settings import with_settings, with_steps
from sim.world import world_of

REPLICATES, STEPS, SEED = 150, 30, 20231025
FRONT, LED = ("RUS", "CHN", "IRN", "ZAF"), ("IND", "BRA", "SAU")
# Capability of front (sd over runs) and of us_led, P(front) of FRONT, P(us_led) of LED, as the prototype gave them.
PROTOTYPE = {
    "baseline_2023": "0.17 (0.14), 0.43; 0.49 0.35 0.49 0.16; 0.39 0.44 0.64",
    "focused_indo_pacific": "0.09 (0.10), 0.41; 0.34 0.16 0.35 0.13; 0.26 0.44 0.61",
    "dispersed_attention": "0.18 (0.14), 0.43; 0.49 0.39 0.47 0.16; 0.43 0.44 0.65",
    "global_coexistence": "0.16 (0.14), 0.53; 0.48 0.37 0.48 0.09; 0.73 0.92 0.95",
    "no_sanctions": "0.09 (0.10), 0.41; 0.27 0.18 0.21 0.13; 0.27 0.44 0.60",
    "us_china_detente": "0.11 (0.11), 0.42; 0.35 0.18 0.34 0.13; 0.27 0.45 0.62",
    "sanctions_on_china": "0.26 (0.16), 0.45; 0.68 0.59 0.68 0.20; 0.58 0.44 0.66",
}


def ours(name: str) -> str:
    """The same figures from this model."""
    scenario = with_settings(load(name), {"w_bond": 1.4, "temperature": 0.045})
    scenario = with_steps(
        scenario.model_copy(update={"shocks": tuple(s for s in scenario.shocks if s.step <= STEPS)}), STEPS
    )
    world = world_of(scenario)
    runs = [*ensemble.runs(scenario, seed=SEED, replicates=range(REPLICATES), world=world)]
    late = np.mean([run.late_shares() for run in runs], axis=0)
    sizes = {
        b: [run.late_outcomes()[run.outcome_names.index(f"capability_{b}")] for run in runs]
        for b in ("front", "us_led")
    }
    at = list(scenario.states)
    front = " ".join(f"{late[at.index(s), world.alignments.index('front')]:.2f}" for s in FRONT)
    led = " ".join(f"{late[at.index(s), world.alignments.index('us_led')]:.2f}" for s in LED)
    spread = np.std(sizes["front"], ddof=1)
    return f"{np.mean(sizes['front']):.2f} ({spread:.2f}), {np.mean(sizes['us_led']):.2f}; {front}; {led}"


def table() -> str:
    """The table in Markdown."""
    rows = [f"| {name} | {told} | {ours(name)} |" for name, told in PROTOTYPE.items()]
    return "\n".join(["| scenario | prototype | ours |", "| --- | --- | --- |", *rows])


if __name__ == "__main__":
    print(table())
