"""A run as GEXF 1.3, a network with dates for Gephi (https://gexf.net)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from xml.etree import ElementTree

from sim import __version__
from sim.reporting.exports.networks import DIRECTED, RunNetwork, TiePath, clean_texts

Element = ElementTree.Element
Value = tuple[str, str, Mapping[str, str]]  # attribute, value, interval

NAMESPACE = "http://gexf.net/1.3"
SCHEMA = f"{NAMESPACE} {NAMESPACE}/gexf.xsd"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
FACTS = {"theatre": "string", "capability": "double", "product": "double"} | {
    "alignment_start": "string",
    "alignment_end": "string",
}
WEIGHT = "weight"  # GEXF reserves this title for a weight that changes


def gexf_document(network: RunNetwork) -> bytes:
    """Return a run as GEXF.

    States are nodes with their alignment as a dynamic attribute. Ties are edges with their kind, their spells and
    their strength as a dynamic weight. An interval includes both ends (GEXF 1.3), so it ends on the day before the
    next one begins; in rounds it ends with the step before.
    """
    root = Element("gexf", {"xmlns": NAMESPACE, "xmlns:xsi": INSTANCE, "xsi:schemaLocation": SCHEMA, "version": "1.3"})
    add_meta(root, network)
    graph = ElementTree.SubElement(
        root, "graph",
        {
            "mode": "dynamic", "defaultedgetype": "undirected", "idtype": "string",
            "timeformat": "date" if network.dates else "integer", "timerepresentation": "interval",
        },
    )  # fmt: skip
    add_attributes(graph, "node", "static", FACTS)
    add_attributes(graph, "node", "dynamic", {"alignment": "string"})
    add_attributes(graph, "edge", "static", {"kind": "string"})
    add_attributes(graph, "edge", "dynamic", {WEIGHT: "double"})
    times = Times(network)
    nodes = ElementTree.SubElement(graph, "nodes", {"count": str(len(network.run.states))})
    nodes.extend(node_elements(network, times))
    edges = ElementTree.SubElement(graph, "edges", {"count": str(len(network.ties))})
    edges.extend(edge_element(n, tie, times) for n, tie in enumerate(network.ties))
    ElementTree.indent(root, " ")
    text: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


class Times:
    """Intervals of steps as GEXF writes them."""

    def __init__(self, network: RunNetwork) -> None:
        self.last = network.last
        self.starts = network.dates or tuple(map(str, range(network.last + 1)))
        self.ends = [day_before(day) for day in network.dates[1:]] or list(self.starts[:-1])

    def interval(self, first: int, end: int) -> dict[str, str]:
        """Return the attributes of an interval from the first to the last step of a value."""
        return {"start": self.starts[first], "end": self.starts[end] if end == self.last else self.ends[end]}


def day_before(day: str) -> str:
    """Return the day before an ISO date."""
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def add_meta(root: Element, network: RunNetwork) -> None:
    """Add who made the file, and what it shows."""
    run, scenario = network.run, network.scenario
    meta = ElementTree.SubElement(root, "meta")
    ElementTree.SubElement(meta, "creator").text = f"blocs {__version__}"
    blocs = "; ".join(f"{alignment}: {network.labels[alignment]}" for alignment in run.alignments)
    kinds = "; ".join(f"{kind} {direction}" for kind, direction in DIRECTED.items())
    (title,) = clean_texts([scenario.title])
    ElementTree.SubElement(
        meta, "description"
    ).text = (
        f"{title}. One run, seed {run.seed}, replicate {run.replicate}. Alignments: {blocs}. Directed ties: {kinds}."
    )


def add_attributes(graph: Element, of: str, mode: str, kinds: Mapping[str, str]) -> None:
    """Add the declaration of attributes of nodes or edges."""
    block = ElementTree.SubElement(graph, "attributes", {"class": of, "mode": mode})
    for name, kind in kinds.items():
        ElementTree.SubElement(block, "attribute", {"id": name, "title": name, "type": kind})


def node_elements(network: RunNetwork, times: Times) -> Iterator[Element]:
    """Yield each state with its fixed facts and its alignments."""
    for i, state in enumerate(network.run.states):
        node = Element("node", {"id": state, "label": network.labels[state]})
        values: list[Value] = [(name, str(value), {}) for name, value in network.facts(i).items()]
        values += [("alignment", held, times.interval(first, end)) for first, end, held in network.spans(i)]
        add_values(node, values)
        yield node


def edge_element(number: int, tie: TiePath, times: Times) -> Element:
    """Return a tie with its kind, its strength by interval, and the spells in which it exists."""
    spells = list(tie.spells(times.last))
    edge = Element(
        "edge",
        {
            "id": str(number), "source": tie.source, "target": tie.target, "kind": tie.kind, "label": tie.kind,
            "type": "directed" if tie.kind in DIRECTED else "undirected",
        },
    )  # fmt: skip
    strengths = [(WEIGHT, repr(value), times.interval(first, end)) for first, end, value in spells]
    add_values(edge, [("kind", tie.kind, {}), *strengths])
    block = ElementTree.SubElement(edge, "spells")
    for first, end in join_spells(spells):
        ElementTree.SubElement(block, "spell", times.interval(first, end))
    return edge


def add_values(element: Element, values: Iterable[Value]) -> None:
    """Add values of attributes, each with its interval or none."""
    block = ElementTree.SubElement(element, "attvalues")
    for name, value, interval in values:
        ElementTree.SubElement(block, "attvalue", {"for": name, "value": value, **interval})


def join_spells(spells: Iterable[tuple[int, int, float]]) -> list[tuple[int, int]]:
    """Join spells of strength that follow one another."""
    joined: list[tuple[int, int]] = []
    for first, end, _ in spells:
        if joined and joined[-1][1] + 1 == first:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((first, end))
    return joined
