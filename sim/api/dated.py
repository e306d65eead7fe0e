"""What happens by when in the runs of a sweep: chances at dates, first entries, large blocs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from sim.analysis.dated.direct import renewed_shares, tabulate_structural
from sim.analysis.dated.events import Design, choose_dates, list_designs, stored_dates
from sim.analysis.dated.tally import (
    ESTIMATE,
    Tally,
    tabulate_chances,
    tabulate_incidence,
    tabulate_large_blocs,
    tabulate_realignments,
    tabulate_sizes,
    tabulate_survival,
    tally_designs,
)
from sim.api.arguments import require
from sim.batch.store import Results


@dataclass(frozen=True, eq=False)
class DatedOutcomes:
    """What happens by when in the runs of a sweep; every table is empty for rounds and tendencies, but `structural`.

    Chances are shares of runs with Wilson's 95 % interval (`chance`, `low`, `high`) of `n` runs. They show random
    variation only.

    Parameters
    ----------
    folder
        Folder of the results.
    at
        ISO dates. Default: those of the sweep, and the end of the runs.
    """

    folder: Path
    at: tuple[str, ...] = ()
    kept: object = field(default=None, repr=False)  # the results, whose temporary folder lasts as long as they do

    @cached_property
    def designs(self) -> list[Design]:
        """The design points of the sweep."""
        return list_designs(Results(self.folder))

    @cached_property
    def tallies(self) -> list[Tally]:
        """Counts of the runs of each design point with dates."""
        days = {one.label: self.at for one in self.designs} if self.at else None
        return tally_designs(Results(self.folder), self.designs, days)

    @cached_property
    def chances(self) -> pd.DataFrame:
        """The chance of each alignment of each state at each date."""
        return tabulate_chances(self.tallies)

    @cached_property
    def incidence(self) -> pd.DataFrame:
        """The chance that a state has entered a bloc by a date, or left the one in which it starts, by `event`."""
        return tabulate_incidence(self.tallies)

    @cached_property
    def survival(self) -> pd.DataFrame:
        """The chance that a state has kept the alignment of its start, and never left it, by a date."""
        return tabulate_survival(self.tallies)

    @cached_property
    def realignments(self) -> pd.DataFrame:
        """Changes of alignment per year of a state that decides, beside those on record."""
        return tabulate_realignments(self.tallies)

    @cached_property
    def large_blocs(self) -> pd.DataFrame:
        """Whether, when and for how long a bloc is large: it has a tenth of the capability or more for a year."""
        return tabulate_large_blocs(self.tallies)

    @cached_property
    def sizes(self) -> pd.DataFrame:
        """The mean capability share of each bloc at the start and at each date."""
        return tabulate_sizes(self.tallies)

    @cached_property
    def structural(self) -> pd.DataFrame:
        """Structural chances of each state at the coded start, without inertia: of one whose disposition is drawn.

        Missing for a world with random starts or at temperature 0.
        """
        return tabulate_structural(self.designs)

    @cached_property
    def renewed_sizes(self) -> dict[tuple[str, str], float]:
        """Capability share of each bloc at the last date if every disposition were renewed, by scenario and bloc.

        All others stay as they started. Empty for a world with random starts.
        """
        return {
            (one.design.label, bloc): float(share)
            for one in self.tallies
            for bloc, share in zip(one.design.world.alignments, renewed_shares(one.design, one.days[-1]), strict=False)
        }

    @property
    def record(self) -> dict[str, Any]:
        """What ``sweep --json`` prints: `at` by scenario, date, state and alignment, `structural`, and tables."""
        asked = set(self.at or stored_dates(Results(self.folder)))
        at: dict[str, Any] = {}
        for row in self.chances[self.chances["date"].isin(asked)].to_dict(orient="records"):
            state = at.setdefault(row["scenario"], {}).setdefault(row["date"], {}).setdefault(row["state"], {})
            state[row["alignment"]] = {name: row[name] for name in ESTIMATE}
        structural: dict[str, Any] = {}
        for scenario, state, alignment, chance in self.structural.itertuples(index=False):
            structural.setdefault(scenario, {}).setdefault(state, {})[alignment] = chance
        return {
            "at": at, "structural": structural, "incidence": self.incidence, "survival": self.survival,
            "realignments": self.realignments, "large_blocs": self.large_blocs, "sizes": self.sizes,
        }  # fmt: skip

    def __repr__(self) -> str:
        return f"<DatedOutcomes of {self.folder}{''.join(f', {day}' for day in self.at)}>"


@dataclass(frozen=True, eq=False)
class DatedResults:
    """Results of a sweep, with what happens by when.

    Parameters
    ----------
    folder
        Folder of the results.
    """

    folder: Path

    def by_date(self, at: Iterable[object] = ()) -> DatedOutcomes:
        """Tabulate what happens by when in these runs.

        Parameters
        ----------
        at
            Dates, or ISO texts. Default: those of the sweep, and the end of the runs.

        Returns
        -------
        DatedOutcomes
            Chances at the dates, first entries and exits, realignments, and when blocs are large, as tables.

        Raises
        ------
        InputError
            If a date is invalid, or the runs do not contain it.

        Examples
        --------
        >>> from sim import sweep
        >>> found = sweep("baseline_2023", replicates=20).by_date(["2030-10-25"])
        >>> table = found.chances.set_index(["state", "alignment"])
        >>> float(table.loc[("USA", "us_led"), "chance"]), int(table.loc[("USA", "us_led"), "n"])
        (1.0, 20)
        """
        given, results = require("by_date", at=at), Results(self.folder)
        days = choose_dates(results, list_designs(results), given.at, "by_date") if given.at else ()
        return DatedOutcomes(self.folder, days, self)
