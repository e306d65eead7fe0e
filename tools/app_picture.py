"""Draw the picture of the app that its page of documentation shows: `python -m tools.app_picture`."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from pathlib import Path

from benchmarks.app import wait_for_server

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "app.png"

QUERY = "?seed=7&replicate=30&step=40"


def main() -> None:
    """Start the app, open a history at its end, and save what a reader sees first."""
    from playwright.sync_api import sync_playwright

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "sim", "app", "--no-browser", "--port", str(port)])  # noqa: S603
    try:
        wait_for_server(port)
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 1100})
            page.goto(f"http://127.0.0.1:{port}/{QUERY}")
            page.wait_for_selector("h2:has-text('Take it with you')", timeout=600_000)
            page.wait_for_timeout(2000)
            page.screenshot(path=PICTURE)
            browser.close()
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
