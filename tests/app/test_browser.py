"""The app in a browser on a real server: every control, by mouse and keyboard, and the results on the page."""

from __future__ import annotations

import csv
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from axe_playwright_python.sync_playwright import Axe

from sim.analysis.states.decisions import explain_decision
from sim.app.player.words import chosen_first
from sim.app.setting import AppSetting, resolve_setting, setting_toml
from sim.model import compiled
from sim.scenario.loading import load_scenario

BASE = load_scenario("baseline_2023")
NAMES = {id: state.name for id, state in BASE.states.items()}
EVIL = "<script>alert(1)</script>"
UPLOADER = "stFileUploaderDropzone"  # Streamlit gives it the role presentation and yet a label
pytestmark = pytest.mark.second  # the server and the browser take twenty seconds of CPU
WAIT = 300_000  # milliseconds; a generous limit, as no timing decides a test
PICTURES = "[data-picture] svg, .charts img, [data-testid=stImage] img, [data-testid=stImageContainer] img"
DRAWN = """async picture => {
  const shown = picture.getBoundingClientRect();
  const copy = new Image();
  const markup = () => encodeURIComponent(new XMLSerializer().serializeToString(picture));
  copy.src = picture.tagName === 'svg' ? `data:image/svg+xml,${markup()}` : picture.src;
  await copy.decode();
  const canvas = document.createElement('canvas');
  canvas.width = 300; canvas.height = 200;
  const ink = canvas.getContext('2d');
  ink.drawImage(copy, 0, 0, 300, 200);
  const seen = new Set();
  const data = ink.getImageData(0, 0, 300, 200).data;
  for (let n = 0; n < data.length; n += 4) seen.add(data[n] >> 4 << 8 | data[n + 1] >> 4 << 4 | data[n + 2] >> 4);
  return [picture.alt ?? picture.ariaLabel, shown.width > 100 && shown.height > 50 ? seen.size : 0];
}"""  # a picture's description, and its number of colours of 4096
FILLED = """parts => parts.filter(part => getComputedStyle(part).display !== 'none')
    .map(part => `${part.dataset.state} ${part.getAttribute('fill')}`)"""
CELLS = "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))"


@dataclass
class Reader:
    """A reader of the app at a browser."""

    page: Any
    port: int
    errors: list[str] = field(default_factory=list)  # of the console
    requests: list[str] = field(default_factory=list)  # to other hosts

    def watch(self) -> None:
        """Record every request to another host, which the browser cannot resolve, and every console error."""
        here = (f"http://127.0.0.1:{self.port}/", f"ws://127.0.0.1:{self.port}/", "data:", "blob:")

        def note(request: Any) -> None:
            if not request.url.startswith(here):
                self.requests.append(request.url)

        self.page.on("request", note)
        self.page.on("websocket", note)
        self.page.on("console", self.note_error)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("dialog", lambda dialog: (self.errors.append(dialog.message), dialog.dismiss()))

    def note_error(self, message: Any) -> None:
        """Note an error with its address, but for a picture that a newer one has replaced before it was fetched."""
        if message.type == "error" and "/media/" not in message.location.get("url", ""):
            self.errors.append(f"{message.text} {message.location}")

    def go(self, query: str = "") -> None:
        """Go to an address in a new visit."""
        self.page.goto(f"http://127.0.0.1:{self.port}/{query}")

    def open(self, query: str = "") -> None:
        """Open the app at an address and wait for the whole page."""
        self.go(query)
        self.see(f"h2:has-text('{'At the end' if 'page=compare' in query else 'Take it with you'}')")
        self.rest()

    def rest(self) -> None:
        """Wait until the script has ended."""
        self.page.wait_for_function(
            "document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
            " && !document.querySelector('[data-stale=true]')",
            timeout=WAIT,
        )

    def see(self, selector: str) -> Any:
        """Wait until a selector is visible."""
        self.page.wait_for_selector(selector, timeout=WAIT)
        return self.page.locator(selector).first

    def until(self, ready: Callable[[], bool]) -> None:
        """Wait until a condition holds."""
        end = time.monotonic() + WAIT / 1000
        while not ready():
            assert time.monotonic() < end, (self.page.url, self.page.inner_text("body")[:3000])
            self.page.wait_for_timeout(50)

    def press(self, name: str) -> None:
        """Press a button."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def choose(self, label: str, text: str) -> None:
        """Choose in a list by typing."""
        self.rest()  # a running script may replace the list
        box = self.page.get_by_role("combobox", name=label, exact=True).first
        box.click()
        box.fill(text)
        box.press("Enter")

    def step(self) -> int:
        """Return the current step."""
        return int(self.page.get_by_role("slider", name="Step (a quarter)").input_value())

    def focused(self) -> str:
        """Return the text of the focused element."""
        script = "(document.activeElement.shadowRoot ?? document).activeElement.innerText"
        return str(self.page.evaluate(script))

    def members(self) -> list[str]:
        """Return the members of each alignment from the page's table."""
        return [row[2] for row in self.page.locator("section .members tbody tr").evaluate_all(CELLS)]

    def filled(self, picture: str) -> set[str]:
        """Return each state on the map or in the network with its fill."""
        return set(self.page.locator(f"[data-picture={picture}] [data-state]").evaluate_all(FILLED))

    def marks(self) -> list[float]:
        """Return where the charts mark the step, in per cent of their width."""
        script = "all => all.map(one => parseFloat(one.style.left))"
        return [float(place) for place in self.page.locator(".cursor").evaluate_all(script)]

    def rows(self, table: int) -> list[list[str]]:
        """Return the rows of a table below the player, read at one moment."""
        found = self.page.locator("[data-testid=stHtml] table").nth(table).locator("tbody tr")
        return [list(map(str, row)) for row in found.evaluate_all(CELLS)]

    def address(self, word: str) -> None:
        """Wait until the address contains a word."""
        self.until(lambda: word in self.page.url)

    def drawn(self, least: int) -> None:
        """Check that every picture is drawn, with more than a few colours."""
        found = self.page.locator(PICTURES)
        self.until(lambda: found.count() >= least)
        for picture in found.all():
            description, colours = picture.evaluate(DRAWN)
            assert colours >= 4, description
            assert len(description) > 3


