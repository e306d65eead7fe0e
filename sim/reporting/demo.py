"""The demo: compare the shipped scenarios, answer the article's claims and draw the charts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

import pandas as pd

from sim.analysis.compare import (
    Pairing,
    Sample,
    compare_outcomes,
    compare_states,
    designs_without_difference,
    pairings,
    read_sample,
)
from sim.article.answers import Answer, answer_claims, answer_records
from sim.article.evidence import FRONT
from sim.batch.store import Results
from sim.batch.tables.spreadsheet import write_csv
from sim.batch.tables.whole import with_texts
from sim.files import write_synced
from sim.reporting import charts
from sim.reporting.chapters.titles import title_of_differences, title_of_states
from sim.reporting.colours import alignment_colours
from sim.reporting.dated import pictures
from sim.reporting.dated.findings import DatedFindings, effects_sentence, find_dated
from sim.reporting.dated.pictures import draw_incidence
from sim.reporting.labels import label_alignments, list_names
from sim.reporting.records import to_json_text
from sim.scenario.loading import BASE, shipped_scenarios
from sim.scenario.schema import Scenario


@dataclass(frozen=True)
class Demo:
    """Findings of the demo.

    Parameters
    ----------
    found : Sample
        Finished runs of all scenarios.
    headline : str
        Finding of the baseline in one sentence, with its 95 % interval.
    outcomes, states : DataFrame
        Paired comparisons with the baseline, by outcome and by state.
    answers : list of Answer
        The article's claims.
    paired : list of Pairing
        How each scenario's runs pair with the baseline's.
    unchanged : list of str
        Scenarios without any clear difference.
    charts : dict
        Caption of each chart, by file name.
    """

    found: Sample
    headline: str
    outcomes: pd.DataFrame
    states: pd.DataFrame
    answers: list[Answer]
    paired: list[Pairing]
    unchanged: list[str]
    charts: dict[str, str]


def demo_scenarios() -> dict[str, Scenario]:
    """Load the shipped scenarios of the article's world that vary no parameter, the baseline first."""
    loaded = shipped_scenarios()
    base = loaded[BASE]
    return {n: s for n, s in loaded.items() if not s.sweep.vary and s.states.keys() == base.states.keys()}


def make_demo(results: Results, out: Path) -> Demo:
    """Compare the scenarios, answer the claims, and write charts (PNG) and tables (CSV, JSON).

    Parameters
    ----------
    results : Results
        Results of a sweep of `demo_scenarios`.
    out : Path
        Folder for the files; it is created if missing.

    Returns
    -------
    Demo
        The findings.
    """
    found = read_sample(results)
    outcomes, states = compare_outcomes(found, BASE), compare_states(found, BASE)
    answers = answer_claims(found)
    out.mkdir(parents=True, exist_ok=True)
    write_csv(outcomes, out / "outcomes.csv")
    write_csv(states, out / "states.csv")
    write_synced(out / "claims.json", to_json_text(answer_records(answers)).encode())
    name = label_alignments(found.scenarios[BASE])[FRONT]
    dated = find_dated(results, scenario_titles(found), BASE, FRONT, name)
    assert dated is not None  # noqa: S101 - the article's world has a calendar
    captions = draw_demo(found, outcomes, dated, out)
    paired = pairings(found, BASE, outcomes, states)
    unchanged = designs_without_difference(outcomes)
    return Demo(found, dated.headline(), outcomes, states, answers, paired, unchanged, captions)


def draw_demo(found: Sample, outcomes: pd.DataFrame, dated: DatedFindings, out: Path) -> dict[str, str]:
    """Draw the four charts of the demo; return their captions by file name."""
    chart_joining(dated, found.scenarios[BASE]["date"], out / "joining.png")
    chart_effects(dated, out / "effects.png")
    chart_heat_map(found, dated, out / "states_by_scenario.png")
    chart_bloc_differences(found, outcomes, out / "differences.png")
    return {
        "joining.png": "which states join the front, by date, with bands",
        "effects.png": "how each scenario changes the chance of the state whose joining adds most",
        "states_by_scenario.png": "chance of every state to be in the front at the end, in every scenario",
        "differences.png": "how each scenario changes the size of the blocs, with intervals",
    }


def scenario_titles(found: Sample) -> dict[str, str]:
    """Return the title of each design's scenario."""
    return {design: str(scenario["title"]) for design, scenario in found.scenarios.items()}


