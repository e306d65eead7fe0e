"""The app without a browser: settings in address, page and file; hostile input; drawings."""

from __future__ import annotations

import functools
import json
import re
import socket
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from sim.analysis.compare import compare_columns
from sim.analysis.paired import CLEAR_ITSELF, ITSELF_MEANS
from sim.analysis.states.decisions import decisions_in_run, explain_decision
from sim.analysis.states.start import explain_start
from sim.app import cache
from sim.app.cache import svg_charts
from sim.app.pages import compare
from sim.app.pages.dated import ITSELF, SURE
from sim.app.pages.lessons import list_lessons
from sim.app.pages.reasons import tabulate_terms
from sim.app.pages.run import story_page
from sim.app.player import drawing, labels
from sim.app.player.frames import frame_data
from sim.app.player.words import chosen_first, reasons_by_step
from sim.app.session import Visit, escape_markdown, plain_label
from sim.app.setting import (
    MAX_APP_STATES,
    Address,
    AppSetting,
    file_name,
    from_query,
    normalise_setting,
    resolve_setting,
    safe_name,
    setting_toml,
    to_query,
)
from sim.app.sliders import Slider, change_words, list_sliders, setting_label
from sim.app.upheavals import states_with_governments
from sim.app.uploads import MAX_BYTES, read_upload
from sim.cli import cli
from sim.cli.options import resolve_scenario as as_the_command_resolves
from sim.errors import InputError
from sim.model import compiled
from sim.model.world import world_of
from sim.reporting.charts import draw_step_lines, new_figure
from sim.reporting.colours import BLOC_COLOURS, SIDE_COLOURS, alignment_colours
from sim.reporting.labels import label_alignments, label_history, label_theatres
from sim.scenario.loading import load_scenario, scenario_names, world_names
from sim.scenario.overrides import MECHANISMS, with_settings
from sim.scenario.parameters import PLAIN, UNBOUNDED, Parameters
from sim.scenario.schema import MAX_STATES, Scenario

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "sim" / "app" / "pages" / "main.py"
CASES = Path(__file__).parents[1] / "cases"
EVIL = "<script>alert(1)</script> ![x](http://evil.example/x.png) $x_1$ :red[so] [a](javascript:alert(1))"
loaded = functools.cache(load_scenario)
BASE = loaded("baseline_2023")
NAMES = [*scenario_names(), *world_names()]
SLIDERS = [slider for members in list_sliders(BASE).values() for slider in members]


# Settings


@st.composite
def changes(draw: st.DrawFn) -> AppSetting:
    """Draw a setting of the baseline with some sliders moved and some mechanisms off."""
    chosen: list[Slider] = draw(st.lists(st.sampled_from(SLIDERS), max_size=4, unique_by=lambda slider: slider.setting))
    moved = {slider.setting: draw(st.floats(slider.low, slider.high).map(lambda x: round(x, 4))) for slider in chosen}
    without = draw(st.lists(st.sampled_from(sorted(MECHANISMS)), max_size=3, unique=True))
    falls = draw(st.lists(st.sampled_from(["CHN:4:front", "IRN:12", "TUR:1:non_aligned"]), max_size=2, unique=True))
    return normalise_setting(BASE, AppSetting("baseline_2023", tuple(moved.items()), tuple(without), tuple(falls)))


@given(changes(), changes(), st.integers(0, 2**53 - 1), st.integers(0, 99), st.integers(0, 40))
def test_address_round_trip(mine: AppSetting, other: AppSetting, seed: int, replicate: int, step: int) -> None:
    expected = Address(mine, other, seed, replicate, step, "IRN", "compare")
    query = to_query(expected, BASE)
    assert all(isinstance(value, str) for value in query.values())
    assert from_query(query, NAMES, loaded) == (expected, [])


@given(changes(), st.integers(0, 2**53 - 1))
def test_setting_file_round_trip(tmp_path_factory: pytest.TempPathFactory, mine: AppSetting, seed: int) -> None:
    path = tmp_path_factory.mktemp("out") / "changed.toml"
    path.write_text(setting_toml(BASE, mine, seed), encoding="utf-8")
    found = load_scenario(path)
    assert found.digest() == resolve_setting(BASE, mine).digest()
    assert (found.sweep.seed, found.without) == (seed, resolve_setting(BASE, mine).without)


@pytest.mark.parametrize(
    ("name", "mechanism", "changed"),
    [
        (
            "no_feedback", "inertia",
            {"ties.sanction.USA.RUS": 0.3, "ties.bond.RUS.CHN": 0.9, "blocs.us_led.priority.europe": 0.7},
        ),
        ("great_powers_1907", "propensity", {"states.RUS.autonomy": 0.5}),
        ("europe_1936", "propensity", {}),
    ],
)  # fmt: skip
def test_setting_file_with_ties_states_and_priorities(
    name: str, mechanism: str, changed: dict[str, float], tmp_path: Path
) -> None:
    base = load_scenario(name)
    setting = normalise_setting(base, AppSetting(name, tuple(changed.items()), (mechanism,)))
    path = tmp_path / "changed.toml"
    key = "world" if name in world_names() else "extends"
    path.write_text(setting_toml(base, setting, 1, key=key), encoding="utf-8")
    assert CliRunner().invoke(cli, ["check", str(path)]).output == "1 checked, no fault\n"
    assert load_scenario(path).digest() == resolve_setting(base, setting).digest()
    assert len(setting.changed) == len(changed)


def test_mechanism_off_as_in_command() -> None:
    for mechanism in list(MECHANISMS)[::3]:
        expected = resolve_setting(BASE, AppSetting("baseline_2023", (("w_bond", 1.5),), (mechanism,)))
        assert expected.digest() == as_the_command_resolves("baseline_2023", ("w_bond=1.5",), (mechanism,)).digest()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("scenario", "baseline_2032", "did you mean 'baseline_2023'?"),
        ("scenario", "../../etc/passwd", "unknown scenario '../../etc/passwd'"),
        ("scenario", "uploaded:mine", "upload it again"),
        ("seed", "-3", "seed: '-3' is not a whole number from 0 to"),
        ("seed", "٣", "is not a whole number"),
        ("replicate", "1e3", "replicate: '1e3' is not"),
        ("step", "41", "is not a whole number from 0 to 40; 0 is taken"),
        ("state", "IRNN", "did you mean 'IRN'?"),
        ("page", "secret", "page: 'secret' is not one of run, what_if, tipping, compare, lessons; run is shown"),
        ("erosion", "much", "erosion: 'much' is not a number"),
        ("erosion", "nan", "is not a finite number|is not a number in"),
        ("erosion", "21", "21 is not a number in"),
        ("erosoin", "0.5", "did you mean 'erosion'?"),
        ("ties.bond.RUS.CHN", "7", "7 is not a number in"),
        ("without", "sheltr", "did you mean 'shelter'?"),
        ("upheaval", "CHM:4", "did you mean 'CHN'?"),
        ("upheaval", "USA:4", "USA never decides here"),
        ("upheaval", "CHN:41", "'41' is not a step from 1 to 40"),
        ("upheaval", "CHN:4:frnt", "unknown alignment 'frnt' (known: us_led, front, non_aligned)"),
        ("other.w_bond", "x", "other.w_bond: 'x' is not a number"),
        ("w_bond", "1" * 3000, "longer than 2000 characters"),
        ("a\x1b[2J", "1", "unknown setting"),
    ],
)
def test_bad_value_in_address(key: str, value: str, message: str) -> None:
    address, faults = from_query({key: value}, NAMES, loaded)
    default = AppSetting("baseline_2023")
    assert address == Address(default, default, BASE.sweep.seed, replicate=0, step=0, state="", page="run")
    (line,) = faults
    assert re.search(message if "|" in message else re.escape(message), line), line
    assert line.isprintable()


