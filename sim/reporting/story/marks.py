"""Marks of alignments in SVG: a colour with a hatching, and a marker with a shape of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sim.reporting.colours import alignment_colours

SHAPES = (0, 4, 3, 5, 6, 8, 7, 10, 12)  # corners of each alignment's marker, 0 for a circle

STROKES = (  # each alignment's hatching, in a square of 10
    "", "M0 10L10 0", "M0 0L10 10", "M5 0V10M0 5H10", "M0 5H10", "M5 0V10", "M0 10L10 0M0 0L10 10", "M2 2h3v3h-3z",
    "M0 3H10M0 7H10",
)  # fmt: skip


def draw_fills(alignments: Sequence[str], size: float, look: str) -> str:
    """Draw the colour and hatching of a world's alignments as patterns look0, look1, …, with one `look` per picture."""
    colours = alignment_colours(alignments)
    return "<defs>" + "".join(
        f'<pattern id="{look}{k}" patternTransform="scale({size:g})" patternUnits="userSpaceOnUse" width="10"'
        ' height="10">'
        f'<rect width="10" height="10" fill="{colours[name]}"/>'
        f'<path d="{STROKES[k]}" stroke="#000" stroke-width="1.2" fill="none"/></pattern>'
        for k, name in enumerate(alignments)
    ) + "</defs>"  # fmt: skip


def draw_marker(k: int, x: float, y: float, radius: float, style: str) -> str:
    """Draw the marker of alignment `k` at a place."""
    if not (corners := SHAPES[k]):
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" {style}/>'
    turn = math.pi / 4 if corners == 4 else -math.pi / 2
    reach = radius * (1.2 if corners == 3 else 1.08)
    ends = [(turn + 2 * math.pi * n / corners) for n in range(corners)]
    points = " ".join(f"{x + reach * math.cos(a):.1f},{y + reach * math.sin(a):.1f}" for a in ends)
    return f'<polygon points="{points}" {style}/>'
