"""Write the tables of docs/ from the code, between their markers: python -m tools.docs_tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sim.model.outcomes import describe_outcome, outcome_names
from sim.scenario.anchor import BELIEFS
from sim.scenario.overrides import MECHANISMS
from sim.scenario.parameters import UNBOUNDED, Parameters, Strict, bounds_of, parameter_range
from sim.scenario.schema import Bloc, State

DOCS = Path(__file__).parent.parent / "docs"
MARKED = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.S)


def rows(heads: Iterable[str], content: Iterable[Iterable[str]]) -> str:
    """Format a table in Markdown."""
    head = list(heads)
    lines = [head, ["---"] * len(head), *content]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def parameters() -> str:
    """Every parameter with its default, search range and source; reasons are below the table."""
    content, reasons = [], list(dict.fromkeys(field.default.note for field in Parameters.model_fields.values()))
    for name, field in Parameters.model_fields.items():
        extra: Any = field.json_schema_extra
        low, high = parameter_range(name)
        cells = (f"`{name}`", str(field.description), extra["unit"], f"{field.default.value:g}", f"{low:g} to {high:g}")
        content.append((*cells, f"{field.default.source} ({1 + reasons.index(field.default.note)})"))
    table = rows(("parameter", "meaning", "unit", "default", "searched over", "source"), content)
    return table + "\n" + "".join(f"{n}. {reason}\n" for n, reason in enumerate(reasons, start=1))


def numbers_of(model: type[Strict], kept: Iterable[str]) -> str:
    """The numbers of a part of a scenario, with meaning and bounds."""
    content = []
    for name in kept:
        field, bounds = model.model_fields[name], bounds_of(model, name)
        high = f"0 to {bounds.high:g}"
        default = (
            "must be given" if field.is_required() else f"{field.default.value:g}" if field.default else "not known"
        )
        content.append((f"`{name}`", str(field.description), high, default))
    return rows(("number", "meaning", "bounds", "default"), content)


def mechanisms() -> str:
    """The settings that switch each mechanism off."""
    content = []
    for name, settings in MECHANISMS.items():
        values = ", ".join(
            f"`{path.removeprefix('parameters.')}` = {'without bound' if value == UNBOUNDED else f'{value:g}'}"
            for path, value in settings.items()
        )
        content.append((f"`{name}`", values))
    return rows(("mechanism", "switching it off sets"), content)


def outcomes() -> str:
    """Every outcome with its subject, meaning and unit."""
    known = outcome_names(("BLOC",), ("THEATRE",))
    content = []
    for name in known:
        if name.endswith("_non_aligned"):
            continue
        of_all = f"{name.removesuffix('BLOC')}non_aligned" in known
        of = "theatre of each bloc" if "THEATRE" in name else "bloc, non-aligned" if of_all else "bloc"
        label = name.replace("BLOC", "ALIGNMENT") if of_all else name
        content.append((f"`{label}`", of if "BLOC" in name else "step", describe_outcome(name)))
    content.append(("`consolidation_step`", "run", describe_outcome("consolidation_step")))
    content.append(("`regime_stability`", "state", describe_outcome("regime_stability")))
    content.append(("`share_ALIGNMENT`", "state", "share of the last steps that the state is in the alignment, 0 to 1"))
    content.append(("`bite`", "state", "share of the world's product closed to it by sanctions, 0 to 1"))
    return rows(("outcome", "of each", "meaning and unit"), content)


TABLES: dict[str, Callable[[], str]] = {
    "parameters": parameters,
    "blocs": lambda: numbers_of(Bloc, ("enforcement", "attention_budget", "accommodation")),
    "states": lambda: numbers_of(State, BELIEFS),
    "mechanisms": mechanisms,
    "outcomes": outcomes,
}


def fill_tables(text: str) -> str:
    """Replace the tables of a page; raises KeyError for an unknown table."""
    return MARKED.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n{found[3]}", text)


if __name__ == "__main__":
    for page in sorted(DOCS.glob("*.md")):
        page.write_text(fill_tables(page.read_text(encoding="utf-8")), encoding="utf-8")
