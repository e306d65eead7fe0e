"""The report: results as one page that a reader can take in within ten minutes."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from sim.analysis.compare import (
    Sample,
    compare_outcomes,
    compare_states,
    designs_without_difference,
    interval_words,
    mean_late_shares,
    outcome_by_run,
    pairings,
    read_sample,
)
from sim.analysis.dated.incidence import LARGE
from sim.analysis.dated.sample import sample_at, shares_in_sample
from sim.analysis.history.words import count_words
from sim.analysis.paired import CLEAR_MEANS
from sim.analysis.statistics import share_interval
from sim.article.answers import Answer, answer_claims, missing_scenarios
from sim.batch import recorded
from sim.batch.manifest import recorded_command
from sim.batch.store import Results
from sim.calendar import describe_step, format_day
from sim.errors import escape_page
from sim.reporting import figures, provenance
from sim.reporting.analyses import Analyses
from sim.reporting.chapters import asked, changes, directions, drawing, headings, rows, settings
from sim.reporting.chapters.mapping import DrawnMaps, draw_maps
from sim.reporting.colours import alignment_colours
from sim.reporting.dated import pictures
from sim.reporting.dated.confidence import TrackRecord, confidence_sentence, find_track
from sim.reporting.dated.findings import VERBS, DatedFindings, effects_sentence, find_dated
from sim.reporting.dated.histories import tell_histories
from sim.reporting.dated.verdict import growth_sentence, meaning_of_event, precision_words, size_sentence, verdict
from sim.reporting.dated.words import rounded, rounded_apart
from sim.reporting.dated.worlds import has_article_world, name_measure
from sim.reporting.labels import label_alignments, label_outcome, list_names
from sim.reporting.land import atlas
from sim.reporting.land.views import choose_view
from sim.reporting.maps import NOTE
from sim.scenario.loading import BASE
from sim.scenario.parameters import Parameters

STRONGEST = 2  # parameters on the first page

LISTED_SETTINGS = 6  # lines on what a scenario changes


def render_page(
    results: Results, *, found: Sample | None = None, baseline: str | None = None, analyses: Analyses | None = None,
    stories: str = "", maps: str = "land", at: str | None = None, scenario: str | None = None,
    state: str | None = None,
) -> str:  # fmt: skip
    """Return the report as one HTML page, which loads nothing; the same results give the same text.

    Parameters
    ----------
    results : Results
        Results folder of a sweep.
    found : Sample, optional
        Its finished runs, if they have been read already.
    baseline : str, optional
        Design to compare with. Default: the baseline of the results.
    analyses : Analyses, optional
        Findings over the parameters' ranges, from `analyse`.
    stories : str, optional
        Stem of the pages of histories beside this page, to which it then has links.
    maps : str, optional
        What maps draw each state as: "land", or "tiles" of equal size. Default: "land".
    at : str, optional
        ISO date of the report, which all runs contain. Default: the end of the runs.
    scenario : str, optional
        Design whose question is the title. Default: the only other one, or the only lever, else the baseline.
    state : str, optional
        Id or name of the state that the first page asks about. Default: the first mover.

    Returns
    -------
    str
        The page.

    Raises
    ------
    InputError
        If no run has finished, or none of the baseline or of the scenario, or the state cannot be asked about.
    """
    ended = found or read_sample(results)
    base = ended.baseline(baseline)
    found = sample_at(results, ended, at) if at else ended
    focus = asked.choose_asked(found, base, scenario)
    ordered = asked.order_designs(found, base, focus)
    inputs = provenance.cited_inputs(recorded.recorded_scenarios(results))
    names = figures.design_titles(found, ordered[: asked.MOST_POINTS])
    claimed = base == BASE and rows.has_front(found, base) and not at  # so that the article's claims apply
    bloc = rows.focus_bloc(found, base)
    known = label_alignments(*found.scenarios.values())
    colours = report_colours(found, base)
    outcomes, states = compare_outcomes(found, base), compare_states(found, base)
    glance = rows.scenario_rows(found, base, names, bloc, outcomes)
    names = {row.design: row.name for row in glance}
    if analyses and analyses.regret is not None:
        levers = analyses.regret["lever"].map(lambda lever: names.get(lever, lever))
        analyses = replace(analyses, regret=analyses.regret.assign(lever=levers))
    shares = shares_in_sample(found) if at else mean_late_shares(results)
    ran = recorded.scenarios_as_run(results, names)
    state_id = asked.choose_asked_state(results, base, state)
    dated = find_dated(results, names, base, bloc, known[bloc], at, state_id)
    when = f"on {format_day(dated.days[-1])}" if dated else f"over {found.averaged}"
    drawn = draw_maps(ran[base], shares, states, names, bloc, known, when=when, kind=maps)
    judged = {(one.answer.number, one.answer.text): one for one in analyses.judged} if analyses else {}
    strongest = strongest_parameters(analyses)
    track = find_track(dated) if dated else ""
    runs_word = "histories" if dated else "runs"
    moved = changes.find_changes(found, outcomes, states, names, known, focus, runs_word=runs_word, dated=dated)
    futures = ""
    if analyses and analyses.directions is not None:
        futures = directions.words_of_futures(analyses.directions, focus, known[bloc], analyses.replicates)
    lists = settings.list_settings(ran, names, LISTED_SETTINGS)
    by_hand = asked.changed_by_hand(results.manifest(), found.scenarios[base])
    title = asked.title_of_report(found, base, focus, names)
    differing = rows.list_differences(found, outcomes, states, names, known)
    context = {
        "title": title,
        "by_hand": asked.words_of_settings(by_hand),
        "asked": next((one for one in moved if one.design == focus), None),
        "asked_name": asked.name_asked(found, base, focus, names),
        "effect_grade": directions.grade_effect(found, base, focus, outcomes, states, futures)
        if focus != base
        else None,
        "settings_note": asked.note_of_settings(found, base),
        "asked_settings": next((lines for name, lines, _ in lists if name == names[focus]), []),
        "moved": moved,
        "listed_scenarios": changes.MOST_LISTED if len(moved) <= changes.MOST_LISTED else changes.MOST_LISTED_OF_MANY,
        "named_beside": changes.NAMED_BESIDE,
        "quiet": changes.quiet_words([one for one in moved if one.design != focus], asks_how_often(dated)),
        "dated": dated,
        "verdict": verdict(dated) if dated else page_headline(found, base, bloc, known[bloc], names[base]),
        "growth": growth_sentence(dated, bloc) if dated else "",
        "size": size_sentence(dated, name_measure(ran[base])) if dated else "",
        "effects": pictures.picture_of_effects(dated) if dated else None,
        "effects_sentence": effects_sentence(dated) if dated else "",
        "histories": pictures_of_time(dated, bloc) if dated else [],
        "typical": tell_histories(results, dated.tally.design) if dated else [],
        "stories": stories,
        "precision": precision_words(dated) if dated and dated.runs > 1 else "",
        "strongest": strongest,
        "meaning": meaning_of_event(dated) if dated else "",
        "moved_word": VERBS[dated.event][1] if dated else "",
        "confidence": confidence_sentence(dated, track) if dated else "",
        "track": track.sentence() if isinstance(track, TrackRecord) else "",
        "since": str(ran[base].date or "")[:4],
        "cite": citation(results, found, title, by_hand),
        "question": str(found.scenarios[focus]["question"]),
        "article": has_article_world(ran[base]),
        "bloc": known[bloc],
        "alignments": known,
        "column": f"capability_{bloc}",
        "rows": glance,
        "base": base,
        "names": names,
        "more": len(ordered) - len(names),
        "maps": drawn.pictures,
        "undrawn": drawn.undrawn,
        "elsewhere": [one.name for one in moved if one.name in drawn.undrawn and one.count],
        "compared": len(glance) > 1,
        "map_note": map_note(ran[base].states, maps),
        "over_time": drawing.figures_over_time(results, found, ran, rows.visible_names(glance), bloc, known, at),
        "kinds": drawing.figures_by_run(found, names, bloc, known[bloc], colours[bloc], when),
        "heat": figures.figure_heat(shares, names, figures.state_names(found), bloc, known[bloc], when, "heat"),
        "differences": drawing.difference_figures(
            outcomes, names, {one: known[one] for one in rows.order_blocs(found, bloc)}, colours, when
        ),
        "differing": differing,
        "terms": rows.explain_outcomes(differing, known),
        "averaged": found.averaged,
        "when": when,
        "runs_word": runs_word,
        "length": describe_step(ran[base].step),
        "at": at or "",
        "state_day": max((day for day in ran[base].dates() if day <= at), default=at) if at else "",
        "ends": ran[base].dates()[-1:] if ran[base].sweep.lens == "histories" else (),
        "said": {one.scenario: one.sentences for one in pairings(found, base, outcomes, states)},
        "unchanged": [names[design] for design in designs_without_difference(outcomes) if design in names],
        "claims": answers_of(ended, analyses) if claimed else [],
        "lacking": missing_scenarios(found) if claimed else {},
        "judged": judged,
        "analyses": analyses,
        "sensitivity": [figures.figure_sensitivity(analyses.ends, known[bloc], when)] if analyses else [],
        "regret": figures.figure_regret(analyses.regret, known[bloc], when)
        if analyses and analyses.regret is not None
        else None,
        "changes": lists,
        "assumptions": provenance.list_assumptions(ran[base]),
        "assumed_inputs": rows.count_assumed_inputs(inputs),
        "notes": [(names[d], str(found.scenarios[d]["note"])) for d in names if found.scenarios[d]["note"]],
        "sources": provenance.cited_sources(inputs),
        "command": recorded_command(results.manifest()),
        "report_command": provenance.report_command(
            base,
            points=analyses.points if analyses else 0,
            seed=analyses.seed if analyses else 0,
            parameters=analyses.parameters if analyses else None,
            maps=maps,
            at=at,
            scenario=scenario,
            state=state_id,
        ),
        "versions": results.manifest().get("versions", {}),
        "counts": recorded.count_runs(results),
        "failures": recorded.list_failures(results) if found.failed else [],
        "failed": found.failed,
        "unfinished": found.unfinished,
        "visible": rows.VISIBLE,
        "threshold": LARGE,
        "clear_means": CLEAR_MEANS,
        "inside": headings.INSIDE,
        "chapter_names": headings.list_chapters(compared=len(glance) > 1, dated=bool(at)),
    }
    context["headings"] = chapter_headings(context, drawn, outcomes, shares[base], figures.state_names(found), bloc)
    return escape_page(template_environment().get_template("page.html.jinja").render(context))


def chapter_headings(
    context: Mapping[str, Any], drawn: DrawnMaps, outcomes: pd.DataFrame, shares: Mapping[str, Mapping[str, float]],
    state_names: Mapping[str, str], bloc: str,
) -> dict[str, headings.Heading]:  # fmt: skip
    """Say the finding of each chapter in its heading."""
    name, analyses, others = context["bloc"], context["analyses"], len(context["names"]) - 1
    judged = context["judged"]
    verdicts = [judged[one.number, one.text].verdict if judged else one.verdict for one in context["claims"]]
    inside = {state: share.get(bloc, 0.0) for state, share in shares.items()}
    return {
        "time": headings.heading_of_time(context["dated"], name),
        "maps": headings.heading_of_maps(drawn.drawn, others, bool(drawn.pictures), name),
        "glance": headings.heading_of_rows(context["rows"], name),
        "kinds": headings.heading_of_runs(context["rows"][0], name, context["when"]),
        "states": headings.heading_of_states(inside, state_names, name),
        "differences": headings.heading_of_differences(outcomes),
        "claims": headings.heading_of_claims(context["claims"], verdicts),
        "sensitivity": headings.heading_of_sensitivity(context["strongest"]),
        "regret": headings.heading_of_regret(analyses, name, context["rows"]),
        "why": headings.Heading(
            headings.changes_words(others),
            folded=not any(one.role == "lever" for one in context["moved"]),
        ),
        "assumed": headings.Heading(headings.words_of_assumed(len(context["assumptions"]))),
        "sources": headings.Heading(headings.words_of_sources(len(context["sources"])), folded=True),
        "again": headings.Heading(
            "Two commands repeat this report" if context["command"] else "One command repeats this report",
            folded=not context["failures"],
        ),
    }


def answers_of(found: Sample, analyses: Analyses | None) -> list[Answer]:
    """Return the answers at the defaults, which the analyses over the ranges have computed too."""
    return [one.answer for one in analyses.judged] if analyses else answer_claims(found)


def asks_how_often(dated: DatedFindings | None) -> str:
    """Name the count of the first page, such as "how often China joins"; empty without a state or dates."""
    return f"how often {dated.first.name} {VERBS[dated.event][0]}" if dated and dated.first else ""


def pictures_of_time(dated: DatedFindings, bloc: str) -> list[figures.Picture]:
    """Draw entries, exits and the growth of the bloc over time, where there are any."""
    start = dated.tally.design.scenario.dates()[0]
    drawn = (
        pictures.picture_of_incidence(dated, start),
        pictures.picture_of_survival(dated, bloc),
        pictures.picture_of_formation(dated, bloc),
    )
    return [one for one in drawn if one is not None]


def strongest_parameters(analyses: Analyses | None) -> list[tuple[str, str]]:
    """Return the parameters whose ranges change the outcome most, with their meaning."""
    if analyses is None:
        return []
    names = [str(name) for name in analyses.ends["setting"].unique()[:STRONGEST]]
    known = {name: field.description or name for name, field in Parameters.model_fields.items()}
    return [(name, known.get(name, name).partition(" (§")[0]) for name in names]


def mark_commands(text: str) -> Markup:
    """Escape a sentence for the page, and set what is within backticks as code."""
    return Markup(re.sub("`([^`]*)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - it is escaped


def citation(results: Results, found: Sample, title: str, by_hand: Sequence[str]) -> str:
    """Say how to cite the report, with what repeats it."""
    manifest = results.manifest()
    version = manifest.get("versions", {}).get("blocs", "")
    runs = found.runs.groupby("design").size()
    changed = f", changed by hand ({', '.join(by_hand)})" if by_hand else ""
    each = f"{runs.min()} to {runs.max()} runs each" if runs.min() < runs.max() else (
        f"{count_words(int(runs.max()), 'run')}{' each' if len(runs) > 1 else ''}"
    )  # fmt: skip
    designs = "scenarios and settings" if len(runs) > 1 else "scenario"
    return (
        f"The blocs developers. blocs {version}, an agent-based simulation of how states form blocs. Report on"
        f" {title if '“' in title else f'“{title}”'}{changed}: {len(runs)} {designs}, {each}, random"
        f" seed {manifest['question']['seed']}."
    )


def map_note(states: Collection[str], kind: str) -> str:
    """Say what the map's boundaries are, and which states it lacks."""
    missing = sorted(set(states) - set(atlas.mapped_states(states)))
    if kind == "tiles":
        below = f" Not on a map of today, and so below the others: {list_names(missing)}." if missing else ""
        return f"A tile is a state, at about its place; all tiles have one size.{below}"
    lacks = f" Not on the map: {list_names(missing)}." if missing else ""
    return f"{NOTE} {choose_view(tuple(states)).projection} projection.{lacks}"


