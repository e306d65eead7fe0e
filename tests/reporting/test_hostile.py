"""Hostile files: 45 payloads in every text field reach page, tables and terminal as plain text only.

Files that need much time or memory, or that point outside their folder, are refused without opening anything.
"""

from __future__ import annotations

import csv
import html
import json
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import invented
import pytest
from click.testing import CliRunner

from sim.batch.tables.spreadsheet import FORMULA_STARTS
from sim.cli import cli
from sim.errors import escape_controls
from tools.audit import verdict

MARKUP = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "\"><b onclick='alert(1)'>",
    "javascript:alert(1)", "</title></style><iframe src=//x.test>", "<!--<base href=//x.test>", "&lt;script&gt;&#60;",
    "<a href='data:text/html,x'>x</a>", "{{ 7 * 7 }}{% include 'x' %}", "]]><x/>", "`${7*7}`",
)  # fmt: skip
RICH = ("[bold red]x[/]", "[link=http://x.test]x[/link]", "[/bold]", "\\[x]", "[[x]]", ":skull:")
FORMULAS = (
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|'/c calc'!A1", "=HYPERLINK(\"http://x.test\")", "\t=1", "\r=1", "\n=1",
    "＝1+1", "＋1", "－1", "＠x",
)  # fmt: skip
STEERING = (
    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07x", "\x1b]8;;http://x.test\x1b\\x", "\x1b]52;c;cm0=\x07x", "\x1bP1$q\x1b\\x",
    "\x9b31mx", "\x00x", "x\x08\x08y", "x\rY", "\u202egnp.exe", "\u2066x\u2069", "\u200bx\ufeffy", "\x7fx", "a\u2028b",
)  # fmt: skip
PAYLOADS = (*MARKUP, *RICH, *FORMULAS, *STEERING)
NAMES = ("<script>alert(1)<", "=1+1", "[red]x[", "\x1b[31mx", "x\u202ey", "'; drop table runs; --")  # of files
SOURCE_FIELDS = ("title", "authors", "where", "note")  # of a source
STATES = [f"S{n}" for n in range(len(PAYLOADS))]


def quoted(text: str) -> str:
    """A TOML string."""
    return '"' + "".join(f"\\U{ord(c):08x}" if c in '"\\' or not " " <= c <= "~" else c for c in text) + '"'


