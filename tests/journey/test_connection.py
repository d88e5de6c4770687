"""A connection that is lost pauses its companies and nothing fails; one that comes back lets all go, once."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pytest
from sqlalchemy import select, update

from console.company_import import import_company
from console.shapes import company_shape, expense_shape
from errors import GrantLost, Paused
from models import states
from models.company import Company, Connection, Reference
from models.expense import Expense
from tests.journey.conftest import COMPANY_FILE, TENANT, Journey
from tests.journey.hands import SITE, all_of
from tests.journey.test_batch import BETA, add_beta, enter_in_beta, states_of
from tests.webhooks.conftest import on_the_wire
from workers.posting import Posting
from workers.readiness import check_readiness
from workers.sweep import care
from workers.tokens import Tokens

URL = "http://localhost:8000/callbacks/connectwise/acme?recordId="


def share_a_grant(journey: Journey) -> int:
    """A second company under the consent of the first; its id."""
    beta = add_beta(journey)
    tokens = journey.control("POST", "/xero/grants", {"tenants": [TENANT, BETA]})
    with journey.database.write() as session:
        acme = session.get_one(Company, journey.company_id)
        assert acme.connection is not None
        acme.connection.refresh_token = journey.wiring.sealer.seal(tokens["refresh_token"])
        session.get_one(Company, beta).connection = acme.connection
    return beta


def post_both(journey: Journey) -> None:
    for key in ("acme", "beta"):
        Posting(journey.wiring.work(key)).run()


def import_token(journey: Journey, refresh_token: str) -> None:
    """Imports the first company's file with a new refresh token in it."""
    token = f'refresh_token = "{refresh_token}"\n\n[expenses]'
    file = COMPANY_FILE.replace("{url}", journey.url).replace("[expenses]", token)
    sealer = journey.wiring.sealer
    import_company(journey.database, sealer, file, environ={}, actor="bo", http_allowed=True)


def paused(journey: Journey) -> set[str]:
    with journey.database.read() as session:
        return set(session.scalars(select(Company.key).where(Company.paused_at.is_not(None))))


def connection(journey: Journey) -> Connection:
    with journey.database.read() as session:
        found = session.get_one(Company, journey.company_id).connection
        assert found is not None
        return found


def test_a_lost_consent_pauses_all_its_companies_and_a_new_one_lets_everything_go_once(
    journey: Journey,
) -> None:
    beta = share_a_grant(journey)
    [before] = journey.add({})
    enter_in_beta(journey, beta)
    journey.control("POST", "/xero/grants/revoke", {})
    Posting(journey.wiring.work("acme")).run()
    assert paused(journey) == {"acme", "beta"}
    [meanwhile] = journey.add({"amount": "7.00"})  # callbacks still come
    post_both(journey)
    assert journey.expense(meanwhile).state == states.QUEUED
    assert states_of(journey, before) == {"acme": "queued", "beta": "queued"}

    new = journey.control("POST", "/xero/grants", {"tenants": [TENANT, BETA]})["refresh_token"]
    import_token(journey, new)
    assert paused(journey) == set()
    post_both(journey)
    journey.assert_posted_once(meanwhile)
    assert states_of(journey, before) == {"acme": "done", "beta": "done"}


def deliver(journey: Journey, number: int) -> list[int]:
    """Approves so many new entries; ConnectWise calls our endpoint back, well signed. Their ids."""
    with on_the_wire(journey.wiring.settings) as web:
        url = f"{web}/callbacks/connectwise/acme?recordId="
        journey.wiring.work("acme").connectwise.register_callback(url, "tests")
        entry = {"type": "Meals", "payment_type": "Corporate Amex", "amount": "7.00", "date": "2026-08-21"}
        entries = [entry | {"classification": "Non-Reimbursable", "currency": "AUD"}] * number
        reports = [{"member": "jdoe", "entries": entries}]
        journey.control("POST", f"{SITE}/expenses", {"reports": reports, "submit": True, "silent": True})
        journey.control("POST", f"{SITE}/approve", {"all": True})
        journey.control("POST", f"{SITE}/wait", {"timeout_seconds": 30})
    tries = journey.control("GET", f"{SITE}/deliveries")["deliveries"]
    assert {one["status"] for one in tries} == {202}
    return [one["entry_id"] for one in tries]


def test_callbacks_of_a_paused_company_are_taken_and_posted_once_it_goes_on(journey: Journey) -> None:
    journey.control("POST", "/xero/grants/revoke", {})
    [before] = journey.add({})
    journey.post()
    called = deliver(journey, 3)
    assert len(called) == 3
    journey.post()
    assert paused(journey) == {"acme"}
    assert all_of(journey, called) == {states.QUEUED}
    import_token(journey, journey.control("POST", "/xero/grants", {"tenants": [TENANT]})["refresh_token"])
    journey.post()
    journey.assert_posted_once(before, *called)


