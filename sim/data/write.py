"""Write an imported world as a folder that `blocs check` accepts."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.data.build import ImportedWorld
from sim.data.mapping.scene import SCALES, TieRow
from sim.errors import Fault, InputError, display_path
from sim.files import write_synced
from sim.scenario.loading import load_scenario
from sim.scenario.tables import TIE_COLUMNS

if TYPE_CHECKING:
    from sim.scenario.schema import Scenario

YEARS = 5  # length of a run
THEATRES = {
    "europe": "Europe", "indo_pacific": "Indo-Pacific", "middle_east": "Middle East",
    "north_america": "North America", "latin_america": "Latin America", "africa": "Africa",
}  # fmt: skip
LOG = "import_log.csv"


def world_files(world: ImportedWorld) -> dict[str, str]:
    """Texts of the files of a world's folder, by name."""
    files = {
        "world.toml": world_text(world),
        "states.csv": table_csv(world.states.drop(columns="cow").to_dict("records")),
        "ties.csv": ties_csv(world),
        "sources.toml": sources_text(world),
        LOG: world.journal.to_csv(),
    }
    if world.ideal_points or world.votes:
        files["observed.toml"] = observed_text(world)
    return files


def write_world(world: ImportedWorld, out: str | Path) -> Path:
    """Write a world's folder; it appears whole and checked, or not at all.

    Parameters
    ----------
    world
        What `import_world` returned.
    out
        A folder that does not exist yet, or is empty.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the folder is not empty, or the world would not pass `blocs check`.
    OSError
        If the folder cannot be written.

    Examples
    --------
    >>> write_world(import_world(1980, "downloads"), "worlds/my_1980")  # doctest: +SKIP
    """
    folder = Path(out)
    require_new(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as aside:
        inside = Path(aside) / folder.name
        inside.mkdir()
        for name, text in world_files(world).items():
            write_synced(inside / name, text.encode())
        load_scenario(inside)
        if folder.exists():
            folder.rmdir()
        shutil.move(inside, folder)
    return folder


def require_new(folder: Path) -> None:
    """Refuse a folder that has something in it, or a name that cannot be a world's."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = "exists and is not empty; choose another --out"
        raise InputError([Fault(display_path(folder), 1, "", message)])


def scenario_of_import(world: ImportedWorld) -> Scenario:
    """Return the scenario of an imported world, without a folder that stays.

    Parameters
    ----------
    world
        What `import_world` returned.

    Returns
    -------
    Scenario
        As `load_scenario` returns it for the written folder.
    """
    with tempfile.TemporaryDirectory() as aside:
        return load_scenario(write_world(world, Path(aside) / f"world_{world.day.year}"))


def text_of(value: str) -> str:
    """A TOML string."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def sourced(value: float, source: str, note: str) -> str:
    """A TOML number with its source and note."""
    return f"{{ value = {value!r}, source = {text_of(source)}, note = {text_of(note)} }}"


def later(day: date, years: int) -> date:
    """The same day of a later year; 28 February for the 29th."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def world_text(world: ImportedWorld) -> str:
    """Text of `world.toml`."""
    shown = f"{world.day.day} {world.day:%B %Y}"
    lines = [
        f"title = {text_of(f'The world of {shown}, imported')}",
        f"question = {text_of(f'Left to the ties of {shown}, which states change alignment in {YEARS} years?')}",
        f"description = {text_of(describe(world))}",
        f"date = {world.day.isoformat()}", 'step = "quarter"', f"until = {later(world.day, YEARS).isoformat()}",
        'dispositions = "kept"', "",
    ]  # fmt: skip
    for kind, scale in SCALES.items():
        used = {*world.ties["value"][world.ties["kind"] == kind]}
        if used:
            lines.append(f"[scales.{kind}]")
            lines += [f"{n} = {sourced(v, 'assumed', note)}" for n, (v, note) in scale.items() if n in used]
            lines.append("")
    there = {*world.states["theatre"]}
    lines += ["[theatres]", *(f"{key} = {text_of(name)}" for key, name in THEATRES.items() if key in there), ""]
    for bloc in world.blocs:
        period = bloc.period
        lines += [
            f"[blocs.{bloc.id}]", f"name = {text_of(bloc.name)}", f"leader = {text_of(bloc.leader)}",
            f"enforcement = {sourced(period.enforcement, period.source, period.note)}",
            f"attention_budget = {sourced(period.attention_budget, period.source, period.note)}",
            f"accommodation = {sourced(0.0, 'assumed', 'no offer of coexistence is coded')}", "",
        ]  # fmt: skip
        if period.priority:
            lines.append(f"[blocs.{bloc.id}.priority]")
            lines += [f"{key} = {sourced(value, period.source, period.note)}" for key, value in period.priority.items()]
            lines.append("")
    ids = dict(zip(world.states["cow"], world.states["id"], strict=True))
    for body in world.institutions:
        lines += [
            f"[institutions.{body.id}]", f"name = {text_of(body.name)}",
            f"cohesion = {sourced(body.cohesion, 'assumed', body.note)}",
            f"members = [{', '.join(text_of(ids[code]) for code in body.members)}]",
            f"members_source = {text_of(body.source.replace('; assumed', ''))}", "",
        ]  # fmt: skip
    return "\n".join(lines)


def describe(world: ImportedWorld) -> str:
    """Description of a world: where it comes from, and what it says about itself."""
    sets = ", ".join(one.dataset.title for one in world.used.values())
    start = (
        "coded from treaties and rivalries" if world.start == "coded" else "OBSERVED: read off the record of the year"
    )
    parts = [
        f"{len(world.states)} states as of {world.day}, made by `blocs import` from {sets}.",
        f"Starts are {start}. Yearly data are of {world.year}. Every rule applied is in {LOG}.",
        *(f"{stamp[:1].upper()}{stamp[1:]}." for stamp in world.stamps),
        *(f"Missing: {lack}." for lack in world.lacks),
    ]
    return "\n".join(parts)


def table_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """A CSV table of records with the same keys."""
    records = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def ties_csv(world: ImportedWorld) -> str:
    """Text of `ties.csv`; the header only where the world has no ties."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*TIE_COLUMNS, "regime", "source", "note"])
    writer.writerows(world.ties[list(TieRow._fields)].itertuples(index=False, name=None))
    return text.getvalue()


def sources_text(world: ImportedWorld) -> str:
    """Text of `sources.toml`: the datasets with their files; the shipped bibliography has the other sources."""
    entries: dict[str, dict[str, Any]] = {}
    for name, one in world.used.items():
        data = one.dataset
        entries[name] = {
            "title": data.title, "authors": data.authors, "year": data.year, "where": data.where,
            "note": f"{data.terms}; read from {Path(one.file).name}, SHA-256 {one.sha256}",
        }  # fmt: skip
    lines = ["# Sources of this world, beside those that are shipped.", ""]
    for key, entry in entries.items():
        lines.append(f"[{key}]")
        lines += [f"{k} = {text_of(v) if isinstance(v, str) else v}" for k, v in entry.items()]
        lines.append("")
    return "\n".join(lines)


def observed_text(world: ImportedWorld) -> str:
    """Text of `observed.toml`: the record of the year, and apart from it that of the years after."""
    lines = [
        "# What is on record of these states: to score forecasts against, never an input of the model.",
        "# Ideal points after the year of the world are scored and never fitted.", "", f"record_date = {world.day}", "",
    ]  # fmt: skip
    for vote in world.votes:
        before = vote["day"] <= world.day
        lines.append(f'[votes."rc_{vote["call"]}"]' if before else "[[after]]")
        lines += [f"title = {text_of(plain_title(vote['title']))}", f"date = {vote['day']}", 'source = "un_votes"']
        for answer in ("yes", "no", "abstained", "absent"):
            if vote[answer]:
                lines.append(f"{answer} = [{', '.join(map(text_of, vote[answer]))}]")
        lines.append("")
    for year, points in world.ideal_points.items():
        lines += [f"[ideal_points.{year}]", 'source = "un_ideal_points"']
        if year > world.year:
            lines.append('note = "after the year of the world: scored, never fitted"')
        lines += ["", f"[ideal_points.{year}.of]", *(f"{key} = {value:.4g}" for key, value in points.items()), ""]
    return "\n".join(lines)


def plain_title(title: object) -> str:
    """A title in one line of at most 200 characters."""
    return re.sub(r"\s+", " ", str(title)).strip()[:200] or "roll call"