def test_sliders_of_schema() -> None:
    found = list_sliders(BASE)
    assert [slider.setting for slider in found["parameters"]] == list(Parameters.model_fields)
    assert list(found) == ["parameters", "us_led", "front"]
    for slider in SLIDERS:
        assert slider.meaning
        assert slider.source
        assert slider.low < slider.high
        with_settings(BASE, {slider.setting: slider.low})
        with_settings(BASE, {slider.setting: slider.high})
    assert (found["parameters"][0].label, found["parameters"][0].small) == (
        "Pull of stated affinities",
        "w_propensity, weight",
    )


def test_every_setting_has_a_plain_name() -> None:
    """Names are unlike each other, have no name of a file, and are what a change, a tie included, is said with."""
    levers = {slider.setting.rpartition(".")[2] for slider in SLIDERS if slider.setting.startswith("blocs")}
    assert PLAIN.keys() == Parameters.model_fields.keys() | levers
    assert len({one.name for one in PLAIN.values()}) == len(PLAIN)
    assert not [one.name for one in PLAIN.values() if "_" in one.name or len(one.name) > 32]
    for slider in SLIDERS:
        assert setting_label(BASE, slider.setting) == slider.label
        assert change_words(BASE, slider.setting, 9).startswith(f"{slider.label} {slider.value:.4g} → 9")
    assert change_words(BASE, "ties.sanction.USA.BRA", 0.5) == "Sanctions of the United States on Brazil 0 → 0.5"
    assert change_words(BASE, "ties.bond.USA.GBR", 0.5).startswith("Bond of the United States and the United Kingdom ")
    assert change_words(BASE, "states.IRN.autonomy", 2) == "Iran: worth of independence, a multiple 1 → 2"
    assert change_words(BASE, "blocs.us_led.priority.europe", 1).startswith("blocs.us_led.priority.europe 0.4 → ")


def test_labels_without_escapes() -> None:
    """A screen reader reads no backslash, and no text of a file becomes markup."""
    assert plain_label("US-led bloc: offer (new), 0.5 → 1") == "US-led bloc: offer (new), 0.5 → 1"
    cleaned = plain_label(EVIL + " www.evil.example `x` # a@b.example \x07")
    assert not set("`*_~[]<>$#|\\@\x07") & set(cleaned)
    assert "www." not in cleaned
    assert not re.search(r":\S", cleaned)


@given(st.sampled_from(SLIDERS), st.floats(0, 3).map(lambda x: round(x, 5)))
def test_slider_shows_any_value(slider: Slider, value: float) -> None:
    low, high, step, digits = slider.scale_for(value)
    for shown in (low, high, value, slider.value):
        assert low <= shown <= high
        assert round(round(shown / step) * step, digits) == pytest.approx(shown, abs=1e-9)


@pytest.mark.parametrize("budget", [0.0, 5e-324, 1e-300, 1e9])
def test_slider_range_of_any_budget(budget: float) -> None:
    settings = {"blocs.*.attention_budget": budget}
    priorities = {f"blocs.{b}.priority.{r}": 0.0 for b, bloc in BASE.blocs.items() for r in bloc.priority}
    for members in list_sliders(with_settings(BASE, settings | priorities)).values():
        for slider in members:
            low, high, step, _ = slider.scale_for(slider.value)
            assert low < high
            assert 0 < step <= high - low


# Uploads


def refuse_reading() -> bytes:
    """Fail, as this content must not be read."""
    raise AssertionError("it was read")


@pytest.mark.parametrize("path", sorted(CASES.glob("invalid/s*.toml"))[:24], ids=lambda path: path.stem)
def test_upload_faults_as_in_check(path: Path, tmp_path: Path) -> None:
    alone = tmp_path / path.name
    alone.write_bytes(path.read_bytes())
    with pytest.raises(InputError) as checked:
        load_scenario(alone)
    with pytest.raises(InputError) as found:
        read_upload(path.name, alone.stat().st_size, alone.read_bytes)
    assert found.value.lines() == [line.replace(str(alone), path.name) for line in checked.value.lines()]


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('a = 1\nb = "x\nc = 1\n', 2, "a quotation mark is not closed"),
        ("b = 'x\nc = 1\n", 1, "a quotation mark is not closed"),
        ('b = "x\r\nc = 1\r\n', 1, "a quotation mark is not closed"),
        ('a = "it\'s"\nb = """x\nc\n', 2, "a quotation mark is not closed"),
        ("b = hello\n", 1, "no valid value follows the equal sign"),
        ("b 1\n", 1, "an equal sign is missing"),
        ("b = 0,5\n", 1, "0,5 has a decimal comma; write 0.5"),
        ("b = 1\nb = 2\n", 2, "this key is given twice"),
        ("[b]\n[b]\n", 2, "this table is given twice"),
        ("b = [1 2]\n", 1, "a list is not closed"),
        ("b = {x = 1\n", 1, "a table in braces is not closed"),
        ("[b\n", 1, "a table's name is not closed"),
        ('b = "C:\\dir"\n', 1, "a backslash in"),
        ("= 1\n", 1, "a key is missing"),
        ('b = "x\x01y"\n', 1, "the line has a control character; remove it"),
    ],
)
def test_toml_fault_in_plain_words(text: str, line: int, message: str) -> None:
    with pytest.raises(InputError) as found:
        read_upload("mine.toml", len(text), text.encode)
    (fault,) = found.value.faults
    assert (fault.file, fault.line) == ("mine.toml", line)
    assert fault.message.startswith(f"is not TOML: {message}")


HEAD = b'title = "x"\nextends = "baseline_2023"\n'
STATE = b"A%x={name='',theatre='europe',capability=1}\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x00\xff\xfe" * 900, "is not UTF-8"),
        (b"\x00" * 900, "is not TOML"),
        (b"", "is empty"),
        (b"a = " + b"[" * 5000, "is not TOML"),
        (b'title = "x"\nworld = "../.."\n', "is not a name; give one without folders"),
        (b'title = "x"\nextends = "/etc/passwd"\n', "is not a name; give one without folders"),
        (b'title = "x"\nextends = "baseline_2023"\nsteps = 9999\n', "the app runs at most"),
        (HEAD + b"[states]\n" + b"".join(b"A%x={}\n" % n for n in range(MAX_STATES)), f"({3 * MAX_STATES} in all"),
        (HEAD + b"[states]\n" + b"".join(STATE % n for n in range(MAX_APP_STATES)), "the app runs at most 250"),
        (HEAD + b"[parameters]\nerosion = 99\n", "99 is not a number in"),
    ],
    ids=["binary", "nulls", "empty", "deep", "upwards", "absolute", "long", "many", "more than the app runs", "bounds"],
)
def test_hostile_upload_refused(content: bytes, message: str) -> None:
    with pytest.raises(InputError) as found:
        read_upload("mine.toml", len(content), lambda: content)
    assert message in str(found.value)
    assert all(fault.file == "mine.toml" for fault in found.value.faults)


def test_too_large_upload_not_read() -> None:
    with pytest.raises(InputError, match=r"has 10000000 bytes; an uploaded scenario has at most 262144"):
        read_upload("mine.toml", 10_000_000, refuse_reading)
    assert MAX_BYTES == 262_144


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\..\\boot.toml", "<script>.toml", "a" * 300, "", "world.toml", "sources.toml", "π"]
)
def test_upload_name_stays_in_folder(name: str) -> None:
    stem, scenario, ancestors = read_upload(name, len(HEAD), lambda: HEAD)
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,39}", stem)
    assert stem == safe_name(name)
    assert scenario.digest() == BASE.digest()
    assert ancestors == ("baseline_2023", "article_2023")


