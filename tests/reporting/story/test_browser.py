"""The page of a history in a browser: it plays, by mouse and keyboard, and axe finds nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from sim.analysis.history.story import Story
from sim.api import StoryPage
from sim.reporting.story.page import render_story

Told = Callable[..., Story]
WAIT = 300_000  # milliseconds; a generous limit, as no timing decides a test
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
BY_STATE = """parts => parts.sort((a, b) => a.dataset.state - b.dataset.state)
    .map(one => one.getAttribute('fill').match(/[0-9]+/)[0]).join('')"""


@contextmanager
def opened(browser: Any, folder: Path, story: Story, **how: Any) -> Iterator[Any]:
    """Open the page of a history; no request but for the file itself, and no error, may come."""
    file, seen = folder / "story.html", []
    file.write_text(render_story(story), encoding="utf-8")
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **how})
    context.set_default_timeout(WAIT)
    page = context.new_page()
    page.on("request", lambda request: seen.append(request.url))
    page.on("console", lambda message: seen.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.goto(file.as_uri())
    yield page
    assert seen == [file.as_uri()]
    context.close()


def go(page: Any, step: int) -> None:
    """Move the slider to a step."""
    page.locator("#step").evaluate("(one, step) => { one.value = step; one.dispatchEvent(new Event('input')); }", step)


@pytest.mark.second
def test_map_table_and_chart_follow_the_slider(browser: Any, story_of: Told, tmp_path: Path) -> None:
    story = story_of("baseline_2023", 30)
    names = [story.names.states[state] for state in story.run.states]
    with opened(browser, tmp_path, story) as page:
        widths = []
        for step in (0, 17, 40, 39, 38, 5):
            go(page, step)
            alignment = story.run.alignment[step].tolist()
            assert page.locator("#map .state").evaluate_all(BY_STATE) == "".join(map(str, alignment))
            for k, row in enumerate(page.locator("#members tbody tr").all()):
                cells = [row.locator("td").nth(n).inner_text() for n in range(3)]
                inside = sorted(name for name, own in zip(names, alignment, strict=True) if own == k)
                assert cells[1] == str(len(inside))
                assert cells[2].replace(" (new)", "").split(", ") == inside
                share = story.run.outcome(f"capability_{story.run.alignments[k]}")[step]
                assert cells[0] == f"{100 * share:.0f} %"
            widths.append(float(page.locator("#until-now").get_attribute("width")))
            assert page.locator("#month").inner_text() == story.names.month(step)
        assert [width / widths[0] for width in widths] == pytest.approx([1, 18, 41, 40, 39, 6])


@pytest.mark.second
def test_chart_shows_nothing_later(browser: Any, story_of: Told, tmp_path: Path) -> None:
    with opened(browser, tmp_path, story_of("baseline_2023", 30)) as page:
        chart = page.locator(".sizes.upto")
        assert chart.get_by_text("Anti-US front 6 %").is_visible()
        assert "40 %" not in chart.text_content()
        assert not page.locator(".sizes.whole").is_visible()
        assert not page.locator(".ends").is_visible()
        go(page, 40)
        assert chart.get_by_text("Anti-US front 40 %").is_visible()


@pytest.mark.second
def test_play_pause_and_events(browser: Any, story_of: Told, tmp_path: Path) -> None:
    with opened(browser, tmp_path, story_of("baseline_2023")) as page:
        page.clock.install(time=0)
        page.clock.pause_at(1)  # seconds; from here on only run_for moves the time
        page.get_by_role("button", name="Play").press("Enter")
        page.clock.run_for(4_100)
        assert page.locator("#month").inner_text() == "April 2026"
        page.clock.run_for(2_000)  # it rests where something happens
        assert page.locator("#month").inner_text() == "April 2026"
        page.get_by_role("button", name="Pause").press("Space")
        page.clock.run_for(10_000)
        assert page.locator("#month").inner_text() == "April 2026"
        assert "Mexico joins the US-led bloc." in page.get_by_role("status").inner_text()
        page.get_by_role("button", name="Play").click()
        page.clock.run_for(60_000)
        assert page.locator("#month").inner_text() == "October 2033"
        assert page.get_by_role("button", name="Play").is_visible()
        for month in ("October 2031", "January 2031", "October 2027", "July 2026", "April 2026", "October 2023"):
            page.get_by_role("button", name="Event before").click()
            assert page.locator("#month").inner_text() == month
        assert page.get_by_role("button", name="Event before").is_disabled()


@pytest.mark.second
def test_timeline_by_keyboard(browser: Any, story_of: Told, tmp_path: Path) -> None:
    with opened(browser, tmp_path, story_of("baseline_2023")) as page:
        event = page.get_by_role("button", name="October 2031 Entry Pakistan joins the US-led bloc.")
        event.focus()
        page.keyboard.press("Enter")
        assert page.locator("#step").get_attribute("aria-valuetext") == "October 2031"
        assert event.get_attribute("aria-current") == "step"
        assert page.locator("#timeline [aria-current]").count() == 1
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.url.endswith("#why-PAK-32")
        page.locator("#step").focus()
        page.keyboard.press("ArrowRight")
        assert page.locator("#month").inner_text() == "January 2032"
        assert page.get_by_role("status").inner_text() == "January 2032. No state moves."


@pytest.mark.second
def test_names_on_the_map(browser: Any, story_of: Told, tmp_path: Path) -> None:
    with opened(browser, tmp_path, story_of("baseline_2023"), has_touch=True) as page:
        page.locator("#month").hover()
        assert not page.locator("#name").is_visible()
        page.locator('#map [aria-label^="Australia"]').hover()
        assert page.locator("#name").inner_text() == "Australia: US-led bloc"
        page.locator("#map [tabindex='0']").focus()
        for key, name in (
            ("ArrowRight", "Argentina"),
            ("End", "Vietnam"),
            ("ArrowRight", "Algeria"),
            ("Home", "Algeria"),
        ):
            page.keyboard.press(key)
            assert page.locator("#name").inner_text() == f"{name}: outside the blocs"
        assert page.locator("#map [tabindex='0']").count() == 1
        go(page, 10)
        assert page.locator('#map [aria-label="Mexico: US-led bloc"]').count() == 1


@pytest.mark.second
@pytest.mark.parametrize(("motion", "animation"), [("reduce", "none"), ("no-preference", "pulse")])
def test_movers_move_for_those_who_want_motion(
    browser: Any, story_of: Told, tmp_path: Path, motion: str, animation: str
) -> None:
    with opened(browser, tmp_path, story_of("baseline_2023"), reduced_motion=motion) as page:
        page.get_by_role("button", name="Next event").click()
        moved = page.locator("#map .moved")
        assert moved.count() == 1
        assert moved.evaluate("one => getComputedStyle(one).animationName") == animation


@pytest.mark.second
def test_page_in_a_notebook(browser: Any, story_of: Told, tmp_path: Path) -> None:
    page = browser.new_page()
    seen: list[str] = []
    page.on("request", lambda request: seen.append(request.url))
    page.set_content(StoryPage("x", render_story(story_of("baseline_2023")))._repr_html_())
    inside = page.frame_locator("iframe")
    inside.get_by_role("button", name="Next event").click()
    assert inside.locator("#month").inner_text() == "April 2026"
    assert [url for url in seen if not url.startswith("about:")] == []
    page.close()


@pytest.mark.parametrize(
    ("name", "replicate"),
    [
        pytest.param("baseline_2023", 1, marks=pytest.mark.second),
        pytest.param("sino_soviet_split", 0, marks=pytest.mark.long),
        pytest.param("unix_1988", 0, marks=pytest.mark.long),
    ],
)
def test_axe_finds_nothing(browser: Any, story_of: Told, tmp_path: Path, name: str, replicate: int) -> None:
    for scheme, width in (("light", 1280), ("dark", 390)):
        how = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}, "bypass_csp": True}
        with opened(browser, tmp_path, story_of(name, replicate), **how) as page:
            page.get_by_role("button", name="Next event").click()
            found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}})
            assert found.violations_count == 0, (scheme, width, found.generate_report())
            assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.second
def test_printed_page_has_the_whole_history(browser: Any, story_of: Told, tmp_path: Path) -> None:
    with opened(browser, tmp_path, story_of("baseline_2023")) as page:
        page.emulate_media(media="print")
        assert page.locator(".sizes.whole").is_visible()
        assert page.locator(".ends figure > svg").count() == 2
        assert page.locator(".ends svg").first.is_visible()
        assert not page.get_by_role("button", name="Play").is_visible()


@pytest.mark.second
def test_page_without_scripts(browser: Any, story_of: Told, tmp_path: Path) -> None:
    with opened(browser, tmp_path, story_of("baseline_2023"), java_script_enabled=False) as page:
        assert page.get_by_text("Mexico joins the US-led bloc.").first.is_visible()
        assert page.locator(".ends svg").first.is_visible()
        assert not page.get_by_role("button", name="Play").is_visible()


INTRUDE = """async () => {
    const script = document.createElement('script');
    script.textContent = 'window.intruded = 1';
    document.head.append(script);
    const sent = await fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused');
    return [window.intruded ?? 'not run', sent];
}"""


@pytest.mark.second
def test_policy_stops_what_is_added_to_the_page(browser: Any, story_of: Told, tmp_path: Path) -> None:
    file, said = tmp_path / "story.html", []
    file.write_text(render_story(story_of("baseline_2023", 30)), encoding="utf-8")
    with browser.new_context() as context:
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.goto(file.as_uri())
        assert page.evaluate(INTRUDE) == ["not run", "refused"]
    assert sum("Content Security Policy" in text for text in said) >= 2
