"""`blocs run --html` writes a history as a page, and refuses a path that it cannot write before the work."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from history_words import TENDENCY, blocs

from sim.cli import cli
from sim.cli.commands import history


def test_page_of_a_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plain = blocs("run", "baseline_2023", "--seed", "7", "--others", "0")
    output = blocs("run", "baseline_2023", "--seed", "7", "--others", "0", "--html", "story.html")
    assert output == f"{plain} This history as a page: story.html"
    text = Path("story.html").read_text("utf-8")
    assert "<code>blocs run baseline_2023 --seed 7 --replicate 0</code>" in text
    assert "Mexico joins the US-led bloc." in text


def test_page_of_the_history_that_was_looked_for(tmp_path: Path) -> None:
    path = tmp_path / "china.html"
    words = (
        "run",
        "baseline_2023",
        "--seed",
        "7",
        "--search",
        "40",
        "--where",
        "CHN enters front",
        "--html",
        str(path),
    )
    record = json.loads(CliRunner().invoke(cli, [*words, "--set", "w_bond=0.31", "--json"]).stdout)
    text = path.read_text("utf-8")
    assert f"of 40 replicates with seed 7; this is the first of them, replicate {record['replicate']}." in text
    assert f"--set w_bond=0.31 --seed 7 --replicate {record['replicate']}</code>" in text


def test_tendency_has_no_page(tmp_path: Path) -> None:
    (tmp_path / "tendency.toml").write_text(TENDENCY, encoding="utf-8")
    page = tmp_path / "story.html"
    output = blocs("run", str(tmp_path / "tendency.toml"), "--html", str(page), code=2)
    assert "'--html': does not apply under the lens of tendency, whose runs are not histories" in output
    assert not page.exists()


def test_paths_refused_before_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: object) -> None:
        raise AssertionError("the scenario is read")

    monkeypatch.setattr(history, "resolve_scenario", refuse)
    os.mkfifo(tmp_path / "pipe.html")
    for path, message in (
        (tmp_path / "pipe.html", "is a pipe, a device or a socket"),
        (tmp_path / "absent" / "story.html", "is not a folder"),
        (tmp_path / "story.pdf", "does not end in .html"),
        (tmp_path, "is a folder; give a file"),
        (Path("/proc/story.html"), "cannot be written"),
    ):
        assert message in blocs("run", "baseline_2023", "--html", str(path), code=2)