def test_scenarios_are_chosen_by_title(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both lists of the comparison have titles; a title of an uploaded file is harmless."""
    monkeypatch.setattr(compare, "RUNS", (2, 3, 5, 7))
    shown = open_page({"page": "compare"})
    lists = [one.options for one in shown.selectbox if one.label == "Scenario"]
    assert len(lists) == 2
    assert lists[0] == lists[1]
    assert "Baseline, October 2023 (baseline_2023)" in lists[0]
    visit = Visit(uploads={"uploaded:mine": BASE.model_copy(update={"title": f"{EVIL} {'x' * 99}"})})
    label = visit.choice_label("uploaded:mine")
    assert label.endswith(" (mine, uploaded)")
    assert "<" not in label
    assert len(label) < 90


def test_untrusted_text_in_markdown() -> None:
    escaped = escape_markdown(EVIL + "\n# so\x07")
    assert "\n" not in escaped
    assert "\x07" not in escaped
    assert not re.search(r"(?<!\\)[<>\[\]()!$:`*_#|~]", escaped)
    assert re.sub(r"\\(.)", r"\1", escaped).replace("\u2060", "").startswith(EVIL)


# The patterns by which markdown links addresses that are written out, in text whose escapes are resolved.
ADDRESSES = r"(?i)https?://|www(?=\.)[-.\w]+|[-.\w+]+@[-\w]+(?:\.[-\w]+)+"


@pytest.mark.parametrize("text", ["http://x.test/a", "HTTPS://x.test", "see www.x.test.", "a.b@x-y.test", "(http://x)"])
def test_address_in_untrusted_text_is_no_link(text: str) -> None:
    assert re.search(ADDRESSES, text)
    shown = re.sub(r"\\(.)", r"\1", escape_markdown(text))
    assert not re.search(ADDRESSES, shown)
    assert shown.replace("\u2060", "") == text


# Drawings


def test_labels_of_eight_blocs() -> None:
    scenario = load_scenario(CASES / "valid" / "world_of_eight_blocs")
    names, run = label_alignments(scenario), compiled.run_compiled(scenario, seed=1)
    assert len({len(name) for name in names.values()}) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = svg_charts(run, names, label_theatres(scenario), scenario.dates(), {}, ("", 1, 0))
    for picture in (made["Capability"].svg, drawing.draw_key(names)):
        nodes = ElementTree.fromstring(picture).iter()  # noqa: S314
        drawn = " ".join(node.text or "" for node in nodes if node.tag.endswith("text"))
        assert all(name in drawn for name in names.values())
    left, right, top, bottom = made["Capability"].frame
    assert right - left > 0.7
    assert (bottom - top) * float(re.search(r'height="([\d.]+)pt"', made["Capability"].svg)[1]) > 100  # type: ignore[index]


TAGS = ("circle", "polygon", "polygon")  # of the markers of non-aligned, US-led and front


def parts_of_state(picture: str, n: int) -> list[ElementTree.Element]:
    """Return the parts of a picture that show a state's alignment."""
    return [node for node in ElementTree.fromstring(picture).iter() if node.get("data-state") == str(n)]  # noqa: S314


def patterns_of(picture: str) -> dict[str, tuple[str, str]]:
    """Return the colour and the hatching of each pattern, by name."""
    patterns = [node for node in ElementTree.fromstring(picture).iter() if node.tag.endswith("pattern")]  # noqa: S314
    return {node.get("id", ""): (node[0].get("fill", ""), node[1].get("d", "")) for node in patterns if len(node) == 2}


def test_map_and_network_markers() -> None:
    run = compiled.run_compiled(BASE, seed=7)
    world = drawing.draw_world(run.states, run.alignments, "IRN")
    ties = drawing.lay_out_network(BASE)
    names = {state: one.name for state, one in BASE.states.items()}
    net = drawing.draw_network(ties, drawing.draw_ties(ties), run.alignments, "IRN", names)
    for n, state in enumerate(run.states):
        land = drawing.atlas.load_atlas().countries[state]
        found = parts_of_state(world, n)
        assert sum(node.get("data-look") == "map" for node in found) == (1 if land.polygons else 0)
        marked = [node for node in found if node.get("data-only")]
        for nodes, look in ((marked if land.dot else [], "map"), (parts_of_state(net, n), "net")):
            assert [node.get("data-only") for node in nodes] == ["0", "1", "2"][: len(nodes)]
            assert all(node.get("fill") == f"url(#{look}{k})" for k, node in enumerate(nodes))
            assert all(node.tag.endswith(tag) for node, tag in zip(nodes, TAGS, strict=False))
        assert len(marked) == (3 if land.dot else 0)
        corners = [node.get("points", "").count(",") for node in parts_of_state(net, n)]
        assert corners == [0, 4, 3]  # circle, square, triangle
    for picture, look in ((world, "map"), (net, "net"), (drawing.draw_key(label_alignments(BASE)), "key")):
        patterns = {name: pattern for name, pattern in patterns_of(picture).items() if name.startswith(look)}
        assert list(patterns) == [f"{look}{k}" for k in range(3)]
        assert [len({pattern[part] for pattern in patterns.values()}) for part in (0, 1)] == [3, 3]
    words_in = {node.text for node in ElementTree.fromstring(net).iter() if node.tag.endswith("text")}  # noqa: S314
    assert words_in <= set(names.values())
    assert {"Iran", "China", "United States"} <= words_in
    assert {"Brazil", "China", "United States"} <= set(re.findall(">([^<]+)</text>", label_of_map()))


def label_of_map() -> str:
    """Write the names on the map of the baseline."""
    names = {state: one.name for state, one in BASE.states.items()}
    run = compiled.run_compiled(BASE, seed=7)
    return labels.name_map(
        run, [0], names, "CHN", "front", {id: one.capability.value for id, one in BASE.states.items()}
    )[0]


def test_names_on_the_map_of_members_and_movers() -> None:
    """At every step the chosen state, members of the bloc in question and those that just moved have names."""
    run = compiled.run_compiled(BASE, seed=20231025, replicate=16)
    names = {state: one.name for state, one in BASE.states.items()}
    sizes = {id: one.capability.value for id, one in BASE.states.items()}
    svg, shown = labels.name_map(run, range(41), names, "CHN", "front", sizes)
    texts = re.findall(">([^<]+)</text>", svg)
    front = run.alignments.index("front")
    assert run.alignment[0].tolist().count(front) < run.alignment[-1].tolist().count(front)
    for step, places in enumerate(shown):
        row = run.alignment[step]
        moved = row != run.alignment[max(step - 1, 0)]
        asked = [names[s] for n, s in enumerate(run.states) if row[n] == front or moved[n] or s == "CHN"]
        missing = [one for one in asked if one not in {texts[n] for n in places}]
        assert len(missing) <= 1, (step, missing)
        assert step or {"Russia", "North Korea", "Syria", "Belarus", "China", "United States"} <= {
            texts[n] for n in places
        }


def test_names_on_the_map_have_white_between_them() -> None:
    """Names one above another are a line and a quarter apart, such as Kazakhstan below Russia."""
    written = re.findall(r'x="(\d+)" y="(\d+)"[^>]*>([^<]+)</text>', label_of_map())
    boxes = [(float(x), float(y), labels.LABEL * labels.LABEL_LETTER * len(name) / 2) for x, y, name in written]
    for n, (x, y, half) in enumerate(boxes):
        for other_x, other_y, other in boxes[:n]:
            assert abs(x - other_x) >= half + other - 1 or abs(y - other_y) >= 1.25 * labels.LABEL


def test_frame_data_of_run() -> None:
    run = compiled.run_compiled(BASE, seed=7)
    ties = drawing.lay_out_network(BASE)
    made = drawing.draw_chart(4, 3, lambda axes: draw_step_lines(axes, pd.DataFrame({"a": [0.0, 1.0]}), label="share"))
    net, weights = (ties, drawing.draw_ties(ties)), dict.fromkeys(run.states, 1.0)
    data = frame_data(run, label_history(BASE), "IRN", net, {"Capability": made}, weights)
    assert [list(map(int, row)) for row in data["alignment"]] == run.alignment.tolist()
    assert [row[2] for row in data["capability"]] == run.outcome("capability_front").tolist()
    assert json.loads(json.dumps(data, allow_nan=False))["ids"] == list(run.states)
    assert data["states"] == [one.name for one in BASE.states.values()]


def test_pictures_follow_the_theme() -> None:
    """White and black are the page's colours, which are others in the dark."""
    run = compiled.run_compiled(BASE, seed=7)
    chart = drawing.draw_chart(4, 3, lambda axes: draw_step_lines(axes, pd.DataFrame({"a": [0.0, 1.0]}), label="share"))
    ties = drawing.lay_out_network(BASE)
    names = {state: one.name for state, one in BASE.states.items()}
    net = drawing.draw_network(ties, drawing.draw_ties(ties), run.alignments, "IRN", names)
    for picture in (chart.svg, net, drawing.draw_key(label_alignments(BASE))):
        assert picture.count("prefers-color-scheme: dark") == 1
        rest = picture.partition("</style>")[2]
        assert "var(--paper)" in rest
        assert not re.search(r"(?i)#(fff|000)(\\1)?\\b|#ffffff|#000000", rest)
    assert "<svg" in chart.svg[:5]


def test_bars_have_the_colours_of_what_they_speak_for() -> None:
    """For the choice in the colour of the bloc chosen, against it in that of the other; with and without in neither."""
    run = compiled.run_compiled(BASE, seed=7)
    index = run.states.index("MEX")
    reasons = reasons_by_step(decisions_in_run(run, world_of(BASE), index), "MEX", label_history(BASE))[1:]
    moved = next(n for n in range(1, 41) if run.alignment[n, index] != run.alignment[n - 1, index])
    assert reasons[moved - 1]["between"] == ("us_led", "non_aligned")
    data = frame_data(
        run, label_history(BASE), "MEX", (drawing.lay_out_network(BASE), ""), {}, dict.fromkeys(run.states, 1.0)
    )
    assert data["colours"] == alignment_colours(run.alignments)
    assert not set(SIDE_COLOURS) & set(BLOC_COLOURS[:-1])


def test_chart_frame_and_limits() -> None:
    table = pd.DataFrame({"a": np.linspace(0, 1, 11)})
    made = drawing.draw_chart(4, 3, lambda axes: draw_step_lines(axes, table, label="share"))
    ground = made.svg[made.svg.index('id="patch_2"') :]
    corners = [(float(x) / 288, float(y) / 216) for x, y in re.findall(r"[ML] ([\d.]+) ([\d.]+)", ground)[:4]]
    (left, right, top, bottom) = made.frame
    assert np.array(corners) == pytest.approx(np.array([(left, bottom), (right, bottom), (right, top), (left, top)]))
    assert 'viewBox="0 0 288 216"' in made.svg
    assert made.limits == (0, 10)


def test_decisions_as_in_explain() -> None:
    run = compiled.run_compiled(BASE, seed=7)
    world = world_of(BASE)
    found = decisions_in_run(run, world, run.states.index("IRN"))
    assert [one.step for one in found] == list(range(1, BASE.steps + 1))
    expected = explain_decision(BASE, "IRN", seed=7, step=9)
    assert found[8].record() == expected.record()
    assert list(tabulate_terms(expected.account, label_alignments(BASE))["term"])[-1] == "utility"


# The command


def test_command_without_streamlit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "streamlit", None)
    done = CliRunner().invoke(cli, ["app"])
    assert done.exit_code == 2
    assert "Error: The app needs Streamlit, which is not installed. In the clone: pip install '.[app]'\n" in done.output


