#!/usr/bin/env bash
# pyvis: drawing a networkx graph takes the weights out of the graph that was drawn.
#
# Expected: Network.from_nx(graph) reads the graph and leaves it as it was.
# Seen: each edge's "weight" is removed from the caller's graph and comes back as "width"; edges without one get
#   width 1, nodes get size 10. Later weighted measures of the same graph use the default weight of 1, without a word:
#   a state of strength -1.1 has strength 2.
# Why it matters: a notebook draws the ties and then measures the blocs; hostile ties of -0.9 count as friendly ties of 1.
# Instead: from_nx(graph.copy()).
# seen on 2026-11-28 with pyvis 0.3.2, networkx 3.6.1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq pyvis==0.3.2 networkx==3.6.1
v/bin/python - <<'PY'
import networkx as nx
from pyvis.network import Network

ties = nx.Graph()
ties.add_edge("A", "B", weight=-0.9)
ties.add_edge("A", "C", weight=-0.2)
before = ties.degree("A", weight="weight")
Network().from_nx(ties)
after = ties.degree("A", weight="weight")
assert abs(before + 1.1) < 1e-12 and after == 2, (before, after)
assert ties["A"]["B"] == {"width": -0.9}, ties["A"]["B"]
assert ties.nodes["A"] == {"size": 10}, ties.nodes["A"]
print(f"pyvis 0.3.2: strength of A before from_nx {before:.1f}, after {after}; edge A-B is now {ties['A']['B']}")
PY
