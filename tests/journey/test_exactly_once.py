"""Whatever happens to a write or to its answer: exactly one of each, without a person."""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from models import states
from models.company import Company, Connection
from models.expense import Document, Request
from tests.journey.conftest import Journey
from tests.journey.hands import in_xero, retry
from workers.outbox import REPLAYS
from workers.posting import Posting
from workers.sweep import care

COMPANY_CARD: dict[str, Any] = {}
PERSONAL = {"classification": "Personal"}
REFUND = {"amount": "-30.00"}

# Every write we make: the endpoint, an expense that needs it, and where its documents stand in Xero.
WRITES = {
    "contact": ("/Contacts", COMPANY_CARD, "contacts"),
    "bill": ("/Invoices", COMPANY_CARD, "invoices"),
    "payment": ("/Payments", COMPANY_CARD, "payments"),
    "credit note": ("/CreditNotes", REFUND, "credit_notes"),
    "refund": ("/Payments", REFUND, "payments"),
    "spend": ("/BankTransactions", PERSONAL, "bank_transactions"),
}
write = pytest.mark.parametrize("write", sorted(WRITES))


def until_settled(journey: Journey, entry_id: int, *, jobs: int = 8) -> None:
    """The worker works and time passes until nothing is due."""
    for _ in range(jobs):
        journey.post()
        if journey.expense(entry_id).due_at is None:
            return
        journey.make_due()


def documents_of(journey: Journey, kind: str, entry_id: int) -> list[dict[str, Any]]:
    """What Xero holds of the expense, the voided and deleted left out."""
    rows = journey.books()[WRITES[kind][2]]
    if kind == "contact":
        return [r for r in rows if r["Name"] == "Ben Chan"]
    names = ("InvoiceNumber", "CreditNoteNumber", "Reference")
    mine = [r for r in rows if any(str(r.get(n) or "").startswith(f"CW-{entry_id}") for n in names)]
    return [r for r in mine if r["Status"] not in ("VOIDED", "DELETED")]


def assert_once(journey: Journey, entry_id: int) -> None:
    expense = journey.expense(entry_id)
    assert expense.state == states.DONE, (expense.state, expense.cause, expense.why)
    for document in journey.documents(entry_id):
        kind = document.kind.replace("_", " ")
        assert len(documents_of(journey, kind, entry_id)) == 1
    names = [contact["Name"] for contact in journey.books()["contacts"]]
    assert len(names) == len(set(names))


def add(journey: Journey, kind: str) -> int:
    [entry_id] = journey.add(WRITES[kind][1], member="bchan" if kind == "contact" else "jdoe")
    return entry_id


def age(journey: Journey, seconds: int) -> None:
    """The requests left the house that long ago, for us and for Xero."""
    with journey.database.write() as session:
        before = journey.database.now(session) - dt.timedelta(seconds=seconds)
        session.execute(update(Request).values(first_sent_at=before))
    journey.control("POST", "/clock", {"advance_seconds": seconds})


@write
def test_an_answer_lost_after_the_act_is_replayed_and_not_doubled(journey: Journey, write: str) -> None:
    entry_id = add(journey, write)
    journey.fault(system="xero", method="PUT", path=WRITES[write][0], kind="lose_answer", times=1)
    journey.post()
    until_settled(journey, entry_id)
    assert_once(journey, entry_id)


@write
def test_after_the_key_has_expired_the_document_is_looked_up_and_adopted(
    journey: Journey, write: str
) -> None:
    entry_id = add(journey, write)
    journey.fault(system="xero", method="PUT", path=WRITES[write][0], kind="lose_answer", times=1)
    journey.post()
    age(journey, 900)
    journey.make_due()
    until_settled(journey, entry_id)
    assert_once(journey, entry_id)
    assert not any(call["replayed"] for call in journey.control("GET", "/calls?system=xero")["calls"])


