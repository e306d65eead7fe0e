"""The record of a world: ideal points and votes of its year and the years after, never an input of the model."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from sim.data.mapping.scene import Scene

if TYPE_CHECKING:
    import pandas as pd

AFTER = 5  # years after the world's that the record has
MOST_CALLS = 20  # roll calls of a year, the most divided ones


def map_points(scene: Scene) -> dict[int, dict[int, float]]:
    """Ideal points by year and code, of the states of the world, from the world's year to five years after."""
    loaded = next(iter(scene.folder.of_role("ideal_points")), None)
    if loaded is None:
        return {}
    scene.used[loaded.dataset.id] = loaded
    scene.journal.entries += loaded.journal.entries
    years = range(scene.year, scene.year + AFTER + 1)
    rows = loaded.rows[loaded.rows["year"].isin(years) & loaded.rows["cow"].isin(scene.states)]
    found = {
        int(year): {int(code): float(point) for code, point in zip(part["cow"], part["point"], strict=True)}
        for year, part in rows.groupby("year")
    }
    empty = [str(year) for year in years if year not in found]
    why = f"of the {scene.year} and {AFTER} years after; later ones are never an input or fitted to"
    scene.journal.note(
        "ideal points",
        loaded.dataset.id,
        len(loaded.rows),
        len(rows),
        why,
        f"years without: {', '.join(empty)}" * bool(empty),
    )
    return found


def map_votes(scene: Scene) -> list[dict[str, Any]]:
    """Roll calls of the year and the years after, the most divided ones of each year, with the answers of states."""
    loaded = next(iter(scene.folder.of_role("votes")), None)
    if loaded is None:
        return []
    rows = dated_votes(scene, loaded.rows)
    scene.used[loaded.dataset.id] = loaded
    scene.journal.entries += loaded.journal.entries
    if rows is None:
        return []
    from sim.data.adapters.assembly import ANSWERS

    year = [day.year if day else 0 for day in rows["day"]]
    rows = rows.assign(year=year)
    rows = rows[rows["year"].between(scene.year, scene.year + AFTER)]
    counts = rows[rows["vote"].isin([1, 3])].groupby(["year", "call"])["vote"].value_counts().unstack(fill_value=0)
    split = counts.min(axis=1) if counts.shape[1] == 2 else counts.max(axis=1) * 0  # no call divides the states
    chosen = split.sort_values(ascending=False, kind="stable").groupby(level="year").head(MOST_CALLS).index
    found = []
    for _, call in sorted(chosen):
        part = rows[rows["call"] == call]
        part = part[part["cow"].isin(scene.states)]
        answers = {
            answer: sorted(scene.id(int(code)) for code in part["cow"][part["vote"] == number])
            for number, answer in ANSWERS.items()
        }
        if any(answers.values()):
            title = next((str(part[c].iloc[0]) for c in ("title", "resolution") if c in part and part[c].iloc[0]), "")
            found.append(
                {"call": int(call), "day": part["day"].iloc[0], "title": title or f"roll call {call}", **answers}
            )
    why = f"the {MOST_CALLS} most divided roll calls of each year"
    scene.journal.note("votes", loaded.dataset.id, rows["call"].nunique(), len(found), why)
    return found


def dated_votes(scene: Scene, rows: pd.DataFrame) -> pd.DataFrame | None:
    """Votes with the day of their roll call, from the table of roll calls or the session; None without either."""
    if "day" in rows and rows["day"].notna().any():
        return rows
    calls = next(iter(scene.folder.of_role("roll_calls")), None)
    if calls is not None:
        columns = ["call", "day", *[c for c in ("title", "resolution") if c in calls.rows]]
        return rows.drop(columns="day", errors="ignore").merge(calls.rows[columns], on="call", how="left")
    if "session" in rows:
        why = "the file has sessions and no days; a session's votes count on 31 December of its first year"
        scene.journal.note("days of votes", "un_votes", len(rows), len(rows), why)
        return rows.assign(day=[date(1945 + int(session), 12, 31) for session in rows["session"]])
    why = "the file has no days of roll calls; put the table of roll calls beside it"
    scene.journal.note("days of votes", "un_votes", len(rows), 0, why)
    return None
