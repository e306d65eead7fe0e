"""A history as one page of HTML, which loads nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sim.analysis.history.prospect import describe_prospect
from sim.analysis.history.sentences import (
    compare_with_others,
    count_causes,
    describe_sizes,
    describe_unchanged,
    sum_up,
)
from sim.analysis.history.story import Story
from sim.analysis.history.words import capital
from sim.calendar import describe_step
from sim.errors import Fault, InputError, escape_controls, escape_page
from sim.model.trajectory import Run
from sim.reporting import maps
from sim.reporting.labels import list_names
from sim.reporting.story.events import KINDS, Event, largest_near, list_events, sizes_of_states
from sim.reporting.story.pictures import draw_map, draw_picture, write_names
from sim.reporting.story.reasons import HALF, list_reasons
from sim.reporting.story.sizes import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, SizeChart, chart_sizes
from sim.scenario.schema import NON_ALIGNED_ID

MOST_BYTES = 2_000_000  # of a page

MOST_SIZES = 4  # alignments whose sizes fit in a sentence

HERE = Path(__file__).parent


def render_story(story: Story, *, found: str = "", command: str = "", changes: Sequence[str] = ()) -> str:
    """Return a history as one HTML page, which loads nothing; the same history gives the same text.

    Parameters
    ----------
    story : Story
        The history.
    found : str, optional
        In how many histories happens what was looked for, in a sentence.
    command : str, optional
        The command that makes this history.
    changes : sequence of str, optional
        How the setting differs from the scenario that the title names, a phrase each.

    Returns
    -------
    str
        The page, of less than 2 MB.

    Raises
    ------
    InputError
        If the page would be larger.
    """
    script, style = (HERE / "story.js").read_text("utf-8"), (HERE / "story.css").read_text("utf-8")
    own = {
        "script": Markup(script),  # noqa: S704 - a file of this package
        "style": Markup(style),  # noqa: S704 - a file of this package
        "policy": content_policy(script, style),
    }
    text = page_environment().get_template("story.html.j2").render(
        **own, **describe_history(story), **describe_course(story), **describe_movers(story), found=found,
        command=command, changes=list(changes),
    )  # fmt: skip
    page = escape_page(text)
    if (size := len(page.encode())) > MOST_BYTES:
        world = f"{len(story.run.states)} states over {len(story.run.alignment) - 1} steps"
        most = f"{MOST_BYTES / 1e6:.0f} MB"
        message = f"the page of {world} would have {size / 1e6:.1f} MB, more than {most}; run fewer steps"
        raise InputError([Fault("story", 1, "", message)])
    return page


@cache
def page_environment() -> Environment:
    """Return the environment of the page's template, which escapes everything and refuses undefined names."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["capital"] = capital
    environment.filters["key"] = lambda move: f"{move.state}-{move.step}"
    environment.filters["signed"] = lambda value: f"{value:+.3f}".replace("-", "−")
    environment.filters["listed"] = list_names
    return environment


def content_policy(*parts: str) -> str:
    """Return a policy under which the page loads nothing and runs only its own script and style."""
    script, style = (base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in parts)
    return (
        f"default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; base-uri 'none';"
        " form-action 'none'"
    )


def describe_history(story: Story) -> dict[str, Any]:
    """Return what the page says of a history as a whole."""
    run, names, few = story.run, story.names, len(story.run.alignments) <= MOST_SIZES
    here = [
        describe_unchanged(run, names) if story.moves else "",
        describe_sizes(run, names) if story.moves and few else "",
        count_causes(story.moves, story.scenario),
        describe_prospect(story.prospect, run, names) if story.prospect else "",
    ]
    others = compare_with_others(story.others, names) if story.others and story.others.count else ""
    return {
        "title": story.scenario.title,
        "question": story.scenario.question,
        "answer": sum_up(run, story.moves, names, sizes_of_states(story)),
        "details": list(filter(None, [" ".join(filter(None, here)), others])),
        "run": run,
        "kept": story.scenario.dispositions == "kept",
        "month": names.month,
        "months": [capital(names.month(step)) for step in (0, len(run.alignment) - 1)],
        "length": f"{describe_step(names.step)}{' A date is the end of its step.' if names.dates else ''}",
    }


