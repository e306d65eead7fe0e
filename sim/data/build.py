"""Build a world as of a day from a folder of datasets: states, ties, institutions, starts and record."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sim.data.codes import Spell, table_text
from sim.data.folder import DataFolder, LoadedRows, open_folder
from sim.data.journal import Journal
from sim.data.mapping.bodies import Bodies, Body
from sim.data.mapping.bonds import map_bonds
from sim.data.mapping.commerce import map_trade
from sim.data.mapping.hostility import map_rivalries
from sim.data.mapping.members import choose_states, polyarchy_of, product_of, resolve_leaders, states_alive
from sim.data.mapping.penalties import map_sanctions
from sim.data.mapping.record import map_points, map_votes
from sim.data.mapping.scene import Scene, TieRow
from sim.data.mapping.starts import coded_starts, observed_starts
from sim.errors import Fault, InputError

if TYPE_CHECKING:
    import pandas as pd

FIRST_DAY = date(1946, 1, 1)  # before it the crosswalk has no spells

BLOC_IDS = {2: "us_led", 365: "front"}  # of leaders that the article's world has; others get their own
BLOC_NAMES = {"USA": "US-led bloc", "SUN": "Soviet-led bloc", "RUS": "Russia-led bloc"}

STATES = 60
LEAST_CHANCE = 0.005  # of an alignment of an observed start, below which it is left out

USED = (
    "states",
    "capabilities",
    "organisations",
    "alliances",
    "arms",
    "rivalries",
    "disputes",
    "product",
    "regimes",
    "sanctions",
    "trade",
)  # roles that a world is made from; each has to cover the year

Start = Literal["coded", "observed"]


@dataclass(frozen=True)
class Period:
    """How a leader presses in a period.

    Attributes
    ----------
    enforcement, attention_budget
        Of its bloc.
    priority
        Attention that each theatre asks for.
    source, note
        Where the numbers come from.
    """

    enforcement: float
    attention_budget: float
    priority: Mapping[str, float]
    source: str
    note: str


@dataclass(frozen=True)
class ImportedBloc:
    """A bloc of an imported world: its id and name, the id of its leader, and the period's numbers."""

    id: str
    name: str
    leader: str
    period: Period


@dataclass(frozen=True)
class ImportedWorld:
    """A world made from a folder of datasets.

    Attributes
    ----------
    day
        The day that it is as of.
    year
        Year of yearly data: that of the last 31 December on or before the day.
    start
        `coded` or `observed`.
    states
        One row a state, with the columns of `states.csv` and `cow`, its code.
    ties
        One row a tie, with the columns of `ties.csv`; bonds, rivalries and sanctions have named levels.
    blocs, institutions
        As in `world.toml`.
    ideal_points
        Points by year and state id, of the year and those after.
    votes
        Roll calls with the answers of states.
    chances
        With an observed start, the chance of each alignment by state id, given the error of the reading; else empty.
    used
        Datasets that gave something, by id.
    stamps
        What the world's file says about itself: data carried forward, gaps, the start.
    lacks
        What the world lacks, as the folder has no dataset for it.
    journal
        Every rule applied.
    """

    day: date
    year: int
    start: Start
    states: pd.DataFrame
    ties: pd.DataFrame
    blocs: tuple[ImportedBloc, ...]
    institutions: tuple[Body, ...]
    ideal_points: Mapping[int, Mapping[str, float]]
    votes: Sequence[Mapping[str, Any]]
    chances: Mapping[str, Mapping[str, float]]
    used: Mapping[str, LoadedRows]
    stamps: tuple[str, ...]
    lacks: tuple[str, ...]
    journal: Journal


