"""Ten readers playing the app at once: `python -m benchmarks.app [--readers 10] [--minutes 5] [--by-hand 20] [--json]`.

Each reader has a browser session on one server and plays a run repeatedly. The output has errors, the server's memory
by minute, by how many seconds a painted step comes later than the pace of the player has it, and the seconds from a
click on Step to the painted step with its reason and to the address that the server writes, with one reader and with
all. The pace itself is chosen, as readers have to see a step. The browsers run on the same machine and use more of it
than the server. Opening the pages, the half minute before the measurement and the steps by hand come on top of the
minutes; where nothing is compiled yet, so does that. Each stage is named on standard error as it begins, and the memory
of each minute. Where the browsers fill the machine, steps by hand come too late: `--by-hand 0` leaves that out.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

STATUS = "section [role=status]"
LAST = 40  # step of the scenario that is played
PACE = 0.4  # seconds from step to step, which `player.js` has as milliseconds in PERIOD
WARM_UP = 30  # seconds of play before the measurement
WATCH = """() => {
  const host = [...document.querySelectorAll('*')].find(one => one.shadowRoot?.querySelector('[role=status]'));
  const status = host.shadowRoot.querySelector('[role=status]');
  const play = [...host.shadowRoot.querySelectorAll('button')].find(one => one.dataset.do === 'play');
  window.seen = [];
  new MutationObserver(() => requestAnimationFrame(() => setTimeout(() => {
    const [step, last] = status.textContent.match(/\\d+/g).map(Number);
    window.seen.push([step, performance.now()]);
    if (step === last) setTimeout(() => window.rests || play.click(), 2000);
  }))).observe(status, { childList: true, characterData: true, subtree: true });
  play.click();
}"""  # records when each step is painted, and restarts a run that has ended


def memory_mb(process: int) -> float:
    """The resident memory of a process in MB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


def cpu_seconds(process: int) -> float:
    """The CPU seconds of a process."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def wait_for_server(port: int, seconds: float = 60) -> None:
    """Wait until something listens on a port; raises OSError where nothing does in time."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def announce(stage: str) -> None:
    """Name the stage that begins, so that nobody takes a long one for a hang."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {stage}\n")
    sys.stderr.flush()


def open_page(browser: Any, port: int, reader: int, errors: list[str]) -> Any:
    """Open the page of a reader at their own run, and collect its errors."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(180_000)
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"http://127.0.0.1:{port}/?replicate={reader}&state=IRN")
    page.wait_for_selector(f"{STATUS}:has-text('Step 0 of {LAST}')")
    page.wait_for_selector("h2:has-text('Take it with you')")
    return page


def step_by_hand(page: Any) -> tuple[float, float]:
    """Click Step; measure the seconds until the step is painted, and until the server has put it in the address."""
    step = int(page.locator(STATUS).inner_text().split()[1])
    if step == LAST:
        page.get_by_role("button", name="Reset", exact=True).click()
        page.wait_for_function("() => !location.search.includes('step=')")
        step = 0
    start = time.perf_counter()
    page.get_by_role("button", name="Step", exact=True).click()
    page.wait_for_selector(f"{STATUS}:has-text('Step {step + 1} of')")
    seen = time.perf_counter() - start
    page.wait_for_function("step => new URLSearchParams(location.search).get('step') === step", arg=str(step + 1))
    return seen, time.perf_counter() - start


def gaps(pages: list[Any]) -> list[float]:
    """The seconds between painted steps of all readers since the last call."""
    found = []
    for page in pages:
        seen = page.evaluate("() => window.seen.splice(0)")
        found += [(after[1] - before[1]) / 1000 for before, after in itertools.pairwise(seen) if after[0] > before[0]]
    return found


def measure_playing(pages: list[Any], server: int, minutes: float, by_hand: int) -> dict[str, Any]:
    """Let all readers play for some minutes after half a minute; then let one of them step by hand."""
    for page in pages:
        page.evaluate(WATCH)
    announce(f"all play for {WARM_UP} s, and then for {minutes:g} minutes")
    pages[0].wait_for_timeout(1000 * WARM_UP)
    gaps(pages)
    memory, used, start = [memory_mb(server)], cpu_seconds(server), time.monotonic()
    while (left := start + 60 * minutes - time.monotonic()) > 0:
        pages[0].wait_for_timeout(1000 * min(left, 60))
        memory.append(memory_mb(server))
        announce(f"the server has {memory[-1]:.0f} MB")
    seen, spent = gaps(pages), cpu_seconds(server) - used
    pages[0].evaluate("() => { window.rests = true; }")
    pages[0].get_by_role("button", name="Pause", exact=True).click()
    found = {
        "minutes": round((time.monotonic() - start) / 60, 1), "steps seen": len(seen),
        "memory of the server by minute, MB": [round(one) for one in memory],
        "processor seconds of the server per step": round(spent / max(len(seen), 1), 4),
        "seconds a step comes late, all playing": spread([max(one - PACE, 0.0) for one in seen]),
    }  # fmt: skip
    return {**found, **measure_steps(pages[0], server, by_hand, "while the others play")}


def measure_steps(page: Any, server: int, by_hand: int, when: str) -> dict[str, Any]:
    """Measure steps by hand; nothing without any."""
    if not by_hand:
        return {}
    announce(f"{by_hand} steps by hand, {when}")
    used = cpu_seconds(server)
    seen, why = zip(*(step_by_hand(page) for _ in range(by_hand)), strict=True)
    return {
        f"seconds a step by hand, {when}": spread(seen), f"seconds until the address has it, {when}": spread(why),
        f"processor seconds of the server per step by hand, {when}": round((cpu_seconds(server) - used) / by_hand, 4),
    }  # fmt: skip


def measure(readers: int, minutes: float, by_hand: int) -> dict[str, Any]:
    """Measure one server with so many readers."""
    from playwright.sync_api import sync_playwright

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "sim", "app", "--no-browser", "--port", str(port)]
    errors: list[str] = []
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_for_server(port)
        with sync_playwright() as driver:
            path = shutil.which("chromium") or shutil.which("google-chrome")
            browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
            announce("the first page opens")
            pages = [open_page(browser, port, 0, errors)]
            found = measure_steps(pages[0], server.pid, by_hand, "one reader")
            announce(f"{readers - 1} more pages open")
            pages += [open_page(browser, port, n, errors) for n in range(1, readers)]
            found |= measure_playing(pages, server.pid, minutes, by_hand)
            browser.close()
    finally:
        server.terminate()
        log = server.communicate(timeout=60)[0]
    errors += [line for line in log.splitlines() if "Error" in line or "Traceback" in line]
    return {"readers": readers, "errors": errors, **found}


def spread(values: Sequence[float]) -> dict[str, float]:
    """The median and the 95 % quantile."""
    ordered = sorted(values) or [float("nan")]
    return {"median": round(statistics.median(ordered), 3), "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 3)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--by-hand", type=int, default=20, metavar="STEPS")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measure(given.readers, given.minutes, given.by_hand)
    lines = [json.dumps(found)] if given.json else [f"{name}: {value}" for name, value in found.items()]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
