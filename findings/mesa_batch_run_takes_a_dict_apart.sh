#!/usr/bin/env bash
# Mesa: a dictionary that a model needs whole is taken apart by batch_run: one run for each of its keys.
#
# Expected: batch_run(Model, {"weights": {"bond": 1.0, "trade": 0.5}}) gives one run with these weights, or an error: the
#   parameter is one value, and Model(weights={...}) takes it.
# Seen: two runs, with weights="bond" and weights="trade". The keys arrive as the value, the numbers are gone. No warning.
#   A model that tests `"bond" in weights` gets True from the text too.
# Why it matters: weights by term, capabilities by state and ties by pair are dictionaries in this field. The batch has
#   more runs than asked for, none of them with the weights that its row seems to name.
# Instead: wrap each fixed value, {"weights": [{"bond": 1.0, "trade": 0.5}]}, and count the runs.
# seen on 2026-11-29 with Mesa 3.3.1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq mesa==3.3.1 networkx==3.6.1 numpy==2.4.6 pandas==2.3.3
v/bin/python -W error - <<'PY'
import mesa

WEIGHTS = {"bond": 1.0, "trade": 0.5}


class World(mesa.Model):
    def __init__(self, weights, rng=None):
        super().__init__(rng=rng)
        self.weights = weights
        self.datacollector = mesa.DataCollector(model_reporters={"seen": lambda model: model.weights})
        self.datacollector.collect(self)

    def step(self):
        self.datacollector.collect(self)


def runs(weights):
    rows = mesa.batch_run(World, {"weights": weights}, number_processes=1, max_steps=1, display_progress=False)
    return [row["seen"] for row in rows]


assert World(weights=WEIGHTS).weights == WEIGHTS
assert runs(WEIGHTS) == ["bond", "trade"], runs(WEIGHTS)
assert runs([WEIGHTS]) == [WEIGHTS], runs([WEIGHTS])
print(f"Mesa {mesa.__version__}: a dictionary of two weights gives {len(runs(WEIGHTS))} runs, with {runs(WEIGHTS)}")
PY
