"""Make the picture and the numbers of `docs/dispositions.md`: histories under fresh and under kept dispositions.

    python -m tools.histories

It writes `docs/images/dispositions.png` and prints the table of the page. The scenario is the one on the page.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_hex, to_rgb
from matplotlib.patches import Patch

from sim.analysis.statistics import mean_interval, share_interval
from sim.model.arrays import Floats
from sim.model.compiled import iterate_runs, run_compiled
from sim.model.trajectory import Run
from sim.model.world import world_of
from sim.reporting.charts import new_figure, save_figure
from sim.reporting.colours import alignment_colours
from sim.reporting.labels import label_alignments
from sim.scenario.loading import load_scenario
from sim.scenario.schema import NON_ALIGNED_ID, Scenario

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "dispositions.md"
PICTURE = DOCS / "images" / "dispositions.png"
SEED, RUNS = 7, 200
LEVER = "global_coexistence"
FRESH = 'dispositions = "fresh"\n'
KEPT = FRESH.replace("fresh", "kept")
LAWS = {
    "fresh": FRESH,
    "kept, without the anchor": KEPT + "anchored = false\n",
    "kept and anchored": KEPT,
}
PALE = 0.4  # strength of the colour of the non-aligned, which makes three alignments distinct in greyscale
WIDTH, ROW = 7.4, 0.165  # inches; the width of a page of the site, and a row of the picture


def scenario_text() -> str:
    """Return the scenario file that the page shows."""
    return re.findall(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[0]


def load_text(text: str) -> Scenario:
    """Load a scenario from the text of its file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fresh_2023.toml"
        path.write_text(text, encoding="utf-8")
        return load_scenario(path)


def under_law(law: str, base: str = "") -> Scenario:
    """Load the scenario of the page under one of LAWS, extending another base if one is given."""
    text = scenario_text().replace(FRESH, LAWS[law])
    return load_text(re.sub(r'(extends = )"\w+"', rf'\1"{base}"', text) if base else text)


def count_moves(runs: Iterable[Run]) -> Floats:
    """Count the states that change alignment at each step of each run, (runs, T)."""
    return np.array([(np.diff(run.alignment, axis=0) != 0).sum(axis=1) for run in runs], dtype=np.float64)


def has_defector(run: Run) -> bool:
    """Return whether a state that starts in the first bloc is in another bloc at some step."""
    return bool((run.alignment[:, run.alignment[0] == 1] > 1).any())


def format_mean(values: Floats) -> str:
    """Format a mean with its 95 % interval."""
    mean, low, high, _ = mean_interval(values)
    return f"{mean:.2f} ({low:.2f} to {high:.2f})"


def format_share(count: int, n: int) -> str:
    """Format a share of runs in % with its 95 % interval."""
    share, low, high, _ = share_interval(count, n)
    return f"{100 * share:.0f} % ({100 * low:.0f} to {100 * high:.0f})"


def table_rows(runs: int = RUNS) -> list[str]:
    """Compute the table of the page as lines of Markdown."""
    columns = []
    for law in LAWS:
        scenario, changed = under_law(law), under_law(law, LEVER)
        made = list(iterate_runs(scenario, seed=SEED, replicates=range(runs)))
        moves = count_moves(made)
        levered = count_moves(iterate_runs(changed, seed=SEED, replicates=range(runs)))
        state_years = int((~world_of(scenario).setting.fixed).sum()) * scenario.steps / 4
        columns.append(
            (
                format_mean(moves[:, 0]),
                format_mean(levered[:, 0]),
                format_mean(moves[:, 1:].mean(axis=1)),
                format_mean(100 * moves.sum(axis=1) / state_years),
                format_share(sum(map(has_defector, made)), runs),
            )
        )
    heads = (
        "states that move at step 1",
        f"the same in `{LEVER}`",
        "states that move at a later step",
        "realignments in 100 state-years",
        "runs in which a state leaves the US-led bloc for the front",
    )
    lines = [(f"of {runs} runs", *LAWS), ("---",) * (len(LAWS) + 1)]
    lines += [(head, *cells) for head, cells in zip(heads, zip(*columns, strict=True), strict=True)]
    return [f"| {' | '.join(line)} |" for line in lines]


def rows_of(scenario: Scenario, run: Run) -> list[int]:
    """Sort the states by their alignment at the start, the non-aligned between the blocs, then by name."""
    blocs = run.alignments[1:]
    place = [1, 0, *range(2, len(blocs) + 1)]  # of each alignment
    names = [state.name for state in scenario.states.values()]
    return sorted(range(len(names)), key=lambda i: (place[run.alignment[0, i]], names[i]))


def draw_history(axes: Axes, scenario: Scenario, run: Run, rows: list[int], colours: dict[str, str]) -> None:
    """Draw the alignment of each state at each step as a colour."""
    axes.pcolormesh(
        np.arange(len(run.alignment) + 1) - 0.5, np.arange(len(rows) + 1) - 0.5, run.alignment[:, rows].T,
        cmap=ListedColormap(list(colours.values())), vmin=-0.5, vmax=len(colours) - 0.5, edgecolors="white",
        linewidth=0.3,
    )  # fmt: skip
    starts = run.alignment[0, rows]
    for row in np.flatnonzero(np.diff(starts)):
        axes.axhline(row + 0.5, color="black", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [list(scenario.states.values())[i].name for i in rows], fontsize=8)
    ticks = range(0, scenario.steps + 1, 8)
    axes.set_xticks(ticks, [f"{step}\n{scenario.dates()[step][:4]}" for step in ticks], fontsize=8)
    axes.set(ylim=(len(rows) - 0.5, -0.5), xlabel=f"step of a {scenario.step}, and its year")
    axes.tick_params(length=0)
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def draw_picture(path: Path) -> None:
    """Draw one history under each law, with the same random seed."""
    fresh, kept = under_law("fresh"), under_law("kept and anchored")
    colours = alignment_colours(kept.alignments())
    red, green, blue = (1 - PALE * (1 - part) for part in to_rgb(colours[NON_ALIGNED_ID]))
    shades = colours | {NON_ALIGNED_ID: to_hex((red, green, blue))}
    figure, panels = new_figure(WIDTH, ROW * len(kept.states) + 1.3, 1, 2)
    for axes, scenario, title in zip(panels, (fresh, kept), ("fresh", "kept"), strict=True):
        run = run_compiled(scenario, seed=SEED)
        draw_history(axes, scenario, run, rows_of(scenario, run), shades)
        moves = int(count_moves([run]).sum())
        axes.set_title(f"{title}: {moves} moves")
    panels[1].set_yticks([])
    names = label_alignments(kept)
    first, *others = kept.blocs
    order = [first, NON_ALIGNED_ID, *others]
    figure.legend(
        [Patch(facecolor=shades[key]) for key in order], [names[key] for key in order], loc="outside upper center",
        ncols=len(order), frameon=False, fontsize=9,
    )  # fmt: skip
    save_figure(figure, str(path))


def main() -> None:
    """Write the picture and print the table."""
    draw_picture(PICTURE)
    print(f"{PICTURE}\n")
    print("\n".join(table_rows()))


if __name__ == "__main__":
    main()
