"""A history as the command prints it: what happened in sentences, where states end, and every move on request."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sim.analysis.history import sentences
from sim.analysis.history.bonds import HEADINGS
from sim.analysis.history.moves import RENEWAL
from sim.analysis.history.prospect import describe_prospect
from sim.analysis.history.words import Names, capital, count_words, hundredths
from sim.calendar import describe_step
from sim.cli.printing import new_table, safe_text
from sim.cli.text import alignment_heads
from sim.model.outcomes import last_steps
from sim.model.trajectory import Run, window_of
from sim.reporting.labels import list_names
from sim.scenario.schema import NON_ALIGNED_ID, Scenario
from sim.scenario.shocks import ParameterShock

if TYPE_CHECKING:
    from rich.console import Console

    from sim.analysis.history.moves import Move
    from sim.analysis.history.story import Story
    from sim.analysis.history.turning import TurningPoint

MOST_SIZES = 4  # alignments whose sizes fit in a sentence

COMPILE = "about a minute of computing, the first time"


def print_head(out: Console, scenario: Scenario, run: Run, title: str) -> None:
    """Print which run this is, and its question."""
    out.print(
        f"[bold]{safe_text(scenario.title)}[/bold]  {safe_text(title)}, seed {run.seed}, replicate {run.replicate}"
    )
    if scenario.question:
        out.print(safe_text(scenario.question))


def print_story(out: Console, story: Story) -> None:
    """Print what happened in a history: in one sentence, then by turning points."""
    run, names, moves = story.run, story.names, story.moves
    out.print(f"\n[bold]{safe_text(sentences.sum_up(run, moves, names, capabilities(story)))}[/bold]")
    here = [sentences.describe_unchanged(run, names)] if moves else []
    here += [sentences.describe_sizes(run, names)] if moves and len(run.alignments) <= MOST_SIZES else []
    here.append(sentences.count_causes(moves, story.scenario))
    here += [describe_prospect(story.prospect, run, names)] if story.prospect else []
    if any(here):
        out.print(safe_text(" ".join(filter(None, here))))
    if story.others and story.others.count:
        out.print(f"\n{safe_text(sentences.compare_with_others(story.others, names))}")
    if story.scenario.dispositions == "kept" and any(move.cause == RENEWAL for move in moves):
        print_disposition(out, story)
    points = [point for point in story.points if point.kind != "renewal"]
    if points:
        ends = f" (a date is the end of the {names.step})" if names.dates else ""
        out.print(f"\n[bold]Turning points[/bold]{ends}")
    for number, point in enumerate(points, start=1):
        print_point(out, story, number, point)
    shown = {move.key for point in points for move in (*point.moves, *point.followers)}
    if rest := len(moves) - len(shown):
        out.print(f"The {count_words(rest, 'other move')} changed less (--moves shows every move).")
    print_near_moves(out, story)


def print_disposition(out: Console, story: Story) -> None:
    """Say what a disposition is and how often it is renewed."""
    rate, unit = story.scenario.parameters.renewal.value, "years" if story.names.dates else "rounds"
    often = f", on average every {1 / rate:.0f} {unit} for each state" if rate else ""
    if often and has_other_rates(story.scenario):
        often = f"{often} at the start of the run, but for states and times to which the scenario gives another rate"
    rarer = " (most new governments keep the old line)" if story.names.dates else ""
    out.print(
        "\nA disposition is what a state prefers apart from its ties. It lasts until it is renewed, which happens by"
        f" chance{often}{rarer}. To join a bloc is to align with it in policy; no treaty is meant."
    )


def has_other_rates(scenario: Scenario) -> bool:
    """Whether some state has a rate of renewal of its own, or a shock changes the rate."""
    shocks = any(isinstance(one, ParameterShock) and one.parameter == "renewal" for one in scenario.shocks)
    return shocks or any(state.renewal.value != 1 for state in scenario.states.values())


def capabilities(story: Story) -> dict[str, float]:
    """Capability of each state, in the unit of its world."""
    return {id: state.capability.value for id, state in story.scenario.states.items()}


def print_point(out: Console, story: Story, number: int, point: TurningPoint) -> None:
    """Print a turning point: when and what, why, who followed, and how often it happens elsewhere."""
    from rich.padding import Padding

    names, ties = story.names, story.coded_ties(point)
    when = f"{capital(names.when(point.step))}{f' (step {point.step})' if names.dates else ''}"
    out.print(f"{number}. {safe_text(when)}: [bold]{safe_text(sentences.describe_point(point, names))}[/bold]")
    alone = bool(point.moves) and not point.followers
    lines = {
        "Why": sentences.explain_point(point, names, story.scenario),
        **{heading: ties[kind] for kind, heading in HEADINGS.items()},
        "Followed by": sentences.describe_followers(point, names) or ("no state." if alone else ""),
        "Reaction": sentences.describe_reactions(point, names),
        "Effect": sentences.describe_effect(point, names),
        "Elsewhere": sentences.describe_elsewhere(point, names, story.others),
    }
    for label, text in lines.items():
        if text:
            out.print(Padding(f"{label}: {safe_text(text)}", (0, 0, 0, 3), expand=False))


def print_near_moves(out: Console, story: Story) -> None:
    """Print which dispositions were renewed without a move although that could have moved the state."""
    said = [
        f"{story.names.state(point.renewed)} {story.names.when(point.step)} ({hundredths(1.0 - point.chance)})"
        for point in story.points
        if point.kind == "renewal"
    ]
    if said:
        out.print(
            "\nWithout a move: the dispositions of these states were renewed too, and each kept its alignment then (in"
            f" brackets: how many such draws would move the state, anywhere): {safe_text('; '.join(said))}."
        )


def print_ends(out: Console, scenario: Scenario, run: Run, names: Names) -> None:
    """Print the size of each alignment at the start and at the end, and who is in it."""
    from rich.padding import Padding

    last = len(run.alignment) - 1
    out.print(f"\n[bold]At the end[/bold] ({safe_text(names.month(last))})")
    late = run.late_shares(window_of(scenario))
    for k in [*range(1, len(run.alignments)), 0]:
        alignment, ends = run.alignments[k], run.alignment[-1] == k
        share = run.outcome(f"capability_{alignment}")
        if alignment == NON_ALIGNED_ID and not scenario.non_aligned_allowed:
            continue
        members = sorted((names.states[run.states[i]], late[i, k]) for i in np.flatnonzero(ends))
        marked = [f"{name}{'' if part >= 0.5 else '*'}" for name, part in members]
        label = "Outside the blocs" if alignment == NON_ALIGNED_ID else capital(names.alignments[alignment])
        out.print(f"[bold]{safe_text(label)}[/bold] ({len(members)}): {safe_text(list_names(marked) or 'no state')}")
        size = sentences.describe_size(float(share[0]), float(share[-1]))
        out.print(Padding(f"{capital(size)}.", (0, 0, 0, 3), expand=False))
    if (late[np.arange(len(run.states)), run.alignment[-1]] < 0.5).any():
        out.print(f"* less than half of {last_steps(window_of(scenario))} in this alignment")
    out.print(f"Capability is {safe_text(describe_capability(scenario))}, as a share of all {len(run.states)} states.")


def describe_capability(scenario: Scenario) -> str:
    """Say what the capability of all states measures."""
    sources = {state.capability.source for state in scenario.states.values()}
    if all(source.startswith("cow_nmc") for source in sources):
        return "military, industrial and demographic strength (Correlates of War)"
    return (
        f"the strength that the world file gives ({next(iter(sources))})"
        if len(sources) == 1 and any(sources)
        else "the strength that the world file gives"
    )


def print_steps(out: Console, scenario: Scenario, run: Run, names: Names, *, every: bool) -> None:
    """Print the sizes of the blocs and who moved, at every step or at those with a move."""
    blocs = run.alignments[1:]
    heads = list(alignment_heads(names.alignments, blocs).values())
    ends = names.dates
    shown = new_table("step", *["ends"] * bool(ends), *heads, "who moved", numbers=("step", *heads))
    last = len(run.alignment) - 1
    for step in range(last + 1):
        moved = format_moves(run, names, step) if step else "start"
        if every or moved or step == last:
            shares = [f"{run.outcome(f'capability_{bloc}')[step]:.2f}" for bloc in blocs]
            shown.add_row(str(step), *ends[step : step + 1], *shares, moved)
    out.print("\n[bold]Step by step[/bold] (shares of all capability)")
    out.print(shown)
    if heads == list(blocs):
        out.print("blocs: " + safe_text(list_names([f"{bloc} is {names.alignments[bloc]}" for bloc in blocs])))
    hidden = "" if every else " Steps without a move are left out (--every-step shows them)."
    out.print(f"{describe_step(names.step)}{hidden}")


def format_moves(run: Run, names: Names, step: int) -> str:
    """List the states that changed alignment at a step, by their new alignment."""
    changed = np.flatnonzero(run.alignment[step] != run.alignment[step - 1])
    parts = []
    for k, alignment in enumerate(run.alignments):
        movers = [names.states[run.states[i]] for i in changed if run.alignment[step, i] == k]
        if movers:
            parts.append(safe_text(f"→ {names.alignments[alignment]}: {list_names(movers)}"))
    return (" | " if any(";" in part for part in parts) else "; ").join(parts)


def print_moves(out: Console, story: Story) -> None:
    """Print every move with its cause and its reason."""
    names = story.names
    out.print("\n[bold]Every move[/bold]")
    if not story.moves:
        out.print("There was none.")
        return
    dated = ["ends"] * bool(names.dates)
    shown = new_table("step", *dated, "move", "cause", "reason", numbers=("step",))
    for move in story.moves:
        date = [story.date(move.step) or ""] * bool(dated)
        what = capital(sentences.describe_move(move, names))
        shown.add_row(str(move.step), *date, safe_text(what), move.cause, safe_text(story.reason(move)))
    out.print(shown)


def print_next(
    out: Console, story: Story | None, run: Run, word: str, changed: Sequence[str], length: Sequence[str], *,
    with_moves: bool,
) -> None:  # fmt: skip
    """Print what one run is not, and commands that lead on.

    `word` is the scenario as the command line named it, `changed` and `length` the options that changed it.
    """
    own = ["--seed", str(run.seed), *(["--replicate", str(run.replicate)] if run.replicate else [])]
    here = ["blocs", "run", word, *changed, *length]
    lines: dict[str, list[str]] = {}
    if story is not None:
        if story.others is None:
            lines[f"How often it happens elsewhere ({COMPILE})"] = [*here, *own, "--others", "100"]
        if story.moves and not with_moves:
            lines["Every move with its reason"] = [*here, *own, "--moves"]
        if story.moves and not length:
            first = main_move(story)
            what = f"What {story.names.state(first.state)} weighed then, term by term"
            lines[what] = ["blocs", "explain", word, first.state, "--step", str(first.step), *own, *changed]
        if condition := suggest_condition(story):
            state, bloc = condition
            what = f"A history in which {story.names.state(state)} joins {story.names.bloc(bloc)}"
            lines[what] = [*here, "--seed", str(run.seed), "--where", f"{state} enters {bloc}"]
    lines["How runs vary"] = ["blocs", "sweep", word, *changed, *length]
    out.print("\nThis is one random run, not a forecast. Next:")
    for what, command in lines.items():
        out.print(f"- {safe_text(what)}: `{safe_text(shlex.join(command))}`")


def main_move(story: Story) -> Move:
    """First move of the heaviest turning point."""
    return max((point for point in story.points if point.moves), key=lambda point: point.weight).moves[0]


def suggest_condition(story: Story) -> tuple[str, str] | None:
    """The strongest state that never moves here, and the bloc that it could most likely enter; None without one."""
    run, sizes = story.run, capabilities(story)
    for state in sorted(sizes, key=lambda id: -sizes[id]):
        i = run.states.index(state)
        own = run.alignment[-1, i]
        if (run.alignment[:, i] != own).any():
            continue
        chances = [(chance, k) for k, chance in enumerate(run.chances[-1, i].tolist()) if k and k != own and chance > 0]
        if chances:
            return state, run.alignments[max(chances)[1]]
    return None


def print_tendency(out: Console) -> None:
    """Say that a run through the lens of tendency is not a history."""
    out.print(
        "\nThis run shows a tendency: states redraw their dispositions often, until they rest where the ties pull. It"
        ' is not a history, so it has no turning points. With lens = "histories" in the scenario file it is one.'
    )