def expected_members(run: Any, step: int, names: Mapping[str, str] = NAMES) -> list[str]:
    """Return the members of each alignment at a step of a run."""
    alignment = run.alignment[step]
    members = [
        sorted(names[s] for s, k in zip(run.states, alignment, strict=True) if k == n)
        for n in range(len(run.alignments))
    ]
    return [f"{len(found)}: {', '.join(found)}" for found in members]


def listening(server: subprocess.Popen[str], port: int) -> set[str]:
    """Return the addresses on which a server listens at a port."""
    found = psutil.Process(server.pid).net_connections("tcp")
    return {one.laddr.ip for one in found if one.status == psutil.CONN_LISTEN and one.laddr.port == port}


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """Start the app on a free port; every test of the module uses it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "sim", "app", "--no-browser", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
                          env={**os.environ, "http_proxy": "http://127.0.0.1:9"}) as started:  # fmt: skip
        yield port, started
        started.send_signal(signal.SIGKILL)


@pytest.fixture(scope="module")
def context(browser: Any) -> Iterator[Any]:
    """Open a browser context, whose pages share the cached scripts."""
    with browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True) as opened:
        opened.set_default_timeout(WAIT)
        yield opened


@pytest.fixture
def reader(context: Any, server: tuple[int, subprocess.Popen[str]]) -> Iterator[Reader]:
    """Open a page; check afterwards that it had no errors and sent no request to another host."""
    port, process = server
    reader = Reader(context.new_page(), port)
    reader.watch()
    reader.until(lambda: process.poll() is not None or bool(listening(process, port)))
    yield reader
    reader.page.close()
    assert reader.errors == []
    assert reader.requests == []


def test_loopback_only(server: tuple[int, subprocess.Popen[str]], reader: Reader) -> None:
    port, process = server
    assert listening(process, port) == {"127.0.0.1"}


def test_player(reader: Reader) -> None:
    """Step, play, pause, reset and slider show the run; the address follows when play pauses."""
    reader.go()
    run = compiled.run_compiled(BASE, seed=BASE.sweep.seed)  # while the server starts
    slider = reader.page.get_by_role("slider", name="Step (a quarter)")
    reader.until(lambda: reader.members() == expected_members(run, 0))
    begin, charts = reader.marks(), reader.page.locator("section .charts")
    assert charts.is_hidden()  # nothing has happened that they could show
    reader.press("Step")
    assert charts.is_visible()
    assert (reader.step(), reader.members()) == (1, expected_members(run, 1))
    reader.address("step=1")
    reader.see("text=China stays outside the blocs")
    check_layout(reader, 6)
    reader.press("Play")
    reader.until(lambda: reader.step() >= 4)
    assert "step=1" in reader.page.url  # the address waits while the run plays
    reader.press("Pause")
    paused = reader.step()
    reader.address(f"step={paused}")
    reader.page.wait_for_timeout(900)  # time for two more steps
    assert (reader.step(), reader.members()) == (paused, expected_members(run, paused))
    for picture, look in (("map", "map"), ("network", "net")):
        assert reader.filled(picture) == {f"{n} url(#{look}{k})" for n, k in enumerate(run.alignment[paused])}
    now = reader.marks()
    slider.press("End")
    reader.address("step=40")
    end = reader.marks()
    due = [a + (b - a) * paused / 40 for a, b in zip(begin, end, strict=True)]
    assert now == pytest.approx(due, abs=0.001)  # the page rounds them
    assert all(10 < b - a < 100 for a, b in zip(begin, end, strict=True))
    slider.press("ArrowLeft")
    reader.address("step=39")
    reader.press("Play")
    reader.address("step=40")
    reader.press("Reset")
    assert (reader.step(), reader.members()) == (0, expected_members(run, 0))
    reader.until(lambda: "step=" not in reader.page.url)


def test_keyboard(reader: Reader) -> None:
    """Tab, arrows, Space and Enter reach and set every kind of control."""
    reader.open()
    keys = reader.page.keyboard

    def reach_play() -> bool:
        reader.page.get_by_role("radio", name="A history").focus()
        for _ in range(9):
            keys.press("Tab")
            if reader.focused() == "Play":
                return True
        return False

    reader.until(reach_play)  # a page that is drawn again loses the focus
    keys.press("Tab")
    keys.press("Tab")
    assert reader.focused() == "Step"
    keys.press("Enter")
    reader.until(lambda: reader.step() == 1)
    keys.press("Space")
    reader.until(lambda: reader.step() == 2)
    assert reader.focused() == "Step"
    keys.press("Tab")
    assert reader.focused() == "Next event"
    keys.press("Tab")
    keys.press("Tab")
    keys.press("ArrowRight")
    reader.address("step=3")
    reader.page.locator("summary", has_text="Mechanisms").focus()
    keys.press("Enter")
    shelter = reader.page.get_by_role("switch", name="Shelter from sanctions")
    shelter.focus()
    keys.press("Space")
    reader.address("without=shelter")
    reader.see("summary:has-text('Mechanisms (1 off)')")
    assert shelter.is_visible()  # the panel stays open though its title changes
    keys.press("Space")
    reader.until(lambda: "without" not in reader.page.url)
    reader.rest()
    assert reader.page.locator("summary", has_text="Mechanisms").inner_text().strip().endswith("Mechanisms")
    keys.press("Space")
    reader.address("without=shelter")
    reader.page.locator("summary", has_text="Parameters").focus()
    keys.press("Enter")
    bond = reader.page.get_by_role("slider", name="Pull of partnerships")
    bond.focus()
    keys.press("ArrowRight")
    first, second = (round(BASE.parameters.w_bond.value + n / 100, 2) for n in (1, 2))
    reader.address(f"w_bond={first}")
    reader.see("summary:has-text('Parameters (1 changed)')")
    keys.press("ArrowRight")  # the slider keeps the focus
    reader.address(f"w_bond={second}")
    expected = resolve_setting(BASE, AppSetting("baseline_2023", (("w_bond", second),), ("shelter",)))
    reader.until(lambda: reader.members() == expected_members(compiled.run_compiled(expected, seed=BASE.sweep.seed), 3))


@pytest.mark.long
def test_reasons(reader: Reader) -> None:
    """The reasons are those of the model; a click chooses a state; the changes that flip one appear on demand."""
    reader.open("?step=9&seed=5")
    reader.choose("State", "Russia")
    reader.address("state=RUS")
    reader.see("h2:has-text('Why: Russia')")
    reader.rest()
    decision = explain_decision(BASE, "RUS", seed=5, step=9)
    reader.page.locator("summary", has_text="The numbers behind the reason").click()
    rows = {row[0]: row for row in reader.rows(0)}
    assert list(rows) == [*(term for term, *_ in chosen_first(decision).rows()), "utility"]
    assert all(f"{value:.3f}" in rows["utility"] for value in decision.account.utilities)
    brazil = list(BASE.states).index("BRA")
    reader.page.locator(f"[data-picture=map] path[data-state='{brazil}']").click()
    reader.address("state=BRA")
    reader.see("h2:has-text('Why: Brazil')")
    assert (
        reader.page.locator(f"[data-picture=map] path[data-state='{brazil}'] title").inner_html().startswith("Brazil: ")
    )
    reader.choose("Scenario", "great_powers_1907")
    reader.address("scenario=great_powers_1907")
    reader.see("text=Great powers in 1907")
    reader.page.locator("summary", has_text="Beyond this history").click()
    reader.press("Try every setting")
    reader.see("text=settings turn that within their range")


def test_downloads_and_undo(reader: Reader, tmp_path: Path) -> None:
    """The downloads equal the setting and the run; undo restores the scenario; the address follows."""
    reader.open("?w_bond=2&without=trade&seed=9&step=4&state=IRN")
    with reader.page.expect_download() as given:
        reader.press("Scenario file (TOML)")
    given.value.save_as(tmp_path / "changed.toml")
    expected = resolve_setting(BASE, AppSetting("baseline_2023", (("w_bond", 2.0),), ("trade",)))
    assert load_scenario(tmp_path / "changed.toml").digest() == expected.digest()
    with reader.page.expect_download() as given:
        reader.press("Run (CSV)")
    given.value.save_as(tmp_path / "run.csv")
    with (tmp_path / "run.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    run = compiled.run_compiled(expected, seed=9)
    assert [row["IRN"] for row in rows] == [run.alignments[k] for k in run.alignment[:, run.states.index("IRN")]]
    assert [float(row["capability_front"]) for row in rows] == run.outcome("capability_front").tolist()
    reader.press("Undo all changes")
    reader.until(lambda: "w_bond" not in reader.page.url)
    assert "state=IRN" in reader.page.url
    reader.page.get_by_role("spinbutton", name="Seed").fill("11")
    reader.page.keyboard.press("Enter")
    reader.address("seed=11")
    reader.page.get_by_role("spinbutton", name="Replicate").fill("2")
    reader.page.keyboard.press("Enter")
    reader.address("replicate=2")
    reader.choose("Scenario", "no_sanctions")
    reader.address("scenario=no_sanctions")
    reader.see("text=Is there a front where nobody sanctions anybody?")


def test_uploads(reader: Reader) -> None:
    """Faults read as in `blocs check`, hostile files are refused, and a good file runs with harmless names."""
    reader.open("?step=4")
    reader.page.locator("summary", has_text="Upload a scenario file").click()
    given = reader.page.locator("[data-testid=stSidebar] input[type=file]")
    bad = [
        ("typo.toml", b'title = "x"\nextends = "baseline_2023"\n[parameters]\nerosoin = 1\n',
         "typo.toml:4: parameters.erosoin: unknown key (did you mean 'erosion'?)"),
        ("binary.toml", bytes(range(256)) * 99, "binary.toml:2: is not UTF-8"),
        ("huge.toml", b"#" * 2_000_000, "File must be"),
    ]  # fmt: skip
    for name, content, said in bad:
        given.set_input_files({"name": name, "mimeType": "application/toml", "buffer": content})
        reader.until(lambda said=said: said in reader.page.inner_text("[data-testid=stSidebar]"))
        reader.rest()
    good = setting_toml(BASE, AppSetting("baseline_2023", (("w_bond", 2.0),), ("trade",)), seed=9)
    good = re.sub(r'title = ".*"', f'title = "{EVIL} ![x](http://evil.example/x.png)"', good)
    good += f'\n[states.IRN]\nname = "{EVIL}"\n[blocs.front]\nname = "{EVIL} of the front"\n'
    given.set_input_files({"name": "../Mine.toml", "mimeType": "application/toml", "buffer": good.encode()})
    reader.address("scenario=uploaded%3Amine")
    reader.until(lambda: f"{EVIL} ![x](http" in reader.page.inner_text("[data-testid=stMain]"))
    reader.choose("State", "IRN")
    reader.until(lambda: reader.page.locator("h2", has_text=f"Why: {EVIL}").count() == 1)
    reader.until(lambda: f"joined the {EVIL} of the front" in reader.page.inner_text("[data-testid=stMain]"))
    reader.drawn(6)


@pytest.mark.long
def test_comparison(reader: Reader) -> None:
    """The compare page shows two settings with common random numbers."""
    reader.open("?seed=3")
    reader.page.get_by_role("radio", name="Compare").click()
    reader.address("page=compare")
    reader.see("text=Both settings compute the same")
    reader.see("text=of 200")
    reader.choose("Runs of each setting", "50")
    reader.see("text=of 50")
    boxes = reader.page.locator("input[role=combobox][aria-label=Scenario]")
    boxes.nth(1).click()
    boxes.nth(1).fill("no_sanctions")
    boxes.nth(1).press("Enter")
    reader.address("scenario=no_sanctions")
    reader.until(lambda: any(row[0] == "China in Anti-US front" for row in reader.rows(1)))
    reader.see("h2:has-text('At the end')")
    reader.rest()
    check_layout(reader, 5)
    reader.page.locator("summary", has_text="Mechanisms").nth(0).click()
    reader.page.get_by_role("switch", name="Erosion of enforcement").first.focus()
    reader.page.keyboard.press("Space")
    reader.address("other.without=erosion")


@pytest.mark.long
def test_scenario_change(reader: Reader) -> None:
    """Another scenario keeps seed, state and step, and notes what it lacks."""
    reader.open("?seed=5&step=12&state=IRN")
    reader.choose("Scenario", "no_sanctions")
    reader.address("scenario=no_sanctions")
    expected = compiled.run_compiled(load_scenario("no_sanctions"), seed=5)
    reader.until(lambda: reader.members() == expected_members(expected, 12))
    assert all(word in reader.page.url for word in ("seed=5", "step=12", "state=IRN"))
    reader.choose("Scenario", "europe_1936")
    reader.see("text=state IRN is not in europe_1936; another is shown")
    assert "seed=5" in reader.page.url
    reader.page.get_by_role("spinbutton", name="Seed").fill("6")
    reader.page.keyboard.press("Enter")
    reader.address("seed=6")
    reader.until(lambda: "is not in europe_1936" not in reader.page.inner_text("[data-testid=stMain]"))


def test_help_changes_nothing(reader: Reader) -> None:
    """Reading help switches nothing, by touch on a phone."""
    context = reader.page.context.browser.new_context(viewport={"width": 390, "height": 900}, has_touch=True)
    context.set_default_timeout(WAIT)
    one = Reader(context.new_page(), reader.port)
    one.open("?state=IRN")
    one.page.get_by_test_id("stExpandSidebarButton").tap()
    one.page.locator("summary", has_text="Mechanisms").tap()
    one.page.get_by_text("bond: off sets w_bond = 0.", exact=True).tap()
    assert one.page.get_by_role("switch", name="Bonds of the past", exact=True).is_checked()
    assert not one.page.locator("[data-testid=stCheckbox] [data-testid=stTooltipIcon]").count()
    assert one.page.get_by_role("switch", name="Stated affinities", exact=True).is_disabled()
    assert one.page.get_by_text("propensity: cannot matter here").is_visible()
    one.page.locator("summary", has_text="Parameters").tap()
    one.page.get_by_role("button", name="Help for Pull of partnerships").tap()
    one.see("[data-testid=stTooltipContent]:has-text('treaties, arms and aid')")
    one.rest()
    assert "w_bond" not in one.page.url
    assert "without" not in one.page.url
    context.close()


@pytest.mark.long
def test_bad_address(reader: Reader) -> None:
    """Bad values are named, and the others apply."""
    reader.open("?scenario=nowhere&erosion=21&step=3&state=%3Cscript%3E&w_bond=2")
    expected = reader.see("[data-testid=stCode]").inner_text()
    assert "unknown scenario 'nowhere'" in expected
    assert "21 is not a number in [0, 20]" in expected
    assert "unknown state '<script>'" in expected
    reader.until(lambda: reader.step() == 3)
    reader.press("Understood")
    reader.until(lambda: "nowhere" not in reader.page.inner_text("[data-testid=stMain]"))
    reader.address("w_bond=2")


def check_layout(reader: Reader, least: int) -> None:
    """Check the page: no sideways scrolling, no fault by axe but Streamlit's own, all pictures drawn."""
    reader.rest()
    main = "document.querySelector('[data-testid=stMain]')"
    assert reader.page.evaluate(f"{main}.scrollWidth <= {main}.clientWidth")
    assert reader.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    reader.drawn(least)
    labels = reader.page.locator("[aria-label]").evaluate_all("all => all.map(one => one.ariaLabel)")
    assert not [label for label in labels if "\\" in label]  # a screen reader reads escapes of markdown
    found = Axe().run(reader.page).response["violations"]
    faults = [(one["id"], node["html"]) for one in found for node in one["nodes"] if UPLOADER not in node["html"]]
    assert not faults, (reader.page.url, faults)


