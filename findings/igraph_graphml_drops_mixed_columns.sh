#!/usr/bin/env bash
# igraph: write_graphml leaves out a column with numbers and texts, and writes a missing text as "None".
#
# Expected: every attribute is in the file, or an error says which cannot be; a missing value stays missing.
# Seen: a column [2, 365, "A02"] is not in the file at all: no warning, no error. A missing text becomes the text "None", a
#   missing number is left out. So which columns arrive depends on one cell.
# Why it matters: codes of states are numbers but for a few (Gleditsch-Ward's microstates, SIPRI's rebels); a weight is a
#   number but for one "n/a". The key or the weights of the whole network are gone, and measures run on with weight 1.
#   "None" is a region like any other in a partition by region.
# Instead: one type a column (str() for codes, NaN for missing numbers, "" for missing texts), and read the file back.
# seen on 2026-11-29 with igraph 1.0.0
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq igraph==1.0.0
v/bin/python -W error - <<'PY'
import math

import igraph

graph = igraph.Graph(directed=True)
graph.add_vertices(3)
graph.vs["code"] = [2, 365, "A02"]
graph.vs["since"] = [1816, None, 1949]
graph.vs["region"] = ["America", None, "Asia"]
graph.add_edges([(0, 1), (1, 2)])
graph.es["weight"] = [0.8, "n/a"]
graph.write_graphml("world.graphml")
back = igraph.Graph.Read_GraphML("world.graphml")
assert sorted(back.vs.attributes()) == ["id", "region", "since"], back.vs.attributes()
assert back.es.attributes() == [], back.es.attributes()
assert back.vs["region"] == ["America", "None", "Asia"], back.vs["region"]
assert math.isnan(back.vs["since"][1])
print(f"igraph {igraph.__version__}: code and weight are gone, regions are {back.vs['region']}")
PY
