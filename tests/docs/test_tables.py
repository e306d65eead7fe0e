"""Tables in the docs come from the code; the description of the model has every part of the ODD protocol."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim.model.outcomes import MEANINGS
from sim.scenario.overrides import MECHANISMS
from sim.scenario.parameters import Parameters
from tests.test_language import SOURCES, python_texts
from tools.docs_tables import DOCS, MARKED, TABLES, fill_tables

MODEL = (DOCS / "model.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.stem)
def test_fresh_tables(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text == fill_tables(text), "run `python -m tools.docs_tables`"


def test_complete_tables() -> None:
    assert {found[2] for found in MARKED.finditer(MODEL)} == TABLES.keys()
    for known in (Parameters.model_fields, MECHANISMS):
        for name in known:
            assert f"| `{name}` |" in MODEL
    for name in MEANINGS:
        assert re.search(rf"\| `{name}(_[A-Z_]+)?` \|", MODEL), name


def test_defaults_in_table_only() -> None:
    prose = MARKED.sub("", MODEL)
    for name in Parameters.model_fields:
        assert not re.search(rf"{name}`? (=|of|is) [\d.]+", prose), name


def test_parts_of_odd_protocol() -> None:
    parts = [
        "1: Purpose and patterns",
        "2: Entities, state variables and scales",
        "3: Process overview and scheduling",
        "4: Design concepts",
        "5: Initialization",
        "6: Input data",
        "7: Submodels",
    ]
    assert re.findall(r"^## ODD (.*)", MODEL, re.M) == parts
    for concept in (
        "Basic principles", "Emergence", "Adaptation", "Objectives", "learning", "prediction", "Sensing", "Interaction",
        "Stochasticity", "Collectives", "Observation",
    ):  # fmt: skip
        assert f"**{concept}" in MODEL, concept


def test_sections_that_the_code_cites() -> None:
    texts = [(path, line, text) for path in SOURCES for line, text in python_texts(path)]
    cited = [
        (path.name, line, name) for path, line, text in texts for name in re.findall(r"model: ([A-Z][a-z]+)", text)
    ]
    assert len(cited) > 40
    for place in cited:
        assert re.search(rf"^##+ .*\b{place[-1]}\b", MODEL, re.M | re.I), place


def test_one_meaning_for_each_word() -> None:
    rows = re.findall(r"^\| ([^|]+) \|", (DOCS / "glossary.md").read_text(encoding="utf-8"), re.M)
    words = [word for row in rows if row not in ("word", "---") for word in row.split(", ")]
    assert len(words) == len(set(words)) > 60
    assert {"landscape theory", "CINC", "placebo world", "PRIM", "Sobol index", "minimax regret"} <= set(words)