def baseline_colours(found: Sample) -> dict[str, str]:
    """Return the colour of each alignment of the baseline's world."""
    return alignment_colours(found.scenarios[BASE]["blocs"])


def chart_joining(dated: DatedFindings, start: str, path: Path) -> None:
    """Draw the chance that the likeliest states have joined the front by each date, in the baseline."""
    figure, (axes,) = charts.new_figure(8.5, 4.2)
    chosen = pictures.choose_lines(dated)
    draw_incidence(axes, dated.incidence, chosen, start)
    method = f"Chance by date, {dated.runs} histories of the baseline; {pictures.words_of_bands(chosen)}."
    title = f"{pictures.title_of_incidence(dated)} {method}"
    axes.set_title("\n".join(wrap(title, 95)), loc="left")
    charts.save_figure(figure, str(path))


def chart_effects(dated: DatedFindings, path: Path) -> None:
    """Draw how each scenario changes the chance of the first mover, by role."""
    rows = len(dated.effects) + len(pictures.by_role(dated.effects))
    figure, (axes,) = charts.new_figure(8.5, 0.27 * rows + 1.1)
    name = dated.first.name if dated.first else ""
    pictures.draw_effects(axes, dated.effects, f"change, in histories of 100 in which {name} joins")
    figure.suptitle("\n".join(wrap(effects_sentence(dated), 90)), fontsize=10)
    method = f"{dated.runs} histories of each scenario, 95 % intervals. {pictures.marks_of_effects(dated.effects)}"
    figure.supxlabel("\n".join(wrap(method, 120)), fontsize=8)
    charts.save_figure(figure, str(path))


def chart_heat_map(found: Sample, dated: DatedFindings, path: Path) -> None:
    """Draw the chance of each state to be in the front at the end, by scenario, highest first."""
    states = with_texts(found.states).assign(inside=found.states["final"] == FRONT)
    names = {state: record["name"] for state, record in found.scenarios[BASE]["states"].items()}
    grid = states.pivot_table(index="state", columns="design", values="inside")[found.designs]
    grid = grid.rename(columns=scenario_titles(found))
    never = [names[state] for state in grid.index[(grid < 0.005).all(axis=1)]]
    grid = grid[(grid >= 0.005).any(axis=1)]
    grid = grid.loc[grid.mean(axis=1).sort_values(ascending=False, kind="stable").index].rename(index=names)
    figure, (axes,) = charts.new_figure(8.5, 9)
    charts.draw_state_heat(axes, grid, label=f"share of histories in the front on {dated.days[-1]}")
    runs = found.runs["replicate"].nunique()
    figure.suptitle("\n".join(wrap(title_of_states(grid, "front"), 90)), fontsize=10)
    method = f"In the front at the end, of 100 histories; {runs} runs a scenario (blank: under 1)."
    figure.supxlabel("\n".join(wrap(f"{method} In no scenario: {list_names(never)}.", 120)), fontsize=8)
    charts.save_figure(figure, str(path))


def chart_bloc_differences(found: Sample, outcomes: pd.DataFrame, path: Path) -> None:
    """Draw paired differences of both blocs' capability from the baseline."""
    figure, pair = charts.new_figure(10, 0.36 * len(found.designs) + 1.2, 1, 2)
    labels = {"front": "front's capability", "us_led": "US-led bloc's capability"}
    order = None
    for axes, (bloc, label) in zip(pair, labels.items(), strict=True):
        rows = outcomes[outcomes["outcome"] == f"capability_{bloc}"].reset_index(drop=True)
        rows = rows.assign(scenario=rows["scenario"].map(scenario_titles(found))).set_index("scenario")
        order = order if order is not None else rows["difference"].sort_values(kind="stable").index
        charts.draw_differences(
            axes,
            rows.loc[order].reset_index(),
            label=f"{label}, change from the baseline",
            colour=baseline_colours(found)[bloc],
        )
        finding = title_of_differences(rows.reset_index(), label.partition("'")[0])
        axes.set_title("\n".join(wrap(finding, 55)), fontsize=9)
    pair[1].set_yticklabels([])
    n = int(outcomes["pairs"].max())
    method = f"Paired mean difference and 95 % interval, {n} pairs of runs; grey where not clear; scales differ."
    figure.supxlabel(method, fontsize=8)
    charts.save_figure(figure, str(path))
