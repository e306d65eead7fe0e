"""Invented worlds of several years, with ideal points that follow where states start."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

STATES = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG", "HHH", "III", "JJJ")

STARTS = ("us_led",) * 4 + ("front",) * 3 + ("non_aligned",) * 3

SIDES = {"us_led": 1.0, "front": -1.0, "non_aligned": 0.0}

WORLD = """
title = "Invented world of {year}"
question = "Who is where?"
description = "Invented."
date = {year}-12-31
step = "year"
steps = 2
dispositions = "kept"

[theatres]
europe = "Europe"

[blocs.us_led]
name = "US-led bloc"
leader = "AAA"
enforcement = {{ value = 1.0, source = "assumed", note = "invented" }}
attention_budget = {{ value = 1.0, source = "assumed", note = "invented" }}
accommodation = {{ value = 0.0, source = "assumed", note = "invented" }}

[blocs.front]
name = "Front"
leader = "EEE"
enforcement = {{ value = 0.0, source = "assumed", note = "invented" }}
attention_budget = {{ value = 1.0, source = "assumed", note = "invented" }}
accommodation = {{ value = 0.0, source = "assumed", note = "invented" }}
"""


def write_invented_world(folder: Path, year: int, *, starts: tuple[str, ...] = STARTS, extra: str = "") -> Path:
    """Write a world with a pact with the leader of its bloc for each aligned state, and its record of six years."""
    rng = np.random.default_rng(year)
    path = folder / f"w{year}"
    path.mkdir(parents=True)
    (path / "world.toml").write_text(WORLD.format(year=year) + extra)
    columns = "id,name,theatre,capability,capability_source,gdp,gdp_source,polyarchy,polyarchy_source,initial"
    with (path / "states.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow([*columns.split(","), "initial_source", "note"])
        for n, (state, start) in enumerate(zip(STATES, starts, strict=True)):
            polyarchy = round(0.5 + 0.3 * SIDES[start] + 0.01 * n, 3)
            row = [state, state, "europe", 0.1, "assumed", 10, "assumed", polyarchy, "assumed", start, "assumed", "x"]
            table.writerow(row)
    with (path / "ties.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["a", "b", "kind", "value", "regime", "since", "source", "note"])
        for state, start in zip(STATES, starts, strict=True):
            leader = {"us_led": "AAA", "front": "EEE"}.get(start)
            if leader and leader != state:
                table.writerow([*sorted((leader, state)), "bond", 0.9, "", "", "assumed", "x"])
    lines = [f"record_date = {year}-12-31"]
    place = np.array([SIDES[start] for start in starts]) + 0.1 * rng.normal(size=len(STATES))
    for later in range(year, year + 7):
        lines += [f"[ideal_points.{later}]", 'source = "ideal_points_2025"', f"[ideal_points.{later}.of]"]
        shown = place + 0.1 * rng.normal(size=len(STATES))
        lines += [f"{state} = {point:.4f}" for state, point in zip(STATES, shown, strict=True)]
    (path / "observed.toml").write_text("\n".join(lines) + "\n")
    return path
