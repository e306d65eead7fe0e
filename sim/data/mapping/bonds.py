"""Bonds from treaties and arms: pact, consultation, partnership, paper and nominal."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.data.adapters.pacts import OBLIGATIONS
from sim.data.codes import living_states, table_text
from sim.data.mapping.scene import Scene, TieRow

if TYPE_CHECKING:
    import pandas as pd

WINDOW = 5  # years of arms deliveries
LARGE, SOME = 50.0, 20.0  # deliveries in the window, in millions of the database's indicator
MAIN, PART = 0.5, 0.2  # shares of a recipient's deliveries

Pair = tuple[int, int]


@cache
def pact_rules() -> dict[str, list[dict[str, Any]]]:
    """Rules of the project's table of pacts, by kind."""
    content = tomllib.loads(table_text("pacts.toml"))
    return {kind: content[kind] for kind in ("universal", "paper")}


def in_group(code: int, group: list[list[int]]) -> bool:
    """Whether a code is in one of the ranges of a group."""
    return any(low <= code <= high for low, high in group)


def fits(rule: Mapping[str, Any], a: int, b: int, day: date) -> bool:
    """Whether a rule applies to a pair on a day."""
    if not rule.get("from", date.min) <= day <= rule.get("until", date.max):
        return False
    if any(sorted(pair) == sorted((a, b)) for pair in rule.get("unless", ())):
        return False
    if "among" in rule:
        return in_group(a, rule["among"]) and in_group(b, rule["among"])
    one, other = rule["between"], rule["and"]
    return (in_group(a, one) and in_group(b, other)) or (in_group(b, one) and in_group(a, other))


def first_rule(kind: str, a: int, b: int, day: date) -> Mapping[str, Any] | None:
    """The first rule of a kind that applies to a pair on a day."""
    return next((rule for rule in pact_rules()[kind] if fits(rule, a, b, day)), None)


def map_bonds(scene: Scene) -> list[TieRow]:
    """Map treaties, then arms without a treaty, to rows of ties."""
    found = treaty_bonds(scene)
    found.update(arms_bonds(scene, found))
    return [
        TieRow(*scene.pair(a, b), "bond", level, "", source, note)
        for (a, b), (level, source, note) in found.items()
    ]  # fmt: skip


def treaty_bonds(scene: Scene) -> dict[Pair, tuple[str, str, str]]:
    """Level, source and note of the bond of each pair with a treaty."""
    chosen = scene.choose("alliances")
    if chosen is None:
        return {}
    loaded, year = chosen
    every = loaded.rows
    rows = every[(every["year"] == year)]
    scene.require_rows(loaded, len(rows), year)
    here = rows[rows["a"].isin(scene.states) & rows["b"].isin(scene.states)]
    source = loaded.dataset.id
    scene.journal.note("pairs of the world", source, len(rows), len(here), "treaties of other states are left out")
    if year == scene.year and year < loaded.last:
        here = still_in_force(scene, here, every[every["year"] == year + 1], source)
    found: dict[Pair, tuple[str, str, str]] = {}
    counts = {"universal": 0, "paper": 0}
    examples: dict[str, str] = {}
    for row in here.itertuples():
        a, b = int(row.a), int(row.b)
        level, note = treaty_level(row)
        rule = None
        if level == "nominal" and (rule := first_rule("universal", a, b, scene.day)):
            counts["universal"] += 1
            examples.setdefault("universal", f"{'-'.join(scene.pair(a, b))}: {rule['name']}")
            continue
        cited = source
        if level == "pact" and (rule := first_rule("paper", a, b, scene.day)):
            counts["paper"] += 1
            level, note, cited = rule["level"], rule["note"], f"{source}; {rule['source']}"
            examples.setdefault("paper", f"{'-'.join(scene.pair(a, b))}: {rule['name']}")
        found[a, b] = level, cited, note
    why = "non-aggression that nearly all states of a region declared brings no two states closer"
    kept = len(here) - counts["universal"]
    scene.journal.note("universal pacts give no bond", source, len(here), kept, why, examples.get("universal", ""))
    why = "treaties that the project's table of pacts lists, with its reasons"
    scene.journal.note("pacts on paper", source, counts["paper"], counts["paper"], why, examples.get("paper", ""))
    return found


def still_in_force(scene: Scene, here: pd.DataFrame, after: pd.DataFrame, source: str) -> pd.DataFrame:
    """Obligations of a year that the next year has too, where both states are listed then."""
    names = [name for name in OBLIGATIONS if name in here]
    alive = living_states(date(scene.year + 1, 12, 31))
    lives = here["a"].isin(alive) & here["b"].isin(alive)
    joined = here[["a", "b"]].merge(after, on=["a", "b"], how="left")[names].fillna(0).set_axis(here.index)
    both = here.assign(**{name: here[name].where(~lives, np.minimum(here[name], joined[name])) for name in names})
    ended = both[names].sum(axis=1) == 0
    gone = ", ".join("-".join(scene.pair(int(row.a), int(row.b))) for row in here[ended].head(5).itertuples())
    why = "an obligation that the next year does not list had ended by 31 December"
    scene.journal.note("ended in the year", source, len(here), int((~ended).sum()), why, gone)
    return both[~ended]


def treaty_level(row: Any) -> tuple[str, str]:
    """Level and note of the obligations of a pair."""
    if row.defence >= 1:
        return "pact", "mutual or one-sided defence"
    if getattr(row, "consultation", 0) >= 1 or getattr(row, "offence", 0) >= 1:
        return "consultation", "consultation in a crisis, no defence"
    if getattr(row, "neutrality", 0) >= 1:
        return "nominal", "neutrality, no defence"
    return "nominal", "non-aggression of two states, no defence"


def arms_bonds(scene: Scene, treaties: Mapping[Pair, tuple[str, str, str]]) -> dict[Pair, tuple[str, str, str]]:
    """Bonds from arms deliveries of the last five years, of pairs without more than a nominal treaty."""
    chosen = scene.choose("arms")
    if chosen is None:
        return {}
    loaded, year = chosen
    rows = loaded.rows[loaded.rows["year"].between(year - WINDOW + 1, year)]
    scene.require_rows(loaded, len(rows), year)
    source = loaded.dataset.id
    rows = rows.assign(**{
        side: [scene.code_of(code, source) for code in rows[side]] for side in ("supplier", "recipient")
    })  # fmt: skip
    sums = rows.groupby(["supplier", "recipient"])["value"].sum()
    totals = rows.groupby("recipient")["value"].sum()
    found: dict[Pair, tuple[str, str, str]] = {}
    for (supplier, recipient), value in sums.items():
        pair = (min(supplier, recipient), max(supplier, recipient))
        if supplier not in scene.states or recipient not in scene.states or supplier == recipient:
            continue
        if treaties.get(pair, ("nominal",))[0] != "nominal":
            continue
        share = value / totals[recipient]
        level = (
            "partnership"
            if value >= LARGE and share >= MAIN
            else "consultation"
            if value >= SOME and share >= PART
            else ""
        )
        if level and found.get(pair, ("consultation",))[0] != "partnership":
            years = f"{max(year - WINDOW + 1, loaded.first)}-{year}"
            note = f"{share:.0%} of {scene.id(recipient)}'s arms of {years}, and no treaty"
            found[pair] = level, loaded.dataset.id, note
    why = f"a main supplier ({MAIN:.0%} of the arms of {WINDOW} years) is a partner without a treaty"
    scene.journal.note("arms without a treaty", loaded.dataset.id, len(sums), len(found), why)
    return found
