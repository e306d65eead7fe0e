"""Rivalries: those that states perceive, and clashes of the last five years."""

from __future__ import annotations

from collections.abc import Collection

from sim.data.mapping.scene import Scene, TieRow

WINDOW = 5  # years of disputes
FORCE = 4  # level of hostility at which force is used
WAR = 5

Pair = tuple[int, int]


def map_rivalries(scene: Scene, allied: Collection[tuple[str, str]]) -> list[TieRow]:
    """Map rivalries, then disputes of other pairs, to rows of ties; `allied` are pairs of ids with a pact."""
    rows = strategic_rivalries(scene)
    known = {(row.a, row.b) for row in rows}
    return rows + [row for row in disputes(scene, allied) if (row.a, row.b) not in known]


def strategic_rivalries(scene: Scene) -> list[TieRow]:
    """Rows of the rivalries that the list has on the day."""
    chosen = scene.choose("rivalries")
    if chosen is None:
        return []
    loaded, year = chosen
    every = loaded.rows
    alive = every[(every["start"] <= year) & ((every["end"] > year) | every["open"])]
    scene.require_rows(loaded, len(alive), year)
    why = f"a rivalry that ended in {year} was over by 31 December; spells of one pair are not joined"
    scene.journal.note("rivalries of the day", loaded.dataset.id, len(every), len(alive), why)
    pairs = {}
    for row in alive.itertuples():
        a, b = (scene.code_of(code, loaded.dataset.id) for code in (row.a, row.b))
        if a in scene.states and b in scene.states:
            pairs[scene.pair(a, b)] = int(row.start)
    scene.journal.note(
        "pairs of the world", loaded.dataset.id, len(alive), len(pairs), "rivalries of other states are left out"
    )
    return [
        TieRow(a, b, "rivalry", "strategic", "", loaded.dataset.id, f"since {start}")
        for (a, b), start in sorted(pairs.items())
    ]  # fmt: skip


def disputes(scene: Scene, allied: Collection[tuple[str, str]]) -> list[TieRow]:
    """Rows of the pairs that used force against each other in the last five years."""
    chosen = scene.choose("disputes")
    if chosen is None:
        return []
    loaded, year = chosen
    rows = loaded.rows[loaded.rows["year"].between(year - WINDOW + 1, year)]
    scene.require_rows(loaded, len(rows), year)
    force = rows[rows["hostility"] >= FORCE]
    deadly = (force["fatality"] > 0) | (force["hostility"] >= WAR)
    mutual = deadly | (force["reciprocated"] == 1)
    dropped = force[~mutual]
    why = "force by one side without deaths and without an answer is a seizure of fishing boats or the like"
    example = "" if dropped.empty else "{}-{} in {}".format(*(int(dropped[c].iloc[0]) for c in ("a", "b", "year")))
    scene.journal.note("fishing quarrels dropped", loaded.dataset.id, len(force), int(mutual.sum()), why, example)
    found: dict[tuple[str, str], tuple[bool, int]] = {}
    quarrels = 0
    for row, dead in zip(force[mutual].itertuples(), deadly[mutual], strict=True):
        a, b = (scene.code_of(code, loaded.dataset.id) for code in (row.a, row.b))
        if a not in scene.states or b not in scene.states or a == b:
            continue
        pair = scene.pair(a, b)
        if pair in allied and not dead:
            quarrels += 1
            continue
        before = found.get(pair, (False, 0))
        found[pair] = before[0] or bool(dead), max(before[1], int(row.year))
    if quarrels:
        why = "allies by a pact who quarrel without deaths are not rivals"
        scene.journal.note("quarrels of allies", loaded.dataset.id, len(found) + quarrels, len(found), why)
    why = f"clashes from {max(year - WINDOW + 1, loaded.first)} to {year}, once a pair"
    scene.journal.note("disputes of five years", loaded.dataset.id, len(rows), len(found), why)
    return [
        TieRow(a, b, "rivalry", "clashes" if dead else "dispute", "", loaded.dataset.id, f"last in {last}")
        for (a, b), (dead, last) in sorted(found.items())
    ]  # fmt: skip
