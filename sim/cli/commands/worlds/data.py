"""The command that makes a world from public datasets: import."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from sim.cli.main import cli
from sim.cli.options import NewFolder, json_option
from sim.cli.printing import FAILED, new_console, new_table, print_json, safe_text
from sim.errors import display_path

if TYPE_CHECKING:
    from sim.data import ImportedWorld


def read_count(ctx: click.Context, param: click.Parameter, value: str) -> int | None:
    """Read a number of states; None for all. Raises click.BadParameter."""
    if value != "all" and not value.isdecimal():
        raise click.BadParameter(f"{value!r} is neither a number nor all", ctx, param)
    return None if value == "all" else int(value)


@cli.command("import")
@click.argument("year", required=False)
@click.option(
    "--from", "folder", type=click.Path(path_type=Path), help="Folder with the datasets as they were downloaded."
)
@click.option("--out", type=NewFolder(), help="Folder of the world, which must be new or empty.")
@click.option(
    "--states", default="60", callback=read_count, show_default=True, metavar="NUMBER|all",
    help="Number of the most capable states; leaders come on top.",
)  # fmt: skip
@click.option(
    "--date", "day", metavar="DAY", help="Day of the world, such as 2014-02-28. Default: 31 December of YEAR."
)
@click.option(
    "--leaders", default="USA,RUS", show_default=True, metavar="ID,ID",
    help="States that lead a bloc. RUS means the Soviet Union before 1992.",
)  # fmt: skip
@click.option("--carry", is_flag=True, help="Carry the last year of a dataset that ends earlier forward.")
@click.option(
    "--start", type=click.Choice(["coded", "observed"]), default="coded", show_default=True,
    help="Where states start: by treaties and rivalries, or by the ideal points of the year.",
)  # fmt: skip
@click.option("--list", "listed", is_flag=True, help="List the datasets, with citation and terms.")
@click.option(
    "--selftest", type=click.Path(path_type=Path), metavar="FOLDER",
    help="Folder whose counts to compare with those of known releases.",
)  # fmt: skip
@json_option
def import_(
    year: str | None, folder: Path | None, out: Path | None, states: int | None, day: str | None, leaders: str,
    carry: bool, start: Literal["coded", "observed"], listed: bool, selftest: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Make the world of a year from the field's public datasets.

    You download the datasets and put them in one folder, as they are. Each is recognised by its columns. The world's
    folder has a log of every rule applied. Needs the extra [data]: pip install 'blocs[data]'.

    \b
    Example: blocs import 1980 --from downloads --states 60 --out worlds/my_1980
             blocs import --list
             blocs import --selftest downloads
    """
    if listed:
        list_datasets(as_json=as_json)
    elif selftest is not None:
        compare_counts(selftest, as_json=as_json)
    else:
        if year is None and day is None:
            raise click.UsageError("Missing argument 'YEAR'. Give a year, --date, --list or --selftest.")
        if year is not None and day is not None and not day.startswith(year):
            raise click.UsageError(f"--date {day} is not in {year}. Give one of the two.")
        if folder is None or out is None:
            raise click.UsageError(f"Missing option '{'--from' if folder is None else '--out'}'.")
        make_world(day or str(year), folder, out, states, leaders, carry=carry, start=start, as_json=as_json)


def make_world(
    when: str, folder: Path, out: Path, states: int | None, leaders: str, *, carry: bool,
    start: Literal["coded", "observed"], as_json: bool,
) -> None:  # fmt: skip
    """Build a world, write it and print a summary; raises InputError before anything is written."""
    from sim.data import import_world, write_world
    from sim.data.write import require_new

    require_new(out)
    names = [name.strip() for name in leaders.split(",") if name.strip()]
    world = import_world(when, folder, states=states, leaders=names, carry=carry, start=start)
    write_world(world, out)
    if as_json:
        print_json({**world_counts(world), "folder": display_path(out), "log": rule_records(world)})
        return
    print_summary(world, out)


def world_counts(world: ImportedWorld) -> dict[str, Any]:
    """Counts of an imported world, and what it says about itself."""
    return {
        "date": world.day.isoformat(), "states": len(world.states),
        "starts": world.states["initial"].value_counts().to_dict(), "ties": world.ties["kind"].value_counts().to_dict(),
        "institutions": len(world.institutions), "ideal_points": sorted(world.ideal_points), "votes": len(world.votes),
        "stamps": [*world.stamps], "lacks": [*world.lacks],
    }  # fmt: skip


