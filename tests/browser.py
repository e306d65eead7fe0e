"""Chromium for the tests of pages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "google-chrome", "chromium-browser")
NEEDED = "BLOCS_NEEDS_BROWSER"
MISSING = "no browser: apt-get install chromium"
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


def executable(own: str) -> str:
    """Return the path of Chromium on PATH, else of Playwright's `own`.

    Skip the test if neither exists, or fail it if BLOCS_NEEDS_BROWSER is 1.
    """
    found = next(filter(None, map(shutil.which, NAMES)), own)
    if not Path(found).is_file():
        if os.environ.get(NEEDED) == "1":
            pytest.fail(f"{MISSING} ({NEEDED} is 1)", pytrace=False)
        pytest.skip(MISSING)
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Start Chromium, which reaches this machine only."""
    from playwright.sync_api import sync_playwright  # other tests run without Playwright

    with sync_playwright() as driver:
        path = executable(driver.chromium.executable_path)
        opened = driver.chromium.launch(executable_path=path, args=["--no-sandbox", OFFLINE])
        yield opened
        opened.close()
