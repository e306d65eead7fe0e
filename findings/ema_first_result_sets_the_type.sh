#!/usr/bin/env bash
# EMA Workbench: the type of the first result is that of all; after a first 0, every 0.75 is stored as 0.
#
# Expected: a ScalarOutcome stores the numbers that the model returns; an ArrayOutcome its texts.
# Seen: the array of an outcome gets the dtype of the first experiment's result. Is that the whole number 0, later floats are
#   cut to whole numbers; is it the text "front", later texts are cut to five letters ("us_led" becomes "us_le"). No
#   warning. The same experiments in another order give other results.
# Why it matters: a function returns 0 where nobody joins a bloc and a share otherwise. Whether 0.75 or 0 is stored depends
#   on which future is sampled first, so a seed decides whether a table has any effect. Cut names still look like ids.
# Instead: return float(x); declare ScalarOutcome(name, dtype=float); code texts as numbers.
# seen on 2026-11-29 with ema_workbench 3.0.0, which needs Python 3.12
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for python in python3.13 python3.12 "$HOME"/.pyenv/versions/3.1[23]*/bin/python; do
  if "$python" --version >/dev/null 2>&1; then break; fi
done
"$python" -m venv v
v/bin/pip install -qq ema_workbench==3.0.0 numpy==2.4.6 pandas==2.3.3 networkx==3.6.1
v/bin/python - 2> log <<'PY'
import warnings

warnings.simplefilter("ignore", UserWarning)  # ipyparallel is not installed
from ema_workbench import ArrayOutcome, Model, RealParameter, Sample, ScalarOutcome, perform_experiments


def world(pressure=0.0):
    joins = pressure > 0.5
    return {"share": 0.75 if joins else 0, "bloc": "us_led" if joins else "front"}


model = Model("world", function=world)
model.uncertainties = [RealParameter("pressure", 0, 1)]
model.outcomes = [ScalarOutcome("share"), ArrayOutcome("bloc")]
low, high = Sample("low", pressure=0.2), Sample("high", pressure=0.8)
with warnings.catch_warnings():
    warnings.simplefilter("error")
    _, first_low = perform_experiments(model, scenarios=[low, high])
    _, first_high = perform_experiments(model, scenarios=[high, low])
assert first_low["share"].tolist() == [0, 0], first_low
assert first_high["share"].tolist() == [0.75, 0.0], first_high
assert first_low["bloc"].tolist() == ["front", "us_le"], first_low
assert first_high["bloc"].tolist() == ["us_led", "front"], first_high
print(f"shares 0 and 0.75 are stored as {first_low['share'].tolist()}, 0.75 and 0 as {first_high['share'].tolist()}; blocs as {first_low['bloc'].tolist()}")
PY
