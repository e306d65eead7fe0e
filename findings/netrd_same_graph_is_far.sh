#!/usr/bin/env bash
# netrd, networkx: the distance of a graph from itself is not 0 when its ties were read in another order.
#
# Expected: a distance that looks at who is tied to whom compares a state with the same state; equal graphs are at distance
#   0.
# Seen: two graphs with the same states and the same ties (equal for networkx) have a Hamming distance of 0.4, and nine
#   measures of netrd are above 0. Graphs of 1990 and 1991 that differ by one tie, read in the same order, are at 0.1: nearer
#   than a year to itself. Two graphs without a state in common, US-UK and RU-CN, are at 0. No warning.
#   Cause: a measure makes a matrix of each graph, whose rows are in the order in which the graph met its states; row 1 of
#   one is compared with row 1 of the other, whoever they are. The pages of Hamming and Frobenius ask for equal numbers of
#   nodes and no more.
# Why it matters: a file of ties by year names states in another order each year, so a series of distances shows turning
#   points of blocs that are only the order of rows.
# Instead: build every graph with `add_nodes_from(states)` first, the same list for all; then equal graphs are at 0.
# seen on 2026-11-30 with netrd 0.3.0, networkx 3.6.1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq networkx==3.6.1 numpy==2.4.6 scipy==1.17.1 scikit-learn==1.8.0
v/bin/pip install -qq --no-deps netrd==0.3.0
mkdir ortools # netrd imports it for one measure that is not used here
touch ortools/__init__.py
echo "pywraplp = None" >ortools/linear_solver.py
v/bin/python -W ignore - <<'PY'
from importlib.metadata import version

import networkx as nx
from netrd import distance

TIES = [("US", "UK"), ("US", "FR"), ("RU", "CN"), ("US", "CN")]
MEASURES = """DeltaCon Frobenius GraphDiffusion Hamming HammingIpsenMikhailov JaccardDistance PolynomialDissimilarity
QuantumJSD ResistancePerturbation""".split()


def apart(name, one, other):
    return getattr(distance, name)().dist(one, other)


def with_states_first(ties):
    graph = nx.Graph()
    graph.add_nodes_from(sorted({state for tie in TIES for state in tie}))
    graph.add_edges_from(ties)
    return graph


graph, again = nx.Graph(TIES), nx.Graph(TIES[::-1])
assert nx.utils.graphs_equal(graph, again)
same = {name: apart(name, graph, again) for name in MEASURES}
assert min(same.values()) > 0.05, same
ordered = {name: apart(name, with_states_first(TIES), with_states_first(TIES[::-1])) for name in MEASURES}
assert max(ordered.values()) < 1e-6, ordered
changed = apart("Hamming", graph, nx.Graph([*TIES, ("US", "RU")]))
assert abs(same["Hamming"] - 0.4) < 1e-9 and abs(changed - 0.1) < 1e-9, (same, changed)
strangers = apart("Hamming", nx.Graph([("US", "UK")]), nx.Graph([("RU", "CN")]))
assert strangers == apart("Frobenius", nx.Graph([("US", "UK")]), nx.Graph([("RU", "CN")])) == 0, strangers
print(f"netrd {version('netrd')}, networkx {nx.__version__}: Hamming distance {same['Hamming']} from itself, {changed} from a graph with one tie more")
print(f"  above 0 for the same graph: {', '.join(f'{name} {value:.2f}' for name, value in same.items())}")
PY
