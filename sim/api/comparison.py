"""Compare the scenarios of a sweep with its baseline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from sim.analysis.compare import (
    Pairing,
    Sample,
    compare_outcomes,
    compare_states,
    identical_words,
    list_first,
    main_outcomes,
    pairings,
)
from sim.analysis.dated.effects import SIZES, STATES, DatedEffects, compare_at_dates
from sim.analysis.dated.events import Design, choose_dates, list_designs
from sim.analysis.dated.sentences import effect_sentence, leading_effects, spread_sentence
from sim.analysis.paired import CLEAR_MEANS, recorded_timing
from sim.analysis.statistics import LEVEL
from sim.api.arguments import require
from sim.api.findings import render_table
from sim.api.results import Ensemble, require_ensemble
from sim.api.scenarios import Named
from sim.batch.design import through_lens
from sim.batch.manifest import tendency_command
from sim.batch.recorded import scenarios_as_run
from sim.batch.store import Results
from sim.errors import Fault, InputError, display_path, quote
from sim.reporting.labels import label_alignments
from sim.scenario.checks.references import suggest_state


@dataclass(frozen=True, eq=False)
class Comparison:
    """Scenarios compared with a baseline, run by run on common random numbers.

    Parameters
    ----------
    baseline
        Name of the scenario that the others are compared with.
    outcomes
        One row for each scenario and outcome: both means, the mean difference with its 95 % interval (low, high),
        effect size and p. `clear`: p of at most 5 % after Holm's correction for all rows of the table.
    states
        The same for each scenario, state and alignment.
    main
        The rows of `outcomes` that a notebook shows.
    pairings
        How the runs of each scenario pair with the baseline's, whether they are identical, and how many would do.
    sample
        The runs that were compared.
    folder
        Folder of the results.
    designs
        The design points of the sweep.
    at
        ISO dates at which scenarios are compared; empty for rounds and tendencies.
    tendency
        The same comparison of states under the lens of tendency, from other results.
    """

    baseline: str
    outcomes: pd.DataFrame
    states: pd.DataFrame
    main: pd.DataFrame
    pairings: list[Pairing]
    sample: Sample
    folder: Path
    designs: list[Design] = field(repr=False)
    at: tuple[str, ...] = ()
    tendency: pd.DataFrame | None = None
    kept: object = field(default=None, repr=False)  # the results, whose temporary folder lasts as long as they do

    @property
    def lens(self) -> str:
        """The lens of the runs: histories or tendency."""
        return recorded_timing(self.sample.scenarios[self.baseline]).lens

    @cached_property
    def dated(self) -> DatedEffects:
        """Effects at the dates `at` and on first entries, split into direct effect and followers."""
        results = Results(self.folder)
        if not self.at:
            return DatedEffects(pd.DataFrame(columns=STATES), pd.DataFrame(columns=SIZES), {})
        finished = set(self.sample.runs["design"])
        designs = [design for design in self.designs if design.label in finished]
        return compare_at_dates(results, designs, self.baseline, self.at)

    @property
    def tendency_command(self) -> str:
        """The command whose results `compare` takes as `tendency`; empty if there is one, or dates have no meaning."""
        if self.tendency is not None or not self.at:
            return ""
        return tendency_command(Results(self.folder).manifest())

    def sentences(self, states: Iterable[str] = ()) -> dict[str, list[str]]:
        """Say the largest direct effects of each scenario in sentences, or the effects on some states.

        Parameters
        ----------
        states
            Ids of states. Default: those with the largest direct effects.

        Returns
        -------
        dict
            Sentences by scenario; the last says whether more replicates help.

        Raises
        ------
        InputError
            If no scenario has one of the states.
        """
        wanted, dated, records = list(states), self.dated, self.sample.scenarios.values()
        names = {id: one.get("name", id) for record in records for id, one in record["states"].items()}
        if faults := [
            Fault("compare", 1, "state", f"unknown state {quote(id)}{suggest_state(names, id)}")
            for id in wanted
            if id not in names
        ]:
            raise InputError(faults)
        blocs, known = label_alignments(*records), self.tendency_rows()
        found = {}
        for scenario in dict.fromkeys(dated.states["scenario"]):
            rows = leading_effects(dated.states, scenario, wanted).itertuples()
            found[scenario] = [
                effect_sentence(
                    row, names[row.state], blocs[row.alignment], known.get((scenario, row.state, row.alignment))
                )
                for row in rows
            ]
            found[scenario] += filter(None, [spread_sentence(dated.spreads.get(scenario, {}), self.at[-1])])
        return found

    def tendency_rows(self) -> dict[tuple[str, str, str], Any]:
        """Rows of the tendency by scenario, state and alignment."""
        rows = () if self.tendency is None else self.tendency.itertuples()
        return {(row.scenario, row.state, row.alignment): row for row in rows}

    @property
    def record(self) -> dict[str, Any]:
        """The same record that the command prints with ``--json``; tables in it are DataFrames."""
        return {
            "baseline": self.baseline,
            "level": LEVEL,
            "averaged_over": self.sample.averaged,
            "identical": identical_words(self.outcomes) or None,
            "failed_runs": self.sample.failed,
            "unfinished_runs": self.sample.unfinished,
            "pairings": [asdict(one) | {"sentences": one.sentences} for one in self.pairings],
            "outcomes": self.outcomes,
            "states": self.states,
            "lens": self.lens,
            "at": list(self.at),
            "dated": {
                "states": self.dated.states,
                "sizes": self.dated.sizes,
                "sentences": self.sentences(),
                "left_out": self.dated.left_out,
            },
            "chance_of_the_run": [
                {"scenario": scenario, "outcome": outcome, **one._asdict(), "replicates_help": one.replicates_help}
                for scenario, spreads in self.dated.spreads.items()
                for outcome, one in spreads.items()
            ],
            "tendency": self.tendency,
            "tendency_command": self.tendency_command or None,
        }

    @property
    def notes(self) -> list[str]:
        """Warnings about the numbers, such as identical runs, or too few of them."""
        found = [f"{one.scenario}: {sentence}" for one in self.pairings for sentence in one.sentences]
        return found + [words for words in [identical_words(self.outcomes)] if words]

    def __repr__(self) -> str:
        others = ", ".join(one.scenario for one in self.pairings)
        notes = "".join(f"\n{one.scenario}: {words}" for one in self.pairings for words in one.sentences)
        return f"<Comparison with {self.baseline}: {others or 'nothing to compare it with'}>{notes}"

    def _repr_html_(self) -> str:
        measured = ["baseline_mean", "mean", "difference", "low", "high", "pairs", "identical", "clear"]
        return render_table(
            f"Against {self.baseline}", self.main[["scenario", "outcome", *measured]],
            f"Mean difference over paired runs (means over {self.sample.averaged} of each) with its 95 % interval "
            f"of chance, at these parameters. {CLEAR_MEANS}. "
            + ". ".join(self.notes),
        )  # fmt: skip


def compare(
    results: Ensemble | Named, *, baseline: str | None = None, at: Iterable[object] = (),
    tendency: Ensemble | Named | None = None,
) -> Comparison:  # fmt: skip
    """Compare every outcome and state of the other scenarios with the baseline's, paired run by run.

    Parameters
    ----------
    results
        Results of `sweep`, or the folder of an earlier sweep.
    baseline
        Name of the scenario to compare with. Default: the first scenario whose name begins with "baseline", else
        the first scenario.
    at
        Dates at which scenarios are compared too. Default: those of the sweep, else the end of the runs.
    tendency
        Results of a sweep of the same scenarios under the lens of tendency, which are shown beside those of histories.

    Returns
    -------
    Comparison
        Mean differences with intervals, by outcome, by state, and at dates.

    Raises
    ------
    InputError
        If the scenario is unknown, runs differ from the baseline's in their number of steps or share no state with
        it, runs do not contain a date, or `tendency` has histories or other scenarios.

    Examples
    --------
    >>> from sim import sweep
    >>> found = compare(sweep(["baseline_2023", "no_sanctions"], replicates=20))
    >>> found
    <Comparison with baseline_2023: no_sanctions>
    >>> bites = found.outcomes.set_index("outcome").loc["bite_front"]
    >>> float(bites["mean"]), bool(bites["difference"] < 0)
    (0.0, True)
    >>> at_end = found.dated.states.query("event == 'at' and state == 'CHN' and alignment == 'front'").iloc[0]
    >>> bool(abs(at_end["direct"] + at_end["rest"] - at_end["difference"]) < 1e-12)
    True
    """
    given = require("compare", {"baseline": baseline}, at=at)
    ensemble = require_ensemble(results)
    sample, stored = ensemble.sample, Results(ensemble.folder)
    against = sample.baseline(given.baseline)
    outcomes = compare_outcomes(sample, against)
    main = outcomes[outcomes["outcome"].isin(main_outcomes(sample))].reset_index(drop=True)
    states = compare_states(sample, against)
    designs = list_designs(stored)
    days = choose_dates(stored, designs, given.at, "compare")
    other = None if tendency is None else compare_tendency(require_ensemble(tendency), against, ensemble)
    paired = pairings(sample, against, outcomes, states)
    return Comparison(against, outcomes, states, main, paired, sample, ensemble.folder, designs, days, other, ensemble)


def compare_tendency(tendency: Ensemble, baseline: str, histories: Ensemble) -> pd.DataFrame:
    """Compare states under the lens of tendency; raises InputError where the results are not those of the histories."""
    lenses = [Results(one.folder).manifest()["question"]["lens"] for one in (histories, tendency)]
    message = ""
    if lenses != ["histories", "tendency"]:
        message = f"has the lens {lenses[1]}, and the results have {lenses[0]}; compare histories, with a tendency here"
    else:
        lacking = [label for label in histories.sample.designs if label not in tendency.sample.designs]
        other = [] if lacking else differing_scenarios(histories, tendency)
        again = tendency_command(Results(histories.folder).manifest())
        if lacking or other:
            what = "lacks" if lacking else "has other values in"
            message = f"{what} {list_first(lacking or other)}; make it with `{again}`"
    if message:
        raise InputError([Fault("--tendency", 1, display_path(tendency.folder), message)])
    return compare_states(tendency.sample, tendency.sample.baseline(baseline))


def differing_scenarios(histories: Ensemble, tendency: Ensemble) -> list[str]:
    """List the designs of histories whose tendency is not that of the design of the same name in other results."""
    designs = histories.sample.designs
    one, other = (scenarios_as_run(Results(found.folder), designs) for found in (histories, tendency))
    return [name for name in designs if through_lens(one[name], "tendency").digest() != other[name].digest()]
