"""Chromium for the tests that look at pages."""

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
    """Path of Chromium on PATH, else of Playwright's `own`.

    Where neither exists the test is skipped, or fails if BLOCS_NEEDS_BROWSER is 1.
    """
    found = next(filter(None, map(shutil.which, NAMES)), own)
    if not Path(found).is_file():
        if os.environ.get(NEEDED) == "1":
            pytest.fail(f"{MISSING} ({NEEDED} is 1)", pytrace=False)
        pytest.skip(MISSING)
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium that reaches this machine only."""
    from playwright.sync_api import sync_playwright  # the tests that need no browser run without it

    with sync_playwright() as driver:
        path = executable(driver.chromium.executable_path)
        opened = driver.chromium.launch(executable_path=path, args=["--no-sandbox", OFFLINE])
        yield opened
        opened.close()
