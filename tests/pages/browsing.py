"""The browser that tests and pictures drive, and the two sizes in which a page is looked at."""

from __future__ import annotations

import shutil

from playwright.sync_api import Browser, Playwright

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


def launch(playwright: Playwright) -> Browser:
    """A browser without a window."""
    program = next(filter(None, map(shutil.which, CHROMIUM)), None)
    assert program, f"No browser was found ({', '.join(CHROMIUM)}): apt-get install chromium"
    return playwright.chromium.launch(executable_path=program, args=QUIET)
