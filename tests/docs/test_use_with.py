"""The pages on other tools work: every snippet and command in its order, with few runs; formulas by pandas."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from sim.cli import cli

PAGES = Path(__file__).parents[2] / "docs" / "use_with"
NEEDS = {"ema_workbench": "ema_workbench", "salib": "SALib", "networks": "xarray", "spreadsheet": "pandas"}
FEWER = [
    (r"(--replicates) \d+", r"\1 5"),
    (r"(--points) \d+", r"\1 8"),
    (r"\bsample\(problem, (N=)?\d+", r"sample(problem, \g<1>4"),
    (r"points=64", "points=4"),
    (r"replicates=8", "replicates=2"),
    (r"range\(20\)", "range(2)"),
    (r", 20\)$", ", 2)"),
    (r"scenarios=64", "scenarios=16"),
]


def blocks(page: str, *languages: str) -> list[tuple[str, str]]:
    """Language and text of the code blocks of a page."""
    text = (PAGES / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(rf"```({'|'.join(languages)})\n(.*?)```", text, re.S)


def shorten(text: str) -> str:
    """Code with few runs."""
    for pattern, less in FEWER:
        text = re.sub(pattern, less, text, flags=re.M)
    return text


def follow(page: str) -> None:
    """Run the code blocks of a page in their order, in one namespace."""
    names: dict[str, object] = {"__name__": "page"}
    for n, (language, text) in enumerate(blocks(page, "python", "sh")):
        if language == "python":
            exec(compile(shorten(text), f"{page}.md, block {n}", "exec"), names)  # noqa: S102  # the pages are ours
            continue
        for line in map(shlex.split, shorten(text).splitlines()):
            if line[0] == "pip":
                continue
            assert line[0] == "blocs", line
            done = CliRunner().invoke(cli, line[1:])
            assert done.exit_code == 0, (line, done.output, done.exception)


def test_every_page_is_followed() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == NEEDS.keys()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("page", sorted(NEEDS))
def test_snippets(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if importlib.util.find_spec(NEEDS[page]) is None:
        pytest.skip(f"{NEEDS[page]} is not installed")
    monkeypatch.chdir(tmp_path)
    follow(page)
    if page != "spreadsheet":
        assert capsys.readouterr().out.strip()
        return
    formulas = [text for _, text in blocks(page, "text")]
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
