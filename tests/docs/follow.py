"""Follow a page as a stranger does: its blocks of code in their order, in an empty folder, with few runs.

A block of `sh` or `python` runs. One of `toml` is written to the file that its first line names, or is a part of a file
and must parse. One of `yaml` runs the command of its `args`. One of `text`, or without a language, is shown only: an
output, a formula of a spreadsheet, or a template.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

from click.testing import CliRunner
from invented import base
from invented_years import write_invented_world

from sim.cli import cli

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.M | re.S)
SHOWN = ("", "text")
LANGUAGES = ("sh", "python", "toml", "yaml", *SHOWN)
ELSEWHERE = {
    'pip install -q -e ".[dev]"': "continuous integration runs the test command of README in a fresh clone",
    "apt-get install chromium": "continuous integration installs the browser",
}
REPOSITORY = {
    "developers": "its command changes copies of the sources, so it needs the repository",
    "performance": "its command compares two checkouts of the repository, in some ten minutes",
}
FEWER = [
    (r"(--replicates) \d{2,}", r"\1 5"),
    (r"(--points) [1-9]\d*", r"\1 8"),
    (r"(--workers) [3-9]", r"\1 2"),
    (r"(--draws) \d+", r"\1 4"),
    (r"^(blocs (?:regret|sensitivity)\b[^#\n]*)", r"\1 --points 8 --replicates 2 "),
    (r"^(blocs claims\b(?![^#\n]*--points)[^#\n]*)", r"\1 --points 8 "),
    (r"^(blocs claims\b(?! demo)[^#\n]*)", r"\1 --replicates 40 --placebos 2 "),
    (r"^(blocs claims --parameters posterior)[^#\n]*", r"\1 --draws 4 --replicates 40 --placebos 2 "),
    (r"^(blocs calibrate)( +#|$)", r"\1 --points 8\2"),
    (r"^(blocs calibrate\b[^#\n]*)", r"\1 --replicates 2 "),
    (r"^(blocs backtest\b[^#\n]*)", r"\1 --replicates 2 --histories 4 "),
    (r"^(blocs report\b(?=[^#\n]*--parameters)[^#\n]*)", r"\1 --points 8 "),
    (r"^(blocs report\b(?![^#\n]*--points)[^#\n]*)", r"\1 --points 0 "),
    (r"blocs demo", "blocs demo --replicates 4"),
    (r"\bsample\(problem, (N=)?\d+", r"sample(problem, \g<1>4"),
    (r"points=64", "points=4"),
    (r"replicates=(8|100)\b", "replicates=2"),
    (r"range\(20\)", "range(2)"),
    (r", 20\)$", ", 2)"),
    (r"scenarios=64", "scenarios=16"),
]


def blocks(page: Path) -> list[tuple[str, str]]:
    """Language and text of each block of code of a page."""
    return [(found[2], found[3]) for found in BLOCK.finditer(page.read_text(encoding="utf-8"))]


def shorten(text: str) -> str:
    """Code with few runs."""
    for pattern, less in FEWER:
        text = re.sub(pattern, less, text, flags=re.M)
    return text


def provide(folder: Path) -> None:
    """What a reader of every page has: the scenarios of the clone, and own downloads, which are invented here."""
    (folder / "scenarios").symlink_to(ROOT / "scenarios")
    base(folder / "downloads", 1980)


def provide_years(folder: Path) -> None:
    """The worlds that a backtest would import, invented."""
    for year in (*range(1950, 2016, 5), 2018):
        write_invented_world(folder / "worlds", year)


def write_file(folder: Path, text: str) -> None:
    """Write a block of TOML to the file that its first line names; a part of a file has to parse."""
    tomllib.loads(text)
    if name := re.match(r"# (\w+\.toml)\n", text):
        (folder / name[1]).write_text(text, encoding="utf-8")


def follow_here(page: Path, folder: Path) -> list[str]:
    """Follow a page in this process and the folder, which is the current one; the output of each command."""
    names: dict[str, object] = {"__name__": "page"}
    outputs = []
    for n, (language, text) in enumerate(blocks(page)):
        if language == "toml":
            write_file(folder, text)
        elif language == "python":
            exec(compile(shorten(text), f"{page.name}, block {n}", "exec"), names)  # noqa: S102  # the pages are ours
        elif language == "sh":
            outputs += [run_line(line) for line in shorten(text.replace("\\\n", " ")).splitlines()]
    return [output for output in outputs if output is not None]


def run_line(line: str) -> str | None:
    """Run a line of `blocs`; those that set up an environment have done so here."""
    words = shlex.split(line, comments=True)
    if not words or words[0] in ("pip", "python3", "source") or words[:2] == ["blocs", "app"]:
        return None
    assert words[0] == "blocs", line
    done = CliRunner().invoke(cli, words[1:])
    assert done.exit_code == 0, (line, done.output, done.exception)
    assert done.stdout.strip(), line
    return done.stdout
