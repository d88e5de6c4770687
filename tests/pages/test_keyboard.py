"""Without a mouse: every stop is seen, all work is done by keys, and what is live takes nothing away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from models import states
from models.company import Company
from models.database import Database
from models.expense import Expense
from tests.pages.browsing import DESK
from tests.pages.conftest import PASSWORD, PATIENCE
from tests.pages.reached import app, live, sandbox_url
from tests.pages.test_grid import rules
from tests.pages.test_mapping import settings_of
from tests.pages.test_queue import state_of

__all__ = ["app", "live", "sandbox_url"]
pytestmark = pytest.mark.one_database

MOST_STOPS = 120
HERE = "/companies/acme"
SEEN = """() => {
  const element = document.activeElement, style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const label = element.labels?.[0]?.innerText ?? element.getAttribute("aria-label");
  return {
    tag: element.tagName,
    name: (label ?? element.innerText).replace(/\\s+/g, " ").trim(),
    ring: style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth),
    inSight: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < innerHeight && box.left >= 0,
  };
}"""


@dataclass
class Typist:
    """Somebody with a keyboard and no mouse."""

    page: Page

    def here(self) -> dict[str, Any]:
        """Where the keyboard is."""
        found: dict[str, Any] = self.page.evaluate(SEEN)
        return found

    def press(self, key: str, times: int = 1) -> None:
        for _ in range(times):
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def tab(self) -> str:
        """To the next stop, which must be seen to be it; its name. Empty where the page ends."""
        self.press("Tab")
        stop = self.here()
        if stop["tag"] == "BODY":
            return ""
        assert stop["inSight"] and stop["ring"] >= 2, f"the keyboard is not seen on {stop}"
        return str(stop["name"])

    def walk(self) -> list[str]:
        """Every stop from here to the end of the page."""
        stops: list[str] = []
        while (name := self.tab()) and len(stops) < MOST_STOPS:
            stops.append(name)
        return stops

    def reach(self, name: str) -> None:
        """Tab by tab to the next stop of this name, or one that begins so."""
        passed: list[str] = []
        while len(passed) < MOST_STOPS and (stop := self.tab()):
            if stop.startswith(name):
                return
            passed.append(stop)
        raise AssertionError(f"{name} is not among {passed}")

    def open(self, name: str) -> None:
        """Reaches what opens something on the page, and opens it."""
        self.reach(name)
        self.press("Enter")

    def go(self, name: str) -> None:
        """Reaches a link or button that leads to another page, and is there."""
        self.reach(name)
        with self.page.expect_navigation():
            self.press("Enter")


@pytest.fixture
def acme(live: Company) -> Company:
    """The company whose expenses the tests add."""
    return live


@pytest.fixture
def typist(browser: Browser, address: str, add_person: Callable[..., str]) -> Iterator[Typist]:
    """An admin before the login."""
    add_person("admin", email="ada@example.com")
    with browser.new_context(base_url=address, viewport=DESK) as context:  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.clock.install()
        page.goto("/login")
        yield Typist(page)


def log_in(typist: Typist) -> None:
    assert typist.here()["name"] == "E-mail address"
    typist.type("ada@example.com")
    typist.press("Tab")
    typist.type(PASSWORD)
    typist.press("Enter")
    typist.page.wait_for_url("**/")


@pytest.fixture
def stuck(add_expense: Callable[..., Expense]) -> None:
    """Two expenses of one cause, one of another."""
    for number in (1, 2):
        add_expense(number, cause="expense_type_unmapped", to_do="Map Taxi to an account.")
    add_expense(3, cause="account_unknown", to_do="Name another account.")


def change(database: Database, entry_id: int, **values: Any) -> None:
    with database.write() as session:
        now = {"updated_at": database.now(session)}
        session.execute(update(Expense).where(Expense.entry_id == entry_id).values(**values, **now))


def renew(page: Page) -> None:
    """The live piece asks again now, and is answered."""
    with page.expect_response(lambda answer: "version=" in answer.url):
        page.clock.fast_forward(10_000)


def test_the_skip_link_leads_past_the_menus(typist: Typist, stuck: None) -> None:
    log_in(typist)
    assert typist.tab() == "Skip to the content"
    typist.press("Enter")
    assert typist.here()["tag"] == "MAIN"
    assert typist.tab() == "Add a company"


def test_a_cause_is_retried_and_an_expense_ignored(typist: Typist, stuck: None, database: Database) -> None:
    log_in(typist)
    typist.go("Acme MSP")
    typist.go("Queue")
    typist.open("Skip")
    assert [typist.tab() for _ in range(3)] == ["Download as CSV", "Search", "State"]
    typist.type("Needs")
    typist.go("Show")
    assert typist.page.url.endswith("state=needs_attention")
    typist.go("Show all")
    typist.go("Retry all 2")
    expect(typist.page.get_by_text("2 expenses are being tried again.")).to_be_visible()
    assert state_of(database, 1) == state_of(database, 2) == states.QUEUED
    typist.go("3")
    typist.open("Ignore …")
    typist.reach("Why is it ignored?")
    typist.type("paid in cash")
    typist.go("Ignore this expense")
    expect(typist.page.get_by_text("It is ignored from now on.")).to_be_visible()
    assert state_of(database, 3) == states.IGNORED


def test_a_rule_is_added_and_a_type_is_mapped(typist: Typist, live: Company, database: Database) -> None:
    log_in(typist)
    typist.page.goto(f"{HERE}/expense-connect")
    typist.reach("Company payment type")
    typist.type("Company Visa")
    typist.reach("Action")
    typist.press("ArrowDown", 3)
    expect(typist.page.get_by_label("Account that paid")).to_have_count(0)
    typist.press("ArrowUp", 3)
    expect(typist.page.get_by_label("Account that paid")).to_be_visible()
    assert typist.here()["name"] == "Action"
    assert typist.tab() == "Account that paid"
    typist.type("Amex")
    typist.go("Save")
    expect(typist.page.get_by_text("Saved.")).to_be_visible()
    assert (rules(database)[1].payment_type, rules(database)[1].account) == (
        "Company Visa Debit",
        "Amex 1001",
    )
    typist.go("Mapping")
    typist.reach("Account of Software")
    typist.type("485")
    typist.go("Save Software")
    expect(typist.page.get_by_text("Saved.")).to_be_visible()
    assert settings_of(database).expense_types[-1].account == "485"


@pytest.mark.parametrize(
    "path",
    ["", "/queue", "/expenses/1", "/expense-connect", "/mapping", "/settings", "/connections", "/setup"],
)
def test_no_page_holds_the_keyboard(typist: Typist, stuck: None, path: str) -> None:
    log_in(typist)
    typist.page.goto(f"{HERE}{path}")
    stops = typist.walk()
    assert stops[0] == "Skip to the content" and 8 < len(stops) < MOST_STOPS


def test_a_renewal_leaves_the_keyboard_where_it_is(typist: Typist, stuck: None, database: Database) -> None:
    log_in(typist)
    typist.page.goto(f"{HERE}/queue")
    for name in ("Retry all 2", "2", "Retry what is ticked"):
        typist.reach(name)
        change(database, 3, why=f"seen on {name}", cause=None)
        renew(typist.page)
        expect(typist.page.get_by_text(f"seen on {name}")).to_be_visible()
        assert typist.here()["name"].startswith(name)


def test_when_what_had_the_keyboard_is_gone_it_goes_on_from_there(
    typist: Typist, stuck: None, database: Database
) -> None:
    log_in(typist)
    typist.page.goto(f"{HERE}/queue")
    typist.reach("Retry this one")
    change(database, 3, state=states.DONE, cause=None)
    renew(typist.page)
    expect(typist.page.get_by_text("Account unknown")).to_have_count(0)
    assert typist.tab() == "All"


def test_what_is_being_typed_is_not_taken_away(typist: Typist, stuck: None, database: Database) -> None:
    log_in(typist)
    typist.page.goto(f"{HERE}/expenses/3")
    typist.open("Ignore …")
    typist.reach("Why is it ignored?")
    typist.type("paid in")
    change(database, 3, why="Changed meanwhile.")
    for _ in range(2):  # it asks a second time when it is through with the first answer
        renew(typist.page)
    typist.type(" cash")
    expect(typist.page.get_by_label("Why is it ignored?")).to_have_value("paid in cash")
    typist.press("Escape")
    renew(typist.page)
    expect(typist.page.get_by_text("Changed meanwhile.")).to_be_visible()
    assert typist.here()["name"] == "Ignore …"


def test_what_stands_open_stays_open(
    typist: Typist, add_expense: Callable[..., Expense], database: Database
) -> None:
    add_expense(1, entry='{"id": 1, "notes": "Taxi to the client"}')
    log_in(typist)
    typist.page.goto(f"{HERE}/expenses/1")
    typist.open("The entry")
    change(database, 1, why="Changed meanwhile.")
    renew(typist.page)
    expect(typist.page.get_by_text("Changed meanwhile.")).to_be_visible()
    expect(typist.page.get_by_text("Taxi to the client")).to_be_visible()
