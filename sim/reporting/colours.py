"""Colours of blocs, of shares and of other marks: each is defined here once."""

from __future__ import annotations

from collections.abc import Iterable

import matplotlib

from sim.scenario.schema import NON_ALIGNED_ID

# Okabe & Ito (2008): distinct for any colour vision; line style, marker or hatching repeats the distinction.
PALETTE = ORANGE, BLUE, GREEN, PURPLE, SKY, VERMILION, YELLOW, BLACK = (
    "#E69F00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000",
)  # fmt: skip

GREY = "#8C8C8C"

# In the order of a world's blocs. The article's world has the US-led bloc, then the front.
BLOC_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION, YELLOW, BLACK)

NON_ALIGNED_COLOUR = GREY

SIDE_COLOURS = (GREY, BLACK)  # without and with a change: neutral, as the others are of blocs

SHARE_COLOURS = matplotlib.colormaps["cividis"]  # from 0 to 1


def alignment_colours(world: Iterable[str]) -> dict[str, str]:
    """Give each alignment of a world its colour, which depends on the place of the bloc in the world only.

    Parameters
    ----------
    world : iterable of str
        Ids of all blocs of the world, in the world's order: `Scenario.blocs` or `Scenario.alignments()`.

    Returns
    -------
    dict
        Colours by id: non-aligned first, then the blocs in the world's order.
    """
    blocs = [name for name in world if name != NON_ALIGNED_ID]
    return {NON_ALIGNED_ID: NON_ALIGNED_COLOUR, **dict(zip(blocs, BLOC_COLOURS, strict=False))}