def import_world(
    when: int | str | date, folder: str | Path | DataFolder, *, states: int | None = STATES,
    leaders: Sequence[str] = ("USA", "RUS"), carry: bool = False, start: Start = "coded",
) -> ImportedWorld:  # fmt: skip
    """Build the world of a day from a folder of datasets.

    Parameters
    ----------
    when
        A year, which means its 31 December, or a day.
    folder
        Folder with the datasets as they were downloaded, or one that `open_folder` recognised; one that is used
        for several years is read once.
    states
        Number of the most capable states; leaders come on top if they are not among them. None for all.
    leaders
        Ids of the states that lead a bloc, such as USA and RUS, which means the Soviet Union before 1992.
    carry
        Whether the last year of a dataset that ends earlier is carried forward; the world says so.
    start
        `coded` from treaties and rivalries, or `observed` from the ideal points of the year.

    Returns
    -------
    ImportedWorld
        Tables, blocs, institutions, record and journal; `write_world` writes them as a world's folder.

    Raises
    ------
    InputError
        With every fault of the folder, of a file that is used, or of the arguments.

    Examples
    --------
    >>> world = import_world(1980, "downloads", states=60)  # doctest: +SKIP
    >>> world.states["id"].size  # doctest: +SKIP
    60
    """
    day = read_when(when)
    if states is not None and states < 2:
        raise InputError([Fault("--states", 1, str(states), "is too few for a world; give 2 or more")])
    opened = folder if isinstance(folder, DataFolder) else open_folder(folder)
    scene = Scene(opened, day, carry)
    for file, why in opened.unread:
        scene.journal.note("file not read", Path(file).name, 1, 0, why, file)
    scene.require_spans(USED)
    alive = states_alive(scene)
    codes = resolve_leaders(leaders, alive, day)
    capability = choose_states(scene, alive, list(codes), states)
    tables = Tables(scene, capability, {code: bloc_of(scene.states[code]) for code in codes})
    return tables.finish(start)


def read_when(when: int | str | date) -> date:
    """The day of a world; raises InputError for one that no world can be as of."""
    try:
        if isinstance(when, date):
            day = when
        else:
            text = str(when).strip()
            day = date(int(text), 12, 31) if len(text) <= 4 else date.fromisoformat(text)
    except ValueError:
        message = "is neither a year nor a day; write 1980 or 1980-12-31"
        raise InputError([Fault("YEAR", 1, str(when), message)]) from None
    if not FIRST_DAY <= day <= date(2100, 1, 1):
        message = f"is outside what the table of states covers, {FIRST_DAY.year} and later"
        raise InputError([Fault("YEAR", 1, str(when), message)])
    return day


def bloc_of(spell: Spell) -> tuple[str, str]:
    """Id and name of the bloc that a state leads."""
    return BLOC_IDS.get(spell.cow, f"{spell.id.lower()}_led"), BLOC_NAMES.get(spell.id, f"Bloc led by {spell.name}")


@cache
def period_rules() -> list[dict[str, Any]]:
    """Rows of the project's table of periods; the one of leader 0 is that of every other leader."""
    rows: list[dict[str, Any]] = tomllib.loads(table_text("periods.toml"))["period"]
    return rows


def period_of(code: int, day: date) -> Period:
    """How a leader presses on a day."""
    rows = [row for row in period_rules() if row["leader"] in (code, 0)]
    row = next(row for row in rows if row.get("from", date.min) <= day <= row.get("until", date.max))
    return Period(row["enforcement"], row["attention_budget"], row["priority"], row["source"], row["note"])