def test_taken_port_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = CliRunner().invoke(cli, ["app", "--no-browser", "--port", port])
    assert done.exit_code == 2
    assert f"'--port': {port}: cannot be listened on" in done.output
    done = CliRunner().invoke(cli, ["app", "--no-browser", "--host", "no such host"])
    assert done.exit_code == 2
    assert "'--host': no such host: is no address of this machine" in done.output


# Pages


@pytest.fixture(autouse=True)
def main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore the main module, which Streamlit's AppTest replaces by the page."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


def open_page(query: dict[str, str]) -> Any:
    """Open the app at an address in Streamlit's AppTest."""
    from streamlit.testing.v1 import AppTest

    made = AppTest.from_file(str(PAGES), default_timeout=900)
    for key, value in query.items():
        made.query_params[key] = value
    made.run()
    assert not made.exception, made.exception
    return made


def control_of(controls: Any, label: str) -> Any:
    """Return the control with a label."""
    return next(one for one in controls if one.label == label)


def words_of(shown: Any) -> str:
    """Return the paragraphs of a page as they are read."""
    return "\n".join(one.value for one in shown.markdown).replace("\\", "")


def tables_of(shown: Any) -> list[pd.DataFrame]:
    """Return the tables of a page."""
    found = []
    for one in shown.get("html"):
        if "<table" not in one.proto.body:
            continue
        root = ElementTree.fromstring(one.proto.body.partition("</style>")[2])  # noqa: S314
        heads, *rows = ([cell.text or "" for cell in row] for row in root.iter("tr"))
        found.append(pd.DataFrame(rows, columns=heads))
    return found


def player_data(shown: Any) -> dict[str, Any]:
    """Return the data that the page sends to the player."""
    (one,) = shown.get("bidi_component")
    data: dict[str, Any] = json.loads(one.proto.json)
    return data


def alignment_digits(run: Any) -> list[str]:
    """Return the expected digits of the states' alignments, step by step."""
    return ["".join(map(str, row)) for row in run.alignment]


@pytest.mark.usefixtures("undrawn")
def test_run_page_follows_setting() -> None:
    shown = open_page({"scenario": "baseline_2023", "step": "9", "without": "shelter", "seed": "5", "state": "RUS"})
    expected = resolve_setting(BASE, AppSetting("baseline_2023", (), ("shelter",)))
    assert player_data(shown)["alignment"] == alignment_digits(compiled.run_compiled(expected, seed=5))
    assert player_data(shown)["first"] == 9
    decision = explain_decision(expected, "RUS", seed=5, step=9)
    assert list(tables_of(shown)[0]["term"]) == list(
        tabulate_terms(chosen_first(decision), label_alignments(BASE))["term"]
    )
    slider = control_of(shown.slider, "Pull of partnerships")
    bond = next(slider for slider in SLIDERS if slider.setting == "w_bond")
    assert (slider.min, slider.max, slider.value) == (bond.low, bond.high, BASE.parameters.w_bond.value)
    slider.set_value(2.0).run()
    expected = resolve_setting(BASE, AppSetting("baseline_2023", (("w_bond", 2.0),), ("shelter",)))
    assert player_data(shown)["alignment"] == alignment_digits(compiled.run_compiled(expected, seed=5))
    assert shown.query_params["w_bond"] == "2"
    shown.button(key="undo").click().run()
    assert player_data(shown)["alignment"] == alignment_digits(compiled.run_compiled(BASE, seed=5))
    assert not shown.exception


def add_to_catalogue(monkeypatch: pytest.MonkeyPatch, **scenarios: Scenario) -> None:
    """Add scenarios to the catalogue."""
    monkeypatch.setattr(cache, "scenario_choices", lambda: [*NAMES, *scenarios])
    monkeypatch.setattr(cache, "shipped_scenario", lambda name: scenarios.get(name) or loaded(name))
    known = cache.shipped_ancestors
    monkeypatch.setattr(cache, "shipped_ancestors", lambda name: () if name in scenarios else known(name))


def with_parts(scenario: Scenario, **parts: Any) -> Scenario:
    """Return a scenario with other parts, checked as a file is."""
    return Scenario.model_validate({**scenario.model_dump(), **parts})


def with_blocs(scenario: Scenario, **numbers: float) -> Scenario:
    """Return a scenario whose blocs have these numbers and no priorities."""
    fields = {key: {"value": value, "source": "", "note": ""} for key, value in numbers.items()}
    blocs = {key: {**bloc.model_dump(), "priority": {}, **fields} for key, bloc in scenario.blocs.items()}
    return with_parts(scenario, blocs=blocs)