@pytest.mark.one_database
def test_books_that_were_disconnected_pause_their_company_and_not_the_one_beside_it(journey: Journey) -> None:
    beta = share_a_grant(journey)
    token = journey.wiring.work("acme")._tokens.current()  # type: ignore[union-attr]
    headers = {"Authorization": f"Bearer {token}"}
    rows = journey.http.get(f"{journey.url}/connections", headers=headers, timeout=10).json()
    [gone] = [row["id"] for row in rows if row["tenantId"] == TENANT]
    journey.http.delete(f"{journey.url}/connections/{gone}", headers=headers, timeout=10).raise_for_status()
    [entry_id] = journey.add({})
    enter_in_beta(journey, beta)
    post_both(journey)
    assert states_of(journey, entry_id) == {"acme": "queued", "beta": "done"}
    assert paused(journey) == {"acme"}
    assert connection(journey).lost_at is None


@pytest.mark.one_database
def test_a_right_given_back_ends_the_pause_by_itself(journey: Journey) -> None:
    journey.fault(system="xero", kind="status", status=403, times=1)
    [entry_id] = journey.add({})
    journey.post()
    assert paused(journey) == {"acme"}
    care(journey.wiring.work("acme"), callback_url=URL)
    assert paused(journey) == set()
    journey.post()
    journey.assert_posted_once(entry_id)


def test_the_end_of_the_connection_is_kept_and_told_in_time(journey: Journey) -> None:
    journey.add({})
    journey.post()
    ends = connection(journey).refresh_ends_at
    with journey.database.write() as session:
        now = journey.database.now(session)
        assert ends is not None and dt.timedelta(days=59) < ends - now <= dt.timedelta(days=60)
        told = company_shape(session.get_one(Company, journey.company_id))
        session.execute(update(Connection).values(refresh_ends_at=now + dt.timedelta(days=13, hours=1)))
    assert told["connection_ends_at"].startswith(f"{ends:%Y-%m-%d}")
    assert told["token_ends_at"] is not None
    wiring = journey.wiring
    found = check_readiness(wiring.work("acme"), callback_url=URL, redis=wiring.redis)
    [ending] = [finding for finding in found if finding.cause == "connection_ends"]
    assert "13 days" in ending.text


def test_an_idle_companys_consent_is_used_long_before_it_ends(journey: Journey) -> None:
    care(journey.wiring.work("acme"), callback_url=URL)
    first = connection(journey).refreshed_at
    journey.control("POST", "/xero/grants/expire", {})
    hour_ago = dt.timedelta(hours=1, minutes=1)
    with journey.database.write() as session:
        now = journey.database.now(session)
        session.execute(update(Reference).values(fetched_at=now - hour_ago))
    care(journey.wiring.work("acme"), callback_url=URL)
    assert first is not None
    assert (connection(journey).refreshed_at or first) > first


@dataclass
class Given:
    """New tokens as a token endpoint gives them."""

    access_token: str
    refresh_token: str
    expires_in: int = 1_800
    refresh_ends_in: int = 5_184_000
    subject: str = ""


def test_a_refresh_that_was_held_up_heals_what_another_worker_took_for_lost(journey: Journey) -> None:
    """The machine stood still with the new tokens in its hands; the old one is used up meanwhile."""
    wiring, connection_id = journey.wiring, connection(journey).id

    def refused(_token: str) -> Given:
        raise GrantLost("the refresh token is used up")

    def held_up(_token: str) -> Given:
        with journey.database.write() as session:
            session.execute(update(Connection).values(refreshing_until=journey.database.now(session)))
        other = Tokens(wiring.database, wiring.sealer, connection_id=connection_id, exchange=refused)
        with pytest.raises(Paused):
            other.refresh(stale=None)
        assert connection(journey).lost_at is not None
        return Given("new access", "new refresh")

    slow = Tokens(wiring.database, wiring.sealer, connection_id=connection_id, exchange=held_up)
    assert slow.refresh(stale=None) == "new access"
    kept = connection(journey)
    assert kept.lost_at is None
    assert wiring.sealer.open(kept.refresh_token) == "new refresh"


def test_a_refresh_that_was_held_up_does_not_overwrite_a_newer_consent(journey: Journey) -> None:
    wiring, connection_id = journey.wiring, connection(journey).id

    def overtaken(_token: str) -> Given:
        with journey.database.write() as session:
            session.execute(update(Connection).values(refresh_token=wiring.sealer.seal("a person's new one")))
        return Given("late access", "late refresh")

    slow = Tokens(wiring.database, wiring.sealer, connection_id=connection_id, exchange=overtaken)
    slow.refresh(stale=None)
    assert wiring.sealer.open(connection(journey).refresh_token) == "a person's new one"


@pytest.mark.one_database
def test_expenses_of_a_paused_company_say_so(journey: Journey) -> None:
    journey.control("POST", "/xero/grants/revoke", {})
    [entry_id] = journey.add({})
    journey.post()
    with journey.database.read() as session:
        company = session.get_one(Company, journey.company_id)
        expense = session.scalars(select(Expense).where(Expense.entry_id == entry_id)).one()
        shown = expense_shape(expense, [], company=company, now=journey.database.now(session))
    assert shown["why"].startswith("The company is paused: ")
    assert shown["next_attempt_at"] is None
