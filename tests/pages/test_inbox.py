"""The raw inbox: callbacks as they came, one read in full, and taken in again."""

from __future__ import annotations

from playwright.sync_api import Page
from sqlalchemy import select

from console.pages.inbox import readable
from models.company import Company, Event
from models.database import Database
from models.expense import Expense, History
from models.inbox import Message, store_messages
from tests.pages.conftest import People
from tests.pages.looks import look_at

INBOX = "/companies/acme/inbox"


def store(database: Database, company: Company, count: int = 1, body: bytes = b'{"ID": 1}') -> None:
    """Callbacks about the entries 1 to `count`, and one that is about none."""
    told = {"company_id": company.id, "body": body, "type": "expense"}
    messages = [
        Message(message_id=f"m{number}", status="queued", action="updated", entry_id=number, **told)  # type: ignore[arg-type]
        for number in range(1, count + 1)
    ]
    messages.append(Message(company_id=company.id, message_id="other", status="ignored", body=b"\xff{"))
    with database.write() as session:
        store_messages(session, messages)


def number_of(database: Database, message_id: str) -> int:
    with database.read() as session:
        return session.scalars(select(Event.id).where(Event.message_id == message_id)).one()


def test_callbacks_are_shown_by_page_and_by_entry(person: People, acme: Company, database: Database) -> None:
    store(database, acme, 4)
    viewer = person("viewer")
    first = viewer.get(f"{INBOX}?limit=3").text
    older = first.partition('class="pager"')[2].partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    assert first.count("<code>") == 3 and viewer.get(f"{older}&limit=3").text.count("<code>") == 2
    about_two = viewer.get(f"{INBOX}?entry_id=2").text
    assert about_two.count("<code>") == 1 and "m2" in about_two
    assert "No callback about this entry" in viewer.get(f"{INBOX}?entry_id=99").text
    assert viewer.get(f"{INBOX}?entry_id=x").status_code == 400


def test_a_body_is_shown_escaped_whatever_it_is(person: People, acme: Company, database: Database) -> None:
    store(database, acme, body=b'{"Note": "<script>alert(1)</script>"}')
    page = person("viewer").get(f"{INBOX}/{number_of(database, 'm1')}").text
    assert "&lt;script&gt;alert(1)" in page and "<script>alert" not in page and "Replay</button>" not in page
    assert readable(b"\xff{") == "�{"
    assert readable(b"[" * 200_000).startswith("[[[")


def test_an_operator_replays_one(person: People, acme: Company, database: Database) -> None:
    store(database, acme)
    operator = person("operator")
    answer = operator.post(f"{INBOX}/{number_of(database, 'm1')}/replay", follow_redirects=True)
    assert "taken in again" in answer.text
    with database.read() as session:
        assert session.scalars(select(Expense.signals)).one() == 2
        assert session.scalars(select(History.actor).where(History.what == "replay")).one() == operator.email
    answer = operator.post(f"{INBOX}/{number_of(database, 'other')}/replay", follow_redirects=True)
    assert "not about an expense" in answer.text


def test_another_companys_callback_is_not_there(
    person: People, acme: Company, beta: Company, database: Database
) -> None:
    store(database, beta)
    somebody = person("admin", ["acme"])
    path = f"{INBOX}/{number_of(database, 'm1')}"
    assert [somebody.get(path).status_code, somebody.post(f"{path}/replay").status_code] == [404, 404]


def test_the_inbox_looks_well(page: Page, acme: Company, database: Database) -> None:
    page.goto(INBOX)
    look_at(page, "inbox-empty")
    store(database, acme, 3)
    page.reload()
    look_at(page, "inbox")
    page.goto(f"{INBOX}/{number_of(database, 'm1')}")
    look_at(page, "event")
