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
    mean_late_shares,
    outcome_by_run,
    pairings,
    read_sample,
)
from sim.analysis.statistics import share_interval
from sim.article.claims import FRONT, Answer, answer_claims, answer_records
from sim.article.evidence import evidence_from_sample
from sim.batch.recorded import scenarios_as_run
from sim.batch.store import Results
from sim.batch.tables.shares import sizes_by_step
from sim.batch.tables.spreadsheet import write_csv
from sim.files import write_synced
from sim.reporting import charts
from sim.reporting.colours import alignment_colours
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
    captions = draw_demo(found, outcomes, results, out)
    paired = pairings(found, BASE, outcomes, states)
    unchanged = designs_without_difference(outcomes)
    return Demo(found, demo_headline(found), outcomes, states, answers, paired, unchanged, captions)


def draw_demo(found: Sample, outcomes: pd.DataFrame, results: Results, out: Path) -> dict[str, str]:
    """Draw the four charts of the demo; return their captions by file name."""
    chart_shares_over_time(found, results, out / "bloc_shares.png")
    chart_heat_map(found, results, out / "states_by_scenario.png")
    chart_runs_by_front(found, out / "front_by_run.png")
    chart_bloc_differences(found, outcomes, out / "differences.png")
    return {
        "bloc_shares.png": "bloc shares over time, with bands and single runs",
        "states_by_scenario.png": "P(front) of every state in every scenario",
        "front_by_run.png": "the front's size run by run: with a front and without",
        "differences.png": "how each scenario differs from the baseline, with intervals",
    }


def scenario_titles(found: Sample) -> dict[str, str]:
    """Return the title of each design's scenario."""
    return {design: str(scenario["title"]) for design, scenario in found.scenarios.items()}


def baseline_colours(found: Sample) -> dict[str, str]:
    """Return the colour of each alignment of the baseline's world."""
    return alignment_colours(found.scenarios[BASE]["blocs"])


SHOWN_OVER_TIME = (BASE, "dispersed_attention", "focused_indo_pacific")


def chart_shares_over_time(found: Sample, results: Results, path: Path) -> None:
    """Draw bands of the baseline beside the article's opposite cases: attention dispersed and focused."""
    chosen = [design for design in SHOWN_OVER_TIME if design in found.designs]
    ran = scenarios_as_run(results, chosen)
    steps = {design: sizes_by_step(results, found.designs.index(design), ran[design]) for design in chosen}
    figure, panels = charts.new_figure(10.5, 4.2, 1, len(chosen))
    names = label_alignments(found.scenarios[BASE])
    for axes, design in zip(panels, chosen, strict=True):
        charts.draw_share_bands(
            axes,
            steps[design],
            ["front", "us_led", "non_aligned"],
            world=found.scenarios[design]["blocs"],
            names=names,
        )
        axes.set_title(scenario_titles(found)[design], loc="left")
        if axes is not panels[0]:
            axes.set_ylabel("")
    runs = steps[BASE]["replicate"].nunique()
    figure.suptitle(f"Median and 5-95 % band of {runs} runs, and six single runs: in each a front stands or does not")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    charts.save_figure(figure, str(path))


def chart_heat_map(found: Sample, results: Results, path: Path) -> None:
    """Draw P(front) of states by scenarios, highest first."""
    shares = {d: {s: v.get("front", 0.0) for s, v in states.items()} for d, states in mean_late_shares(results).items()}
    names = {state: record["name"] for state, record in found.scenarios[BASE]["states"].items()}
    grid = pd.DataFrame(shares).rename(columns=scenario_titles(found))
    never = [names[state] for state in grid.index[(grid < 0.005).all(axis=1)]]
    grid = grid[(grid >= 0.005).any(axis=1)]
    grid = grid.loc[grid.mean(axis=1).sort_values(ascending=False, kind="stable").index].rename(index=names)
    figure, (axes,) = charts.new_figure(8.5, 9)
    charts.draw_state_heat(axes, grid, label=f"P(front): mean share of {found.averaged} spent in the front")
    runs = found.runs["replicate"].nunique()
    axes.set_title(f"P(front) in hundredths, {runs} runs a scenario (blank: under 1)", loc="left")
    figure.supxlabel("\n".join(wrap(f"In no scenario: {list_names(never)}.", 120)), fontsize=8)
    charts.save_figure(figure, str(path))


def chart_runs_by_front(found: Sample, path: Path) -> None:
    """Draw the distribution of the front's size over the runs of each scenario."""
    figure, (axes,) = charts.new_figure(8.5, 0.42 * len(found.designs) + 1.2)
    titles = scenario_titles(found)
    sizes = {design: outcome_by_run(found.runs, design, "capability_front") for design in found.designs}
    ordered = sorted(sizes, key=lambda design: (design != BASE, -sizes[design].mean()))
    label = f"front's share of capability over {found.averaged}"
    rows = {titles[design]: sizes[design] for design in ordered}
    charts.draw_distributions(axes, rows, colour=baseline_colours(found)["front"], label=label)
    n = found.runs["replicate"].nunique()
    figure.suptitle(f"Size of the front over {n} runs of each scenario (line: the mean)")
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
    pair[1].set_yticklabels([])
    n = int(outcomes["pairs"].max())
    figure.suptitle(f"Paired mean difference and 95 % interval, {n} pairs of runs; grey where not clear; scales differ")
    charts.save_figure(figure, str(path))


def demo_headline(found: Sample) -> str:
    """State the baseline's finding in one sentence, with its interval."""
    evidence = evidence_from_sample(found, (BASE,))
    together = evidence.aligned(BASE, ("PRK", "RUS"), FRONT)
    share, low, high, n = share_interval(int(together.sum()), len(together))
    size = evidence.outcome(BASE, "capability_front")[together]
    about = f", with {size.mean():.2f} of the capability on average" if len(size) else ""
    return (
        f"In {100 * share:.0f} % of {n} baseline runs (95 % interval {100 * low:.0f} to {100 * high:.0f} %) Russia and"
        f" North Korea are in the front for most of {found.averaged}{about}; in the others they do not."
    )
