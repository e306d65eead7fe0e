"""Colours of blocs, of shares and of other marks: each is defined here once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import ListedColormap, to_rgb

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

STEPS = 200  # of the colours of shares, so that the first has the shares that are printed as 0 of 100

LEAST = 0.3  # place in viridis of the smallest share above 0, far from that of 0

BEND = 0.5  # power of a share, which sets small shares apart; most states have one

LUMINANCE = (0.2126, 0.7152, 0.0722)  # weights of red, green and blue

DARK = 0.4  # luminance below which ink is white


def colour_shares() -> ListedColormap:
    """Return the colours of shares from 0 to 1: viridis (van der Walt & Smith 2015), lighter with the share.

    It has the same order for any colour vision and in grey.
    """
    above = LEAST + (1 - LEAST) * np.linspace(0, 1, STEPS) ** BEND
    return ListedColormap(matplotlib.colormaps["viridis"]([0, *above[1:]]), name="shares")


SHARE_COLOURS = colour_shares()


def ink_on(colour: Any) -> str:
    """Return the ink that can be read on a colour: black or white."""
    return "white" if float(np.dot(to_rgb(colour), LUMINANCE)) < DARK else "black"


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
