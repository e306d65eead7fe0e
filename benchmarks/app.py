"""Ten readers playing the app at once: `python -m benchmarks.app [--readers 10] [--minutes 5] [--json]`.

Each reader is a browser session of its own on one server and plays its own run over and over. What is printed:
errors, the server's memory when it is warm and at the end, and the seconds that a step takes in the server and
until it is seen when a reader asks for one by hand.
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
from pathlib import Path
from typing import Any

STEP = "[data-testid=stMain] input[type=range]"
SHOWN = "img[alt*='Network of ties at step {},']"


def memory_mb(process: int) -> float:
    """Resident memory of a process in MB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


def cpu_seconds(process: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def opened(browser: Any, port: int, reader: int, errors: list[str]) -> Any:
    """A reader's page, at a run of its own, its errors noted."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(180_000)
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"http://127.0.0.1:{port}/?replicate={reader}&state=IRN")
    page.wait_for_selector(SHOWN.format(0))
    return page


def by_hand(page: Any) -> float:
    """Seconds from pressing Step to seeing the next step."""
    step = int(page.locator(STEP).input_value())
    if step >= 39:
        page.get_by_role("button", name="Reset", exact=True).click()
        page.wait_for_selector(SHOWN.format(0))
        step = 0
    begun = time.perf_counter()
    page.get_by_role("button", name="Step", exact=True).click()
    page.wait_for_selector(SHOWN.format(step + 1))
    return time.perf_counter() - begun


WATCH = """() => {
  window.seen = [];
  let last = -1, since = 0;
  setInterval(() => {
    const image = document.querySelector("img[alt*='Network of ties at step']");
    const step = image ? Number(image.alt.match(/step (\\d+)/)[1]) : last;
    if (step !== last) { window.seen.push([step, performance.now()]); last = step; since = performance.now(); }
    else if (performance.now() - since > 8000) {
      [...document.querySelectorAll('button')].find(one => one.innerText.trim() === 'Play')?.click();
      since = performance.now();
    }
  }, 25);
}"""  # notes when each step is seen, and plays anew where a run has come to its end


def gaps(pages: list[Any]) -> list[float]:
    """Seconds between one step and the next as each reader saw them since the last time this was asked."""
    found = []
    for page in pages:
        seen = page.evaluate("() => window.seen.splice(0)")
        found += [(b[1] - a[1]) / 1000 for a, b in itertools.pairwise(seen) if b[0] == a[0] + 1]
    return found


def measured(readers: int, minutes: float) -> dict[str, Any]:
    """One server, that many readers, all playing."""
    from playwright.sync_api import sync_playwright

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "sim", "app", "--no-browser", "--port", str(port)]
    errors: list[str] = []
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        time.sleep(10)
        with sync_playwright() as driver:
            found = shutil.which("chromium") or shutil.which("google-chrome")
            browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
            pages = [opened(browser, port, n, errors) for n in range(readers)]
            alone = [by_hand(pages[0]) for _ in range(20)]
            for page in pages:
                page.evaluate(WATCH)
                page.get_by_role("button", name="Play", exact=True).click()
            pages[0].wait_for_timeout(30_000)
            gaps(pages)
            warm, used, begun = memory_mb(server.pid), cpu_seconds(server.pid), time.monotonic()
            pages[0].wait_for_timeout(60_000 * minutes)
            seen = gaps(pages)
            spent, lasted = cpu_seconds(server.pid) - used, time.monotonic() - begun
            end = memory_mb(server.pid)
            browser.close()
    finally:
        server.terminate()
        log = server.communicate(timeout=60)[0]
    errors += [line for line in log.splitlines() if "Error" in line or "Traceback" in line]
    return {
        "readers": readers, "minutes": round(lasted / 60, 1), "errors": errors, "steps seen": len(seen),
        "memory warm, MB": round(warm), "memory at the end, MB": round(end),
        "processor seconds of the server per step": round(spent / max(len(seen), 1), 3),
        "seconds a step by hand, alone": spread(alone),
        "seconds from step to step, all playing (1 is asked)": spread(seen),
    }  # fmt: skip


def spread(values: list[float]) -> dict[str, float]:
    """Median and 95 % quantile."""
    ordered = sorted(values) or [float("nan")]
    return {"median": round(statistics.median(ordered), 3), "p95": round(ordered[int(0.95 * (len(ordered) - 1))], 3)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--readers", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measured(given.readers, given.minutes)
    lines = [json.dumps(found)] if given.json else [f"{name}: {value}" for name, value in found.items()]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
