"""Trade between the states of a world, with gaps kept apart from zeros."""

from __future__ import annotations

from sim.data.mapping.scene import Scene, TieRow

SMALLEST = 0.001  # share of a product below which trade decides nothing
PLANNED = frozenset({40, 265, 290, 310, 315, 339, 345, 355, 360, 365, 710, 712, 731, 816})
PLANNED_YEARS = range(1946, 1992)
# Planned economies: a zero between two of them is a gap in the records.


def map_trade(scene: Scene, product: dict[int, float]) -> tuple[list[TieRow], dict[int, tuple[int, int]]]:
    """Map trade to rows of ties, in billions of current US dollars.

    Parameters
    ----------
    scene
        The day and the states.
    product
        Product of each state in the same unit.

    Returns
    -------
    (list of TieRow, dict)
        The rows, and for each state the number of partners whose trade with it is known, zeros included, and the
        number of zeros.
    """
    chosen = scene.choose("trade")
    if chosen is None:
        return [], {}
    loaded, year = chosen
    source = loaded.dataset.id
    rows = loaded.rows[loaded.rows["year"] == year]
    scene.require_rows(loaded, len(rows), year)
    if (produced := scene.years.get("product", year)) != year:
        scene.stamps.append(
            f"trade is that of {year} and product that of {produced}, each in dollars of its year, so dependence on"
            f" trade is too {'low' if produced > year else 'high'} by the growth of product between them"
        )
    here = rows[rows["a"].isin(scene.states) & rows["b"].isin(scene.states) & (rows["a"] != rows["b"])]
    pairs = len(scene.states) * (len(scene.states) - 1) // 2
    why = "an absent row is missing trade, which is not zero; each state's coverage is in its note"
    scene.journal.note(
        "pairs of the world", source, len(rows), len(here), why, f"{pairs - len(here)} of {pairs} pairs have no row"
    )
    gaps = (
        (here["imports_a"].fillna(0) + here["imports_b"].fillna(0) == 0)
        & here["a"].isin(PLANNED) & here["b"].isin(PLANNED) & (year in PLANNED_YEARS)
    )  # fmt: skip
    why = "zeros between planned economies are gaps in the records, as the same pairs trade in years before and after"
    scene.journal.note("zeros that are gaps", source, len(here), int((~gaps).sum()), why)
    here = here[~gaps]
    half = int((here["imports_a"].isna() | here["imports_b"].isna()).sum())
    if half:
        why = "one direction is missing; trade is at least the other one"
        scene.journal.note("one direction missing", source, len(here), len(here), why, f"{half} pairs")
    coverage = {code: [0, 0] for code in scene.states}
    found = []
    small = 0
    for row in here.itertuples():
        a, b = int(row.a), int(row.b)
        value = sum(part for part in (row.imports_a, row.imports_b) if part == part) / 1000
        for code in (a, b):
            coverage[code][0] += 1
            coverage[code][1] += value == 0
        known = [product[code] for code in (a, b) if product.get(code)]
        if not known or value < SMALLEST * min(known):
            small += value > 0
            continue
        one, other = scene.pair(a, b)
        found.append(TieRow(one, other, "trade", f"{value:.6g}", "", source, f"imports of both in {year}"))
    why = f"trade below {SMALLEST:.1%} of both products decides nothing, and without a product dependence is unknown"
    scene.journal.note("small trade", source, len(found) + small, len(found), why)
    thin = [scene.id(code) for code, (known, _) in coverage.items() if known <= 3]
    if thin:
        why = "states with three partners or fewer have gaps, such as West Germany from 1960 to 1990"
        scene.journal.note("thin coverage", source, len(coverage), len(coverage) - len(thin), why, ", ".join(thin[:8]))
        scene.stamps.append(f"trade is known with three partners or fewer of {', '.join(thin)}")
    return sorted(found), {code: (known, zeros) for code, (known, zeros) in coverage.items()}