def write_world(folder: Path) -> None:
    """Write a world with a state, an institution and ties per payload; each text is the payload."""
    folder.mkdir(parents=True)
    institutions = "".join(
        f'[institutions.i{n}]\nname = {q}\ncohesion = 0.5\nmembers = ["S0", "S1"]\nmembers_source = "p{n}"\n'
        for n, q in enumerate(map(quoted, PAYLOADS))
    )
    first = quoted(PAYLOADS[0])
    (folder / "world.toml").write_text(
        f"title = {first}\nquestion = {first}\nnote = {first}\nsteps = 2\n[theatres]\nhere = {first}\n"
        + "".join(
            f'[blocs.{bloc}]\nname = {q}\nenforcement = {{ value = 0.5, source = "p0", note = {q} }}\n'
            f"attention_budget = 1\naccommodation = 0\n[blocs.{bloc}.priority]\nhere = 1\n"
            for bloc, q in (("left", quoted(PAYLOADS[1])), ("right", quoted(PAYLOADS[-1])))
        )
        + institutions,
        "utf-8",
    )
    with (folder / "states.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "name", "theatre", "capability", "capability_source", "note"])
        rows.writerows([s, f".{p}", "here", 1, f"p{s[1:]}", f".{p}"] for s, p in zip(STATES, PAYLOADS, strict=True))
    with (folder / "ties.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["a", "b", "kind", "value", "source", "note"])
        rows.writerows(
            [s, "S0", "bond", 0.5, f"p{s[1:]}", f".{p}"] for s, p in zip(STATES[1:], PAYLOADS[1:], strict=True)
        )


def scenario(payload: str) -> str:
    """Return a scenario whose every text is a payload."""
    q = quoted(payload)
    return (
        f'title = {q}\nquestion = {q}\ndescription = {q}\nnote = {q}\nsource = "p0"\nworld = "evil"\n'
        f'[[shocks]]\nkind = "crisis"\nstep = 1\ntheatre = "here"\nintensity = 1\nduration = 1\nsource = "p0"\n'
        f'note = {q}\n[parameters]\nerosion = {{ value = 0.5, source = "p0", note = {q} }}\n'
        "[states]\n" + "".join(f"{s}.name = {quoted(p)}\n" for s, p in zip(STATES, PAYLOADS, strict=True))
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a hostile folder: a scenario for each payload, and some whose names are payloads."""
    made = tmp_path_factory.mktemp("stranger")
    write_world(made / "worlds" / "evil")
    entries = (f"[p{n}]\n" + "".join(f"{k} = {quoted(p)}\n" for k in SOURCE_FIELDS) for n, p in enumerate(PAYLOADS))
    (made / "sources.toml").write_text("".join(entries), "utf-8")
    for n, payload in enumerate(PAYLOADS):
        (made / f"s{n}.toml").write_text(scenario(payload), "utf-8")
    for name in NAMES:
        (made / f"{name}.toml").write_text(scenario("plain"), "utf-8")
    (made / "broken\x1b[31m.toml").write_text('title = "\\u001b[31m"\nworld = "\\u001b[31m"\n', "utf-8")
    return made


@pytest.fixture(autouse=True)
def scenario_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Look up names in the hostile folder first."""
    monkeypatch.setenv("BLOCS_SCENARIOS", str(folder))


def output_of(*words: str, code: int = 0) -> str:
    """Return what a command prints on both streams; fail if it prints control characters."""
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code == code, (done.output, done.exception)
    steering = {c for c in done.output if not c.isprintable()} - {"\n"}
    assert not steering, (words, steering)
    return done.output


def without_space(text: str) -> str:
    """Return a text without the spaces and line breaks that a table adds."""
    return re.sub(r"\s", "", text)


@pytest.mark.second
def test_terminal_shows_payloads_escaped(folder: Path) -> None:
    listed = without_space(output_of("list"))
    assert [one for one in (*PAYLOADS, *NAMES) if without_space(escape_controls(one)) not in listed] == []
    assert len(json.loads(CliRunner().invoke(cli, ["list", "--json"]).stdout)) > len(PAYLOADS)
    shown = output_of("show", str(folder / "s0.toml"))
    assert all(without_space(escape_controls(p)) in without_space(shown) for p in PAYLOADS)
    ties = without_space(output_of("show", str(folder / "s0.toml"), "--state", "S0"))
    assert all(without_space(escape_controls(f".{p}")) in ties for p in PAYLOADS[1:])
    for payload in (MARKUP[0], *RICH[:3], *STEERING[::4]):
        n = PAYLOADS.index(payload)
        assert without_space(escape_controls(payload)) in without_space(output_of("show", str(folder / f"s{n}.toml")))
    run = output_of("run", str(folder / "s1.toml"), "--steps", "1")
    assert all(without_space(escape_controls(p)) in without_space(run) for p in PAYLOADS)
    record = json.loads(output_of("show", str(folder / "s0.toml"), "--json"))
    assert [record["states"][s]["name"] for s in STATES] == list(PAYLOADS)


def test_refusals_show_payloads_escaped(folder: Path) -> None:
    assert "broken\\x1b[31m" in output_of("check", str(folder / "broken\x1b[31m.toml"), code=2)
    for payload in PAYLOADS:
        (folder / "bad.toml").write_text(scenario(payload).replace("intensity = 1", f"{quoted(payload)} = 1"), "utf-8")
        output_of("check", str(folder / "bad.toml"), code=2)
    (folder / "bad.toml").unlink()


@pytest.fixture(scope="module")
def results(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Sweep scenarios whose names and texts are payloads."""
    out = tmp_path_factory.mktemp("swept") / "results"
    files = [str(folder / f"{name}.toml") for name in NAMES] + [str(folder / f"s{n}.toml") for n in range(6)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLOCS_SCENARIOS", str(folder))
        output_of("sweep", *files, "--replicates", "2", "--steps", "1", "--out", str(out))
        yield out
    return out


@pytest.mark.second
def test_no_formula_in_tables(results: Path, tmp_path: Path) -> None:
    output_of("export", str(results), "--out", str(tmp_path / "tables"))
    output_of("compare", str(results), "--csv", str(tmp_path / "compared"), "--all")
    output_of("query", str(results), 'select scenario, 1 as "[red]\x1b[31m" from runs')
    cells: set[str] = set()
    for path in tmp_path.rglob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            cells |= {cell for row in csv.reader(file) for cell in row}
    assert "'=1+1" in cells
    assert not [c for c in cells if c[:1] in tuple(FORMULA_STARTS) and not re.fullmatch(r"[-+]?[\d.e-]+", c)]


class Elements(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.mark.second
@pytest.mark.filterwarnings("ignore:Glyph")
def test_page_shows_payloads_as_text(results: Path, tmp_path: Path) -> None:
    output_of("report", str(results), "--points", "0", "--out", str(tmp_path / "page.html"))
    text = (tmp_path / "page.html").read_text("utf-8")
    page = Elements(text)
    for tag, attributes in page.found:
        assert tag not in {"script", "iframe", "base", "object", "embed", "b", "x"}
        assert not [name for name, _ in attributes if name.startswith("on")]
        links = [value or "" for name, value in attributes if name in {"href", "src", "xlink:href", "action"}]
        assert all(link.startswith(("#", "data:image/png;base64,")) for link in links), links
    words = html.unescape("".join(page.words))
    for payload in (*MARKUP[:6], *NAMES[:1]):
        assert payload in words
    steering = {c for c in text if unicodedata.category(c) in ("Cc", "Cf")} - {"\n", "\t"}
    assert not steering


def inert_story(path: Path) -> Elements:
    """Read a story, and fail where it has more than its own script, or anything live."""
    text = path.read_text("utf-8")
    page = Elements(text)
    assert sum(tag == "script" for tag, _ in page.found) == 2
    for tag, attributes in page.found:
        assert tag not in {"iframe", "base", "object", "embed", "img", "b", "x"}
        assert not [name for name, _ in attributes if name.startswith("on") or name in ("src", "style")]
        links = [value or "" for name, value in attributes if name in {"href", "xlink:href", "action"}]
        assert all(link.startswith("#") for link in links), links
    assert not {c for c in text if unicodedata.category(c) in ("Cc", "Cf")} - {"\n", "\t"}
    return page


def test_story_shows_payloads_as_text(folder: Path, tmp_path: Path) -> None:
    for n in (0, 4, 6, len(PAYLOADS) - 1):
        output_of("run", str(folder / f"s{n}.toml"), "--others", "0", "--html", str(tmp_path / "story.html"))
        page = inert_story(tmp_path / "story.html")
        words = without_space(html.unescape("".join(page.words)))
        assert without_space(escape_controls(PAYLOADS[n])) in words


def test_imported_world_shows_payloads_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts of datasets: names of files reach the sources and the log; states have the names of the project's table."""
    payloads = [*MARKUP, *RICH, "=1+1", "@SUM(A1)"][: len(invented.SPELLS)]
    spells = {
        code: (f"{payload} {name}", start)
        for payload, (code, (name, start)) in zip(payloads, invented.SPELLS.items(), strict=True)
    }
    monkeypatch.setattr(invented, "SPELLS", spells)
    data = invented.base(tmp_path / "data", 1980)
    (data / "NMC-70.csv").rename(data / "=1+1<b onclick=alert(1)>[red].csv")
    world = tmp_path / "worlds" / "imported"
    output_of("import", "1980", "--from", str(data), "--states", "all", "--leaders", "USA,RUS", "--out", str(world))
    output_of("show", str(world))
    output_of("run", str(world), "--seed", "1", "--others", "0", "--html", str(tmp_path / "story.html"))
    inert_story(tmp_path / "story.html")
    assert "alert(1)" in (world / "sources.toml").read_text("utf-8")
    assert "alert(1)" not in (world / "states.csv").read_text("utf-8")
    with (world / "import_log.csv").open(encoding="utf-8", newline="") as file:
        cells = {cell for row in csv.reader(file) for cell in row}
    assert any("alert(1)" in cell for cell in cells)
    assert not [
        cell for cell in cells if cell[:1] in tuple(FORMULA_STARTS) and not re.fullmatch(r"[-+]?[\d.e-]+", cell)
    ]


# Files that cost much or point outside

BOMBS = {
    "depth": "x = " + "[" * 100_000,
    "tables": "".join(f"[{'.'.join('a' * 31)}.t{n}]\n" for n in range(5_000)),
    "digits": "steps = " + "9" * 1_000_000,
    "keys": "".join(f"k{n} = 1\n" for n in range(30_000)),
    "more_keys": "".join(f"k{n} = 1\n" for n in range(100_000)),
    "text": 'title = "' + "x" * 1_000_000 + '"\n',
    "more_text": 'title = "' + "x" * (15 * 2**20) + '"\n',
    "shocks": 'world = "article_2023"\nshocks = [' + "{}," * 10_000 + "]\n",
    "more_shocks": "shocks = [" + "{}," * 100_000 + "]\n",
    "cycle": 'title = "x"\nextends = "cycle"\n',
    "out": 'title = "x"\nextends = "../../../../etc/passwd"\n',
    "link": 'title = "x"\nextends = "linked"\n',
    "world": 'title = "x"\nworld = "linked"\n',
}
CHECK_ALL = """
import json, sys
opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
from click.testing import CliRunner
from sim.cli import cli
codes = {path: CliRunner().invoke(cli, ["check", path]).exit_code for path in sys.argv[1:]}
most = int(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])  # kB, Python and packages too
print(json.dumps([codes, most, opened]))
"""


@pytest.mark.second
def test_bombs_and_escapes_refused_in_200_mb(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    (inside / "worlds").mkdir(parents=True)
    outside.mkdir()
    for name, text in BOMBS.items():
        (inside / f"{name}.toml").write_text(text, "utf-8")
    for target in ("linked.toml", "world.toml", "states.csv"):
        (outside / target).write_text('title = "secret"\n', "utf-8")
    (inside / "linked.toml").symlink_to(outside / "linked.toml")
    (inside / "worlds" / "linked").symlink_to(outside, target_is_directory=True)
    files = [str(inside / f"{name}.toml") for name in BOMBS]
    done = subprocess.run([sys.executable, "-c", CHECK_ALL, *files], capture_output=True, text=True, check=True)
    codes, kilobytes, opened = json.loads(done.stdout)
    assert codes == dict.fromkeys(files, 2)
    assert kilobytes < 200 * 1024
    assert str(inside / "cycle.toml") in opened
    assert not [path for path in opened if "passwd" in path or os.path.realpath(path).startswith(str(outside))]


@pytest.mark.parametrize(
    ("found", "code", "phrase"),
    [
        (None, 0, "could not be looked up"),
        ([], 0, "1 of 3 packages looked up"),
        ([{"id": "CVE-1", "fix_versions": []}], 0, "x 1.0: CVE-1, fixed in no version yet"),
        ([{"id": "CVE-1", "fix_versions": ["1.1"]}], 1, "x 1.0: CVE-1, fixed in 1.1"),
    ],
)
def test_vulnerability_with_fix_fails_audit(found: object, code: int, phrase: str) -> None:
    aside = [{"name": "y", "skip_reason": "not found"}, {"name": "pip", "version": "9", "vulns": [{"id": "CVE-2"}]}]
    audited = None if found is None else {"dependencies": [*aside, {"name": "x", "version": "1.0", "vulns": found}]}
    lines, status = verdict(audited)
    assert status == code
    assert phrase in "\n".join(lines)


def test_audit_that_no_package_answers_says_so() -> None:
    unknown = [{"name": "y", "skip_reason": "not found"}, {"name": "z", "skip_reason": "not found"}]
    assert verdict({"dependencies": unknown}) == (["vulnerabilities: could not be looked up"], 0)
