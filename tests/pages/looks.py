"""What every page must pass: axe finds nothing, and on a phone nothing sticks out sideways."""

from __future__ import annotations

import os
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.pages.browsing import DESK, PHONE

PICTURES = os.environ.get("PICTURES")  # a folder: developers look at what was seen


def look_at(page: Page, name: str) -> None:
    """Checks the page as it is now, at a desk and on a phone; leaves it at the desk's size."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    _picture(page, f"{name}-desk")
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE["width"], f"{name} is {wide} px wide on a phone"
    _picture(page, f"{name}-phone")
    page.set_viewport_size(DESK)  # type: ignore[arg-type]


def _picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES, f"{name}.png")), full_page=True)
