"""`bin/screenshots`: the demo's month is entered and approved, then the console is photographed."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright
from rich.console import Console

from bin.demo_month.month import expenses
from bin.demo_month.opening import ADMIN, PASSWORD, make_service, start
from bin.demo_month.story import Month, NotAsExpected
from settings import ROOT
from tests.pages.browsing import DESK, PHONE, launch

EXPENSES = 60
ACME = "/companies/acme"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One file: where to look, in which size, and what to do there before."""

    name: str
    path: str
    size: dict[str, int]
    prepare: Callable[[Page], None] = lambda _: None


def main() -> int:
    """Exit status: 0 when every picture is taken, 1 when the month did not go as it must."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "docs" / "pictures")
    folder.mkdir(parents=True, exist_ok=True)
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory() as place, make_service(Path(place)) as service:
        xero, qbo = start(service, expenses(EXPENSES))
        found = Month(console, service, xero, qbo).post()
        if found:
            console.print(str(NotAsExpected(found)), markup=False)
            return 1
        done = next(number for number, seen in xero.relay.expenses().items() if is_paid(seen))
        with sync_playwright() as playwright, launch(playwright) as browser:
            for picture in pictures(done):
                take(browser, service.environ["PUBLIC_URL"], picture, folder)
                console.print(f"{folder / picture.name}.png")
    return 0


def is_paid(seen: dict[str, object]) -> bool:
    """Whether the expense is the everyday one: a bill, paid from the card."""
    kinds = [document["kind"] for document in seen["documents"]]  # type: ignore[attr-defined]
    return seen["state"] == "done" and kinds == ["bill", "payment"]


def pictures(done: int) -> list[Picture]:
    """What the README shows; `done` is an expense whose bill is paid."""
    return [
        Picture(name="overview", path=ACME, size=DESK),
        Picture(name="queue", path=f"{ACME}/queue", size=DESK),
        Picture(name="expense", path=f"{ACME}/expenses/{done}", size=DESK),
        Picture(
            name="expense-connect",
            path=f"{ACME}/expense-connect",
            size=DESK | {"height": 1560},  # the rules and what one of them makes
            prepare=show_a_rules_effect,
        ),
        Picture(name="mapping", path=f"{ACME}/mapping", size=DESK),
        Picture(name="queue-phone", path=f"{ACME}/queue?state=needs_attention", size=PHONE),
    ]


def show_a_rules_effect(page: Page) -> None:
    page.get_by_label("Preview rule 1").click()
    expect(page.get_by_role("heading", name="What rule 1 makes")).to_be_visible()
    page.mouse.move(0, 0)  # a button below it looks different


def take(browser: Browser, address: str, picture: Picture, folder: Path) -> None:
    """One picture by a browser of its own, so that none depends on the one before."""
    with browser.new_context(base_url=address, viewport=picture.size, color_scheme="light") as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.goto("/login")
        page.get_by_label("E-mail address").fill(ADMIN)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/")
        page.goto(picture.path)
        picture.prepare(page)
        page.screenshot(path=folder / f"{picture.name}.png", caret="hide", animations="disabled")


if __name__ == "__main__":
    sys.exit(main())
