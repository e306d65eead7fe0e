"""The documentation as a site: built without a warning, complete, and without requests to other places."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import griffe
import pytest

import sim
from sim.cli import cli

ROOT = Path(__file__).parents[2]
PAGES = [page.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for page in (ROOT / "docs").rglob("*.md")]
LOADED = re.compile(r"<(?:link|script|img|iframe|source)\b[^>]*?\b(?:href|src)\s*=\s*[\"']?([^\"'\s>]+)", re.I)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.second
def test_every_page_in_menu(site: Path) -> None:
    start = (site / "index.html").read_text(encoding="utf-8")
    for page in PAGES:
        assert (site / page).is_file()
        assert f'href="{page}"' in start or page == "index.html", f"{page} is in no menu of mkdocs.yml"
    assert (site / "notebooks" / "comparison.ipynb").is_file()


@pytest.mark.second
def test_ids_of_headings(site: Path) -> None:
    """An id that begins with a digit stops the script of the menu."""
    for page in (site / name for name in PAGES):
        ids = re.findall(r'<h\d id="([^"]*)"', page.read_text(encoding="utf-8"))
        assert ids, page.name
        assert not [name for name in ids if name[0].isdigit()], page.name


@pytest.mark.second
def test_no_request_to_other_places(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    loaded = {target for page in pages for target in LOADED.findall(page.read_text(encoding="utf-8"))}
    assert len(loaded) > 5
    assert not {target for target in loaded if re.match(r"(?:https?:)?//", target)}
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", text), sheet.name


def command_names(group: click.Group, path: str) -> Iterator[str]:
    """Every command of a group and of its groups, as the ids of the page."""
    for name, command in group.commands.items():
        yield f"{path}-{name}"
        if isinstance(command, click.Group):
            yield from command_names(command, f"{path}-{name}")


def ids(page: Path) -> set[str]:
    """The ids of the headings of a page."""
    return set(re.findall(r'<h\d id="([^"]*)"', page.read_text(encoding="utf-8")))


@pytest.mark.second
def test_every_command_in_reference(site: Path) -> None:
    names = set(command_names(cli, "blocs"))
    assert len(names) > 20
    assert names <= ids(site / "commands.html")
    page = (site / "commands.html").read_text(encoding="utf-8")
    options = {
        option
        for command in cli.commands.values()
        for param in command.params
        if not getattr(param, "hidden", False)
        for option in param.opts
    }
    assert not {option for option in options if option.startswith("-") and option not in page}


@pytest.mark.second
def test_every_public_name_in_reference(site: Path) -> None:
    assert {f"sim.{name}" for name in sim.__all__ if name != "Scenario"} <= ids(site / "functions.html")
    assert "sim.Scenario.with_settings" in ids(site / "functions.html")


@pytest.mark.parametrize("name", [name for name in sim.__all__ if inspect.isfunction(getattr(sim, name))])
def test_every_parameter_documented(name: str) -> None:
    function = getattr(sim, name)
    sections = griffe.Docstring(inspect.getdoc(function) or "", lineno=1).parse("numpy", warnings=False)
    found = {section.kind.value: section.value for section in sections}
    documented = {one.name.lstrip("*"): one.description for one in found["parameters"]}
    assert list(documented) == list(inspect.signature(function).parameters)
    assert all(len(text) > 3 for text in documented.values())
    assert {"text", "parameters", "returns", "raises", "examples"} <= found.keys()
