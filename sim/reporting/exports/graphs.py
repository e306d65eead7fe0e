"""A run at one date as a networkx graph, and as GraphML."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from sim.batch.design import missing_date
from sim.calendar import last_step_by
from sim.errors import Fault, InputError
from sim.reporting.exports.networks import DIRECTED, RunNetwork, clean_texts
from sim.scenario.schema import Scenario

if TYPE_CHECKING:
    import networkx as nx


def step_at(function: str, scenario: Scenario, days: Sequence[str] | None) -> int:
    """Return the last step that ends on or before the one date asked for; without one, the last step of the run.

    Raises InputError, as a fault of the function's argument `at`.
    """
    if days is None:
        return scenario.steps
    message = f"has {len(days)} dates; give one" if len(days) != 1 else missing_date(scenario, days[0])
    if message or scenario.date is None:
        raise InputError([Fault(function, 1, "at", message)])
    return last_step_by(date.fromisoformat(scenario.date), scenario.step, date.fromisoformat(days[0]))


def build_graph(network: RunNetwork, step: int) -> nx.MultiDiGraph:
    """Return the states and ties of a run at a step as a directed multigraph.

    Every number is a float of Python, because writers of networkx store a numpy number with 32 bits. A tie without
    direction has an edge each way, as ``to_directed`` of networkx makes it.
    """
    import networkx as nx

    run = network.run
    (title,) = clean_texts([network.scenario.title])
    graph = nx.MultiDiGraph(title=title, seed=str(run.seed), replicate=run.replicate, step=step)
    if network.dates:
        graph.graph["date"] = network.dates[step]
    for i, state in enumerate(run.states):
        held = run.alignments[run.alignment[step, i]]
        graph.add_node(
            state, label=network.labels[state], alignment=held, alignment_label=network.labels[held],
            **network.facts(i),
        )  # fmt: skip
    for tie in network.ties:
        if value := tie.at(step):
            graph.add_edge(tie.source, tie.target, key=tie.kind, kind=tie.kind, weight=value)
            if tie.kind not in DIRECTED:
                graph.add_edge(tie.target, tie.source, key=tie.kind, kind=tie.kind, weight=value)
    return graph


def graphml_document(network: RunNetwork, step: int) -> bytes:
    """Return a run at a step as GraphML; each edge has an id of its own."""
    import networkx as nx

    by_kind = build_graph(network, step)
    graph = by_kind.__class__(**by_kind.graph)
    graph.add_nodes_from(by_kind.nodes(data=True))
    for number, (a, b, values) in enumerate(by_kind.edges(data=True)):
        graph.add_edge(a, b, key=f"e{number}", **values)
    written = io.BytesIO()
    nx.write_graphml_xml(graph, written)
    return written.getvalue()
