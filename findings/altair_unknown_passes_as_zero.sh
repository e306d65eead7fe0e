#!/usr/bin/env bash
# Altair, Vega-Lite, VegaFusion: a filter of a chart takes an unknown number for 0; the table of the same chart does not.
#
# Expected: a state whose score is unknown fails `score >= -5`, as in pandas and SQL; and a chart and its table agree.
# Seen: the chart of the states between -5 and 5 has China, whose score is NaN, and no other. Comparisons of alt.datum and
#   the predicates for less and for a range do the same. `transformed_data()`, the table of what is drawn, has no state.
#   Where the filtered score is not on an axis, nothing in the chart tells; totals and counts take the unknown along.
#   Cause: NaN becomes null in JSON, and in JavaScript null >= -5 and null <= 5 are both true. transformed_data() does not
#   run Vega but VegaFusion, where a comparison with null is not true.
# Why it matters: scales of regimes and affinity have 0 in their middle, so states without a score become anocracies or
#   neutrals in the chart alone, and the check with transformed_data() says that they did not.
# Instead: filter before the chart is made, or also with alt.FieldValidPredicate(field="score", valid=True).
# seen on 2026-11-30 with altair 6.3.0, vl-convert-python 1.9.0.post1, vegafusion 2.0.3, pandas 3.1.1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq altair==6.3.0 vl-convert-python==1.9.0.post1 vegafusion==2.0.3 narwhals==2.29.0 pandas==3.1.1 numpy==2.4.6 pyarrow==26.0.1
v/bin/python -W error - <<'PY'
import re
from importlib.metadata import version

import altair as alt
import pandas as pd
import vl_convert

table = pd.DataFrame({"state": ["US", "UK", "SU", "CN"], "score": [10.0, 9.0, -7.0, float("nan")], "votes": [1, 2, 3, 4]})
score, known = alt.datum.score, alt.FieldValidPredicate(field="score", valid=True)
MIDDLE = (score >= -5) & (score <= 5)


def chart(*filters):
    made = alt.Chart(table).mark_bar()
    for one in filters:
        made = made.transform_filter(one)
    return made.encode(x="state:N", y="votes:Q")


def drawn(*filters):
    picture = vl_convert.vegalite_to_svg(chart(*filters).to_json())
    return re.findall(r'aria-label="state: (\w+); votes', picture)


def tabled(*filters):
    return chart(*filters).transformed_data()["state"].tolist()


assert drawn() == table.state.tolist(), drawn()
assert table.state[table.score.between(-5, 5)].tolist() == tabled(MIDDLE) == [], tabled(MIDDLE)
assert drawn(MIDDLE) == ["CN"], drawn(MIDDLE)
assert drawn(alt.FieldRangePredicate(field="score", range=[-5, 5])) == ["CN"]
low = alt.FieldLTPredicate(field="score", lt=5)
assert drawn(low) == drawn(score < 5) == ["SU", "CN"] and tabled(score < 5) == ["SU"], drawn(low)
assert drawn(score >= 0) == ["US", "UK", "CN"] and tabled(score >= 0) == ["US", "UK"], drawn(score >= 0)
assert drawn(known, MIDDLE) == [] and drawn(known, score >= 0) == ["US", "UK"]
versions = ", ".join(f"{name} {version(name)}" for name in ("altair", "vl-convert-python", "vegafusion"))
print(f"{versions}: states from -5 to 5 are {drawn(MIDDLE)} in the chart, {tabled(MIDDLE)} in its table")
PY
