"""The documentation as a site: it builds without a warning, is complete, and loads nothing from other servers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOADED = re.compile(r"<(?:link|script|img|iframe|source)\b[^>]*?\b(?:href|src)\s*=\s*[\"']?([^\"'\s>]+)", re.I)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_in_menu(site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert (site / f"{page.stem}.html").is_file()
        assert f'href="{page.stem}.html"' in start or page.stem == "index", f"{page.name} is in no menu of mkdocs.yml"
    assert (site / "notebooks" / "comparison.ipynb").is_file()


def test_ids_of_headings(site: Path) -> None:
    """An id that begins with a digit stops the script of the menu."""
    for page in (site / f"{page.stem}.html" for page in (ROOT / "docs").glob("*.md")):
        ids = re.findall(r'<h\d id="([^"]*)"', page.read_text(encoding="utf-8"))
        assert ids, page.name
        assert not [name for name in ids if name[0].isdigit()], page.name


def test_no_page_loads_from_other_servers(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    loaded = {target for page in pages for target in LOADED.findall(page.read_text(encoding="utf-8"))}
    assert len(loaded) > 5
    assert not {target for target in loaded if re.match(r"(?:https?:)?//", target)}
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", text), sheet.name
