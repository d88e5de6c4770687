"""What every ledger must do, on its real wire: one row per ledger in `BENCHES`, one test per promise."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from errors import Paused, RateLimited, Refused, Retryable, Unauthorised, Uncertain
from mappers.accounts import find_tax
from mappers.documents import BILL, CONTACT, CREDIT_NOTE, PAYMENT, SPEND, Document, Result
from sandbox.server import Handle
from tests.providers.benches import BENCHES, DAY, Bench, Paper, wanted_contact


@pytest.fixture(params=sorted(BENCHES))
def bench(request: pytest.FixtureRequest, sandbox: Handle) -> Bench:
    return BENCHES[request.param](sandbox)


@pytest.fixture
def paper(bench: Bench) -> Paper:
    jo = next(iter(bench.ledger.contacts([wanted_contact("Jo Doe")]).values()))[0]
    return Paper(bench.books, contact=jo.id)


def send(bench: Bench, *documents: Document, key: str = "k-1") -> list[Result]:
    (call,) = bench.ledger.calls(documents)
    return bench.ledger.send(call, key=key)


def posted_id(bench: Bench, document: Document, *, key: str) -> str:
    (result,) = send(bench, document, key=key)
    assert result.outcome == "posted", result
    assert result.remote_id
    return result.remote_id


def test_the_books_hold_accounts_taxes_and_currencies(bench: Bench) -> None:
    assert bench.books.base_currency == "AUD"
    assert "AUD" in bench.books.currencies
    card = next(account for account in bench.books.accounts if account.name == "Amex 1001")
    assert card.is_bank and card.can_pay and not card.can_code
    assert find_tax(bench.books, "INPUT").rate == Decimal(10)


def test_as_many_bills_as_a_call_takes_are_made_in_one(bench: Bench, paper: Paper) -> None:
    before = bench.calls()
    results = send(bench, *(paper.bill(f"CW-{n}") for n in range(1, bench.size + 1)))
    assert [result.outcome for result in results] == ["posted"] * bench.size
    assert len({result.remote_id for result in results}) == bench.size
    assert (bench.calls() - before, bench.count(BILL)) == (1, bench.size)


def test_one_document_more_needs_another_call(bench: Bench, paper: Paper) -> None:
    calls = bench.ledger.calls([paper.bill(f"CW-{n}") for n in range(bench.size + 1)])
    assert [len(call.markers) for call in calls] == [bench.size, 1]


def test_a_bill_answers_with_its_total_and_what_is_due(bench: Bench, paper: Paper) -> None:
    (result,) = send(bench, paper.bill("CW-1", "120.50"))
    assert (result.marker, result.total, result.due) == ("bill:CW-1", Decimal("120.50"), Decimal("120.50"))


def test_one_refused_of_three_leaves_the_others_posted(bench: Bench, paper: Paper) -> None:
    bad = paper.bill("CW-2")
    bad = type(bad)(**{**bad.__dict__, "currency": "CHF"})
    results = send(bench, paper.bill("CW-1"), bad, paper.bill("CW-3"))
    assert {r.marker: r.outcome for r in results} == {
        "bill:CW-1": "posted",
        "bill:CW-2": "refused",
        "bill:CW-3": "posted",
    }
    refusal = next(result for result in results if result.outcome == "refused")
    assert refusal.words and refusal.cause and refusal.to_do
    assert bench.count(BILL) == 2


def test_a_payment_settles_its_bill(bench: Bench, paper: Paper) -> None:
    bill_id = posted_id(bench, paper.bill("CW-1"), key="k-1")
    posted_id(bench, paper.payment("CW-1", bill_id), key="k-2")
    (found,) = bench.ledger.look_up([paper.bill("CW-1")])["bill:CW-1"]
    assert (found.remote_id, found.due, found.approved) == (bill_id, Decimal(0), True)


def test_the_same_payment_under_another_key_is_not_made_twice(bench: Bench, paper: Paper) -> None:
    bill_id = posted_id(bench, paper.bill("CW-1"), key="k-1")
    first = posted_id(bench, paper.payment("CW-1", bill_id), key="k-2")
    (result,) = send(bench, paper.payment("CW-1", bill_id), key="k-3")
    assert result.remote_id == first or (result.outcome, result.cause) == ("refused", "already_settled")
    assert bench.count(PAYMENT) == 1


def test_the_same_key_and_bytes_make_nothing_twice(bench: Bench, paper: Paper) -> None:
    first = posted_id(bench, paper.bill("CW-1"), key="k-1")
    assert posted_id(bench, paper.bill("CW-1"), key="k-1") == first
    assert bench.count(BILL) == 1


def test_other_bytes_under_a_used_key_are_uncertain(bench: Bench, paper: Paper) -> None:
    posted_id(bench, paper.bill("CW-1"), key="k-1")
    with pytest.raises(Uncertain) as trouble:
        send(bench, paper.bill("CW-2"), key="k-1")
    assert trouble.value.answered
    assert bench.count(BILL) == 1


def test_a_lost_answer_is_uncertain_and_found_by_its_number(bench: Bench, paper: Paper) -> None:
    bench.fault("lose_answer")
    with pytest.raises(Uncertain) as trouble:
        send(bench, paper.bill("CW-1"))
    assert not trouble.value.answered
    (found,) = bench.ledger.look_up([paper.bill("CW-1")])["bill:CW-1"]
    assert (found.amount, found.currency, found.date) == (Decimal("120.50"), "AUD", DAY)


def test_a_lost_answer_can_be_replayed_under_its_key(bench: Bench, paper: Paper) -> None:
    bench.fault("lose_answer")
    with pytest.raises(Uncertain):
        send(bench, paper.bill("CW-1"))
    assert posted_id(bench, paper.bill("CW-1"), key="k-1")
    assert bench.count(BILL) == 1


def test_an_unreadable_answer_to_a_write_is_uncertain(bench: Bench, paper: Paper) -> None:
    bench.fault("garbage")
    with pytest.raises(Uncertain) as trouble:
        send(bench, paper.bill("CW-1"))
    assert trouble.value.answered


def test_a_server_error_after_a_write_is_uncertain_with_its_status(bench: Bench, paper: Paper) -> None:
    bench.fault("status_after", status=502)
    with pytest.raises(Uncertain) as trouble:
        send(bench, paper.bill("CW-1"))
    assert (trouble.value.answered, trouble.value.status) == (True, 502)


def test_a_server_error_on_a_read_is_retried_later(bench: Bench) -> None:
    bench.fault("status", read=True, status=503)
    with pytest.raises(Retryable):
        bench.ledger.books()


def test_a_limit_says_how_long_to_wait(bench: Bench, paper: Paper) -> None:
    bench.fault("rate_limit", problem="minute", retry_after=22)
    with pytest.raises(RateLimited) as trouble:
        send(bench, paper.bill("CW-1"))
    assert (trouble.value.after, trouble.value.scope) == (22, "tenant")
    assert bench.count(BILL) == 0


def test_after_a_limit_the_companys_other_calls_wait_without_asking(bench: Bench, paper: Paper) -> None:
    bench.fault("rate_limit", problem="minute", retry_after=22)
    with pytest.raises(RateLimited):
        send(bench, paper.bill("CW-1"))
    before = bench.calls()
    with pytest.raises(RateLimited) as trouble:
        bench.ledger.books()
    assert trouble.value.after is not None and 20 < trouble.value.after <= 22
    assert bench.calls() == before


def test_a_stale_token_is_told_and_nothing_was_made(bench: Bench, paper: Paper) -> None:
    bench.expire()
    with pytest.raises(Unauthorised):
        send(bench, paper.bill("CW-1"))
    assert bench.count(BILL) == 0


def test_a_missing_right_pauses_the_company(bench: Bench, paper: Paper) -> None:
    body = bench.complaint("AuthenticationUnsuccessful", code="3100")
    bench.fault("status", status=403, body=body)
    with pytest.raises(Paused, match="AuthenticationUnsuccessful"):
        send(bench, paper.bill("CW-1"))


def test_a_whole_call_refused_keeps_the_ledgers_words(bench: Bench, paper: Paper) -> None:
    bench.fault("status", status=400, body=bench.complaint("A validation exception occurred", code="2020"))
    with pytest.raises(Refused) as trouble:
        send(bench, paper.bill("CW-1"), paper.bill("CW-2"))
    (words,) = trouble.value.words
    assert words.startswith("A validation exception occurred")


def test_look_up_finds_every_kind_and_only_that(bench: Bench, paper: Paper) -> None:
    bill_id = posted_id(bench, paper.bill("CW-1"), key="k-1")
    note_id = posted_id(bench, paper.credit_note("CW-2"), key="k-2")
    documents = [
        paper.bill("CW-1"),
        paper.credit_note("CW-2"),
        paper.payment("CW-1", bill_id),
        *([paper.refund("CW-2", note_id)] if bench.links_refunds else []),
        paper.spend("CW-3"),
        paper.refund_of_nothing("CW-4"),
    ]
    ids = {"bill:CW-1": bill_id, "credit_note:CW-2": note_id}
    for number, document in enumerate(documents[2:], start=3):
        ids[document.marker] = posted_id(bench, document, key=f"k-{number}")
    never = [paper.bill("CW-9"), paper.credit_note("CW-1"), paper.spend("CW-1"), paper.spend("CW-30")]
    found = bench.ledger.look_up([*documents, *never])
    assert {marker: [hit.remote_id for hit in hits] for marker, hits in found.items()} == {
        marker: [remote_id] for marker, remote_id in ids.items()
    }


def test_a_look_up_of_a_callful_of_bills_needs_one_call(bench: Bench, paper: Paper) -> None:
    bills = [paper.bill(f"CW-10{n:03}") for n in range(bench.size)]
    send(bench, *bills)
    before = bench.calls()
    assert len(bench.ledger.look_up(bills)) == bench.size
    assert bench.calls() - before == 1


def test_a_look_up_of_a_callful_of_payments_needs_at_most_two_calls(bench: Bench, paper: Paper) -> None:
    bills = [paper.bill(f"CW-10{n:03}") for n in range(bench.size)]
    ids = [str(result.remote_id) for result in send(bench, *bills)]
    payments = [paper.payment(bill.number, ids[n]) for n, bill in enumerate(bills)]
    send(bench, *payments, key="k-2")
    before = bench.calls()
    assert len(bench.ledger.look_up(payments)) == bench.size
    assert bench.calls() - before <= 2


def test_a_payment_is_not_found_at_anothers_bill(bench: Bench, paper: Paper) -> None:
    bill_id = posted_id(bench, paper.bill("CW-1"), key="k-1")
    other_id = posted_id(bench, paper.bill("CW-2"), key="k-2")
    posted_id(bench, paper.payment("CW-1", bill_id), key="k-3")
    assert bench.ledger.look_up([paper.payment("CW-1", other_id)]) == {}


def test_a_contact_is_offered_by_number_before_name(bench: Bench) -> None:
    by_number, by_name, nobody = (
        wanted_contact("Somebody Else", number="V-1001"),
        wanted_contact("Jo Doe"),
        wanted_contact('Nobody "at" all'),
    )
    found = bench.ledger.contacts([by_number, by_name, nobody])
    assert [contact.name for contact in found[by_number.marker]] == ["Jo Doe"]
    assert [contact.number for contact in found[by_name.marker]] == ["V-1001"]
    assert list(found[nobody.marker]) == []


def test_a_new_contact_is_made_and_found_by_its_name(bench: Bench) -> None:
    ana = wanted_contact("Ana O'Smith & Sons", number="V-1002")
    contact_id = posted_id(bench, ana, key="k-1")
    assert bench.ledger.look_up([ana])[ana.marker][0].remote_id == contact_id
    assert [each.id for each in bench.ledger.contacts([ana])[ana.marker]] == [contact_id]
    made = bench.ledger.contact(contact_id)
    assert made is not None and (made.name, made.number) == ("Ana O'Smith & Sons", "V-1002")


def test_a_quoted_name_is_found_as_well(bench: Bench) -> None:
    ana = wanted_contact('Ana "Speedy" Smith')
    contact_id = posted_id(bench, ana, key="k-1")
    assert [each.id for each in bench.ledger.contacts([ana])[ana.marker]] == [contact_id]
    assert bench.ledger.look_up([ana])[ana.marker][0].remote_id == contact_id


def test_an_unknown_contact_is_none(bench: Bench) -> None:
    assert bench.ledger.contact("00000000-0000-4000-8000-00000000dead") is None


def test_a_posted_bill_has_an_address_in_the_ledger(bench: Bench, paper: Paper) -> None:
    address = bench.ledger.link(bench.books, paper.bill("CW-1"), "3f5c")
    assert address is not None and address.startswith("https://") and "3f5c" in address


@pytest.mark.parametrize("kind", [BILL, CREDIT_NOTE, PAYMENT, SPEND, CONTACT])
def test_looking_up_nothing_asks_nothing(bench: Bench, kind: str) -> None:
    before = bench.calls()
    assert bench.ledger.look_up([]) == {}
    assert bench.calls() == before


def test_the_longest_key_is_taken(bench: Bench, paper: Paper) -> None:
    key = "er-" + "a" * (bench.ledger.longest_key - 3)
    assert posted_id(bench, paper.bill("CW-1"), key=key) == posted_id(bench, paper.bill("CW-1"), key=key)


def test_the_lists_may_have_changed_long_ago(bench: Bench) -> None:
    assert bench.ledger.changed_since(dt.datetime.now(dt.UTC) - dt.timedelta(days=40))


def test_a_receipt_is_filed_once_and_found_by_name_and_size(bench: Bench, paper: Paper) -> None:
    bill_id = posted_id(bench, paper.bill("CW-1"), key="k-1")
    for _ in range(2):
        bench.ledger.attach(
            BILL, bill_id, name="CW-1-1.pdf", content=b"%PDF-1.4 x", content_type="application/pdf", key="k-2"
        )
    assert list(bench.ledger.attachments(BILL, bill_id)) == [("CW-1-1.pdf", 10)]


def test_a_bill_is_found_by_its_id_alone(bench: Bench, paper: Paper) -> None:
    bill_id = posted_id(bench, paper.bill("CW-1", "110.00"), key="k-1")
    found = bench.ledger.standing(bill_id)
    assert found is not None
    assert (found.remote_id, found.kind, found.number, found.date) == (bill_id, BILL, "CW-1", DAY)
    assert (found.total, found.tax, found.due) == (Decimal(110), Decimal(10), Decimal(110))
    assert (found.contact, found.contact_name, found.live) == (paper.contact, "Jo Doe", True)


def test_a_credit_note_is_found_by_its_id_and_known_as_one(bench: Bench, paper: Paper) -> None:
    note_id = posted_id(bench, paper.credit_note("CW-2"), key="k-1")
    found = bench.ledger.standing(note_id)
    assert found is not None and (found.kind, found.number) == (CREDIT_NOTE, "CW-2")


def test_what_is_due_is_told_after_a_payment(bench: Bench, paper: Paper) -> None:
    bill_id = posted_id(bench, paper.bill("CW-1"), key="k-1")
    posted_id(bench, paper.payment("CW-1", bill_id), key="k-2")
    found = bench.ledger.standing(bill_id)
    assert found is not None and found.due == 0


def test_an_id_that_nothing_has_is_none(bench: Bench, paper: Paper) -> None:
    assert bench.ledger.standing("00000000-0000-4000-8000-00000000dead") is None
    assert bench.ledger.standing("987654") is None


def test_the_address_of_a_bill_gives_its_id_back(bench: Bench, paper: Paper) -> None:
    for document in (paper.bill("CW-1"), paper.credit_note("CW-2")):
        remote_id = posted_id(bench, document, key=document.number)
        address = bench.ledger.link(bench.books, document, remote_id)
        assert address is not None and bench.ledger.bill_id(address) == remote_id


def test_trouble_with_looking_a_bill_up_is_told_as_what_it_is(bench: Bench, paper: Paper) -> None:
    bill_id = posted_id(bench, paper.bill("CW-1"), key="k-1")
    bench.fault("status", read=True, status=503)
    with pytest.raises(Retryable):
        bench.ledger.standing(bill_id)
