"""Where states start: by the treaties and rivalries of the day, or by the record of the year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import NormalDist

from sim.data.mapping.scene import Scene, TieRow
from sim.errors import Fault, InputError

NON_ALIGNED = "non_aligned"
ERROR = 0.15  # standard error of a position between two leaders, which are 0 and 1
BETWEEN = (1 / 3, 2 / 3)  # positions between the leaders that count as non-aligned

SHARP = ("strategic", "clashes")  # levels of rivalry that keep an ally out of a leader's bloc


def coded_starts(scene: Scene, blocs: Mapping[int, str], ties: Sequence[TieRow]) -> dict[int, tuple[str, str, str]]:
    """Start, source and note of each state: allies of one leader without a rivalry with it join it.

    Parameters
    ----------
    scene
        The day and the states.
    blocs
        Blocs by the codes of their leaders.
    ties
        Bonds and rivalries.

    Returns
    -------
    dict
        By code: the alignment, its source and a note.
    """
    pacts = {(row.a, row.b): row.source for row in ties if row.kind == "bond" and row.value == "pact"}
    rivals = {(row.a, row.b) for row in ties if row.kind == "rivalry" and row.value in SHARP}
    found: dict[int, tuple[str, str, str]] = {}
    both: list[str] = []
    hostile: list[str] = []
    for code in scene.states:
        if code in blocs:
            found[code] = blocs[code], "assumed", "leads its bloc"
            continue
        sides = []
        for leader, bloc in blocs.items():
            pair = scene.pair(code, leader)
            if pair in pacts and pair in rivals:
                hostile.append(scene.id(code))
            elif pair in pacts:
                sides.append((bloc, pacts[pair], f"ally of {scene.id(leader)} by a pact, and no rival"))
        if len(sides) == 1:
            bloc, source, note = sides[0]
            found[code] = bloc, f"{source}; assumed", note
        else:
            both += [scene.id(code)] * (len(sides) > 1)
            note = "ally of several leaders" if sides else "no pact with a leader, or a rivalry with it"
            found[code] = NON_ALIGNED, "assumed", note
    aligned = sum(start[0] != NON_ALIGNED for start in found.values())
    why = "allies of one leader by a pact without a rivalry with it start in its bloc, no others; no vote is read"
    example = (
        f"rivals of their ally: {', '.join(hostile)}"
        if hostile
        else f"allies of several: {', '.join(both)}" * bool(both)
    )
    scene.journal.note("coded start", "starts", len(found), aligned, why, example)
    return found


def observed_starts(
    scene: Scene, blocs: Mapping[int, str], points: Mapping[int, float], coded: Mapping[int, tuple[str, str, str]]
) -> tuple[dict[int, tuple[str, str, str]], dict[int, dict[str, float]]]:
    """Start of each state read off ideal points, and the chance of each alignment given the error of that reading.

    Parameters
    ----------
    scene
        The day and the states.
    blocs
        Two blocs by the codes of their leaders.
    points
        Ideal points of the year by code.
    coded
        Coded starts, which states without an ideal point keep.

    Returns
    -------
    (dict, dict)
        The most likely alignment with its source and note, and the chances of all alignments, both by code.

    Raises
    ------
    InputError
        If there are not two blocs, or their leaders do not have two ideal points.
    """
    if len(blocs) != 2 or len({points[leader] for leader in blocs if leader in points}) != 2:
        message = f"observed needs two leaders with different ideal points in {scene.year}; use coded"
        raise InputError([Fault("--start", 1, "", message)])
    (first, bloc), (second, other) = blocs.items()
    scale = points[first] - points[second]
    found: dict[int, tuple[str, str, str]] = {}
    chances: dict[int, dict[str, float]] = {}
    missing = []
    for code in scene.states:
        if code in blocs:
            found[code] = blocs[code], "assumed", "leads its bloc"
            chances[code] = {blocs[code]: 1.0}
        elif code not in points:
            missing.append(scene.id(code))
            start, source, note = coded[code]
            found[code] = start, source, f"no ideal point, so as coded: {note}"
            chances[code] = {start: 1.0}
        else:
            position = (points[code] - points[second]) / scale
            chances[code] = read_position(position, bloc, other)
            start = max(chances[code], key=lambda alignment: chances[code][alignment])
            note = f"position {position:.2f} from {scene.id(second)} (0) to {scene.id(first)} (1)"
            found[code] = start, "un_ideal_points; assumed", note
    aligned = sum(start[0] != NON_ALIGNED for start in found.values())
    why = (
        f"positions between the leaders, cut at {BETWEEN[0]:.2f} and {BETWEEN[1]:.2f} and read with an error of {ERROR}"
    )
    scene.journal.note(
        "observed start",
        "un_ideal_points",
        len(found),
        aligned,
        why,
        f"no point, so as coded: {', '.join(missing[:8])}",
    )
    scene.stamps.append(f"starts are read off the ideal points of {scene.year}, with the error of that reading")
    return found, chances


def read_position(position: float, bloc: str, other: str) -> dict[str, float]:
    """Chance of each alignment for a position between two leaders, given the error of the reading."""
    error = NormalDist(position, ERROR)
    low, high = error.cdf(BETWEEN[0]), error.cdf(BETWEEN[1])
    return {other: low, NON_ALIGNED: high - low, bloc: 1 - high}