@write
def test_a_write_that_never_arrived_is_sent_again(journey: Journey, write: str) -> None:
    entry_id = add(journey, write)
    journey.fault(system="xero", method="PUT", path=WRITES[write][0], kind="refuse", times=1)
    journey.post()
    age(journey, 900)
    journey.make_due()
    until_settled(journey, entry_id)
    assert_once(journey, entry_id)


@write
def test_a_5xx_kept_in_the_idempotency_cache_is_looked_up_then_sent_under_a_new_key(
    journey: Journey, write: str
) -> None:
    entry_id = add(journey, write)
    journey.fault(system="xero", method="PUT", path=WRITES[write][0], kind="status", status=500, times=1)
    journey.post()
    journey.make_due()
    until_settled(journey, entry_id)
    assert_once(journey, entry_id)
    with journey.database.read() as session:
        assert max(session.scalars(select(Document.generation))) == 2


@write
@pytest.mark.parametrize(
    "fault", [{"kind": "status_after", "status": 502}, {"kind": "garbage"}], ids=["502", "garbage"]
)
def test_an_answer_that_says_nothing_is_never_counted_as_posted(
    journey: Journey, write: str, fault: dict[str, Any]
) -> None:
    entry_id = add(journey, write)
    journey.fault(system="xero", method="PUT", path=WRITES[write][0], times=1, **fault)
    journey.post()
    assert journey.expense(entry_id).state in (states.UNCERTAIN, states.RETRYING)
    until_settled(journey, entry_id)
    assert_once(journey, entry_id)


def test_an_expense_shows_uncertain_until_its_document_is_found(journey: Journey) -> None:
    entry_id = add(journey, "bill")
    journey.fault(system="xero", method="PUT", path="/Invoices", kind="lose_answer", times=1)
    journey.post()
    expense = journey.expense(entry_id)
    assert (expense.state, expense.next_attempt_at is not None) == (states.UNCERTAIN, True)
    assert [d.state for d in journey.documents(entry_id)] == [states.UNCERTAIN, states.PLANNED]


@pytest.mark.parametrize("path", ["/Invoices", "/Payments"])
def test_a_worker_that_vanished_after_freezing_its_request_is_taken_over(journey: Journey, path: str) -> None:
    entry_id = add(journey, "bill")

    class Vanished(BaseException):
        pass

    work = journey.wiring.work("acme")

    posting = Posting(work)
    inner = work.use_ledger

    def vanish(act: Callable[[Any], Any]) -> Any:
        with journey.database.read() as session:
            sent = session.scalars(select(Request.operation).where(Request.state == "sent")).all()
        if path.strip("/").lower() in sent:
            raise Vanished
        return inner(act)

    posting._outbox._use = vanish  # the process dies here: nothing after this line of it runs
    with pytest.raises(Vanished):
        posting.run()
    journey.make_due()
    until_settled(journey, entry_id)
    assert_once(journey, entry_id)


def test_two_equal_documents_at_the_ledger_stop_for_a_person_and_are_never_sent_again(
    journey: Journey,
) -> None:
    entry_id = add(journey, "bill")
    journey.fault(system="xero", method="PUT", path="/Invoices", kind="lose_answer", times=1)
    journey.post()
    [bill] = documents_of(journey, "bill", entry_id)
    copy_bill(journey, bill)
    age(journey, 900)
    journey.make_due()
    journey.post()
    journey.make_due()
    journey.post()
    assert journey.expense(entry_id).cause == "unclear_at_ledger"
    assert len(documents_of(journey, "bill", entry_id)) == 2


def copy_bill(journey: Journey, bill: dict[str, Any]) -> None:
    """A bookkeeper types the same bill by hand."""
    body = {
        "Type": "ACCPAY",
        "Contact": {"ContactID": bill["Contact"]["ContactID"]},
        "InvoiceNumber": bill["InvoiceNumber"],
        "LineItems": [{"Description": "by hand", "Quantity": 1, "UnitAmount": 120.5, "AccountCode": "420"}],
    }
    token = journey.wiring.work("acme")._tokens.current()  # type: ignore[union-attr]
    journey.http.put(
        f"{journey.url}/api.xro/2.0/Invoices",
        json={"Invoices": [body]},
        headers={
            "Authorization": f"Bearer {token}",
            "xero-tenant-id": "11111111-2222-4333-8444-555555555555",
            "Accept": "application/json",
        },
        timeout=10,
    ).raise_for_status()


