"""The page of a history: whole, safe for any text, without a request, and small."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

import sim
from sim.analysis.history.story import Story
from sim.errors import InputError
from sim.reporting.story import page as story_page
from sim.reporting.story.events import list_events
from sim.reporting.story.page import render_story
from sim.reporting.story.reasons import list_reasons
from sim.scenario.loading import load_scenario
from sim.scenario.schema import Scenario

Told = Callable[..., Story]
CASES = Path(__file__).parents[2] / "cases" / "valid"
EVIL = "</script><script>alert(1)</script>"
BOLD = "<b onclick=alert(1)>bold</b> & \"quoted\" 'so' {{ 7 * 7 }} \u202egnp\x07"


class Page(HTMLParser):
    """The elements of a page, the text outside scripts, and what scripts and styles contain."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.raw: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.inside = tag if tag in ("script", "style") else ""

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.raw.append((self.inside, data))
        else:
            self.words.append(data)

    @property
    def text(self) -> str:
        """The text that a reader sees, with single blanks."""
        return " ".join(" ".join(self.words).split())

    def data(self) -> dict[str, object]:
        """What the page's script reads."""
        return dict(json.loads(next(text for kind, text in self.raw if kind == "script")))

    def having(self, name: str, value: str | None = None) -> list[dict[str, str]]:
        """Attributes of the elements with an attribute."""
        return [found for _, found in self.elements if name in found and value in (None, found[name])]


def hostile(scenario: Scenario) -> Scenario:
    """Return a scenario whose texts are markup."""
    states = {
        id: state.model_copy(update={"name": f"{EVIL if n % 2 else BOLD} {id}"})
        for n, (id, state) in enumerate(scenario.states.items())
    }
    blocs = {id: bloc.model_copy(update={"name": f"{BOLD} {id}"}) for id, bloc in scenario.blocs.items()}
    shocks = tuple(shock.model_copy(update={"note": BOLD + EVIL}) for shock in scenario.shocks)
    texts = {"title": EVIL, "question": BOLD, "note": EVIL}
    return scenario.model_copy(update={**texts, "states": states, "blocs": blocs, "shocks": shocks})


PAGES = ["baseline_2023", "sino_soviet_split", "helsinki_decade", "great_powers_1907", "unix_1988"]


@pytest.mark.parametrize("name", PAGES)
def test_loads_nothing_and_runs_only_its_own(story_of: Told, name: str) -> None:
    text = render_story(story_of(name))
    page = Page(text)
    assert len(text.encode()) < story_page.MOST_BYTES
    for tag, attributes in page.elements:
        assert tag not in ("img", "iframe", "object", "embed", "link", "base", "form", "image", "video", "audio")
        assert not [one for one in attributes if one.startswith("on") or one in ("style", "src", "srcset", "action")]
        for one in ("href", "xlink:href"):
            assert attributes.get(one, "#").startswith("#"), (tag, attributes)
    assert not re.findall(r"url\((?!#)|@import|https?://(?!www\.w3\.org)|//[a-z]+\.", text.replace("// ", ""))
    policy = next(found["content"] for found in page.having("http-equiv"))
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    own = [content for kind, content in page.raw if kind == "style"] + [page.raw[-1][1]]
    for content in own:
        assert base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() in policy
    assert len(own) == 2
    targets = {found["id"] for found in page.having("id")}
    assert len(targets) == len(page.having("id"))
    used = {found["href"][1:] for found in page.having("href")}
    assert used <= targets | {"mark" + str(k) for k in range(9)}


def test_markup_in_any_text_is_text(tell: Told) -> None:
    for scenario in (load_scenario("sino_soviet_split"), load_scenario("unix_1988")):
        text = render_story(tell(hostile(scenario)), found=EVIL, command=BOLD, changes=["Pull of trade 0.04 → 1", EVIL])
        page = Page(text)
        tags = [tag for tag, _ in page.elements]
        assert tags.count("script") == 2
        assert "b" not in tags
        assert not [name for _, found in page.elements for name in found if name.startswith("on")]
        assert EVIL in page.text
        assert "unlike in the scenario of this name: Pull of trade 0.04 → 1; " in page.text
        assert "<b onclick=alert(1)>bold</b>" in page.text
        assert "{{ 7 * 7 }}" in page.text
        assert "\u202e" not in text + json.dumps(page.data(), ensure_ascii=False)
        assert "\x07" not in text + json.dumps(page.data(), ensure_ascii=False)
        assert any("<script>" in str(name) for name in page.data()["states"])  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", PAGES)