def describe_course(story: Story) -> dict[str, Any]:
    """Return what the page shows of the course of a history: its maps, events, sizes and members."""
    run, names = story.run, story.names
    states, places = [names.states[state] for state in run.states], name_places(story)
    events, picture = list_events(story), draw_picture(run.states, run.alignments)
    sizes, start = chart_sizes(run, names, places), run.alignment[0].tolist()
    labels = {n: f"{states[n]}: {places[k]}" for n, k in enumerate(start)}
    return {
        "picture": picture,
        "map": draw_map(picture, run.states, start, labels),
        "names": write_names(picture, run.states, states, order_movers_first(story)),
        "ends": [draw_map(picture, run.states, run.alignment[step].tolist()) for step in (0, -1)],
        "note": maps.NOTE,
        "states": states,
        "places": places,
        "outside": story.scenario.non_aligned_allowed,
        "members": list_members(run, states),
        "events": events,
        "kinds": KINDS,
        "near": largest_near(events),
        "sizes": sizes,
        "chart": (WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM),
        "data": page_data(story, events, sizes, states, places),
    }


def describe_movers(story: Story) -> dict[str, Any]:
    """Return why states moved, and how many moves are left out."""
    reasons = list_reasons(story)
    return {
        "moves": story.moves,
        "reasons": reasons,
        "more": len(story.moves) - len(reasons),
        "explained": {reason.move.key for reason in reasons},
        "half": HALF,
    }


def name_places(story: Story) -> list[str]:
    """Name where a state with each alignment is."""
    return [
        "outside the blocs" if alignment == NON_ALIGNED_ID else story.names.alignments[alignment]
        for alignment in story.run.alignments
    ]


def order_movers_first(story: Story) -> list[int]:
    """Order the states for their names on the map: those that move first, then by capability."""
    run, sizes = story.run, sizes_of_states(story)
    moves = (run.alignment[1:] != run.alignment[:-1]).any(axis=0)
    return sorted(range(len(run.states)), key=lambda n: (not moves[n], -sizes[run.states[n]]))


def list_members(run: Run, states: list[str]) -> list[list[str]]:
    """List the names of the states with each alignment at the start, in alphabetical order."""
    start = run.alignment[0]
    return [sorted(states[n] for n in np.flatnonzero(start == k).tolist()) for k in range(len(run.alignments))]


def page_data(
    story: Story, events: list[Event], sizes: SizeChart, states: list[str], places: list[str]
) -> dict[str, Any]:
    """Return what the page's script needs: where each state starts, every move, and what is said of each step."""
    run, names = story.run, story.names
    last = len(run.alignment) - 1
    steps, movers = np.nonzero(run.alignment[1:] != run.alignment[:-1])
    said: dict[int, list[list[str]]] = {0: [["The history starts.", ""]]}
    for event in events:
        said.setdefault(event.step, []).append([event.what, event.why])
    said.setdefault(last, []).append(["The history ends.", ""])
    data: dict[str, Any] = {
        "states": states,
        "places": places,
        "start": run.alignment[0].tolist(),
        "moves": [
            [step + 1, i, int(run.alignment[step + 1, i])]
            for step, i in zip(steps.tolist(), movers.tolist(), strict=True)
        ],
        "months": [capital(names.month(step)) for step in range(last + 1)],
        "said": said,
        "labels": sizes.labels,
        "left": LEFT,
        "column": sizes.column,
    }
    cleaned: dict[str, Any] = escape_texts(data)
    return cleaned


def escape_texts(data: Any) -> Any:
    """Escape invisible characters in every text of lists and mappings."""
    if isinstance(data, str):
        return escape_controls(data)
    if isinstance(data, dict):
        return {str(key): escape_texts(value) for key, value in data.items()}
    return [escape_texts(value) for value in data] if isinstance(data, (list, tuple)) else data