def all_fixed(scenario: Scenario) -> Scenario:
    """Return a scenario in which no state decides."""
    states = {key: {**state.model_dump(), "initial": "non_aligned"} for key, state in scenario.states.items()}
    leaders = {bloc.leader: key for key, bloc in scenario.blocs.items() if bloc.leader}
    for key, state in states.items():
        state |= {"initial": leaders.get(key, "non_aligned"), "fixed": True}
    return with_parts(scenario, states=states)


ODD: dict[str, Callable[[], Scenario]] = {
    "eight blocs, no budget": lambda: load_scenario(CASES / "valid" / "world_of_eight_blocs"),
    "one state": lambda: load_scenario(CASES / "valid" / "world_of_one"),
    "no product": lambda: load_scenario(CASES / "valid" / "world_of_tiny_product"),
    "no budget": lambda: with_blocs(load_scenario("europe_1936"), attention_budget=0),
    "unlimited budget": lambda: with_blocs(load_scenario("europe_1936"), attention_budget=UNBOUNDED),
    "no ties": lambda: with_parts(load_scenario("europe_1936"), ties=()),
    "all fixed": lambda: all_fixed(load_scenario("europe_1936")),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.second] if n % 3 else []) for n, name in enumerate(ODD)]
)
def test_odd_world_opens(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = ODD[name]()
    add_to_catalogue(monkeypatch, odd=scenario)
    shown = open_page({"scenario": "odd", "step": "1", "seed": "3"})
    assert player_data(shown)["alignment"] == alignment_digits(compiled.run_compiled(scenario, seed=3))
    assert not shown.error


@pytest.mark.second
@pytest.mark.parametrize("name", list(ODD)[::3])
def test_odd_world_is_compared(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "RUNS", (2, 3, 5, 7))
    add_to_catalogue(monkeypatch, odd=ODD[name]())
    both = open_page({"page": "compare", "scenario": "odd", "other.scenario": "odd", "seed": "3"})
    assert "identical runs" in both.info[0].value
    assert not both.error


@pytest.mark.usefixtures("undrawn")
def test_seed_too_large_for_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = loaded("europe_1936")
    sweep = odd.sweep.model_copy(update={"seed": 2**63 - 1})
    add_to_catalogue(monkeypatch, odd=odd.model_copy(update={"sweep": sweep}))
    shown = open_page({"scenario": "odd"})
    assert "seed: the scenario's own, 9223372036854775807, is more than" in shown.code[0].value
    assert player_data(shown)["alignment"] == alignment_digits(compiled.run_compiled(odd, seed=0))


def test_slider_without_known_range() -> None:
    found = list_sliders(with_blocs(load_scenario("europe_1936"), attention_budget=0))
    budgets = [one for members in found.values() for one in members if one.setting.endswith("attention_budget")]
    assert budgets
    for slider in budgets:
        low, high, step, digits = slider.scale_for(0.0)
        assert (low, high) == (0, 1)
        assert 0 < step < 1
        assert digits == 2


@pytest.mark.second
@pytest.mark.usefixtures("undrawn")
def test_panel_count_after_change() -> None:
    shown = open_page({"scenario": "baseline_2023"})
    titles = lambda: [one.label for one in shown.expander]  # noqa: E731
    assert {"Mechanisms", "Parameters"} <= set(titles())
    control_of(shown.toggle, "Bonds of the past").set_value(False).run()
    assert "Mechanisms (1 off)" in titles()
    control_of(shown.toggle, "Bonds of the past").set_value(True).run()
    assert "Mechanisms" in titles()
    control_of(shown.slider, "Pull of partnerships").set_value(2.0).run()
    assert "Parameters (1 changed)" in titles()


def test_names_in_network() -> None:
    """Every state has its name; no name is over another or over a marker, and no marker over another."""
    names = {id: state.name for id, state in BASE.states.items()}
    ties = drawing.lay_out_network(BASE)
    markers = {s: labels.box_around(*ties.places[s], 0.9 * ties.sizes[s]) for s in names}
    for state, marker in markers.items():
        assert not labels.overlaps(marker, [other for one, other in markers.items() if one != state]), state
    for chosen in ("CHN", "IRN", "CHL"):
        drawn = drawing.label_network(ties, chosen, names)
        found = ElementTree.fromstring(f"<g>{drawn}</g>")  # noqa: S314
        half = {text: drawing.NODE_LABEL * drawing.NODE_LETTER * len(text) / 2 for text in names.values()}
        boxes = {
            one.text: labels.box_around(
                float(one.get("x")), float(one.get("y")) - drawing.NODE_LABEL / 3, half[one.text], 8
            )
            for one in found
        }
        assert boxes.keys() == set(names.values())
        for text, box in boxes.items():
            assert not labels.overlaps(box, [other for name, other in boxes.items() if name != text]), text
            assert not labels.overlaps(box, [other for one, other in markers.items() if names[one] != text]), text


def test_dates_on_axes() -> None:
    """An axis of steps has the years where the steps have dates, each where it begins, and steps without dates."""
    ends = BASE.dates()
    _, (axes,) = new_figure(4, 2)
    axes.plot(range(len(ends)), range(len(ends)))
    drawing.mark_dates(axes, ends)
    labels = [one.get_text() for one in axes.get_xticklabels()]
    assert len(labels) > 3
    for label, place in zip(labels, axes.get_xticks(), strict=True):
        before, after = ends[int(place)], ends[int(place) + 1]
        assert before < f"{label}-01-01" <= after
    assert axes.get_xlabel() == ""
    drawing.mark_dates(axes, ())
    assert [one.get_text() for one in axes.get_xticklabels()] == labels


@pytest.mark.usefixtures("undrawn")
def test_idle_mechanisms_locked_with_reason() -> None:
    shown = open_page({"scenario": "europe_1936"})
    locked = {one.label for one in shown.toggle if one.disabled}
    assert {"Trade", "Shelter from sanctions", "Limited attention"} <= locked
    assert "Stated affinities" not in locked
    said = [one.value for one in shown.caption]
    assert escape_markdown("trade: cannot matter here: there is no trade between states in this world.") in said
    assert control_of(shown.slider, "Pull of trade").disabled
    why = "does nothing here, as there is no trade between states in this world"
    assert escape_markdown(f"w_trade, weight: {why}") in said
    assert all(not one.help for one in shown.toggle)  # help in a switch's label is a part of the switch


@pytest.mark.second
@pytest.mark.usefixtures("undrawn")
def test_scenario_change_keeps_seed_state_and_step() -> None:
    shown = open_page({"scenario": "baseline_2023", "seed": "5", "state": "IRN", "step": "9", "w_bond": "2"})
    control_of(shown.selectbox, "Scenario").select("no_sanctions").run()
    assert (shown.query_params["seed"], shown.query_params["state"]) == ("5", "IRN")
    assert (shown.query_params["step"], shown.query_params["w_bond"]) == ("9", "2")
    assert not shown.info
    assert player_data(shown)["alignment"] == alignment_digits(
        compiled.run_compiled(
            resolve_setting(loaded("no_sanctions"), AppSetting("no_sanctions", (("w_bond", 2.0),))), seed=5
        )
    )


@pytest.mark.usefixtures("undrawn")
def test_scenario_change_notes_what_it_drops(monkeypatch: pytest.MonkeyPatch) -> None:
    add_to_catalogue(monkeypatch, odd=load_scenario(CASES / "valid" / "world_of_eight_blocs"))
    shown = open_page(
        {"scenario": "baseline_2023", "seed": "5", "state": "IRN", "step": "30", "blocs.front.enforcement": "1"}
    )
    control_of(shown.selectbox, "Scenario").select("odd").run()
    message = shown.info[0].value.replace("\\", "")
    assert "state IRN is not in odd; another is shown" in message
    assert "odd ends at step 12, which is shown in the place of step 30" in message
    assert "blocs.front.enforcement is no setting of odd and is left out" in message
    assert shown.query_params["seed"] == "5"
    assert shown.query_params["step"] == "12"
    shown.number_input[0].set_value(6).run()
    assert not shown.info


def test_reasons_in_words() -> None:
    """A reason says what the state does, the odds that its ties make, and a bar for each term."""
    run = compiled.run_compiled(BASE, seed=7)
    index = run.states.index("MEX")
    decisions = decisions_in_run(run, world_of(BASE), index)
    start, *reasons = reasons_by_step(decisions, "MEX", label_history(BASE))
    assert start["words"].startswith("Mexico starts here.")
    moved = next(n for n in range(1, 41) if run.alignment[n, index] != run.alignment[n - 1, index])
    words, (one, taken) = reasons[moved - 1]["words"], (reasons[moved - 1], decisions[moved - 1])
    odds = sorted((round(100 * p) for p in taken.account.chances), reverse=True)[:2]
    assert words.startswith(
        f"Mexico joins the US-led bloc although outside the blocs was likelier at its ties, {odds[0]} to {odds[1]}:"
        " its own leanings decided. For it: its disposition, bonds with the US-led bloc"
    )
    terms = taken.weighed.deciding()
    assert [value for _, value, _ in one["bars"]] == [round(value, 3) for _, value in terms[: len(one["bars"])]]
    assert all(found["words"].startswith("Mexico stays outside the blocs") for found in reasons[: moved - 1])


@pytest.mark.second
def test_search_and_ghost() -> None:
    """The button finds the first replicate in which China joins; the ghost is the baseline's run."""
    shown = open_page({"seed": "3", "scenario": "sanctions_collapse", "ghost": "1"})
    scenario = loaded("sanctions_collapse")
    data = player_data(shown)
    assert data["ghost"]["alignment"] == alignment_digits(compiled.run_compiled(BASE, seed=3))
    assert data["ghost"]["name"] == "baseline_2023"
    assert all(event["step"] >= 1 and event["what"] for event in data["events"])
    button = next(one for one in shown.button if one.label.startswith("Find a history"))
    button.click().run()
    found = int(shown.query_params["replicate"])
    for replicate in range(found + 1):
        run = compiled.run_compiled(scenario, seed=3, replicate=replicate)
        joins = run.alignment[:, run.states.index("CHN")] == run.alignments.index("front")
        assert joins.any() == (replicate == found)
    assert int(shown.query_params["step"]) == int(np.argmax(joins))
    said = shown.info[0].value.replace("\\", "")
    assert re.search(
        r"in [0-9]+ of 1,000 histories, replicates 0 to 999 of this seed, and the sentence below counts", said
    )
    assert "the sentence below counts the first 200 of them; this is replicate " + str(found) in said
    sentence = shown.markdown[0].value.replace("\\", "")
    assert "China has joined the Anti-US front by 25 October 2033. In this one it joined by " in sentence
    assert f"seed=3&replicate={found}" in shown.code[0].value


def test_chosen_alignment_first_in_reasons() -> None:
    names = label_alignments(BASE)
    run = compiled.run_compiled(BASE, seed=7)
    for one in decisions_in_run(run, world_of(BASE), run.states.index("IRN")):
        account = chosen_first(one)
        others = [k for k in range(3) if k != account.first]
        assert account.most_likely == one.choice
        assert account.chances[account.second] == max(account.chances[k] for k in others)
        assert list(tabulate_terms(account, names))[-1] == f"{names[one.choice]} − {names[account.runner_up]}"
        lead = account.utilities[account.first] - account.utilities[account.second]
        assert tabulate_terms(account, names).iloc[-1, -1] == f"{lead:+.3f}"


@pytest.mark.usefixtures("undrawn")
def test_command_and_file_of_setting() -> None:
    same = open_page({"scenario": "baseline_2023", "seed": "5"})
    assert same.code[-1].value == "blocs run baseline_2023 --seed 5 --replicate 0"
    assert file_name(AppSetting("baseline_2023")) == "baseline_2023"
    other = open_page({"scenario": "baseline_2023", "seed": "5", "w_bond": "2"})
    assert other.code[-1].value == "blocs run baseline_2023_changed.toml --seed 5 --replicate 0"


@pytest.mark.usefixtures("undrawn")
def test_change_without_effect_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "RUNS", (2, 3, 5, 7))
    shown = open_page(
        {"page": "compare", "scenario": "europe_1936", "other.scenario": "europe_1936", "other.w_trade": "0.1"}
    )
    assert shown.query_params["other.w_trade"] == "0.1"
    assert "What was changed changes nothing: identical runs" in shown.info[0].value