@cache
def template_environment() -> Environment:
    """Return the templates' environment, which escapes everything and refuses undefined names."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.globals |= {
        "trace": trace_attributes, "trace_text": trace_text, "rounded": rounded, "apart": rounded_apart,
        "number": format_number, "interval_words": interval_words, "listed": list_names,
        "outcome_name": label_outcome, "day": format_day, "dots": pictures.draw_dots,
    }  # fmt: skip
    environment.filters |= {"minus": minus, "commands": mark_commands}
    return environment


def format_number(value: object, form: str = ".3g") -> str:
    """Format a number with a true minus, NaN as a dash, and any other value as text."""
    if isinstance(value, (float, np.floating)):
        return "–" if math.isnan(value) else format(value, form).replace("-", "−")
    return str(value)


def minus(text: str) -> str:
    """Replace hyphens by true minus signs."""
    return text.replace("-", "−")


def trace_attributes(what: str, value: float, form: str) -> Markup:
    """Mark a number with its meaning, so that a test can recompute it from the tables."""
    return trace_text(what, format_number(float(value), form))


def trace_text(what: str, text: str) -> Markup:
    """Mark the text of a number with its meaning."""
    return Markup('<span data-trace="{}">{}</span>').format(what, text)


def report_colours(found: Sample, base: str) -> dict[str, str]:
    """Return the colour of each bloc in the baseline's world; of a bloc that it lacks, in the first that has it."""
    colours = alignment_colours(found.scenarios[base]["blocs"])
    for scenario in found.scenarios.values():
        colours = {**alignment_colours(scenario["blocs"]), **colours}
    return colours


def page_headline(found: Sample, base: str, bloc: str, bloc_name: str, name: str) -> str:
    """State the baseline's finding in one sentence, with its interval, for any world."""
    sizes = outcome_by_run(found.runs, base, f"capability_{bloc}").dropna()
    share, low, high, n = share_interval(int((sizes >= LARGE).sum()), len(sizes))
    large = sizes[sizes >= LARGE]
    size = f", and then {large.mean():.2f} on average" if len(large) else ""
    return (
        f"In {rounded(share)} of 100 runs of “{name}” (95 % interval {rounded(low)} to {rounded(high)},"
        f" {count_words(n, 'run')}) “{bloc_name}” holds a tenth or more of the capability over {found.averaged}{size}."
    )
