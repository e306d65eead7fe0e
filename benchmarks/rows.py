"""The rows of the table of speed in plain words: `python -m benchmarks` prints them, `docs/performance.md` has them."""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """A figure of the table: what it is, its goal, and how it is written."""

    words: str
    goal: str = ""
    form: str = "{:.3g}"


TIMES, SECONDS, MILLISECONDS, SHARE = "{:,.0f} times", "{:.1f} s", "{:.2f} ms", "{:.2f}"

PEERS = {
    "static_plain_ratio": Row(
        "plain Python agents under Mesa's `batch_run`, ties that stay, over compiled runs that store as much",
        "at least 1,500",
        TIMES,
    ),
    "default_plain_ratio": Row("the same, as shipped", "at least 700", TIMES),
    "plain_ratio": Row("the same, every tie responds", "at least 250", TIMES),
    "static_mesa_ratio": Row(
        "this model's own Mesa agents, ties that stay, over compiled runs with all chances", "at least 40", TIMES
    ),
    "default_mesa_ratio": Row("the same, as shipped", "", TIMES),
    "mesa_ratio": Row("the same, every tie responds", "at least 10", TIMES),
}

BUILDS = {
    "still_before_ratio": Row("a run of a sweep, ties that stay, over that of 0.1", "at most 0.2", SHARE),
    "shipped_before_ratio": Row("a run of a sweep, as shipped, over that of 0.1", "at most 0.5", SHARE),
    "report_before_ratio": Row(
        "`blocs report` of the sweep of `blocs demo`, over that of 0.1 on its own", "at most 0.34", SHARE
    ),
    "compile_before_ratio": Row("the first runs of an installation, over those of 0.1", "at most 0.34", SHARE),
    "run_before_seconds": Row("`blocs run baseline_2023` in a new installation, 0.1", "", SECONDS),
}

FIRST = {
    "help_seconds": Row("`blocs --help`", "", SECONDS),
    "list_seconds": Row("`blocs list`", "", SECONDS),
    "check_seconds": Row("`blocs check no_sanctions`", "", SECONDS),
    "show_seconds": Row("`blocs show baseline_2023`", "", SECONDS),
    "run_seconds": Row("`blocs run baseline_2023`", "at most 2.5 s", SECONDS),
    "explain_seconds": Row("`blocs explain baseline_2023 IRN --step 30`", "", SECONDS),
    "demo_seconds": Row("`blocs demo`", "at most 21 s", SECONDS),
    "app_seconds": Row("`blocs app`, from its start to the first picture, in wall time", "", SECONDS),
    "page_seconds": Row("from opening its page to the first picture, in wall time", "at most 5 s", SECONDS),
    "server_seconds": Row("its server until then", "", SECONDS),
}

GROWTH = {
    "exponent_states": Row("exponent of the cost in states, 50 to 800", "at most 2.1"),
    "exponent_steps": Row("exponent of the cost in steps, 20 to 320", "at most 1.1"),
    "exponent_runs": Row("exponent of the cost in runs, 25 to 400", "at most 1.05"),
    "thread_speedup": Row("time of one thread over that of two", "at least 1.7"),
}

LIMIT = {
    "static_milliseconds": Row("a run of a sweep, ties that stay", "", MILLISECONDS),
    "default_milliseconds": Row("the same, as shipped", "", MILLISECONDS),
    "every_milliseconds": Row("the same, every tie responds", "", MILLISECONDS),
    "limit_kilobytes": Row("ties, states and blocs that a run must read", "", "{:.0f} kB"),
    "limit_draws": Row("random numbers that a run must draw: one for each state and step", "", "{:,.0f}"),
    "limit_draw_nanoseconds": Row("one of them", "", "{:.0f} ns"),
    "limit_milliseconds": Row("the limit: to draw them and to copy those bytes once", "", MILLISECONDS),
    "limit_ratio": Row("a run of a sweep as shipped, over the limit", "", "{:.1f} times"),
}

SWEEPS = {
    "sweep_seconds": Row("`blocs sweep baseline_2023` of 20,000 runs, CPU time from start to end", "", SECONDS),
    "sweep_memory_mb": Row("its resident memory", "", "{:.0f} MB"),
    "overhead_ratio": Row("its CPU time over that of the same runs without a sweep"),
    "overhead_beyond_start_ratio": Row("the same, less 10 s for the start", "at most 1.5"),
    "memory_growth_mb": Row("its resident memory, less that of a sweep of a tenth", "less than 100 MB", "{:.0f} MB"),
    "checks_reading_ratio": Row("checks of a folder of 64 points of 100 runs, over reading it first"),
    "checks_ratio": Row("the same checks over `blocs compare` without its start", "at most 0.03"),
}

GROUPS = {
    "Peers": PEERS,
    "Before and after": BUILDS,
    "First commands of an installation, CPU time": FIRST,
    "Growth": GROWTH,
    "The limit": LIMIT,
    "Sweeps": SWEEPS,
}


def table_rows(figures: dict[str, float]) -> list[tuple[str, str, str]]:
    """What, goal and figure of every row that has a figure; a group begins with its name alone."""
    rows = []
    for group, known in GROUPS.items():
        found = {name: row for name, row in known.items() if name in figures}
        rows += [(f"**{group}**", "", "")] if found else []
        rows += [(row.words, row.goal, row.form.format(figures[name])) for name, row in found.items()]
    return rows


def markdown(figures: dict[str, float], machine: dict[str, str]) -> str:
    """The table of the page, below the machine that it was measured on."""
    lines = ["Measured on " + ", ".join(f"{name} {value}" for name, value in machine.items()) + ".", ""]
    lines += ["| what | goal | figure |", "| --- | --- | --- |"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in table_rows(figures))])
