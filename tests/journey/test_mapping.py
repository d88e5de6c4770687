"""Accounts and contacts: found as people wrote them, or named as missing; never guessed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.journey.conftest import Journey
from tests.journey.hands import (
    SITE,
    add_rows,
    all_of,
    claim,
    ending,
    in_xero,
    retry,
    set_books,
    set_expenses,
    set_rows,
    set_rule,
)

ONE = pytest.mark.one_database
OTHER_ID = "99999999-0000-4000-8000-000000000001"


def post(journey: Journey, *, member: str = "jdoe", **entry: object) -> int:
    [entry_id] = journey.add(entry, member=member)
    journey.post()
    return entry_id


def contact_of(journey: Journey, entry_id: int) -> dict[str, Any]:
    wanted = claim(journey, entry_id)["Contact"]["ContactID"]
    return next(c for c in journey.books()["contacts"] if c["ContactID"] == wanted)


def contacts_named(journey: Journey, name: str) -> int:
    return len([c for c in journey.books()["contacts"] if c["Name"].casefold() == name.casefold()])


@ONE
def test_an_unmapped_type_is_named_and_posted_once_it_has_its_account(journey: Journey) -> None:
    entry_id = post(journey, type="Software")
    assert ending(journey, entry_id) == ("needs_attention", "expense_type_unmapped")
    assert '"Software"' in (journey.expense(entry_id).to_do or "")
    assert journey.books()["invoices"] == []
    add_rows(journey, "expense_types", {"name": "Software", "account": "485"})
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)
    assert claim(journey, entry_id)["LineItems"][0]["AccountCode"] == "485"


@ONE
def test_what_is_charged_to_a_client_goes_to_its_own_account(journey: Journey) -> None:
    row = {"name": "Meals", "account": "420", "tax": "INPUT", "billable_account": "421"}
    set_rows(journey, "expense_types", row)
    client, own = journey.add({"company": "Contoso"}, {})
    journey.post()
    codes = [claim(journey, each)["LineItems"][0]["AccountCode"] for each in (client, own)]
    assert codes == ["421", "420"]


@ONE
def test_an_account_made_after_the_failure_is_found_by_the_retry(journey: Journey) -> None:
    add_rows(journey, "expense_types", {"name": "Software", "account": "487", "tax": "INPUT"})
    entry_id = post(journey, type="Software")
    assert ending(journey, entry_id) == ("needs_attention", "account_unknown")
    assert '"487"' in (journey.expense(entry_id).why or "")
    set_books(journey, accounts=[{"code": "487", "name": "Cloud services", "type": "EXPENSE"}])
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)


@ONE
def test_an_archived_account_is_named(journey: Journey) -> None:
    set_books(journey, accounts=[{"code": "420", "status": "ARCHIVED"}])
    entry_id = post(journey)
    assert ending(journey, entry_id) == ("needs_attention", "account_archived")
    set_books(journey, accounts=[{"code": "420", "status": "ACTIVE"}])
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)


@ONE
def test_an_account_archived_after_we_read_the_books_is_named_in_xeros_words(journey: Journey) -> None:
    post(journey)
    set_books(journey, accounts=[{"code": "420", "status": "ARCHIVED"}])
    entry_id = post(journey)
    assert ending(journey, entry_id) == ("needs_attention", "account_archived")
    set_books(journey, accounts=[{"code": "420", "status": "ACTIVE"}])
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)


@ONE
def test_an_account_that_cannot_pay_is_named_before_any_bill_is_made(journey: Journey) -> None:
    set_rule(journey, "payment_account", account="880")
    entry_id = post(journey)
    assert ending(journey, entry_id) == ("needs_attention", "account_cannot_pay")
    assert journey.books()["invoices"] == []
    set_books(journey, accounts=[{"code": "880", "enable_payments": True}])
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)


@ONE
def test_tracking_goes_onto_the_line_or_is_named(journey: Journey) -> None:
    set_expenses(journey, tracking={"Client": "company"})
    set_books(journey, tracking=[{"name": "Client", "options": ["Contoso Ltd"]}])
    tracked, unknown = journey.add({"company": "Contoso"}, {"company": "Fabrikam"})
    journey.post()
    [line] = claim(journey, tracked)["LineItems"]
    assert [(t["Name"], t["Option"]) for t in line["Tracking"]] == [("Client", "Contoso Ltd")]
    assert ending(journey, unknown) == ("needs_attention", "tracking_unmapped")
    assert "Fabrikam Inc" in (journey.expense(unknown).why or "")


@ONE
def test_a_members_row_ties_the_contact(journey: Journey) -> None:
    set_books(journey, contacts=[{"name": "Travel agency", "contact_id": OTHER_ID}])
    add_rows(journey, "members", {"identifier": "jdoe", "contact": OTHER_ID})
    assert contact_of(journey, post(journey))["Name"] == "Travel agency"


@ONE
def test_the_vendor_number_finds_the_contact_whatever_its_name(journey: Journey) -> None:
    set_books(journey, contacts=[{"name": "Smith A. (staff)", "account_number": "V-1002"}])
    entry_id = post(journey, member="asmith")
    assert contact_of(journey, entry_id)["Name"] == "Smith A. (staff)"
    assert contacts_named(journey, "Ana Smith") == 0


@ONE
def test_the_exact_name_finds_the_contact(journey: Journey) -> None:
    set_books(journey, contacts=[{"name": "Chitra Patel"}, {"name": "Chitra Patel Consulting"}])
    assert contact_of(journey, post(journey, member="cpatel"))["Name"] == "Chitra Patel"
    assert contacts_named(journey, "Chitra Patel") == 1


@ONE
def test_an_archived_contact_is_named_and_found_once_it_is_restored(journey: Journey) -> None:
    set_books(journey, contacts=[{"name": "Chitra Patel", "status": "ARCHIVED"}])
    entry_id = post(journey, member="cpatel")
    assert ending(journey, entry_id) == ("needs_attention", "contact_archived")
    set_books(journey, contacts=[{"name": "Chitra Patel", "status": "ACTIVE"}])
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)


@ONE
def test_two_contacts_of_one_number_need_a_person(journey: Journey) -> None:
    twins = [{"name": name, "account_number": "V-1002"} for name in ("Ana S.", "A. Smith")]
    set_books(journey, contacts=twins)
    entry_id = post(journey, member="asmith")
    assert ending(journey, entry_id) == ("needs_attention", "contact_ambiguous")
    add_rows(journey, "members", {"identifier": "asmith", "contact": OTHER_ID})
    set_books(journey, contacts=[{"name": "Ana the third", "contact_id": OTHER_ID}])
    retry(journey, entry_id)
    journey.assert_posted_once(entry_id)


@ONE
def test_a_contact_archived_after_it_was_remembered_is_named(journey: Journey) -> None:
    first = post(journey)
    contact = contact_of(journey, first)["ContactID"]
    in_xero(journey, "POST", f"/Contacts/{contact}", {"ContactStatus": "ARCHIVED"})
    entry_id = post(journey)
    assert ending(journey, entry_id) == ("needs_attention", "contact_archived")
    set_books(journey, contacts=[{"name": "Jo Doe the second", "account_number": "V-1001"}])
    retry(journey, entry_id)
    assert contact_of(journey, entry_id)["Name"] == "Jo Doe the second"


@ONE
def test_a_supplier_as_payee_takes_the_place_of_every_member(journey: Journey) -> None:
    set_expenses(journey, payee="Acme Travel Card")
    ids = [post(journey), post(journey, member="asmith")]
    assert {contact_of(journey, entry_id)["Name"] for entry_id in ids} == {"Acme Travel Card"}
    assert contacts_named(journey, "Acme Travel Card") == 1
    personal = post(journey, classification="Personal")
    assert contact_of(journey, personal)["Name"] == "Jo Doe"


def test_one_contact_is_made_however_many_expenses_and_workers_want_it(journey: Journey) -> None:
    ids = journey.add(*[{"amount": f"{n}.00"} for n in range(1, 56)], member="dnguyen")
    with ThreadPoolExecutor(2) as pool:
        for work in [pool.submit(journey.post) for _ in range(2)]:
            work.result()
    for _ in range(3):
        journey.make_due()
        journey.post()
    assert all_of(journey, ids) == {"done"}
    assert contacts_named(journey, "Duc Nguyen") == 1
    numbers = [bill["InvoiceNumber"] for bill in journey.books()["invoices"]]
    assert sorted(numbers) == sorted(f"CW-{entry_id}" for entry_id in ids)


@ONE
def test_a_member_renamed_in_connectwise_keeps_the_contact(journey: Journey) -> None:
    first = post(journey, member="cpatel")
    renamed = {"identifier": "cpatel", "first_name": "Chitra", "last_name": "Patel-Jones"}
    journey.control("POST", SITE, {"members": [renamed]})
    second = post(journey, member="cpatel")
    assert contact_of(journey, first) == contact_of(journey, second)