def test_phone_and_dark_mode(reader: Reader) -> None:
    """Every page fits 390 pixels; pages follow the system's dark mode."""
    reader.page.set_viewport_size({"width": 390, "height": 900})
    reader.open("?page=compare&other.scenario=no_sanctions&seed=3")
    check_layout(reader, 4)
    reader.open("?step=12&state=IRN")
    check_layout(reader, 6)
    reader.page.emulate_media(color_scheme="dark")
    scheme = "getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme"
    reader.until(lambda: reader.page.evaluate(scheme) == "dark")
    check_layout(reader, 6)
    for page, head in (
        ("compare&other.scenario=no_sanctions&seed=3", "At the end"),
        ("what_if&upheaval=CHN:8:front", "China by date"),
        ("tipping", "How far"),
        ("lessons", "A first"),
    ):
        reader.go(f"?page={page}")
        reader.see(f"h2:has-text('{head}')")
        check_layout(reader, 0)


def test_address_elsewhere(reader: Reader) -> None:
    """The tie that a button sets is in the copied address, which shows the same in another visit."""
    reader.go("?page=tipping&state=IRN&to=us_led")
    reader.see("h2:has-text('How far every state is: in the US-led bloc')")
    reader.rest()
    reader.page.get_by_role("button", name=re.compile("^Set this")).first.click()
    reader.see("text=Every page has it now")
    reader.address("ties.")
    reader.rest()
    shown = reader.page.locator(".blocs-table").inner_text()
    reader.page.locator("summary", has_text="Copy the address").click()
    copied = reader.see("[data-testid=stCode]").inner_text()
    with reader.page.context.browser.new_context() as context:
        other = context.new_page()
        other.goto(copied)
        other.wait_for_selector("h2:has-text('How far every state is: in the US-led bloc')", timeout=WAIT)
        assert other.locator(".blocs-table").inner_text() == shown
    reader.press("Undo this change")
    reader.until(lambda: "ties." not in reader.page.url)


@pytest.mark.second
@pytest.mark.parametrize(("origin", "status"), [("http://x.test", 403), ("null", 403), ("", 101)])
def test_page_of_another_origin_gets_no_connection(
    server: tuple[int, subprocess.Popen[str]], reader: Reader, origin: str, status: int
) -> None:
    own = f"http://127.0.0.1:{server[0]}"
    key = {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    head = {"Origin": origin or own, "Connection": "Upgrade", "Upgrade": "websocket", **key}
    asked = http.client.HTTPConnection("127.0.0.1", server[0], timeout=60)
    asked.request("GET", "/_stcore/stream", headers=head)
    assert asked.getresponse().status == status
    asked.close()


def test_sigint_stops_server(server: tuple[int, subprocess.Popen[str]], reader: Reader) -> None:
    """This test is the last, as it stops the server of the module."""
    process = server[1]
    process.send_signal(signal.SIGINT)
    assert process.wait(WAIT / 1000) == 128 + signal.SIGINT
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert process.stdout is not None
    assert "Traceback" not in process.stdout.read()