@pytest.mark.usefixtures("undrawn")
def test_settings_of_two_worlds_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compare, "RUNS", (2, 3, 5, 7))
    shown = open_page({"page": "compare", "other.scenario": "europe_1936"})
    assert "not of one world" in shown.warning[0].value.replace("\\", "")


@pytest.mark.usefixtures("undrawn")
def test_bad_address_shown() -> None:
    shown = open_page({"scenario": "nowhere", "erosion": "x", "step": "3"})
    assert "unknown scenario 'nowhere'" in shown.code[0].value
    assert "erosion: 'x' is not a number" in shown.code[0].value
    assert player_data(shown)["alignment"] == alignment_digits(compiled.run_compiled(BASE, seed=BASE.sweep.seed))
    assert player_data(shown)["first"] == 3
    shown.button(key="understood").click().run()
    assert "unknown" not in "".join(one.value for one in shown.code)


@pytest.mark.second
def test_comparison_with_common_random_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """China comes first; each row has the model's numbers, and its words agree with its interval."""
    monkeypatch.setattr(compare, "RUNS", (50, 20, 10, 5))
    shown = open_page({"page": "compare", "seed": "3", "scenario": "no_sanctions"})
    control_of(shown.selectbox, "Runs of each setting").select(50).run()
    state, movers, _, ends = tables_of(shown)
    runs = {
        name: [compiled.run_compiled(loaded(name), seed=3, replicate=r) for r in range(50)]
        for name in ("baseline_2023", "no_sanctions")
    }
    late = {
        name: pd.DataFrame([run.late_outcomes(1) for run in found], columns=list(found[0].outcome_names))
        for name, found in runs.items()
    }
    row = compare_columns(late["no_sanctions"], late["baseline_2023"]).loc["capability_front"]
    last = ends.set_index("outcome").loc["capability of Anti-US front"]
    assert (last["without"], last["with"]) == (f"{row['baseline_mean']:.3f}", f"{row['mean']:.3f}")
    assert last["change (95 % interval)"] == f"{row['difference']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"
    assert movers["state, on 2033-10-25"][0] == "China in Anti-US front"
    china = runs["baseline_2023"][0].states.index("CHN")
    inside = {name: np.mean([run.alignment[40, china] == 2 for run in found]) for name, found in runs.items()}
    joined = {name: np.mean([(run.alignment[:, china] == 2).any() for run in found]) for name, found in runs.items()}
    numbers = state.set_index(["it", "date"])
    for what, found in (("is in Anti-US front", inside), ("has joined Anti-US front", joined)):
        cells = numbers.loc[(what, f"{'on' if what.startswith('is') else 'by'} 2033-10-25")]
        assert [float(cells[side]) for side in ("without", "with")] == pytest.approx([100 * x for x in found.values()])
    for _, cells in pd.concat([state, movers]).iterrows():
        low, _, high = cells["change (95 % interval)"].partition("(")[2].removesuffix(")").partition(" to ")
        apart = bool(low) and (float(low) > 0 or float(high) < 0)
        assert apart == (cells[SURE] in ("clear", ITSELF))
    assert "most of what is chance cancels in their difference" in words_of(shown)
    sentence = next(one.value for one in shown.markdown if "China is in" in one.value).replace("\\", "")
    verdict = state[state["it"] == "is in Anti-US front"].iloc[-1][SURE]
    assert ("may be chance" in sentence) if verdict == "may be chance" else (f"How sure: {verdict}." in sentence)
    assert any(ITSELF in table[SURE].tolist() for table in tables_of(shown))
    said = [one.value.replace("\\", "") for one in (*shown.caption, *shown.markdown)]
    assert sum(text.count(ITSELF_MEANS) for text in said) == sum(text.count(CLEAR_ITSELF) for text in said) == 1
    same = open_page({"page": "compare", "seed": "3"})
    assert "compute the same: identical runs, all 10 pairs" in same.info[0].value
    assert not tables_of(same)


