"""Measure the first commands of an installation, and the first page of the app, with an empty cache of machine code.

`python -m benchmarks.first` prints these rows of the table in docs/performance.md.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.app import LAST, STATUS, cpu_seconds, wait_for_server
from benchmarks.earlier import FIRST_RUN, first_seconds
from benchmarks.rows import table_rows

BUILD = Path(__file__).parents[1]

ROUNDS = 5

COMMANDS = {
    "help": ("--help",),
    "list": ("list",),
    "check": ("check", "no_sanctions"),
    "show": ("show", "baseline_2023"),
    "run": FIRST_RUN,
    "explain": ("explain", "baseline_2023", "IRN", "--step", "30"),
}


def measure_commands() -> dict[str, float]:
    """Measure CPU seconds: the least of some rounds of each command, and one demonstration."""
    figures = {
        f"{name}_seconds": min(first_seconds(BUILD, *words) for _ in range(ROUNDS)) for name, words in COMMANDS.items()
    }
    with tempfile.TemporaryDirectory() as folder:
        return figures | {"demo_seconds": first_seconds(BUILD, "demo", "--out", f"{folder}/demo")}


def measure_app() -> dict[str, float]:
    """Measure seconds until the app shows its first run: from its start, and from opening the page; and its CPU."""
    from playwright.sync_api import sync_playwright

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "sim", "app", "--no-browser", "--port", str(port)]
    with tempfile.TemporaryDirectory() as empty, sync_playwright() as driver:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        page = driver.chromium.launch(executable_path=path, args=["--no-sandbox"]).new_page()
        env = {**os.environ, "NUMBA_CACHE_DIR": empty}
        start = time.monotonic()
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=BUILD, env=env)
        try:
            wait_for_server(port)
            opened = time.monotonic()
            page.goto(f"http://127.0.0.1:{port}")
            page.wait_for_selector(f"{STATUS}:has-text('Step 0 of {LAST}')", timeout=300_000)
            shown, used = time.monotonic(), cpu_seconds(server.pid)
        finally:
            server.terminate()
            server.wait(timeout=60)
    return {"app_seconds": shown - start, "page_seconds": shown - opened, "server_seconds": used}


def main() -> None:
    """Measure and print."""
    for row in table_rows(measure_commands() | measure_app()):
        print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
