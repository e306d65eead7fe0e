"""The data with which the browser plays a run: the pictures, and every state's alignment at each step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sim.analysis.history.words import Names, capital
from sim.app.player import drawing
from sim.model.outcomes import describe_outcome
from sim.model.trajectory import Run
from sim.reporting import maps
from sim.reporting.labels import list_names


def frame_data(
    run: Run, names: Names, chosen: str, net: tuple[drawing.Ties, str], charts: Mapping[str, drawing.Chart],
    weights: Mapping[str, float],
) -> dict[str, Any]:  # fmt: skip
    """Return a run as data for JSON; `weights` order the names on the map.

    `alignment` has a text per step. Its n-th digit is the alignment of state n; 8 blocs at most need one digit. In a
    picture's `description`, the browser replaces `{step}` by the step.
    """
    labels = {alignment: names.alignments[alignment] for alignment in run.alignments}
    missing = [names.states[s] for s in run.states if s not in maps.mapped_states(run.states)]
    world = {
        "svg": drawing.draw_world(run.states, run.alignments, chosen).replace(
            "</svg>", f"{drawing.label_map(run.states, names.states, weights)}</svg>"
        ),
        "description": "World map of alignments at step {step}; the table of who is where says the same.",
        "caption": f"A click chooses a state. {maps.NOTE}{f' Not on the map: {list_names(missing)}.' * bool(missing)}",
    }
    network = {
        "svg": drawing.draw_network(*net, run.alignments, chosen, names.states),
        "description": "Network of ties at step {step}, each state with the marker of its alignment.",
        "caption": "Ties at the start: bonds grey, rivalries dashed; of the chosen state all ties, sanctions dotted."
        " Size by capability. A click chooses a state.",
    }
    key = {"svg": drawing.draw_key(labels), "description": f"Key: {list_names(list(labels.values()))}"}
    drawable = maps.drawable(run.states)
    shares = [run.outcome(f"capability_{alignment}") for alignment in run.alignments]
    return {
        "ids": list(run.states),
        "states": [names.states[state] for state in run.states],
        "alignments": list(labels.values()),
        "alignment": alignment_digits(run),
        "capability": [[float(share[step]) for share in shares] for step in range(len(run.alignment))],
        "pictures": {"map": world if drawable else None, "key": key, "network": network},
        "charts": [
            {
                "svg": chart.svg, "frame": chart.frame, "limits": chart.limits,
                "description": f"Chart of {title} up to the step; the table has the shares",
                "caption": f"{title}: {describe_outcome(title.split()[0].lower())}",
            }
            for title, chart in charts.items()
        ],
    }  # fmt: skip


def alignment_digits(run: Run) -> list[str]:
    """Return the alignments of a run as a text per step."""
    return ["".join(map(str, row)) for row in run.alignment.tolist()]


def event_data(points: Iterable[Mapping[str, Any]], names: Names) -> list[dict[str, Any]]:
    """Return turning points as data for JSON: the step, what happens and why, who followed, and how often elsewhere."""
    found = []
    for point in points:
        if point["kind"] == "renewal":
            continue
        ties = f" Strongest bond there: {point['strongest_bond']}" if point["strongest_bond"] else ""
        followed = f" Followed by: {point['followed_by']}" if point["followed_by"] else ""
        said = f"{point['why']}{ties}{followed}" + (f" {point['elsewhere']}" if point["elsewhere"] else "")
        what = f"{capital(names.when(point['step']))}: {point['what']}"
        found.append({"step": point["step"], "what": what, "why": said})
    return found