@pytest.mark.second
def test_what_if_in_words() -> None:
    """An upheaval joins the levers; the words agree with the runs; without a change there is one future."""
    shown = open_page({"page": "what_if", "seed": "3", "upheaval": "CHN:8:front"})
    changed = resolve_setting(BASE, AppSetting("baseline_2023", (), (), ("CHN:8:front",)))
    run = compiled.run_compiled(changed, seed=3)
    assert run.alignments[run.alignment[8, run.states.index("CHN")]] == "front"
    words = words_of(shown)
    assert "The two are alike until October 2025. " in words
    assert re.search("China[^;]* ends? in the Anti-US front with the change, and outside the blocs without it", words)
    assert "of 100 histories China is in the Anti-US front on 25 October 2033 with the change, and in " in words
    remove = next(one for one in shown.button if one.label.startswith("Remove"))
    assert remove.label.replace("\\", "") == "Remove: China, October 2025, towards Anti-US front"
    remove.click().run()
    assert "upheaval" not in shown.query_params
    assert "Nothing is changed yet" in shown.info[0].value
    control_of(shown.button, "Add").click().run()
    assert shown.query_params["upheaval"] == "CHN:1"


@pytest.mark.second
def test_scenario_without_changes_is_set_against_the_one_it_extends() -> None:
    shown = open_page({"page": "what_if", "seed": "3", "scenario": "secondary_sanctions"})
    assert "Nothing is changed yet, so the future without the change is that of" in shown.info[0].value
    assert "The difference in words" in [one.value for one in shown.header]
    base = open_page({"page": "what_if", "seed": "3"})
    assert "so there is one future" in base.info[0].value
    assert "The difference in words" not in [one.value for one in base.header]


SANCTIONS_LIFTED = """title = "Sanctions lifted"
source = "assumed"
note = "a counterfactual"
extends = "shocks_2014_2022"

[[shocks]]
kind = "sanction"
date = 2015-07-14
sender = "USA"
target = "IRN"
value = 0
regime = "us_led"
source = "assumed"
note = "the agreement is kept"
"""


@pytest.mark.second
@pytest.mark.usefixtures("undrawn")
def test_uploaded_file_is_set_against_the_one_it_extends(monkeypatch: pytest.MonkeyPatch) -> None:
    """On every page: the run in grey, the other future, and the left side of the comparison."""
    monkeypatch.setattr(compare, "RUNS", (2, 3, 5, 7))
    shown = open_page({"seed": "3"})
    shown.file_uploader[0].set_value(("mine.toml", SANCTIONS_LIFTED.encode(), "application/toml")).run()
    assert shown.query_params["scenario"] == "uploaded:mine"
    assert control_of(shown.selectbox, "State").value == "IRN"  # which its own shock names
    assert not any(key.startswith("other.") for key in shown.query_params)
    control_of(shown.toggle, "Compare with the baseline").set_value(True).run()
    data = player_data(shown)
    assert data["ghost"]["name"] == "shocks_2014_2022"
    assert data["ghost"]["alignment"] == alignment_digits(compiled.run_compiled(loaded("shocks_2014_2022"), seed=3))
    page = next(one for one in shown.get("button_group") if one.label == "Page")
    page.set_value("what_if").run()
    assert "the future without the change is that of The world of 2010 with the shocks of" in shown.info[-1].value
    assert "The difference in words" in [one.value for one in shown.header]
    next(one for one in shown.get("button_group") if one.label == "Page").set_value("compare").run()
    assert [one.value for one in shown.selectbox if one.label == "Scenario"] == ["shocks_2014_2022", "uploaded:mine"]
    assert not shown.exception
    assert "steps" not in "".join(one.value for one in shown.info)


@pytest.mark.second
@pytest.mark.usefixtures("undrawn")
def test_first_state_is_one_that_the_changes_name() -> None:
    """It is outside the blocs and named by a shock; without such a shock it is China. Lists of states are by name."""
    shown = open_page({"scenario": "shocks_2014_2022"})
    first = control_of(shown.selectbox, "State")
    assert first.value == "UKR"
    assert first.options == sorted(first.options)
    assert "Ukraine" in shown.markdown[0].value
    shown = open_page({"scenario": "dispersed_attention", "state": "CHN"})
    assert control_of(shown.selectbox, "State").value == "CHN"
    assert "state" not in shown.query_params
    falls = control_of(shown.selectbox, "Government of").options
    assert falls == sorted(falls)
    control_of(shown.selectbox, "Scenario").select("shocks_2014_2022").run()
    assert control_of(shown.selectbox, "State").value == "UKR"


@pytest.mark.second
@pytest.mark.usefixtures("undrawn")
def test_scenario_of_another_calendar_says_why_it_has_no_baseline(monkeypatch: pytest.MonkeyPatch) -> None:
    """A toggle that is locked has its reason, and a comparison that cannot be made says what to choose."""
    monkeypatch.setattr(compare, "RUNS", (2, 3, 5, 7))
    shown = open_page({"scenario": "great_powers_1907", "seed": "3"})
    assert control_of(shown.toggle, "Compare with the baseline").disabled
    said = "\n".join(one.value for one in shown.caption).replace("\\", "")
    assert "This is the baseline itself; no run of great_powers_1872_1907, which it builds on, can be beside it" in said
    shown = open_page({"scenario": "world_2010", "other.scenario": "baseline_2023", "seed": "3"})
    assert control_of(shown.toggle, "Compare with the baseline").disabled
    said = "\n".join(one.value for one in shown.caption).replace("\\", "")
    assert "Not with baseline_2023: " in said
    shown = open_page({"page": "compare", "scenario": "shocks_2014_2022", "other.scenario": "baseline_2023"})
    said = shown.info[0].value.replace("\\", "")
    assert said.startswith("Without the change there are 40 steps and with it ")
    assert said.endswith("choose The world on 31 December 2010 (world_2010), which it extends.")


