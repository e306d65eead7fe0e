"""The pages on other tools work: every snippet and command in its order, with few runs; formulas by pandas."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pandas as pd
import pytest

from tests.docs.follow import blocks, follow_here

PAGES = Path(__file__).parents[2] / "docs" / "use_with"
NEEDS = {"ema_workbench": "ema_workbench", "salib": "SALib", "networks": "xarray", "spreadsheet": "pandas"}


def test_every_page_is_followed() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == NEEDS.keys()


@pytest.mark.second
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("page", sorted(NEEDS))
def test_snippets(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if importlib.util.find_spec(NEEDS[page]) is None:
        pytest.skip(f"{NEEDS[page]} is not installed")
    monkeypatch.chdir(tmp_path)
    follow_here(PAGES / f"{page}.md", tmp_path)
    if page != "spreadsheet":
        assert capsys.readouterr().out.strip()
        return
    formulas = [text for language, text in blocks(PAGES / f"{page}.md") if language == "text"]
    assert len(formulas) == 2
    table = pd.read_csv("small/tidy.csv")
    for formula in formulas:
        assert 0 <= average_ifs(table, formula) <= 1


def average_ifs(table: pd.DataFrame, formula: str) -> float:
    """Compute =AVERAGEIFS(column, column, value, …) as a spreadsheet does; fails where no row fits."""
    found = re.fullmatch(r"=AVERAGEIFS\((.*)\)\s*", formula)
    assert found
    words = re.sub(r"DATE\((\d+),(\d+),(\d+)\)", r'"\1-\2-\3"', found[1]).split(", ")
    columns = [table.columns[ord(word[0]) - ord("A")] for word in (words[0], *words[1::2])]
    fits = pd.Series(True, index=table.index)
    for column, value in zip(columns[1:], words[2::2], strict=True):
        fits &= table[column] == value.strip('"')
    assert fits.any()
    return float(table.loc[fits, columns[0]].mean())


def test_rows_of_the_spreadsheet_page() -> None:
    text = (PAGES / "spreadsheet.md").read_text(encoding="utf-8")
    scenarios, runs, steps, states, alignments = 2, 100, 41, 52, 3
    outcomes = 2 * scenarios * runs * 40  # at two dates, at most
    rows = scenarios * runs * steps * states * alignments
    assert rows < int(re.search(r"has ([\d,]+):", text)[1].replace(",", "")) < rows + outcomes
    assert rows * 60 / 100 + outcomes < 1_048_576
