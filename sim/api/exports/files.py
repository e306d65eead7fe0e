"""Write results as files for a spreadsheet or another program."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import pandas as pd

from sim.api.arguments import require
from sim.api.results import Ensemble, require_ensemble
from sim.api.runs import History
from sim.api.scenarios import Named
from sim.batch.store import Results
from sim.batch.tables.spreadsheet import write_csv
from sim.errors import Fault, InputError, InputWarning
from sim.files import write_synced
from sim.reporting.exports.gexf import gexf_document
from sim.reporting.exports.graphs import graphml_document, step_at
from sim.reporting.exports.stored import StoredRun, first_runs, is_run_folder, repeat_run_folder, repeat_stored
from sim.reporting.exports.tidy import MOST_ROWS, points_of, tabulate_tidy, write_tidy

NETWORKS = ("gexf", "graphml")

TIDY, POINTS = "tidy.csv", "points.csv"

NO_TABLES = "{!r} has the tables of a sweep, and this is one run; give 'tidy', 'gexf' or 'graphml'"
MANY_ROWS = "tidy.csv has {:,} rows, and a spreadsheet opens {:,}; sweep fewer runs, or read the file in a program"
NO_OUTCOMES = (
    "the sweep stored no outcomes by step, so tidy.csv has alignments only; sweep with --keep steps or --at DATE"
)
INSIDE = "{} is inside the results; choose another folder"


def export(
    results: Ensemble | History | Named, out: Named, *, format: str = "csv", runs: str | Iterable[str] = (),
    at: str | date | None = None,
) -> list[Path]:  # fmt: skip
    """Write results as files for a spreadsheet or another program.

    Parameters
    ----------
    results
        Results of `sweep`, the folder of an earlier sweep, a run, or the folder of ``blocs run --out``.
    out
        Folder of the files.
    format
        ``"csv"`` or ``"parquet"``: each table of a sweep, and its alignments by step. ``"tidy"``: one CSV with a row
        for each run, date, state and variable. ``"gexf"``: the network of a run with its changes, for Gephi.
        ``"graphml"``: the network of a run at one date.
    runs
        Runs of a sweep whose networks are written, as POINT-REPLICATE. Default: the first run of each scenario.
    at
        Date of the network in GraphML, as text or date. Default: the end of the run.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InputError
        If an argument is invalid, or the folder has no results. Then nothing is written.

    Warns
    -----
    InputWarning
        If a tidy table has no outcomes or more rows than a spreadsheet opens, or a text has characters that XML
        cannot contain.

    Examples
    --------
    >>> from sim import run
    >>> [path.name for path in export(run("unix_1988"), "files", format="graphml")]
    ['run.graphml']
    """
    given = require("export", {"at": at}, out=out, format=format, runs=runs)
    refuse_unused(given.format, {"runs": bool(given.runs), "at": given.at is not None})
    alone = single_run(results)
    folder = results.folder if isinstance(results, Ensemble) else results if not isinstance(results, History) else None
    if folder is not None and given.out.resolve().is_relative_to(Path(folder).resolve()):
        raise InputError([Fault("export", 1, "out", INSIDE.format(given.out))])
    if alone is None:
        stored = Results(require_ensemble(results).folder)  # type: ignore[arg-type]
        if given.format in ("csv", "parquet"):
            return stored.export(given.out, given.format)
        if given.format == "tidy":
            return export_tidy(stored, given.out)
        chosen = [repeat_stored(stored, name) for name in given.runs or first_runs(stored)]
    elif given.format not in (*NETWORKS, "tidy"):
        raise InputError([Fault("export", 1, "format", NO_TABLES.format(given.format))])
    elif given.runs:
        raise InputError([Fault("export", 1, "runs", "chooses among the runs of a sweep; leave it out")])
    else:
        chosen = [alone]
    return write_all(given.out, {name_file(one, given.format): content(one, given.format, given.at) for one in chosen})


def single_run(results: Ensemble | History | Named) -> StoredRun | None:
    """Return the one run of a history or of a folder of `blocs run --out`; None for results of a sweep."""
    if isinstance(results, History):
        return StoredRun("run", results.title, results.network)
    if isinstance(results, Ensemble):
        return None
    folder = require("export", results=results).results
    return repeat_run_folder(folder) if is_run_folder(folder) else None


def refuse_unused(format: str, given: Mapping[str, bool]) -> None:
    """Raise InputError for arguments that a format does not use."""
    uses = {"gexf": ("runs",), "graphml": ("runs", "at")}.get(format, ())
    words = {"runs": "gexf and graphml", "at": "graphml"}
    faults = [
        Fault("export", 1, name, f"goes with the format {words[name]}, not {format}; leave it out")
        for name, is_given in given.items()
        if is_given and name not in uses
    ]
    if faults:
        raise InputError(faults)


def name_file(stored: StoredRun, format: str) -> str:
    """Return the name of the file of a run in a format."""
    return TIDY if format == "tidy" else f"{stored.name}.{format}"


def content(stored: StoredRun, format: str, days: tuple[str, ...] | None) -> bytes:
    """Return a run as the content of a file."""
    if format == "gexf":
        return gexf_document(stored.network)
    if format == "graphml":
        return graphml_document(stored.network, step_at("export", stored.network.scenario, days))
    text = io.StringIO()
    write_csv(tabulate_tidy(stored.network, stored.scenario), text)
    return text.getvalue().encode()


def export_tidy(results: Results, folder: Path) -> list[Path]:
    """Write the runs of a sweep as a tidy table, and the settings of its design points where it varies some."""
    points = points_of(results)
    folder.mkdir(parents=True, exist_ok=True)
    rows, outcomes = write_tidy(results, folder / TIDY)
    if rows >= MOST_ROWS:
        warnings.warn(MANY_ROWS.format(rows, MOST_ROWS), InputWarning, stacklevel=3)
    if not outcomes:
        warnings.warn(NO_OUTCOMES, InputWarning, stacklevel=3)
    if points:
        write_csv(pd.DataFrame(points), folder / POINTS)
    return [folder / POINTS, folder / TIDY] if points else [folder / TIDY]


def write_all(folder: Path, files: Mapping[str, bytes]) -> list[Path]:
    """Write files to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        write_synced(folder / name, text)
    return [folder / name for name in files]