def names_by_start(world: ImportedWorld) -> dict[str, list[str]]:
    """Names of the states by where they start, the blocs first; by the likeliest alignment where starts are drawn."""
    from sim.scenario.schema import DRAWN_ID, NON_ALIGNED_ID

    found: dict[str, list[str]] = {}
    for row in world.states.itertuples():
        start, name = str(row.initial), str(row.name)
        if start == DRAWN_ID:
            cells = (part.split() for part in str(row.initial_chances).split(";"))
            chances = {key: float(chance) for key, chance in cells}
            start = max(chances, key=chances.__getitem__)
            name = f"{name} ({chances[start]:.2f})"
        found.setdefault(start, []).append(name)
    return {key: found[key] for key in sorted(found, key=lambda key: (key == NON_ALIGNED_ID, key))}


def rule_records(world: ImportedWorld) -> list[dict[str, Any]]:
    """Rules applied, as records."""
    return [{**entry._asdict(), "dropped": entry.read - entry.kept} for entry in world.journal.entries]


def print_summary(world: ImportedWorld, out: Path) -> None:
    """Print what a world has, the rules that dropped rows, and what it lacks."""
    from sim.scenario.schema import DRAWN_ID

    console, counts = new_console(), world_counts(world)
    starts = ", ".join(f"{n} {name}" for name, n in counts["starts"].items())
    ties = ", ".join(f"{n} {kind}" for kind, n in counts["ties"].items())
    shown = new_table("rule", "dataset", "read", "kept", "why", numbers=("read", "kept"))
    for entry in world.journal.entries:
        if entry.read != entry.kept:
            cells = (entry.rule, entry.dataset, f"{entry.read}", f"{entry.kept}", entry.why)
            shown.add_row(*map(safe_text, cells))
    console.print(shown)
    console.print(f"\n{counts['states']} states as of {counts['date']}: {safe_text(starts)}. Ties: {safe_text(ties)}.")
    for start, names in names_by_start(world).items():
        console.print(safe_text(f"{start}: {', '.join(names)}."))
    if DRAWN_ID in counts["starts"]:
        console.print("In brackets: the chance of this start, the likeliest of those that each run draws from.")
    for stamp in world.stamps:
        console.print(f"Note: {safe_text(stamp)}.")
    for lack in world.lacks:
        console.print(f"Missing: {safe_text(lack)}.")
    path = safe_text(display_path(out))
    console.print(f"\n{path} has the world and import_log.csv, every rule applied.\nNext: blocs check {path}")


def list_datasets(*, as_json: bool) -> None:
    """Print the datasets, each with its citation and terms."""
    from sim.data.adapters.catalog import DATASETS

    if as_json:
        fields = ("id", "role", "title", "authors", "year", "where", "terms", "unit", "last", "gives")
        print_json([
            {**{key: getattr(one, key) for key in fields}, "columns": [sorted(form.columns) for form in one.forms]}
            for one in DATASETS
        ])  # fmt: skip
        return
    console = new_console()
    for one in DATASETS:
        console.print(f"[bold]{safe_text(one.title)}[/bold] ({one.id}; {one.unit}, to {one.last})")
        console.print(
            f"  {safe_text(one.authors)} ({one.year}). {safe_text(one.where)}. Terms: {safe_text(one.terms)}."
        )
        console.print(f"  Gives {safe_text(one.gives)}.")
        columns = " or ".join(", ".join(form.columns) for form in one.forms)
        console.print(f"  Recognised by the columns {safe_text(columns)}.\n")


def compare_counts(folder: Path, *, as_json: bool) -> None:
    """Print counts of the files in a folder beside those of known releases; exit 1 where some differ."""
    from sim.data.folder import open_folder
    from sim.data.selftest import golden_counts

    counts = golden_counts(open_folder(folder))
    differ = sum(not one.same for one in counts)
    if as_json:
        print_json([{**one._asdict(), "same": one.same} for one in counts])
    else:
        shown = new_table("dataset", "what", "known", "found", "", numbers=("known", "found"))
        for one in counts:
            row = (one.dataset, one.what, f"{one.expected:g}", f"{one.found:g}", "" if one.same else "differs")
            shown.add_row(*map(safe_text, row))
        new_console().print(shown)
        click.echo(
            f"{len(counts)} counts, {differ} differ" + ("; the files may be of other releases" if differ else "")
        )
    if differ or not counts:
        sys.exit(FAILED)