@pytest.mark.parametrize("problem", ["minute", "day", "concurrent", "appminute"])
def test_a_429_is_waited_out_as_told_and_changes_no_generation(journey: Journey, problem: str) -> None:
    entry_id = add(journey, "bill")
    told = {"day": 3600, "minute": 22}.get(problem)
    limit: dict[str, Any] = {"problem": problem, "retry_after": told}
    journey.fault(system="xero", method="PUT", path="/Invoices", kind="rate_limit", times=1, **limit)
    journey.post()
    expense = journey.expense(entry_id)
    assert (expense.state, expense.attempts) == (states.RETRYING, 0)
    with journey.database.read() as session:
        company = session.get_one(Company, journey.company_id)
        assert company.wait_until is not None
        if told:
            waits = (company.wait_until - journey.database.now(session)).total_seconds()
            assert told - 5 < waits <= told + 1
        assert set(session.scalars(select(Document.generation))) == {1}


def test_while_told_to_wait_no_job_of_the_company_calls_the_ledger(journey: Journey) -> None:
    add(journey, "bill")
    journey.fault(
        system="xero",
        method="PUT",
        path="/Invoices",
        kind="rate_limit",
        times=1,
        problem="minute",
        retry_after=60,
    )
    journey.post()
    before = sum(journey.calls().values())
    add(journey, "bill")
    journey.post()
    assert sum(journey.calls().values()) == before


def test_an_expired_token_is_refreshed_once_and_the_same_bytes_are_sent_again(journey: Journey) -> None:
    add(journey, "bill")
    journey.post()
    journey.control("POST", "/xero/grants/expire", {})
    entry_id = add(journey, "bill")
    journey.post()
    assert_once(journey, entry_id)


