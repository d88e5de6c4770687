"""Names in the books that look like SQL, formulas, markup or commands to a terminal: found, posted to, and
told as the text they are."""

from __future__ import annotations

import pytest

from models import states
from tests.journey.conftest import Journey
from tests.journey.hands import ending, set_books, set_rows
from tests.journey.test_connection import URL
from tests.journey.test_hostile_text import HOSTILE
from workers.readiness import check_readiness

NAMES = (" ".join(HOSTILE[:1] + HOSTILE[3:6]), "\u202egnp.exe \u2400", "a\x1b[2J\x07b", "a\x00b")


def asked(name: str) -> str:
    """How the company file speaks of the account: by its code where it takes no such name."""
    return name if name.isprintable() else "420"


def call_the_account(journey: Journey, name: str, *, status: str) -> None:
    set_books(journey, accounts=[{"code": "420", "name": name, "status": status}])
    set_rows(journey, "expense_types", {"name": "Meals", "account": asked(name), "tax": "INPUT"})
    journey.wiring.work("acme").books(fresh=True)


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names_in_the_books_are_found_and_told_as_text(journey: Journey, name: str) -> None:
    call_the_account(journey, name, status="ACTIVE")
    [good] = journey.add({})
    journey.post()
    assert journey.expense(good).state == states.DONE, journey.expense(good).why
    [bill] = journey.books()["invoices"]
    assert bill["LineItems"][0]["AccountCode"] == "420"
    call_the_account(journey, name, status="ARCHIVED")
    [bad] = journey.add({"amount": "7.00"})
    journey.post()
    assert ending(journey, bad) == ("needs_attention", "account_archived")
    assert asked(name) in (journey.expense(bad).why or "")
    found = check_readiness(journey.wiring.work("acme"), callback_url=URL, redis=journey.wiring.redis)
    [archived] = [finding for finding in found if finding.cause == "account_archived"]
    assert asked(name) in archived.text
