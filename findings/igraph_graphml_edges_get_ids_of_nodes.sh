#!/usr/bin/env bash
# igraph: edges that are read from GraphML get the ids of nodes as their ids.
#
# Expected: an edge id of GraphML ("treaty_1949") becomes the edge's attribute id, as the node ids become that of nodes.
# Seen: edge n has the id of node n, whatever ends it has; where there are more edges than nodes, the rest are "". Ends,
#   weights and other attributes are right. Writing the graph again stores the wrong ids; networkx, which writes an id
#   for each edge of a multigraph, reads them back as they were before igraph.
# Why it matters: the id is the key to a table of ties. A join on it finds nothing, or finds the row of a state where ids of
#   ties and states are both numbers (treaty 2 and the United States, COW code 2): no error, another tie's source.
# Instead: store a key of ties in an attribute of another name. No issue in igraph's tracker was found about it.
# seen on 2026-11-29 with igraph 1.0.0 and networkx 3.6.1
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv v
v/bin/pip install -qq igraph==1.0.0 networkx==3.6.1
v/bin/python -W error - <<'PY'
import igraph
import networkx as nx

with open("ties.graphml", "w") as file:
    file.write("""<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
 <key id="kind" for="edge" attr.name="kind" attr.type="string"/>
 <graph edgedefault="directed">
  <node id="USA"/><node id="RUS"/><node id="CHN"/>
  <edge id="sanction_2022" source="USA" target="RUS"><data key="kind">sanction</data></edge>
  <edge id="treaty_2001" source="RUS" target="CHN"><data key="kind">bond</data></edge>
  <edge id="sanction_2018" source="USA" target="CHN"><data key="kind">sanction</data></edge>
  <edge id="reply_2020" source="CHN" target="USA"><data key="kind">sanction</data></edge>
 </graph>
</graphml>""")
graph = igraph.Graph.Read_GraphML("ties.graphml")
assert graph.vs["id"] == ["USA", "RUS", "CHN"]
assert graph.es["kind"] == ["sanction", "bond", "sanction", "sanction"]
assert graph.es["id"] == ["USA", "RUS", "CHN", ""], graph.es["id"]
multi = nx.read_graphml("ties.graphml", force_multigraph=True)
assert {key for *_, key in multi.edges(keys=True)} == {"sanction_2022", "treaty_2001", "sanction_2018", "reply_2020"}
print(f"igraph {igraph.__version__}: ids of the four edges are {graph.es['id']}; networkx reads sanction_2022 and so on")
PY