class Tables:
    """The tables of a world, made in the order in which they need each other.

    Parameters
    ----------
    scene
        The day and the states.
    capability
        Capability by code.
    blocs
        Id and name of each bloc by the code of its leader.
    """

    def __init__(self, scene: Scene, capability: pd.Series, blocs: dict[int, tuple[str, str]]) -> None:
        self.scene, self.capability, self.blocs = scene, capability, blocs
        self.ids = {code: bloc for code, (bloc, _) in blocs.items()}
        self.chances: dict[int, dict[str, float]] = {}

    def finish(self, start: Start) -> ImportedWorld:
        """Make all tables, and return the world."""
        import pandas as pd

        scene = self.scene
        bodies = Bodies(scene)
        ties = map_bonds(scene)
        allied = {(row.a, row.b) for row in ties if row.value == "pact"}
        ties += map_rivalries(scene, allied)
        product, polyarchy = product_of(scene), polyarchy_of(scene)
        points = map_points(scene)
        starts = coded_starts(scene, self.ids, ties)
        if start == "observed":
            starts, self.chances = observed_starts(scene, self.ids, points.get(scene.year, {}), starts)
        ties += map_sanctions(scene, bodies.members, self.ids)
        trade, coverage = map_trade(scene, product)
        ties += trade
        rows = [
            self.state_row(code, spell, starts[code], product.get(code), polyarchy.get(code), coverage.get(code))
            for code, spell in scene.states.items()
        ]
        theatres = {spell.theatre for spell in scene.states.values()}
        return ImportedWorld(
            scene.day, scene.year, start, pd.DataFrame(rows),
            pd.DataFrame(sorted(ties, key=tie_order), columns=TieRow._fields),
            tuple(self.bloc(code, theatres) for code in self.blocs), tuple(bodies.institutions()),
            {year: {scene.id(code): point for code, point in by.items()} for year, by in points.items()},
            map_votes(scene), {scene.id(code): by for code, by in self.chances.items()},
            dict(scene.used), tuple(scene.stamps),
            tuple(f"{lack} ({' or '.join(one.title for one in sets)})" for lack, sets in scene.folder.missing_roles()),
            scene.journal,
        )  # fmt: skip

    def bloc(self, code: int, theatres: set[str]) -> ImportedBloc:
        """The bloc of a leader, with priorities of theatres that the world has."""
        period = period_of(code, self.scene.day)
        priority = {name: value for name, value in period.priority.items() if name in theatres}
        bloc, name = self.blocs[code]
        kept = Period(period.enforcement, period.attention_budget, priority, period.source, period.note)
        return ImportedBloc(bloc, name, self.scene.id(code), kept)

    def state_row(
        self, code: int, spell: Spell, start: tuple[str, str, str], product: float | None, polyarchy: float | None,
        coverage: tuple[int, int] | None,
    ) -> dict[str, Any]:  # fmt: skip
        """A row of `states.csv`; an empty cell is a missing value."""
        notes = [start[2]]
        initial, chances = drawn_start(start[0], self.chances.get(code, {}))
        missing = [name for name, value in (("product", product), ("polyarchy", polyarchy)) if value is None]
        notes += [f"no {name} in the data" for name in missing]
        if coverage is not None:
            known, zeros = coverage
            notes.append(f"trade known with {known} of {len(self.scene.states) - 1} states, zero with {zeros}")
        roles = {one.dataset.role: name for name, one in self.scene.used.items()}
        return {
            "id": spell.id, "name": spell.name, "theatre": spell.theatre,
            "capability": f"{self.capability[code]:.6g}", "capability_source": roles["capabilities"],
            "gdp": "" if product is None else f"{product:.5g}",
            "gdp_source": "" if product is None else f"{roles['product']}; us_product_bea",
            "polyarchy": "" if polyarchy is None else f"{polyarchy:.3f}",
            "polyarchy_source": "" if polyarchy is None else roles["regimes"],
            "initial": initial, "initial_source": start[1], "initial_chances": chances, "note": "; ".join(notes),
            "cow": code,
        }  # fmt: skip


def drawn_start(initial: str, chances: Mapping[str, float]) -> tuple[str, str]:
    """Start of a state and the cell of its chances: drawn in each run where more than one alignment is likely."""
    likely = {alignment: chance for alignment, chance in chances.items() if chance >= LEAST_CHANCE}
    if len(likely) < 2:
        return initial, ""
    total = sum(likely.values())
    return "drawn", "; ".join(f"{alignment} {chance / total:.3f}" for alignment, chance in likely.items())


def tie_order(row: TieRow) -> tuple[int, str, str]:
    """Place of a row in `ties.csv`."""
    return ("bond", "rivalry", "sanction", "trade").index(row.kind), row.a, row.b
