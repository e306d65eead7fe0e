"""Scenarios, runs and comparisons as the command prints them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim import __version__
from sim.calendar import format_day
from sim.cli.printing import ROLES_MEAN, describe_role, new_table, safe_text
from sim.files import write_synced
from sim.model.trajectory import Run, window_of
from sim.reporting.labels import label_alignments
from sim.reporting.records import to_json_text
from sim.scenario.checks.sources import Bibliography, parse_references
from sim.scenario.loading import BASE
from sim.scenario.overrides import list_changes
from sim.scenario.parameters import Parameters, Sourced
from sim.scenario.schema import Scenario, State, Tie
from sim.scenario.shocks import Shock
from sim.scenario.ties import place_of_tie

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from sim.article.answers import Answer
    from sim.batch.store import Results
    from sim.reporting.demo import Demo

LISTED_SIZES, LISTED_CHANGES = 60, 40

HEAD_LETTERS = 40  # letters of all names of blocs that fit in the head of a table


def print_changes(out: Console, name: str, base: Scenario, scenario: Scenario) -> None:
    """Print what a scenario changes in the one it extends, with reasons; of equal ones in a row, the first."""
    found = list_changes(base, scenario)
    shown = new_table(f"differs from {safe_text(name)} in", "there", "here", "reason", numbers=("there", "here"))
    listed: dict[str, Tie | Shock] = {place_of_tie(tie): tie for tie in scenario.ties}
    listed |= {f"shocks[{n}]": shock for n, shock in enumerate(scenario.shocks)}
    last, unexplained = "", False
    for place, before, after in found[:LISTED_CHANGES]:
        one = listed.get(place) or find_number(scenario, place)
        reason = format_source(one.source, one.note) if one else ""
        said = "as above" if reason and reason == last else reason
        shown.add_row(safe_text(place), safe_text(before), safe_text(after), said)
        last, unexplained = reason, unexplained or not reason
    out.print(shown)
    if len(found) > LISTED_CHANGES:
        out.print(f"… and {len(found) - LISTED_CHANGES} more places (blocs show --json)")
    if unexplained:
        out.print("Where no reason is listed, that of the scenario holds; it is above the table.")
    out.print()


def find_number(scenario: Scenario, place: str) -> Sourced | None:
    """Find the number at a place such as `parameters.w_bond`; None where it is none with a source."""
    found: Any = scenario
    for part in place.split("."):
        found = found.get(part) if isinstance(found, Mapping) else getattr(found, part, None)
    return found if isinstance(found, Sourced) else None


def print_ties(out: Console, scenario: Scenario, states: tuple[str, ...], known: Bibliography) -> None:
    """Print every tie of a state, or between states, with its reason and source."""
    shown = new_table("tie", "of", "value", "reason", "since", "source", numbers=("value",))
    cited: dict[str, str] = {}
    for tie in scenario.ties:
        if set(states) <= {tie.a, tie.b}:
            ends = f"{tie.a} {'→' if tie.kind == 'sanction' else '–'} {tie.b}"
            value = f"{tie.level} {tie.value:g}" if tie.level else f"{tie.value:g}"
            shown.add_row(tie.kind, ends, value, safe_text(tie.note), tie.since, safe_text(tie.source or "its author"))
            cited |= {key: known[key].citation() for key, _ in parse_references(tie.source) if key in known}
    if shown.row_count:
        out.print(shown)
    else:
        out.print(f"no ties {f'between {states[0]} and {states[1]}' if len(states) == 2 else f'of {states[0]}'}")
        return
    for key, citation in cited.items():
        out.print(f"{key}: {safe_text(citation)}")
    out.print("\nThe scales are in docs/coding.md; trade is in the unit of gdp.")


def print_scenario(out: Console, name: str, scenario: Scenario, base: tuple[str, Scenario] | None = None) -> None:
    """Print a resolved scenario: its question, changes, parameters, blocs, states, ties and shocks, with sources."""
    out.print(f"[bold]{safe_text(name)}[/bold]  {safe_text(scenario.title)}")
    for line in (scenario.question, " ".join(scenario.description.split()), scenario.note):
        if line:
            out.print(safe_text(line))
    source = safe_text(scenario.source or "none given")
    role = describe_role(name, scenario.role)
    out.print(f"role: {role}{f', {ROLES_MEAN[role]}' if role in ROLES_MEAN else ''}")
    out.print(f"runs {describe_length(scenario)}")
    out.print(f"source: {source}   activation: {scenario.activation}")
    drawn = "given the start" if scenario.anchored else "from all that are possible"
    out.print(f"dispositions: {scenario.dispositions}{f', drawn {drawn}' * (scenario.dispositions == 'kept')}")
    out.print(f"digest: {scenario.digest()}\n")
    if base is not None:
        print_changes(out, *base, scenario)
    shown = new_table("parameter", "value", "meaning", "source", numbers=("value",))
    for key in Parameters.model_fields:
        number: Sourced = getattr(scenario.parameters, key)
        meaning = str(Parameters.model_fields[key].description)
        shown.add_row(key, f"{number.value:g}", safe_text(meaning), format_source(number.source, number.note))
    out.print(shown, "")
    print_blocs(out, scenario)
    print_states(out, scenario)
    print_tie_counts(out, name, scenario)
    if scenario.shocks:
        ends = scenario.dates()
        dated = ["acts from", "step ends"] if ends else []
        shown = new_table("place", "step", *dated, "shock", "source", numbers=("step",))
        for n, shock in enumerate(scenario.shocks):
            what = shock.model_dump(exclude={"step", "kind", "source", "note"}, exclude_defaults=True)
            words = " ".join(f"{key}={value}" for key, value in what.items())
            when = (str(shock.step), *ends[shock.step - 1 : shock.step + 1])
            shown.add_row(
                f"shocks[{n}]", *when, safe_text(f"{shock.kind} {words}"), format_source(shock.source, shock.note)
            )
        out.print(shown, "")


def describe_length(scenario: Scenario) -> str:
    """Say how many steps a run has, and with a calendar from when to when, and how long a step is."""
    ends, count = scenario.dates(), f"{scenario.steps} step{'s' * (scenario.steps > 1)}"
    if not ends:
        return f"{count} in rounds, without dates"
    return f"from {format_day(ends[0])} to {format_day(ends[-1])}: {count}, each a {scenario.step}"


def format_source(source: str, note: str) -> str:
    """Join a source and its reason."""
    return safe_text(f"{source or 'its author'}{': ' + note if note else ''}")


def print_blocs(out: Console, scenario: Scenario) -> None:
    """Print the blocs and the priorities of their theatres."""
    shown = new_table("bloc", "setting", "value", "source", numbers=("value",))
    for key, bloc in scenario.blocs.items():
        shown.add_row(f"{key} ({safe_text(bloc.name)})", "leader", bloc.leader or "none", "")
        numbers = {n: getattr(bloc, n) for n in ("enforcement", "attention_budget", "accommodation")}
        numbers |= {f"priority.{theatre}": number for theatre, number in bloc.priority.items()}
        for setting, number in numbers.items():
            shown.add_row("", setting, f"{number.value:g}", format_source(number.source, number.note))
    out.print(shown, "")


def print_states(out: Console, scenario: Scenario) -> None:
    """Print the states with their shares and first alignments."""
    capability = sum(state.capability.value for state in scenario.states.values())
    product = math.fsum(state.gdp.value for state in scenario.states.values()) or 1.0
    known = any(state.polyarchy for state in scenario.states.values())
    multiplied = any(state.renewal.value != 1 for state in scenario.states.values())
    numbers = ("capability", "product", *["polyarchy"] * known, *["renewal"] * multiplied)
    shown = new_table("state", "name", "theatre", *numbers, "starts", "source", numbers=numbers)
    for key, state in scenario.states.items():
        cells = [f"{state.capability.value / capability:.4f}", f"{state.gdp.value / product:.4f}"]
        cells += [f"{state.polyarchy.value:g}" if state.polyarchy else ""] * known
        cells += [f"{state.renewal.value:g}"] * multiplied
        sourced = (state.capability, state.gdp, state.polyarchy, state.renewal)
        sources = "; ".join(dict.fromkeys(number.source for number in sourced if number and number.source))
        shown.add_row(
            key, safe_text(state.name), state.theatre, *cells, start_words(state), safe_text(sources or "its author")
        )
    out.print(shown, "")


def start_words(state: State) -> str:
    """Return where a state starts, with the chances of a drawn start."""
    chances = ", ".join(f"{alignment} {chance:.3g}" for alignment, chance in state.initial_chances.items())
    return f"{state.initial}: {chances}" if chances else state.initial


def print_tie_counts(out: Console, name: str, scenario: Scenario) -> None:
    """Print how many ties of each kind there are, and how many pairs have none; --json lists each tie."""
    counts = Counter(tie.kind for tie in scenario.ties)
    n = len(scenario.states)
    shown = new_table("tie", "listed", "pairs without", "sources", numbers=("listed", "pairs without"))
    for kind, count in counts.items():
        pairs = n * (n - 1) if kind == "sanction" else n * (n - 1) // 2
        cells = Counter(tie.source for tie in scenario.ties if tie.kind == kind)
        common = ", ".join(source or "its author" for source, _ in cells.most_common(4))
        rest = f" and {len(cells) - 4} more" if len(cells) > 4 else ""
        missing = f"{pairs - count} (taken as 0)"
        shown.add_row(kind, str(count), missing, safe_text(common + rest))
    out.print(shown)
    out.print(f"The reason and source of each tie of a state: blocs show {safe_text(name)} --state ID\n")


def alignment_heads(labels: Mapping[str, str], alignments: Sequence[str]) -> dict[str, str]:
    """Return the heads of the columns of alignments: their names where these are short, else their ids."""
    names = {alignment: safe_text(labels[alignment]) for alignment in alignments}
    return names if sum(map(len, names.values())) <= HEAD_LETTERS else dict(zip(alignments, alignments, strict=True))


def run_record(name: str, scenario: Scenario, run: Run) -> dict[str, Any]:
    """Collect what reproduces a run, its summary by state, and the date of each step from 0 on (none in rounds)."""
    columns = [f"share_{alignment}" for alignment in run.alignments]
    shares = zip(run.states, run.late_shares(window_of(scenario)).tolist(), strict=True)
    return {
        "scenario": name,
        "digest": scenario.digest(),
        "seed": run.seed,
        "replicate": run.replicate,
        "version": __version__,
        "alignments": list(run.alignments),
        "dates": list(scenario.dates()),
        "consolidation_step": run.consolidation_step(),
        "late_shares": [{"state": state, **dict(zip(columns, row, strict=True))} for state, row in shares],
    }


def run_tables(scenario: Scenario, run: Run) -> dict[str, pd.DataFrame]:
    """Tabulate a run as `sim.run` does: steps has a row for each step, states a row for each step and state."""
    from sim.api.runs import tabulate_run

    history = tabulate_run(scenario, run)
    return {"steps": history.steps.reset_index(), "states": history.states}


def write_run(folder: Path, name: str, scenario: Scenario, run: Run) -> None:
    """Write a run as `trajectory.csv`, `outcomes.csv` and `record.json`, which has the scenario that reproduces it."""
    import pandas as pd

    from sim.batch.tables.spreadsheet import write_csv

    folder.mkdir(parents=True, exist_ok=True)
    labels = np.array(run.alignments, dtype=object)[run.alignment]
    write_csv(pd.DataFrame(labels, columns=list(run.states)), folder / "trajectory.csv", index_label="step")
    write_csv(pd.DataFrame(run.outcomes, columns=list(run.outcome_names)), folder / "outcomes.csv", index_label="step")
    record = {**run_record(name, scenario, run), "resolved": scenario.model_dump(mode="json")}
    write_synced(folder / "record.json", to_json_text(record).encode())


def print_shares(out: Console, results: Results) -> None:
    """Print the size of each bloc in each scenario: mean, quantiles over runs, share of runs with at least a tenth."""
    from sim.analysis.compare import bloc_sizes

    shown = new_table("scenario", "bloc", "capability", "5 %", "median", "95 %", "runs ≥ 0.1", "runs",
                  numbers=("capability", "5 %", "median", "95 %", "runs ≥ 0.1", "runs"))  # fmt: skip
    sizes = bloc_sizes(results)
    labels = label_alignments(*results.manifest()["scenarios"].values())
    for design, bloc, mean, low, middle, high, share, count in sizes[:LISTED_SIZES]:
        cells = [f"{value:.2f}" for value in (mean, low, middle, high)]
        shown.add_row(safe_text(design), safe_text(labels[bloc]), *cells, f"{100 * share:.0f} %", str(count))
    out.print(shown)
    if len(sizes) > LISTED_SIZES:
        out.print(f"… and {len(sizes) - LISTED_SIZES} more rows (blocs query, blocs export)")


def print_claims(out: Console, found: list[Answer]) -> None:
    """Print the article's claims with the model's answers."""
    shown = new_table("", "claim", "measure", "effect", "95 % interval", "n", "the model",
                  numbers=("effect", "95 % interval", "n"))  # fmt: skip
    for one in found:
        interval = f"{one.low:+.3f} to {one.high:+.3f}" if not math.isnan(one.low) else "–"
        cells = (f"{one.text} ({one.paragraphs})", one.measure, f"{one.effect:+.3f}", interval)
        shown.add_row(str(one.number), *map(safe_text, cells), str(one.n), one.verdict)
    out.print(shown)
    out.print(
        "\nEffects are at the default parameters, most of them assumed. Intervals show random variation only.\n"
        "`blocs claims` tests the effects over the parameters' ranges and in worlds with random ties."
    )


def print_by_scenario(out: Console, demo: Demo) -> None:
    """Print how each scenario differs from the baseline: size of the front, its paired change, states that move."""
    from sim.analysis.compare import interval_words
    from sim.analysis.dated.incidence import LARGE
    from sim.analysis.paired import CLEAR_MEANS

    shown = new_table("scenario", "front", "runs ≥ 0.1", "difference", "95 % interval", "", "China", "moves most",
                  numbers=("front", "runs ≥ 0.1", "difference", "95 % interval", "China"))  # fmt: skip
    sizes = demo.outcomes[demo.outcomes["outcome"] == "capability_front"].set_index("scenario")
    states = demo.states[demo.states["alignment"] == "front"]
    china = states[states["state"] == "CHN"].set_index("scenario")["mean"]
    ordered = sizes["difference"].sort_values(kind="stable").index
    for design in (BASE, *ordered):
        rows = demo.found.runs[demo.found.runs["design"] == design]["capability_front"]
        cells = [safe_text(design), f"{rows.mean():.2f}", f"{100 * (rows >= LARGE).mean():.0f} %"]
        if design in sizes.index:
            one = sizes.loc[design]
            mine = states[states["scenario"] == design]
            most = mine.reindex(mine["difference"].abs().sort_values(ascending=False, kind="stable").index).head(2)
            movers = ", ".join(f"{m.state} {m.difference:+.2f}" for m in most.itertuples() if m.difference)
            star = "*" if one["clear"] else ""
            cells += [f"{one['difference']:+.3f}", interval_words(one), star, f"{china[design]:.2f}", movers]
        else:
            cells += ["", "", "", f"{states['baseline_mean'][states['state'] == 'CHN'].iloc[0]:.2f}", ""]
        shown.add_row(*cells)
    out.print(shown)
    n = demo.found.runs["replicate"].nunique()
    out.print(
        f"front: mean share of capability over {demo.found.averaged} of {n} runs; China, moves most: P(front);\n"
        f"* {CLEAR_MEANS}.\n"
        "Two scenarios are assumptions, not levers:\n"
        "front_without_china fixes China outside; in brics_third_pole a third bloc takes states from the front."
    )


def print_demo(out: Console, demo: Demo, folder: Path) -> None:
    """Print the findings of the demonstration and the paths of its files."""
    out.print(f"\n[bold]{demo.headline}[/bold]\n")
    print_by_scenario(out, demo)
    out.print("\n[bold]The article's claims in the model[/bold]")
    print_claims(out, demo.answers)
    for pairing in demo.paired:
        for sentence in pairing.sentences:
            out.print(f"\n{safe_text(pairing.scenario)}: {safe_text(sentence)}")
    for design in demo.unchanged:
        out.print(f"\n{safe_text(design)}: no outcome differs from the baseline beyond random variation in these runs.")
    out.print("\n[bold]Files[/bold]")
    for file, what in demo.charts.items():
        out.print(f"{folder / file}  {what}")
    out.print(f"{folder / 'outcomes.csv'}, {folder / 'states.csv'}  all differences with intervals")
    out.print(
        f"{folder / 'claims.json'}  the claims;  {folder / 'results'}  every run (blocs compare {folder / 'results'})"
    )
