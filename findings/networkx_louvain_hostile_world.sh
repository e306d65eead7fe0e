#!/usr/bin/env bash
# networkx: where hostility outweighs friendship, Louvain puts enemies together and friends apart, without a word.
#
# Expected: two cliques of four friends (weight 1), all pairs across hostile (weight -1): Louvain finds the two cliques,
#   or refuses negative weights (igraph's Louvain and python-louvain do).
# Seen: the total weight is -4, modularity divides by it, and its sign turns over: the two cliques score -3.5, every
#   partition found pairs each state with one enemy. With across -0.5 (total +4) the cliques are found: nothing warns
#   between the two.
# Why it matters: signed networks of states are what blocs are read from, and a hostile year is just where they matter.
# Instead: signed measures (frustration), or positive ties only, or two layers (leidenalg).
# seen on 2026-11-28 with networkx 3.6.1, igraph 1.0.0
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq networkx==3.6.1 igraph==1.0.0 numpy==2.4.6
v/bin/python -W error - <<'PY'
from itertools import combinations

import igraph
import networkx as nx

west, east = {"w1", "w2", "w3", "w4"}, {"e1", "e2", "e3", "e4"}


def world(across):
    graph = nx.Graph()
    for a, b in combinations(sorted(west | east), 2):
        graph.add_edge(a, b, weight=1.0 if a[0] == b[0] else across)
    return graph


mild, hostile = world(-0.5), world(-1.0)
assert {frozenset(found) for found in nx.community.louvain_communities(mild, seed=1)} == {frozenset(west), frozenset(east)}
assert nx.community.modularity(hostile, [west, east]) == -3.5
for seed in range(20):
    found = nx.community.louvain_communities(hostile, seed=seed)
    assert len(found) == 4, found
    assert all(len(pair & west) == len(pair & east) == 1 for pair in found), found
try:
    igraph.Graph.from_networkx(hostile).community_multilevel(weights="weight")
except igraph.InternalError as error:
    assert "negative" in str(error)
else:
    raise AssertionError("igraph accepts negative weights")
print(f"networkx {nx.__version__}: Louvain on two hostile cliques finds {sorted(map(sorted, found))}; igraph refuses")
PY
