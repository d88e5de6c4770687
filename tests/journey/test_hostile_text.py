"""SQL, templates, formulas and markup in what ConnectWise says stay the text they are, on their way to the
ledger and back."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import func, select

from app import create_app
from models import states
from models.api_tokens import add_token
from models.company import Company
from models.expense import Document, Expense
from tests.journey.conftest import Journey
from tests.journey.test_qbo import REALM, qbo

__all__ = ["qbo"]
pytestmark = [pytest.mark.one_database, pytest.mark.usefixtures("settings")]

HOSTILE = (
    "'; DROP TABLE expense; --",
    '" OR Name != "',
    "' OR DisplayName != '",
    "{{7*7}} ${7*7} %(x)s {0} %s",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script> &amp; ]]>",
    "../../etc/passwd",
    "\\' \\\" \\u0000 \\x00",
)


def name_member(journey: Journey, text: str) -> None:
    """A new member whose last name is this text."""
    row = {"identifier": "mallory", "first_name": "Mal", "last_name": text}
    journey.control("POST", f"/connectwise/{journey.site}", {"members": [row]})


def bills(journey: Journey, entry_id: int) -> list[tuple[str, str]]:
    """Whom each bill of this expense owes, and what its line says."""
    if journey.site == "acme_f":
        rows = [b for b in journey.books()["invoices"] if b["InvoiceNumber"] == f"CW-{entry_id}"]
        return [(b["Contact"]["Name"], b["LineItems"][0]["Description"]) for b in rows]
    state: Any = journey.control("GET", f"/qbo/{REALM}/state")
    rows = [b for b in state["bills"] if b["DocNumber"] == f"CW-{entry_id}"]
    return [(b["VendorRef"]["name"], b["Line"][0]["Description"]) for b in rows]


def told(journey: Journey, entry_id: int) -> dict[str, Any]:
    """The API's preview of this expense."""
    with journey.database.write() as session:
        token = add_token(session, f"reader {entry_id}", role="viewer", now=journey.database.now(session))
    client = create_app(journey.wiring.settings).test_client()
    path = f"/api/v1/companies/acme/expenses/{entry_id}/preview"
    answer = client.get(path, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})


@pytest.mark.parametrize("ledger", ["journey", "qbo"])
def test_hostile_text_of_an_entry_reaches_the_ledger_as_text(
    request: pytest.FixtureRequest, ledger: str
) -> None:
    journey: Journey = request.getfixturevalue(ledger)
    ids = journey.add(*({"notes": text} for text in HOSTILE))
    journey.post()
    for entry_id, text in zip(ids, HOSTILE, strict=True):
        assert journey.expense(entry_id).state == states.DONE, journey.expense(entry_id).why
        [(_, line)] = bills(journey, entry_id)
        assert text in line
    with journey.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Expense)) == len(HOSTILE)
        assert session.scalar(select(func.count()).select_from(Company)) == 1
    assert HOSTILE[0] in told(journey, ids[0])["documents"][0]["lines"][0]["description"]


@pytest.mark.parametrize("ledger", ["journey", "qbo"])
@pytest.mark.parametrize("text", HOSTILE[:3])
def test_a_hostile_name_finds_no_contact_but_its_own(
    request: pytest.FixtureRequest, ledger: str, text: str
) -> None:
    journey: Journey = request.getfixturevalue(ledger)
    name_member(journey, text)
    [first] = journey.add({}, member="mallory")
    journey.post()
    [second] = journey.add({"amount": "7.00"}, member="mallory")
    journey.post()
    for entry_id in (first, second):
        assert journey.expense(entry_id).state == states.DONE, journey.expense(entry_id).why
        [(payee, _)] = bills(journey, entry_id)
        assert payee == f"Mal {text}"
    with journey.database.read() as session:
        made = session.scalar(select(func.count()).select_from(Document).where(Document.kind == "contact"))
    assert made == 1
