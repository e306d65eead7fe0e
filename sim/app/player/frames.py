"""The data with which the browser plays a run: the pictures, and every state's alignment at each step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sim.app.player import drawing
from sim.model.outcomes import describe_outcome
from sim.model.trajectory import Run
from sim.reporting import maps
from sim.reporting.labels import list_names


def frame_data(
    run: Run, names: Mapping[str, str], chosen: str, net: tuple[drawing.Ties, str], charts: Mapping[str, drawing.Chart]
) -> dict[str, Any]:
    """Return a run as data for JSON; `names` are those of the alignments.

    `alignment` has a text per step. Its n-th digit is the alignment of state n; 8 blocs at most need one digit. In a
    picture's `description`, the browser replaces `{step}` by the step.
    """
    names = {alignment: names[alignment] for alignment in run.alignments}
    missing = [state for state in run.states if state not in maps.mapped_states(run.states)]
    world = {
        "svg": drawing.draw_world(run.states, run.alignments, chosen),
        "description": "World map of alignments at step {step}; the table of who stands where says the same.",
        "caption": maps.NOTE + (f" Not on the map: {', '.join(missing)}." if missing else ""),
    }
    network = {
        "svg": drawing.draw_network(*net, run.alignments, chosen),
        "description": "Network of ties at step {step}, each state with the marker of its alignment.",
        "caption": "Ties at the start: bonds grey, rivalries dashed; of the chosen state all ties, sanctions dotted."
        " Size by capability.",
    }
    key = {"svg": drawing.draw_key(names), "description": f"Key: {list_names(list(names.values()))}"}
    drawable = maps.drawable(run.states)
    shares = [run.outcome(f"capability_{alignment}") for alignment in run.alignments]
    return {
        "states": list(run.states),
        "alignments": list(names.values()),
        "alignment": ["".join(map(str, row)) for row in run.alignment.tolist()],
        "capability": [[float(share[step]) for share in shares] for step in range(len(run.alignment))],
        "pictures": {"map": world if drawable else None, "key": key, "network": network},
        "charts": [
            {
                "svg": chart.svg, "frame": chart.frame, "limits": chart.limits,
                "description": f"Chart of {title} over the steps",
                "caption": f"{title}: {describe_outcome(title.split()[0].lower())}",
            }
            for title, chart in charts.items()
        ],
    }  # fmt: skip
