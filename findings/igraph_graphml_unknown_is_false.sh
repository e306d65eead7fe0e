#!/usr/bin/env bash
# igraph: a yes/no attribute that GraphML leaves out is read as False; a number left out is NaN, a text "".
#
# Expected: an attribute that a file does not give for a state is missing (None), as numbers are (NaN).
# Seen: networkx leaves an attribute out where it was not set; networkx reads it back as absent, igraph reads False. A
#   file can be valid, both libraries can be right by themselves, and "unknown" has become "no".
# Why it matters: whether a tie is an alliance, a state nuclear or a bloc fixed is mostly set for the known cases; after a
#   trip to igraph and back each gap is a recorded "no", and shares are of all states instead of known ones.
# Instead: write numbers (1, 0, NaN) or texts, or set the attribute everywhere.
# seen on 2026-11-28 with networkx 3.6.1 and igraph 1.0.0
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq networkx==3.6.1 igraph==1.0.0 numpy==2.4.6
v/bin/python -W error - <<'PY'
import math

import igraph
import networkx as nx

world = nx.Graph()
world.add_node("A", nuclear=True, capability=0.3, regime="democracy")
world.add_node("B", nuclear=False, capability=0.1, regime="autocracy")
world.add_node("C")
world.add_edge("A", "B", pact=True)
world.add_edge("B", "C")
nx.write_graphml(world, "world.graphml")
assert "nuclear" not in nx.read_graphml("world.graphml").nodes["C"]
graph = igraph.Graph.Read_GraphML("world.graphml")
c = graph.vs.find(id="C")
assert c["nuclear"] is False and math.isnan(c["capability"]) and c["regime"] == "", c
assert graph.es["pact"] == [True, False], graph.es["pact"]
graph.write_graphml("back.graphml")
back = {data["id"]: data for _, data in nx.read_graphml("back.graphml").nodes(data=True)}
assert back["C"]["nuclear"] is False, back["C"]
print(f"igraph {igraph.__version__}: attributes that the file leaves out are read as {c['nuclear']}, {c['capability']}, {c['regime']!r}")
PY