def test_data_of_the_script_are_the_run(story_of: Told, name: str) -> None:
    story = story_of(name)
    data = Page(render_story(story)).data()
    found = [list(data["start"])]  # type: ignore[call-overload]
    for step in range(1, len(story.run.alignment)):
        found.append(list(found[-1]))
        for when, state, to in data["moves"]:  # type: ignore[attr-defined]
            if when == step:
                found[-1][state] = to
    assert found == story.run.alignment.tolist()
    assert len(data["months"]) == len(found)  # type: ignore[arg-type]
    said = {int(step) for step in data["said"]}  # type: ignore[attr-defined]
    assert said >= {0, len(found) - 1, *(move.step for move in story.moves), *(one.step for one in story.points)}


def test_dates_and_reasons_in_words(story_of: Told) -> None:
    text = Page(render_story(story_of("baseline_2023"))).text
    assert "Left to the ties of October 2023, do states under sanctions" in text
    assert "Two states of 52 change alignment in these ten years" in text
    assert "April 2026 Entry Mexico joins the US-led bloc." in text
    assert "For joining the US-led bloc, against staying outside the blocs" in text
    assert "October 2027: The disposition of Saudi Arabia is renewed, and it keeps its alignment. 17 of 100" in text
    assert "Step 10" not in text


@pytest.fixture(scope="module")
def china_joins(tell: Told) -> Story:
    """Return the first history of the baseline in which China joins the front, which is the tutorial's."""
    return tell(load_scenario("baseline_2023"), seed=20231025, replicate=16)


def test_causes_come_before_the_sizes_that_they_make(china_joins: Story) -> None:
    events = list_events(china_joins)
    (size,) = (n for n, event in enumerate(events) if event.kind == "size")
    entry = next(n for n, event in enumerate(events) if "CHN" in {move.state for move in event.moves})
    assert events[size].step == events[entry].step
    assert entry < size
    assert [event.step for event in events] == sorted(event.step for event in events)


def test_the_bond_that_weighs_most_is_not_the_strongest_level(china_joins: Story) -> None:
    """China has a pact with North Korea; its partnership with Russia weighs more, since Russia is larger."""
    (china,) = (reason for reason in list_reasons(china_joins) if reason.move.state == "CHN")
    said = china.ties["Bond there that weighs most (its level times the partner's capability)"]
    assert said.startswith("Russia (partnership")
    levels = {frozenset((t.a, t.b)): t.level for t in china_joins.scenario.ties if t.kind == "bond"}
    assert levels[frozenset(("CHN", "PRK"))] == "pact"


def test_history_without_a_move(story_of: Told) -> None:
    page = Page(render_story(story_of("baseline_2023", 1)))
    assert "No state changes its alignment in these ten years." in page.text
    assert "No state moves in this history, so there is nothing to explain here." in page.text
    assert "Near move" in page.text
    assert len(page.having("role", "option")) == 52
    assert "such draws would have moved it" in page.text


def test_nothing_at_all_happens(tell: Told) -> None:
    still = load_scenario("great_powers_1907").model_copy(update={"steps": 2})
    start = {"fixed": True, "initial": next(iter(still.blocs))}
    fixed = {id: state.model_copy(update=start) for id, state in still.states.items()}
    text = Page(render_story(tell(still.model_copy(update={"states": fixed})))).text
    assert "Nothing happens in this history" in text
    assert "What nearly happened Nothing:" in text


@pytest.mark.parametrize(("name", "on_map", "tiles"), [("unix_1988", 0, 9), ("great_powers_1907", 5, 1)])
def test_tiles_for_what_no_map_shows(story_of: Told, name: str, on_map: int, tiles: int) -> None:
    page = Page(render_story(story_of(name)))
    assert len(page.having("role", "option")) == on_map
    assert len(page.having("data-place")) == tiles
    assert ("Boundaries of today" in page.text) == bool(on_map)
    assert "A step is a round of decisions, not a year." in page.text


def test_page_above_the_limit_is_refused(story_of: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story_page, "MOST_BYTES", 50_000)
    with pytest.raises(InputError, match=r"the page of 52 states over 40 steps would have 0\.1 MB, more than"):
        render_story(story_of("baseline_2023"))


def test_same_history_same_page(story_of: Told, tell: Told) -> None:
    assert render_story(story_of("great_powers_1907")) == render_story(tell(load_scenario("great_powers_1907")))


def test_page_of_the_function(tmp_path: Path) -> None:
    page = sim.run("great_powers_1907", seed=7).story()
    path = page.save(tmp_path / "story.html")
    assert path.read_text("utf-8") == page.html
    frame = Page(page._repr_html_())
    assert [tag for tag, _ in frame.elements] == ["iframe"]
    assert frame.elements[0][1]["srcdoc"] == page.html
    assert frame.elements[0][1]["sandbox"] == "allow-scripts"
    with pytest.raises(InputError, match="save"):
        page.save(7)  # type: ignore[arg-type]
    tendency = load_scenario("great_powers_1907")
    tendency = tendency.model_copy(update={"sweep": tendency.sweep.model_copy(update={"lens": "tendency"})})
    with pytest.raises(InputError, match="not a history"):
        sim.run(tendency, seed=7).story()
