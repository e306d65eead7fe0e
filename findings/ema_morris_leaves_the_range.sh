#!/usr/bin/env bash
# EMA Workbench: Morris samples an IntegerParameter below its range, and takes the last category for the first.
#
# Expected: IntegerParameter("steps", 0, 3) gives 0 to 3, a CategoricalParameter each of its categories.
# Seen: with Samplers.MORRIS the integer is -1, 1, 2 or 3 and never 0; of three categories "c" comes twice as often as the
#   others, as it also takes the place of "a" at the lowest level. A quarter of the experiments is outside
#   the range that was declared. LHS, Monte Carlo and Sobol are right.
# Why: the design has exact zeros, and scipy's randint(low, high).ppf(0) is low - 1; category -1 is the last one in Python.
# Why it matters: -1 sanctions, -1 replicates or lag -1 run without an error in many models (a lag of -1 is the future), and
#   the elementary effect of the lowest level, of "no sanctions", is that of another category.
# Instead: RealParameter and int(x) in the model with Morris, or samples of SALib of one's own.
# seen on 2026-11-29 with ema_workbench 3.0.0, which needs Python 3.12, scipy 1.17.1 and SALib 1.6.0
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for python in python3.13 python3.12 "$HOME"/.pyenv/versions/3.1[23]*/bin/python; do
  if "$python" --version >/dev/null 2>&1; then break; fi
done
"$python" -m venv v
v/bin/pip install -qq ema_workbench==3.0.0 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1 SALib==1.6.0 networkx==3.6.1
v/bin/python - 2> log <<'PY'
from collections import Counter

from ema_workbench import CategoricalParameter, IntegerParameter, Model, Samplers, ScalarOutcome, perform_experiments

seen = {"steps": Counter(), "bloc": Counter()}


def world(steps=0, bloc="a"):
    seen["steps"][int(steps)] += 1
    seen["bloc"][bloc] += 1
    return {"outcome": 1.0}


def sampled(sampler, count):
    for counted in seen.values():
        counted.clear()
    model = Model("world", function=world)
    model.uncertainties = [IntegerParameter("steps", 0, 3), CategoricalParameter("bloc", ["a", "b", "c"])]
    model.outcomes = [ScalarOutcome("outcome")]
    perform_experiments(model, scenarios=count, uncertainty_sampling=sampler)
    return {name: dict(sorted(counted.items())) for name, counted in seen.items()}


right, wrong = sampled(Samplers.LHS, 120), sampled(Samplers.MORRIS, 200)
assert set(right["steps"]) == {0, 1, 2, 3}, right
assert set(right["bloc"]) == {"a", "b", "c"}, right
assert set(wrong["steps"]) == {-1, 1, 2, 3}, wrong
assert wrong["steps"][-1] > 100, wrong
print(f"IntegerParameter(0, 3) and three categories: LHS {right}, Morris {wrong}")
PY
