"""The data with which the browser plays a run: the pictures, and every state's alignment at each step."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sim.analysis.history.bonds import HEADINGS
from sim.analysis.history.moves import Move
from sim.analysis.history.sentences import describe_move, list_largest
from sim.analysis.history.story import Story
from sim.analysis.history.words import Names, capital
from sim.app.player import drawing
from sim.app.player import labels as labels_on
from sim.model.outcomes import describe_outcome
from sim.model.trajectory import Run
from sim.reporting import maps
from sim.reporting.colours import alignment_colours
from sim.reporting.labels import list_names
from sim.reporting.land import atlas


def frame_data(
    run: Run, names: Names, chosen: str, net: tuple[drawing.Ties, str], charts: Mapping[str, drawing.Chart],
    weights: Mapping[str, float], bloc: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Return a run as data for JSON; `weights` and the bloc in question order the names on the map.

    `alignment` has a text per step. Its n-th digit is the alignment of state n; 8 blocs at most need one digit. In a
    picture's `description`, the browser replaces `{step}` by the step.
    """
    labels = {alignment: names.alignments[alignment] for alignment in run.alignments}
    missing = [names.states[s] for s in run.states if s not in atlas.mapped_states(run.states)]
    written, named = labels_on.name_map(run, range(len(run.alignment)), names.states, chosen, bloc, weights)
    world = {
        "svg": drawing.draw_world(run.states, run.alignments, chosen, written=written),
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
    drawable = atlas.drawable(run.states)
    shares = [run.outcome(f"capability_{alignment}") for alignment in run.alignments]
    return {
        "ids": list(run.states),
        "states": [names.states[state] for state in run.states],
        "alignments": list(labels.values()),
        "colours": alignment_colours(run.alignments),
        "named": named,
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


def event_data(story: Story, chosen: str) -> list[dict[str, Any]]:
    """Return events as data for JSON: turning points, and the moves that followed them and those of the chosen state.

    Each has its step, what happens and why, so that no event tells what comes later.
    """
    first = {move.key for point in story.points for move in point.moves}
    later = [move for point in story.points for move in point.followers]
    later += [move for move in story.moves if move.state == chosen]
    found = [point_event(story, record) for record in story.point_records() if record["kind"] != "renewal"]
    found += [move_event(story, moves) for moves in join_alike_moves(later, first, chosen)]
    return sorted(found, key=lambda event: event["step"])


def point_event(story: Story, point: Mapping[str, Any]) -> dict[str, Any]:
    """Return a turning point as an event, with how often it happens elsewhere."""
    bond = point["strongest_bond"]
    ties = f" {HEADINGS['strongest_bond']}: {bond}" if bond else ""
    elsewhere = f" {point['elsewhere']}" if point["elsewhere"] else ""
    what = f"{capital(story.names.when(point['step']))}: {point['what']}"
    return {"step": point["step"], "what": what, "why": f"{point['why']}{ties}{elsewhere}"}


def join_alike_moves(moves: Iterable[Move], left_out: Collection[tuple[str, int]], chosen: str) -> list[list[Move]]:
    """Group moves of one step from and to the same alignments, the chosen state first; those left out are not there."""
    groups: dict[tuple[int, str, str], dict[tuple[str, int], Move]] = {}
    for move in moves:
        if move.key not in left_out:
            groups.setdefault((move.step, move.left, move.entered), {})[move.key] = move
    return [sorted(group.values(), key=lambda move: move.state != chosen) for group in groups.values()]


def move_event(story: Story, moves: Sequence[Move]) -> dict[str, Any]:
    """Return moves of one step as an event, with the reason of the first."""
    first, names = moves[0], story.names
    subject = list_largest([move.state for move in moves], names)
    what = describe_move(first, names, capital(subject), several=len(moves) > 1)
    reason = story.reason(first)
    why = f"{capital(names.state(first.state))}: {reason[:1].lower()}{reason[1:]}" if len(moves) > 1 else reason
    return {"step": first.step, "what": f"{capital(names.when(first.step))}: {what}.", "why": why}