@pytest.mark.second
@pytest.mark.usefixtures("undrawn")
def test_comparison_begins_with_the_baseline_of_the_scenario(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another scenario on the right brings its own baseline, unless the reader has chosen the left side."""
    monkeypatch.setattr(compare, "RUNS", (2, 3, 5, 7))
    shown = open_page({"page": "compare", "scenario": "secondary_sanctions", "seed": "3"})
    sides = lambda: [one for one in shown.selectbox if one.label == "Scenario"]  # noqa: E731
    assert [one.value for one in sides()] == ["baseline_2023", "secondary_sanctions"]
    sides()[1].select("shocks_2014_2022").run()
    assert [one.value for one in sides()] == ["world_2010", "shocks_2014_2022"]
    sides()[0].select("shocks_2014_2022").run()
    sides()[1].select("world_2010").run()
    assert [one.value for one in sides()] == ["shocks_2014_2022", "world_2010"]
    assert shown.query_params["other.scenario"] == "shocks_2014_2022"


@pytest.mark.usefixtures("undrawn")
def test_lever_that_keeps_china_out() -> None:
    """In a history in which China joins, the button names a lever with which it stays outside; so do the runs."""
    shown = open_page({"page": "what_if", "seed": "20231025", "replicate": "16"})
    next(one for one in shown.button if one.label.startswith("Which lever")).click().run()
    said = words_of(shown)
    value = re.search("US-led bloc: offer to joiners 0 → ([0-9.]+): China ends outside", said)[1]
    for offer, end in ((0.0, "front"), (float(value), "non_aligned")):
        changed = with_settings(BASE, {"blocs.us_led.accommodation": offer})
        run = compiled.run_compiled(changed, seed=20231025, replicate=16)
        assert run.alignments[run.alignment[-1, run.states.index("CHN")]] == end
    next(one for one in shown.button if one.label.startswith("Set this: US-led bloc: offer")).click().run()
    assert shown.query_params["blocs.us_led.accommodation"] == value
    assert f"Set:** US-led bloc: offer to joiners 0 → {value}. Every page has it now" in shown.success[0].value.replace(
        "\\", ""
    )
    control_of(shown.button, "Undo this change").click().run()
    assert "blocs.us_led.accommodation" not in shown.query_params
    assert not shown.success


@pytest.mark.usefixtures("undrawn")
def test_tie_that_is_set_and_undone() -> None:
    """The change of a tie that brings a state nearer goes into the setting, with its address and its undo."""
    shown = open_page({"page": "tipping", "state": "IRN"})
    gain = explain_start(BASE, "IRN").gains["front"][0]
    (path,) = {".".join(("ties", gain.kind, *sorted(("IRN", gain.other))))}
    before = explain_start(BASE, "IRN").tipping["front"]
    next(one for one in shown.button if one.label.startswith("Set this")).click().run()
    assert float(shown.query_params[path]) == gain.after
    after = explain_start(with_settings(BASE, {path: gain.after}), "IRN").tipping["front"]
    assert after < before
    assert f"gained {after:.3f}" in words_of(shown)
    kept = next(one for one in shown.checkbox if one.label.startswith(gain.kind.capitalize()))
    assert "\\" not in kept.label
    control_of(shown.button, "Undo this change").click().run()
    assert path not in shown.query_params
    assert f"gained {before:.3f}" in words_of(shown)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("query", "label", "value"),
    [
        ({"page": "tipping", "state": "IRN", "to": "us_led"}, "To", "us_led"),
        pytest.param(
            {"page": "what_if", "upheaval": "CHN:8:front", "at": "8"}, "Date of the maps", 8, marks=pytest.mark.second
        ),
        pytest.param({"page": "compare", "runs": "50"}, "Runs of each setting", 50, marks=pytest.mark.second),
        pytest.param({"page": "compare", "to": "us_led", "w_balance": "1"}, "Bloc", "us_led", marks=pytest.mark.second),
    ],
)
def test_choices_in_address(query: dict[str, str], label: str, value: object) -> None:
    """What a page of its own has to choose is in the address, and its default is not."""
    shown = open_page(query)
    (own,) = query.keys() & {"to", "at", "runs"}
    found = control_of([*shown.selectbox, *shown.select_slider], label)
    assert found.value == value
    assert shown.query_params[own] == query[own]
    assert f"{own}={query[own]}" in "".join(one.value for one in shown.code)
    plain = open_page({key: text for key, text in query.items() if key != own})
    assert own not in plain.query_params


@pytest.mark.usefixtures("undrawn")
def test_tipping_distances() -> None:
    """Every state that decides has its distance, as explain computes it."""
    shown = open_page({"page": "tipping", "state": "IRN"})
    found = explain_start(BASE, "IRN")
    rows = tables_of(shown)[0].set_index("state")
    assert rows.loc["Iran ←", "distance"] == f"{found.tipping['front']:.3f}"
    assert len(rows) == sum(one != "front" for one in (BASE.states[s].initial for s in states_with_governments(BASE)))
    assert f"{found.gains['front'][0].gain:.3f}" in words_of(shown)
    assert not open_page({"page": "tipping", "scenario": "europe_1936"}).exception


@pytest.mark.usefixtures("undrawn")
def test_lessons_of_documentation() -> None:
    """Each exercise of the documentation is in a lesson, whose buttons open what it runs."""
    every = "\n".join(list_lessons().values())
    pages = [(ROOT / "docs" / page).read_text(encoding="utf-8") for page in ("tutorial.md", "lesson_years.md")]
    exercises = [re.findall(r"\*\*Exercise \d+\.\*\*", text) for text in ("\n".join(pages), every)]
    assert exercises[0] == exercises[1]
    shown = open_page({"page": "lessons"})
    for title in list_lessons():
        control_of(shown.radio, "Lesson").set_value(title).run()
        assert [one for one in shown.button if one.label.startswith("Open ")], title
    control_of(shown.radio, "Lesson").set_value("Lesson 2: Switch a mechanism off").run()
    control_of(shown.button, "Open baseline_2023, seed 7, without hedging").click().run()
    assert (shown.query_params["seed"], shown.query_params["without"]) == ("7", "hedging")
    assert player_data(shown)["alignment"]


def test_downloaded_history_names_changes() -> None:
    """The page of a history says how the setting differs from its scenario; without changes it says nothing."""
    changes = AppSetting("baseline_2023", (("blocs.us_led.accommodation", 0.1),), ("trade",), ("CHN:8:front",))
    scenario = resolve_setting(BASE, changes)
    story = cache.compute_reading(scenario, compiled.run_compiled(scenario, seed=3), scenario.digest(), 3, 0)
    said = "US-led bloc: offer to joiners 0 → 0.1; without Trade; government falls: China, October 2025, towards"
    assert said in story_page(BASE, changes, story, "")
    assert "unlike in the scenario" not in story_page(BASE, AppSetting("baseline_2023"), story, "")


@pytest.fixture
def drawn_starts(monkeypatch: pytest.MonkeyPatch) -> Scenario:
    """The scenario that the app opens draws where Iran and Cuba start."""
    chances = {"front": 0.5, "non_aligned": 0.5}
    own = {
        id: BASE.states[id].model_copy(update={"initial": "drawn", "initial_chances": chances}) for id in ("IRN", "CUB")
    }
    anchor = BASE.anchor and BASE.anchor.model_copy(update={"states": {**BASE.anchor.states, **own}})
    scenario = BASE.model_copy(update={"states": {**BASE.states, **own}, "anchor": anchor})
    monkeypatch.setattr(Visit, "load", lambda self, name: scenario)
    return scenario


@pytest.mark.usefixtures("undrawn")
def test_tipping_of_a_drawn_start(drawn_starts: Scenario) -> None:
    """The page is about the start of the run chosen, and says so."""
    held = set()
    for replicate in range(6):
        found = explain_start(drawn_starts, "IRN", seed=5, replicate=replicate)
        if found.held in held:
            continue
        held.add(found.held)
        shown = open_page({"page": "tipping", "state": "IRN", "seed": "5", "replicate": str(replicate)})
        (said,) = [one.value.replace("\\", "") for one in shown.info]
        assert "Iran starts in the Anti-US front with chance 0.5 or outside the blocs with chance 0.5." in said
        assert said.endswith("Iran in the Anti-US front." if found.held == "front" else "Iran outside the blocs.")
        to = control_of(shown.selectbox, "To").value
        assert to != found.held
        rows = tables_of(shown)[0].set_index("state")
        assert rows.loc["Iran ←", "distance"] == f"{found.tipping[to]:.3f}"
    assert held == {"front", "non_aligned"}


@pytest.mark.usefixtures("undrawn")
def test_run_of_a_drawn_start(drawn_starts: Scenario) -> None:
    """Only histories that start outside the bloc count as joining it, and a run that starts in it says so."""
    starts = [
        compiled.run_compiled(drawn_starts, seed=5, replicate=replicate).alignment[0, list(BASE.states).index("IRN")]
        for replicate in range(6)
    ]
    front = BASE.alignments().index("front")
    shown = open_page({"state": "IRN", "seed": "5", "replicate": str(starts.index(front))})
    said = words_of(shown)
    assert "In this one it starts in it." in said
    assert "of 100 histories that it starts outside that bloc (95 % interval" in said
