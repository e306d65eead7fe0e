"""A history as one page of HTML, which loads nothing."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from sim.analysis.history.sentences import compare_with_others, count_causes, describe_sizes, sum_up
from sim.analysis.history.story import Story
from sim.analysis.history.words import capital
from sim.calendar import describe_step
from sim.errors import Fault, InputError, escape_controls, escape_page
from sim.model.trajectory import Run
from sim.reporting import maps
from sim.reporting.labels import list_names
from sim.reporting.story.events import KINDS, Event, largest_near, list_events, sizes_of_states
from sim.reporting.story.pictures import draw_map, draw_picture
from sim.reporting.story.reasons import HALF, list_reasons
from sim.reporting.story.sizes import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Sizes, chart_sizes
from sim.scenario.schema import NON_ALIGNED_ID

MOST_BYTES = 2_000_000  # of a page

MOST_SIZES = 4  # alignments whose sizes fit in a sentence

HERE = Path(__file__).parent


def render_story(story: Story, *, found: str = "", command: str = "") -> str:
    """Return a history as one HTML page, which loads nothing; the same history gives the same text.

    Parameters
    ----------
    story : Story
        The history.
    found : str, optional
        In how many histories happens what was looked for, in a sentence.
    command : str, optional
        The command that makes this history.

    Returns
    -------
    str
        The page, of less than 2 MB.

    Raises
    ------
    InputError
        If the page would be larger.
    """
    run, names, scenario = story.run, story.names, story.scenario
    events, picture, sizes = list_events(story), draw_picture(run.states, run.alignments), chart_sizes(run, names)
    states, places = [names.states[state] for state in run.states], name_places(story)
    labels = [f"{name}: {places[k]}" for name, k in zip(states, run.alignment[0].tolist(), strict=True)]
    answer = sum_up(run, story.moves, names, sizes_of_states(story))
    script, style = (HERE / "story.js").read_text("utf-8"), (HERE / "story.css").read_text("utf-8")
    text = page_environment().get_template("story.html.j2").render(
        title=scenario.title, question=scenario.question, answer=answer, found=found, command=command,
        details=describe_history(story), run=run, rounds=not names.dates, length=describe_step(names.step),
        span=names.duration(len(run.alignment) - 1), months=[names.month(step) for step in (0, len(run.alignment) - 1)],
        policy=content_policy(script, style), script=Markup(script), style=Markup(style),  # noqa: S704 - own files
        picture=picture, states=states, places=places, names=[names.alignments[a] for a in run.alignments],
        map=draw_map(picture, run.states, run.alignment[0].tolist(), dict(enumerate(labels))),
        ends=[draw_map(picture, run.states, run.alignment[step].tolist()) for step in (0, -1)],
        missing=[states[n] for n in picture.missing], note=maps.NOTE, members=list_members(run, states),
        sizes=sizes, chart=(WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM),
        events=events, kinds=KINDS, near=largest_near(events), month=names.month, half=HALF,
        reasons=(reasons := list_reasons(story)), more=len(story.moves) - len(reasons), moves=story.moves,
        kept=scenario.dispositions == "kept", explained={reason.move.key for reason in reasons},
        data=page_data(story, events, sizes, states, places, answer),
    )  # fmt: skip
    page = escape_page(text)
    if (size := len(page.encode())) > MOST_BYTES:
        message = (
            f"the page of {len(run.states)} states over {len(run.alignment) - 1} steps would have {size / 1e6:.1f} MB,"
            f" more than {MOST_BYTES / 1e6:.0f} MB; run fewer steps"
        )
        raise InputError([Fault("story", 1, "", message)])
    return page


def page_environment() -> Environment:
    """Return the environment of the page's template, which escapes everything and refuses undefined names."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
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


def describe_history(story: Story) -> list[str]:
    """List what is said of a history beside its one sentence; empty sentences are left out."""
    run, few = story.run, len(story.run.alignments) <= MOST_SIZES
    said = [
        describe_sizes(run, story.names) if story.moves and few else "",
        count_causes(story.moves, story.scenario),
        compare_with_others(story.others) if story.others and story.others.count else "",
    ]
    return [sentence for sentence in said if sentence]


def name_places(story: Story) -> list[str]:
    """Name where a state with each alignment is."""
    return [
        "outside the blocs" if alignment == NON_ALIGNED_ID else story.names.alignments[alignment]
        for alignment in story.run.alignments
    ]


def list_members(run: Run, states: list[str]) -> list[list[str]]:
    """List the names of the states with each alignment at the start, in alphabetical order."""
    start = run.alignment[0]
    return [sorted(states[n] for n in np.flatnonzero(start == k).tolist()) for k in range(len(run.alignments))]


def page_data(
    story: Story, events: list[Event], sizes: Sizes, states: list[str], places: list[str], answer: str
) -> dict[str, Any]:
    """Return what the page's script needs: where each state starts, every move, and what is said of each step."""
    run, names = story.run, story.names
    last = len(run.alignment) - 1
    steps, movers = np.nonzero(run.alignment[1:] != run.alignment[:-1])
    said: dict[int, list[list[str]]] = {0: [["The history starts.", ""]]}
    for event in events:
        said.setdefault(event.step, []).append([event.what, event.why])
    said.setdefault(last, []).append([f"The history ends. {answer}", ""])
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
    cleaned: dict[str, Any] = clean_texts(data)
    return cleaned


def clean_texts(data: Any) -> Any:
    """Escape invisible characters in every text of lists and mappings."""
    if isinstance(data, str):
        return escape_controls(data)
    if isinstance(data, dict):
        return {str(key): clean_texts(value) for key, value in data.items()}
    return [clean_texts(value) for value in data] if isinstance(data, (list, tuple)) else data