def test_two_workers_that_refresh_at_once_spend_one_refresh_token(journey: Journey) -> None:
    tokens = [journey.wiring.work("acme")._tokens for _ in range(4)]
    got: list[str] = []
    threads = [threading.Thread(target=lambda t=t: got.append(t.refresh(stale=None))) for t in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(got) == 4
    assert len(set(got)) == 1
    calls = journey.control("GET", "/calls?system=identity")
    assert calls["by"].get("POST /connect/token") == 1


def test_a_dead_grant_pauses_the_company_and_nothing_fails(journey: Journey) -> None:
    journey.control("POST", "/xero/grants/revoke", {})
    entry_id = add(journey, "bill")
    journey.post()
    assert journey.expense(entry_id).state == states.QUEUED
    with journey.database.read() as session:
        assert session.get_one(Company, journey.company_id).paused_at is not None
        assert session.scalars(select(Connection)).one().lost_at is not None


def test_a_rotated_token_whose_answer_was_lost_is_refreshed_with_the_old_one(journey: Journey) -> None:
    journey.fault(system="identity", method="POST", path="/connect/token", kind="lose_answer", times=1)
    entry_id = add(journey, "bill")
    journey.post()
    journey.make_due()
    until_settled(journey, entry_id)
    assert_once(journey, entry_id)


def test_retry_pressed_during_an_automatic_retry_is_one_attempt(journey: Journey) -> None:
    from models.actions import retry_expense
    from models.companies import find_company

    entry_id = add(journey, "bill")
    journey.fault(system="xero", method="PUT", path="/Invoices", kind="slow_before", seconds=1.0, times=1)
    worker = threading.Thread(target=journey.post)
    worker.start()
    pressed = 0
    while worker.is_alive():
        with journey.database.write() as session:
            company = find_company(session, "acme")
            now = journey.database.now(session)
            try:
                pressed += retry_expense(session, company, entry_id, actor="bo", now=now)
            except Exception:
                break
        worker.join(0.05)
    worker.join(30)
    until_settled(journey, entry_id)
    assert_once(journey, entry_id)


def test_a_request_that_meets_a_bug_waits_for_a_person_and_stops_nobody_else(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = add(journey, "bill")
    journey.fault(system="xero", method="PUT", path="/Invoices", kind="lose_answer", times=1)
    journey.post()
    journey.make_due()
    free = add(journey, "bill")
    work = journey.wiring.work("acme")
    posting = Posting(work)

    def bug(*_: object, **__: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(posting._outbox, "_replay", bug)
    with pytest.raises(ZeroDivisionError):
        posting.run()
    assert journey.expense(free).state == states.DONE
    assert journey.expense(stuck).state != states.DONE


def test_wrong_credentials_of_the_app_pause_the_company_and_lose_no_grant(journey: Journey) -> None:
    entry_id = add(journey, "bill")
    right = journey.wiring.settings
    journey.wiring.settings = dataclasses.replace(right, xero_client_secret="wrong")
    journey.post()
    assert journey.expense(entry_id).state == states.QUEUED
    journey.wiring.settings = right
    care(journey.wiring.work("acme"), callback_url="http://localhost/callbacks/connectwise/acme?recordId=")
    journey.post()
    assert_once(journey, entry_id)


def test_a_contact_that_cannot_be_looked_up_is_shown_and_taken_up_when_a_person_asks(
    journey: Journey,
) -> None:
    entry_id = add(journey, "contact")
    journey.fault(system="xero", method="PUT", path="/Contacts", kind="lose_answer", times=1)
    journey.post()
    age(journey, 900)
    journey.fault(system="xero", method="GET", path="/Contacts", kind="status", status=400, times=1)
    for _ in range(2):
        journey.make_due()
        journey.post()
    assert journey.expense(entry_id).cause == "unclear_at_ledger"
    retry(journey, entry_id)
    until_settled(journey, entry_id)
    assert_once(journey, entry_id)


def now_of(journey: Journey) -> dt.datetime:
    with journey.database.read() as session:
        return journey.database.now(session)


def open_request(journey: Journey) -> Request:
    with journey.database.read() as session:
        return session.scalars(select(Request).where(Request.state == "uncertain")).one()


def test_the_last_unanswered_replay_is_given_a_minute_before_it_is_looked_for(journey: Journey) -> None:
    entry_id = add(journey, "bill")
    journey.fault(system="xero", method="PUT", path="/Invoices", kind="lose_answer", times=3)
    journey.post()
    while open_request(journey).replays < REPLAYS:  # a slow job replays once more by itself
        journey.make_due()
        before = now_of(journey)
        journey.post()
    due_at = open_request(journey).due_at
    assert due_at is not None
    assert due_at - before >= dt.timedelta(minutes=1)
    until_settled(journey, entry_id)
    assert_once(journey, entry_id)


@pytest.mark.one_database
def test_an_equal_bill_of_another_supplier_is_never_taken_for_ours(journey: Journey) -> None:
    entry_id = add(journey, "bill")
    journey.fault(system="xero", method="PUT", path="/Invoices", kind="refuse", times=1)
    journey.post()
    line = {"Description": "theirs", "Quantity": 1, "UnitAmount": 120.5, "AccountCode": "420"}
    day = {"Date": "2026-08-21", "DueDate": "2026-08-21"}
    theirs: dict[str, Any] = {"Type": "ACCPAY", "InvoiceNumber": f"CW-{entry_id}", "Status": "AUTHORISED"}
    theirs |= day | {"Contact": {"Name": "Stranger Ltd"}, "LineAmountTypes": "Inclusive", "LineItems": [line]}
    in_xero(journey, "PUT", "/Invoices", {"Invoices": [theirs]})
    age(journey, 900)
    for _ in range(3):
        journey.make_due()
        journey.post()
    assert journey.expense(entry_id).cause == "unclear_at_ledger"
    assert documents_of(journey, "payment", entry_id) == []
