"""Every row of the page on reliability has the promise, the counts, and a test or command that exists."""

from __future__ import annotations

import importlib.util
import re

import pytest

from tests.docs.follow import ROOT

PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
TABLE = PAGE.split("| --- | --- | --- | --- | --- | --- | --- |\n", 1)[1].split("\n\n", 1)[0].splitlines()
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TABLE]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0][:40])
def test_row_names_what_injects_its_fault(row: list[str]) -> None:
    assert len(row) == 7
    test = row[-1]
    if module := re.match(r"`python -m ([\w.]+)", test):
        assert importlib.util.find_spec(module[1])
    else:
        path = re.match(r"`(tests/[\w/]+\.py)`", test)
        assert path, test
        names = re.findall(r"^def (test_\w+)", (ROOT / path[1]).read_text(encoding="utf-8"), re.M)
        words = re.search(r"-k \"?([^\"`]+)", test)
        for word in words[1].split(" or ") if words else []:
            assert any(word in name for name in names), (path[1], word)
