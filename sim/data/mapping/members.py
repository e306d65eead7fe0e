"""The states of a world: those that exist on the day, the most capable of them, with product and polyarchy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from sim.data.codes import Spell, code_on, crosswalk, living_states, spells_of_id, table_rows
from sim.data.mapping.scene import Scene
from sim.errors import Fault, InputError, suggest

if TYPE_CHECKING:
    import pandas as pd

MOST_NAMED = 20  # states that the description of a world names as absent
FEWEST_COVERED = 0.6  # share of living states with a row, below which a file was probably cut


def states_alive(scene: Scene) -> dict[int, Spell]:
    """States that exist on the day, by code: those of the user's list, else those of the project's table."""
    own = living_states(scene.day)
    found = scene.folder.of_role("states")
    if not found:
        scene.journal.note(
            "states of the day", "crosswalk", len(crosswalk()), len(own), "the project's own table of spells"
        )
        return own
    loaded = found[0]
    scene.used[loaded.dataset.id] = loaded
    scene.journal.entries += loaded.journal.entries
    rows = loaded.rows
    listed = {int(row.cow) for row in rows.itertuples() if row.start <= scene.day <= row.end}
    why = f"a state counts if {scene.day} is in one of its spells"
    scene.journal.note("states of the day", loaded.dataset.id, len(rows), len(listed), why)
    differ = listed ^ own.keys()
    if differ:
        codes = ", ".join(map(str, sorted(differ)))
        why = f"codes {codes} are in one of the two only; the file's list counts where the table knows the code"
        scene.journal.note("list and crosswalk differ", loaded.dataset.id, len(listed), len(listed & own.keys()), why)
    compare_lists(scene, own)
    return {code: spell for code, spell in own.items() if code in listed}


def compare_lists(scene: Scene, own: dict[int, Spell]) -> None:
    """Note states of the other list of states that this one lacks."""
    for loaded in scene.folder.of_role("states_gw"):
        scene.journal.entries += loaded.journal.entries
        alive = [row for row in loaded.rows.itertuples() if row.start <= scene.day <= row.end]
        known = {spell.gw for spell in own.values()}
        missing = [str(row.name) for row in alive if int(row.gw) not in known]
        why = "states of this list that the other does not have on the day are not in the world"
        scene.journal.note(
            "other list", loaded.dataset.id, len(alive), len(alive) - len(missing), why, ", ".join(missing[:8])
        )
        if missing:
            scene.stamps.append(
                f"not in the world, as only the list of Gleditsch and Ward has them: {first_names(missing)}"
            )


def first_names(names: Sequence[str]) -> str:
    """The first names of a list, and how many more there are."""
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def resolve_leaders(leaders: Sequence[str], alive: dict[int, Spell], day: date) -> dict[int, str]:
    """Codes of the leaders, in order, with the id asked for; raises InputError for those that do not exist."""
    found: dict[int, str] = {}
    faults = []
    for name in leaders:
        codes = {spell.cow for spell in spells_of_id(name)}
        here = sorted(codes & alive.keys())
        if not codes:
            message = f"is the id of no state{suggest(name, [spell.id for spell in alive.values()])}"
            faults.append(Fault("--leaders", 1, name, message))
        elif not here:
            faults.append(Fault("--leaders", 1, name, f"does not exist on {day}"))
        elif here[0] in found:
            faults.append(Fault("--leaders", 1, name, "is given twice"))
        else:
            found[here[0]] = name
    if not leaders:
        faults.append(Fault("--leaders", 1, "", "is empty; give at least one state"))
    if faults:
        raise InputError(faults)
    return found


def choose_states(scene: Scene, alive: dict[int, Spell], leaders: Sequence[int], count: int | None) -> pd.Series:
    """Choose the most capable states and the leaders; return capability by code, and set the states of the scene."""
    chosen = scene.choose("capabilities")
    if chosen is None:
        message = "has no National Material Capabilities, which every world needs; see `blocs import --list`"
        raise InputError([Fault(str(scene.folder.path), 1, "", message)])
    loaded, year = chosen
    rows = loaded.rows[loaded.rows["year"] == year]
    scene.require_rows(loaded, len(rows), year)
    values = rows.set_index("cow")["capability"]
    ghosts = values[~values.index.isin(alive)]
    why = f"the year of a union lists states that do not exist on {scene.day}; their share is left out"
    example = f"codes {', '.join(map(str, sorted(ghosts.index)[:6]))}" if len(ghosts) else ""
    scene.journal.note("no ghosts", loaded.dataset.id, len(values), len(values) - len(ghosts), why, example)
    known = values[values.index.isin(alive)].dropna()
    if len(known) < FEWEST_COVERED * len(alive):
        message = (
            f"has {len(known)} of the {len(alive)} states of {year}, as a file that was cut does; download it again"
        )
        raise InputError([Fault(loaded.file, 1, "year", message)])
    lacking = sorted(alive.keys() - set(known.index))
    names = ", ".join(alive[code].id for code in lacking[:8])
    why = "missing capability is not 0, so these states are not in the world"
    scene.journal.note("capability missing", loaded.dataset.id, len(alive), len(known), why, names)
    if lacking:
        named = first_names([alive[code].name for code in lacking])
        scene.stamps.append(f"not in the world, as they have no capability in {year}: {named}")
    for code in leaders:
        if code not in known:
            message = f"the leader {alive[code].id} has no capability in {year}; choose another leader or year"
            raise InputError([Fault(loaded.file, 1, "year", message)])
    ranked = known.sort_values(ascending=False, kind="stable")
    kept = ranked if count is None else ranked[ranked.index.isin([*ranked.index[: max(0, count)], *leaders])]
    if count is not None:
        why = f"the {count} most capable states, and the leaders"
        scene.journal.note(
            "states chosen",
            loaded.dataset.id,
            len(ranked),
            len(kept),
            why,
            f"{kept.sum() / values.sum():.3f} of the capability in the file",
        )
    scene.states = {code: alive[code] for code in sorted(kept.index, key=lambda code: alive[code].id)}
    return kept


def product_of(scene: Scene) -> dict[int, float]:
    """Product of each state in billions of current US dollars, at the prices in which trade is given."""
    chosen = scene.choose("product")
    if chosen is None:
        return {}
    loaded, year = chosen
    rows = loaded.rows[loaded.rows["year"] == year].set_index("cow")["product"].dropna()
    scene.require_rows(loaded, len(rows), year)
    prices = {int(row["year"]): float(row["usa_product_usd_bn"]) for row in table_rows("prices.csv")}
    if 2 not in rows.index or year not in prices:
        message = f"has no product of the United States in {year}, which its prices are converted by"
        raise InputError([Fault(loaded.file, 1, "year", message)])
    factor = prices[year] / (rows[2] / 1000)
    why = "product has constant prices, trade current ones; the product of the United States in both gives the factor"
    found = {code: float(rows[code]) / 1000 * factor for code in scene.among(rows.index)}
    scene.journal.note(
        "prices of the trade", loaded.dataset.id, len(rows), len(found), why, f"factor {factor:.3f} in {year}"
    )
    return found


def polyarchy_of(scene: Scene) -> dict[int, float]:
    """Polyarchy of each state in [0, 1]."""
    chosen = scene.choose("regimes")
    if chosen is None:
        return {}
    loaded, year = chosen
    rows = loaded.rows[loaded.rows["year"] == year].set_index("cow")["polyarchy"].dropna()
    scene.require_rows(loaded, len(rows), year)
    found = {code: float(rows[code]) for code in scene.among(rows.index)}
    for code in rows.index.difference([*found]):
        today = code_on(int(code), scene.day)
        if today in scene.states and today not in found:
            found[scene.code_of(code, loaded.dataset.id)] = float(rows[code])
    why = "a state without a score has no likeness, which is not a likeness of 0.5"
    scene.journal.note("polyarchy", loaded.dataset.id, len(scene.states), len(found), why)
    return found
