"""The notebook: it runs, shows its tables and charts, and is stored without output."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def cells(page: Path) -> list[nbformat.NotebookNode]:
    """The cells of code."""
    return [cell for cell in nbformat.read(page, as_version=4).cells if cell.cell_type == "code"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_output_stored(page: Path) -> None:
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells(page))


@pytest.mark.long
def test_tables_and_charts_of_comparison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.read(ROOT / "docs" / "notebooks" / "comparison.ipynb", as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace("replicates=100", "replicates=8")
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    shown = [out.data for cell in notebook.cells for out in cell.get("outputs", ()) if "data" in out]
    printed = [out for cell in notebook.cells for out in cell.get("outputs", ()) if out.output_type == "stream"]
    assert printed == [], "no warning either"
    assert sum("image/png" in data for data in shown) == 2
    tables = [data["text/html"] for data in shown if "<table" in data.get("text/html", "")]
    assert len(tables) == 6
    assert any("Against baseline" in table and "95 % interval" in table for table in tables)
