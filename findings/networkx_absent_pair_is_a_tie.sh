#!/usr/bin/env bash
# networkx, igraph: pairs of states that a table of ties does not have become ties, with NaN as their weight.
#
# Expected: an empty cell of a matrix of ties is no tie, or is refused.
# Seen: a list of three ties, turned into a matrix by pandas, has NaN wherever there is no tie. from_pandas_adjacency makes
#   an edge of every cell that is not 0, and NaN is not 0: the graph has 15 edges for 3, five of them loops, one component
#   for two, and a density of 1.5. Degrees, components and paths by steps are those of a world where all are tied; no warning.
#   from_numpy_array and Weighted_Adjacency of igraph do the same.
# Why it matters: `pivot` is the usual way from a list of dyads to a matrix. Sums of weights are NaN and may be noticed; who
#   is connected to whom is a plain number and is wrong.
# Instead: `matrix.fillna(0)`, or from_pandas_edgelist, which needs no matrix.
# seen on 2026-11-30 with networkx 3.6.1, igraph 1.0.0, pandas 3.1.1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq networkx==3.6.1 igraph==1.0.0 pandas==3.1.1 numpy==2.4.6
v/bin/python -W error - <<'PY'
import igraph
import networkx as nx
import pandas as pd

ties = pd.DataFrame({"a": ["US", "US", "RU"], "b": ["UK", "FR", "CN"], "weight": [1.0, 0.8, 0.9]})
states = sorted({*ties.a, *ties.b})
half = ties.pivot(index="a", columns="b", values="weight").reindex(index=states, columns=states)
matrix = half.combine_first(half.T)


def shape(graph):
    edges, loops = graph.number_of_edges(), nx.number_of_selfloops(graph)
    return edges, loops, nx.number_connected_components(graph), nx.density(graph)


read, filled = nx.from_pandas_adjacency(matrix), nx.from_pandas_adjacency(matrix.fillna(0))
listed = nx.from_pandas_edgelist(ties, "a", "b", "weight")
assert shape(filled) == shape(listed) == (3, 0, 2, 0.3), shape(filled)
assert shape(read) == (15, 5, 1, 1.5), shape(read)
assert nx.shortest_path_length(read, "US", "RU") == 1 and not nx.has_path(listed, "US", "RU")
assert shape(nx.from_numpy_array(matrix.to_numpy())) == shape(read)
other = igraph.Graph.Weighted_Adjacency(matrix.to_numpy().tolist(), mode="undirected")
assert other.ecount() == 15 and len(other.connected_components()) == 1, other
names = "edges, loops, components, density"
print(f"networkx {nx.__version__}, igraph {igraph.__version__}: {names} of {len(ties)} ties are {shape(read)}, for {shape(listed)}")
PY
