"""Read the results of a sweep, compare its scenarios, replay a run, and write the report."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from duckdb import CatalogException

from sim.analysis.compare import Sample, bloc_sizes, read_sample
from sim.api.arguments import refuse_arguments, require, require_date
from sim.api.dated import DatedResults
from sim.api.findings import Finding, render_table
from sim.api.scenarios import Named
from sim.batch.executor import Progress
from sim.batch.manifest import absent_table
from sim.batch.recorded import scenarios_as_run
from sim.batch.replay import replay_run
from sim.batch.store import Results
from sim.batch.sweep import unused_seeds
from sim.batch.tables.database import keep_offline
from sim.batch.tables.shares import sizes_by_step
from sim.batch.tables.whole import with_texts
from sim.errors import Fault, InputError, display_path
from sim.files import require_writable, write_synced


@dataclass(frozen=True, eq=False)
class Ensemble(DatedResults):
    """Many runs of one or more scenarios; each table is read from the folder when it is first asked for.

    Parameters
    ----------
    folder
        Folder of the results.
    """

    @cached_property
    def sample(self) -> Sample:
        """Finished runs as `compare` reads them; raises InputError if there are none."""
        return read_sample(Results(self.folder))

    @property
    def runs(self) -> pd.DataFrame:
        """One row for each run: its design (scenario and swept settings) and mean outcomes over the last steps."""
        return self.sample.runs

    @cached_property
    def states(self) -> pd.DataFrame:
        """One row for each run and state: its first and last alignment, and its share of the last steps in each."""
        return with_texts(self.sample.states)

    @cached_property
    def moves(self) -> pd.DataFrame:
        """One row for each change of alignment: run, step, date, state, from_alignment, to_alignment and cause."""
        return self.table("moves", "step, state")

    @cached_property
    def alignments(self) -> pd.DataFrame:
        """One row for each run, step and state: its alignment."""
        return self.table("alignments", "step, state")

    @cached_property
    def sizes(self) -> pd.DataFrame:
        """One row for each run and step: the capability share and the members of each alignment, from the moves."""
        results, labels = Results(self.folder), self.sample.designs
        ran = scenarios_as_run(results, labels)
        sizes = sizes_by_step(results, {n: ran[design] for n, design in enumerate(labels)})
        tables = [table.assign(design=design) for design, table in zip(labels, sizes, strict=True)]
        found = pd.concat(tables, ignore_index=True)
        return found[["design", *found.columns.drop("design")]]

    @cached_property
    def dates(self) -> pd.DataFrame:
        """One row for each run and date asked for (`at` of `sweep`): all outcomes; InputError if there are none."""
        return self.table("dates", "date")

    @cached_property
    def steps(self) -> pd.DataFrame:
        """One row for each run and step: all outcomes; raises InputError unless `sweep` has kept them."""
        return self.table("steps", "step")

    def table(self, name: str, order: str) -> pd.DataFrame:
        """Return a table with the label of each design point, by run and then in this order."""
        found = self.query(f"select * from {name} order by point, seed, replicate, {order}")  # noqa: S608
        labels = self.runs.drop_duplicates("point").set_index("point")["design"]
        found.insert(0, "design", found["point"].map(labels))
        return found

    @property
    def failed(self) -> int:
        """Number of runs that failed; `query` reads their errors from the column `error` of the table runs."""
        return self.sample.failed

    def query(self, sql: str) -> pd.DataFrame:
        """Return the answer to an SQL query of the tables runs, states, moves, alignments, points, dates and steps.

        Raises InputError for `dates` or `steps` that the sweep has not stored, with the command that stores them, and
        for SQL that loads extensions of DuckDB.
        """
        results = Results(self.folder)
        with results.reading() as connection:
            if message := keep_offline(connection, sql):
                raise InputError([Fault("query", 1, "sql", message)])
            try:
                found: pd.DataFrame = connection.execute(sql).df()
            except CatalogException as error:
                if message := absent_table(str(error), results.manifest()):
                    raise results.error(message) from None
                raise
        return found

    def __repr__(self) -> str:
        of = f"<Ensemble of {len(self.runs)} runs, {self.failed} failed: {', '.join(self.sample.designs)}"
        unused = ", ".join(f"{seed} of {name}" for name, seed in self.unused_seeds.items())
        return f"{of}; random seeds not used: {unused}>" if unused else f"{of}>"

    @property
    def unused_seeds(self) -> dict[str, int]:
        """Random seeds of scenarios, by name, that are not used: all runs use that of the first scenario."""
        return unused_seeds(Results(self.folder).manifest())

    def _repr_html_(self) -> str:
        names = ["scenario", "bloc", "capability", "5 %", "median", "95 %", "runs ≥ 0.1", "runs"]
        table = pd.DataFrame(bloc_sizes(Results(self.folder)), columns=names)
        failed = f" {self.failed} runs failed and are left out." if self.failed else ""
        failed += "".join(f" The random seed {n} of {name} is not used." for name, n in self.unused_seeds.items())
        return render_table(
            f"{len(self.runs)} runs", table,
            f"Share of capability of each bloc: mean and quantiles over runs (means over {self.sample.averaged} "
            f"of each), and the share of the runs in which it is at least 0.1.{failed}",
        )  # fmt: skip


def read(folder: Named) -> Ensemble:
    """Read the results of an earlier sweep.

    Parameters
    ----------
    folder
        Folder of the results.

    Returns
    -------
    Ensemble
        The runs as tables.

    Raises
    ------
    InputError
        If the folder contains no results.

    Examples
    --------
    >>> import tempfile
    >>> from sim import sweep
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = sweep("unix_1988", replicates=3, out=folder)
    ...     read(folder)
    <Ensemble of 3 runs, 0 failed: unix_1988>
    """
    place = require("read", folder=folder).folder
    Results(place).manifest()
    return Ensemble(place)


def require_ensemble(results: Ensemble | Named) -> Ensemble:
    """Return results, read where they are a folder."""
    return results if isinstance(results, Ensemble) else read(results)


def replay(results: Ensemble | Named, run: str, *, engine: str = "compiled") -> Finding:
    """Repeat one run of a sweep from its record and compare it with the stored values, bit by bit.

    Parameters
    ----------
    results
        Results of `sweep`, or the folder of an earlier sweep.
    run
        The run as POINT-REPLICATE, such as ``"0-17"``: the columns point and replicate of the tables.
    engine
        ``"compiled"`` or ``"mesa"``; both give equal bits.

    Returns
    -------
    Finding
        ``record["equal"]`` says whether every value is equal; the table lists the columns that differ.

    Raises
    ------
    InputError
        If the run is unknown, or the record cannot be read.

    Examples
    --------
    >>> from sim import sweep
    >>> replay(sweep("unix_1988", replicates=3), "0-2").record["equal"]
    True
    """
    given = require("replay", run=run, engine=engine)
    if engine not in ("compiled", "mesa"):
        raise InputError([Fault("replay", 1, "engine", f"{engine!r} is not 'compiled' or 'mesa'")])
    found = replay_run(Results(require_ensemble(results).folder), given.run, engine=given.engine)
    versions = [dict(zip(("name", "recorded", "here"), one, strict=True)) for one in found.versions]
    columns = ["table", "column", "values", "stored", "again"]
    table = pd.DataFrame([asdict(one) for one in found.differences], columns=columns)
    words = f"{found.compared} stored values are equal to the bit"
    return Finding(
        f"Run {found.run} of {found.design}, seed {found.seed}",
        words if found.equal else f"{len(table)} columns differ",
        table, {**asdict(found), "equal": found.equal, "versions": versions},
    )  # fmt: skip


def report(
    results: Ensemble | Named, *, out: Named | None = None, baseline: str | None = None, points: int = 64,
    parameters: str | None = None, seed: int | None = None, workers: int | None = None,
    progress: Progress | None = None, stories: bool = False, maps: str = "land", at: str | date | None = None,
    scenario: str | None = None, state: str | None = None,
) -> Path:  # fmt: skip
    """Write the report of a sweep: one HTML page with findings, uncertainty, sources and how to repeat it.

    Parameters
    ----------
    results
        Results of `sweep`, or the folder of an earlier sweep.
    out
        The file. Default: report.html in the folder of the results.
    baseline
        Name of the scenario to compare with. Default: as in `compare`.
    points
        Sobol points over the ranges of the parameters, 0 or a power of 2 up to 65,536. 0 leaves out the analyses
        that need them.
    parameters
        ``"posterior"`` or a file of draws: evaluate the claims at draws from the calibrated parameters.
    seed
        Random seed of the analyses over the ranges, 0 or more. Default: the seed of the sweep.
    workers
        Threads, 1 to 512. Default: one for each core.
    progress
        Function that is called with the number of runs done and the number of all runs.
    stories
        Also write the most typical history and two unlike it as pages beside the report, which has links to them.
    maps
        What maps draw each state as: ``"land"``, or ``"tiles"`` of equal size at about the states' places, where small
        states matter or most states are not on a map of today.
    at
        Date of the report, as text or date: its answers, charts and maps are of the last step that ends on or before
        it, and the article's claims, which are of the end of the runs, are left out. Default: the end of the runs.
    scenario
        Name of the scenario whose question is the title, and whose changes come first. Default: the only other
        scenario, or the only lever; else the baseline.
    state
        Id or name of the state that the first page asks about: how likely it is that it joins the bloc, or leaves it
        where it starts there. Default: the state whose joining would add most capability, weighed by its chance.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If an argument is invalid, no run of the sweep has finished, its runs do not contain the date, its settings are
        sampled and no design point is given as the baseline, or the state is not in the baseline's world or fixed.
    OSError
        If the file cannot be written; this is checked before the analyses.

    Examples
    --------
    >>> from sim import sweep
    >>> page = report(sweep("unix_1988", replicates=3, out="unix"), points=0)
    >>> page.name
    'report.html'
    """
    from sim.analysis.dated.sample import sample_at
    from sim.reporting.analyses import analyse
    from sim.reporting.chapters.asked import choose_asked, choose_asked_state, require_chosen_settings
    from sim.reporting.chapters.rows import focus_bloc
    from sim.reporting.page import render_page

    optional: dict[str, Any] = {"out": out, "baseline": baseline, "parameters": parameters, "at": at, "state": state}
    optional |= {"seed": seed, "workers": workers}
    given = require("report", {**optional, "progress": progress}, points=points, maps=maps)
    folder = require_ensemble(results).folder
    stored = Results(folder)
    sample, analyses = read_sample(stored), None
    day = require_date("report", scenarios_as_run(stored, sample.designs), given.at)
    path: Path = given.out or folder / "report.html"
    require_writable(path)
    message = "is for the claims, which a report with a date leaves out; leave out one of them"
    refuse_arguments("report", {"parameters": given.parameters} if day else {}, message)
    message = "is for the analyses over the parameters' ranges; leave it out, or give points"
    refuse_arguments("report", {} if given.points else {"parameters": given.parameters, "seed": given.seed}, message)
    base = sample.baseline(given.baseline)
    if given.baseline is None:
        require_chosen_settings(sample, base, display_path(folder))
    choose_asked(sample, base, scenario)
    choose_asked_state(stored, base, given.state)
    if given.points:
        then = sample_at(stored, sample, day) if day else sample
        own = int(stored.manifest()["question"]["seed"]) if given.seed is None else given.seed
        try:
            analyses = analyse(
                stored, sample, base, f"capability_{focus_bloc(then, base)}", points=given.points, seed=own,
                parameters=given.parameters, day=day, workers=given.workers,
                progress=given.progress or (lambda done, total: None),
            )  # fmt: skip
        except ValueError as error:
            raise InputError([Fault("report", 1, "points", str(error))]) from None
    pages = story_pages(stored, base, path.stem) if stories else {}
    for name, text in pages.items():
        write_synced(path.with_name(name), text.encode("utf-8"))
    stem = path.stem if pages else ""
    text = render_page(
        stored, found=sample, baseline=given.baseline, analyses=analyses, stories=stem, maps=given.maps, at=day,
        scenario=scenario, state=given.state,
    )  # fmt: skip
    write_synced(path, text.encode("utf-8"))
    return path


def story_pages(results: Results, label: str, stem: str) -> dict[str, str]:
    """Render three histories of a design point as pages, by file name; raises InputError where it has no dates."""
    from sim.analysis.dated.events import list_designs
    from sim.reporting.dated.histories import render_histories

    design = next(one for one in list_designs(results) if one.label == label)
    if not design.dated:
        message = "needs histories with dates; leave it out, or sweep a world with a date through the lens histories"
        raise InputError([Fault("report", 1, "stories", message)])
    return render_histories(results, design, stem)
