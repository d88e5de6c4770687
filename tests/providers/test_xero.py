"""Xero alone: answers that the sandbox does not give by itself, and what no other ledger has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import responses

from errors import Paused, Refused, Retryable, Trouble, Unauthorised, Uncertain
from mappers.books import Account, Books
from mappers.documents import BILL, CREDIT_NOTE, PAYMENT, REFUND, SPEND, Result
from providers.http import make_session
from providers.limiter import XERO, Limiter
from providers.xero import Xero
from sandbox.server import Handle
from tests.providers.benches import TENANT, Paper, XeroBench, wanted_contact

API = "https://api.xero.test/api.xro/2.0"
BILL_ID = "b0000000-0000-4000-8000-000000000001"
ZERO_ID = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def bench(sandbox: Handle) -> XeroBench:
    return XeroBench(sandbox)


@pytest.fixture
def paper(bench: XeroBench) -> Paper:
    jo = bench.ledger.contacts([wanted_contact("Jo Doe")])["contact:Jo Doe"][0]
    return Paper(bench.books, contact=jo.id)


@pytest.fixture
def xero(bench: XeroBench) -> Xero:
    assert isinstance(bench.ledger, Xero)
    return bench.ledger


def made_up(code: str, name: str, *, bank: bool = False) -> Account:
    return Account(
        id=f"a-{code}",
        code=code,
        name=name,
        type="BANK" if bank else "EXPENSE",
        active=True,
        can_code=not bank,
        can_pay=bank,
        is_bank=bank,
    )


PAPER = Paper(
    Books(
        name="Acme",
        base_currency="AUD",
        currencies=("AUD",),
        accounts=(made_up("420", "Meals"), made_up("850", "Offset"), made_up("", "Amex 1001", bank=True)),
        tax_codes=(),
    ),
    contact="c-1",
)


def far_xero() -> Xero:
    limiter = Limiter(None, provider="xero", limits=XERO)
    return Xero(
        make_session(),
        api_url="https://api.xero.test",
        tenant_id=TENANT,
        access_token="access-secret",
        limiter=limiter,
    )


def send(paper: Paper, *numbers: str, xero: Xero | None = None, key: str = "k-1") -> list[Result]:
    ledger = xero or far_xero()
    (call,) = ledger.calls([paper.bill(number) for number in numbers])
    return ledger.send(call, key=key)


def element(number: str = "CW-1", **more: Any) -> dict[str, Any]:
    return {"InvoiceID": BILL_ID, "InvoiceNumber": number, "Status": "AUTHORISED", "Total": 120.5, **more}


def test_a_bill_is_put_with_its_key_its_bytes_and_its_tenant(wire: responses.RequestsMock) -> None:
    wire.put(f"{API}/Invoices", json={"Invoices": [element()]})
    (call,) = far_xero().calls([PAPER.bill("CW-1")])
    far_xero().send(call, key="k-1")
    request = wire.calls[0].request
    assert request.body == call.body
    assert {name: request.headers[name] for name in ("Idempotency-Key", "xero-tenant-id", "Accept")} == {
        "Idempotency-Key": "k-1",
        "xero-tenant-id": TENANT,
        "Accept": "application/json",
    }
    assert parse_qs(urlsplit(str(request.url)).query) == {"summarizeErrors": ["false"], "unitdp": ["4"]}


@pytest.mark.parametrize(
    "said",
    [
        {"Invoices": [element(InvoiceID=ZERO_ID)]},
        {"Invoices": [element(InvoiceID=None)]},
        {"Invoices": [element("CW-2")]},
        {"Invoices": []},
    ],
)
def test_an_answer_without_our_bill_is_never_counted_as_posted(
    wire: responses.RequestsMock, said: dict[str, Any]
) -> None:
    wire.put(f"{API}/Invoices", json=said)
    (result,) = send(PAPER, "CW-1")
    assert (result.outcome, result.remote_id) == ("unknown", None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<Response/>",
        b"[]",
        b"null",
        b'{"Fault": {}}',
        b'{"Invoices": null}',
        b'{"Invoices": {"InvoiceID": "x"}}',
    ],
)
def test_a_good_status_with_another_body_is_uncertain(wire: responses.RequestsMock, body: bytes) -> None:
    wire.put(f"{API}/Invoices", body=body)
    with pytest.raises(Uncertain) as trouble:
        send(PAPER, "CW-1")
    assert trouble.value.answered


def test_a_400_that_names_one_of_two_leaves_the_other_unknown(wire: responses.RequestsMock) -> None:
    bad = element("CW-2", InvoiceID=ZERO_ID, ValidationErrors=[{"Message": "Account must be valid"}])
    wire.put(f"{API}/Invoices", status=400, json={"ErrorNumber": 10, "Elements": [bad]})
    results = send(PAPER, "CW-1", "CW-2")
    assert [(result.outcome, result.words) for result in results] == [
        ("unknown", ()),
        ("refused", ("Account must be valid",)),
    ]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"Message": "No data has been processed", "Elements": []}', ("No data has been processed",)),
        (b'{"Title": "Bad", "Detail": "The body is odd", "Status": 400}', ("The body is odd",)),
        (b"<html>Bad Request</html>", ()),
        (b"", ()),
    ],
)
def test_a_400_without_elements_refuses_the_whole_call(
    wire: responses.RequestsMock, body: bytes, words: tuple[str, ...]
) -> None:
    wire.put(f"{API}/Invoices", status=400, body=body)
    with pytest.raises(Refused) as trouble:
        send(PAPER, "CW-1")
    assert (trouble.value.words, trouble.value.status) == (words, 400)


def test_a_key_used_with_other_bytes_is_uncertain_wherever_it_is_said(wire: responses.RequestsMock) -> None:
    said = {"Message": "Idempotency Key: K is used with a different request"}
    wire.put(f"{API}/Invoices", status=400, json=said)
    with pytest.raises(Uncertain):
        send(PAPER, "CW-1")


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (401, {}, Unauthorised),
        (401, {"WWW-Authenticate": 'Bearer error="insufficient_scope"'}, Paused),
        (403, {}, Paused),
        (404, {}, Refused),
        (413, {}, Refused),
        (500, {}, Uncertain),
        (503, {}, Uncertain),
    ],
)
def test_each_status_of_a_write_has_one_meaning(
    wire: responses.RequestsMock, status: int, headers: dict[str, str], kind: type[Trouble]
) -> None:
    wire.put(f"{API}/Invoices", status=status, headers=headers, json={"Detail": "TokenExpired"})
    with pytest.raises(Trouble) as trouble:
        send(PAPER, "CW-1")
    assert type(trouble.value) is kind
    assert "access-secret" not in str(trouble.value)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (requests.ConnectTimeout(), Retryable),
        (requests.ReadTimeout(), Uncertain),
        (requests.ConnectionError(), Uncertain),
    ],
)
def test_silence_after_a_write_is_uncertain_unless_nothing_was_sent(
    wire: responses.RequestsMock, fault: Exception, kind: type[Trouble]
) -> None:
    wire.put(f"{API}/Invoices", body=fault)
    with pytest.raises(kind):
        send(PAPER, "CW-1")


@pytest.mark.parametrize("body", [b"<html>", b"{}", b'{"Organisations": 1}', b'{"Organisations": ["x"]}'])
def test_books_that_cannot_be_read_are_asked_for_again(wire: responses.RequestsMock, body: bytes) -> None:
    wire.get(f"{API}/Organisation", body=body)
    with pytest.raises(Retryable):
        far_xero().books()


def test_addresses_stay_within_two_thousand_characters(wire: responses.RequestsMock) -> None:
    for path in ("Invoices", "CreditNotes", "Payments", "BankTransactions", "Contacts"):
        wire.get(f"{API}/{path}", json={path: []})
    numbers = [f"CW-{2_147_483_000 + n}-2" for n in range(50)]
    far = far_xero()
    far.look_up([PAPER.bill(each) for each in numbers])
    far.look_up([PAPER.credit_note(each) for each in numbers])
    far.look_up([PAPER.payment(each, f"{n:08}{BILL_ID[8:]}") for n, each in enumerate(numbers)])
    far.look_up([PAPER.refund(each, BILL_ID) for each in numbers])
    far.look_up([PAPER.spend(each) for each in numbers])
    far.contacts([wanted_contact("名" * n, number=f"V-{n}") for n in range(1, 250, 10)])
    far.reconciled([(kind, f"{n:08}{BILL_ID[8:]}") for n in range(60) for kind in (PAYMENT, SPEND)])
    assert max(len(str(call.request.url)) for call in wire.calls) <= 2_000


def test_a_look_up_reads_every_page(wire: responses.RequestsMock) -> None:
    others = [element("CW-99", Type="ACCPAY")] * 1_000
    wire.get(f"{API}/Invoices", json={"Invoices": others})
    wire.get(f"{API}/Invoices", json={"Invoices": [element(Type="ACCPAY", CurrencyCode="AUD")]})
    found = far_xero().look_up([PAPER.bill("CW-1")])
    assert [hit.remote_id for hit in found["bill:CW-1"]] == [BILL_ID]
    assert parse_qs(urlsplit(str(wire.calls[1].request.url)).query)["page"] == ["2"]


def test_a_number_with_a_comma_is_looked_up_whole(wire: responses.RequestsMock) -> None:
    wire.get(f"{API}/Invoices", json={"Invoices": []})
    far_xero().look_up([PAPER.bill("CW-a,b-2026W34")])
    query = parse_qs(urlsplit(str(wire.calls[0].request.url)).query)
    assert "InvoiceNumbers" not in query
    assert query["where"] == ['Type=="ACCPAY" AND (InvoiceNumber=="CW-a,b-2026W34")']


def test_a_voided_bill_is_not_found(bench: XeroBench, paper: Paper, xero: Xero) -> None:
    (result,) = send(paper, "CW-1", xero=xero)
    void = {"Invoices": [{"InvoiceID": result.remote_id, "Status": "VOIDED"}]}
    headers = {
        "Authorization": f"Bearer {bench.token}",
        "xero-tenant-id": TENANT,
        "Accept": "application/json",
    }
    address = f"{bench.url}/api.xro/2.0/Invoices/{result.remote_id}"
    requests.post(address, json=void, headers=headers, timeout=10).raise_for_status()
    assert xero.look_up([paper.bill("CW-1")]) == {}


def test_the_state_of_a_payments_bill_stands_under_the_payment(paper: Paper, xero: Xero) -> None:
    (bill,) = send(paper, "CW-1", xero=xero)
    payment = paper.payment("CW-1", str(bill.remote_id))
    (state,) = xero.state_of([payment])["payment:CW-1"]
    assert (state.due, state.approved, state.remote_id) == (Decimal("120.50"), True, bill.remote_id)
    (call,) = xero.calls([payment])
    xero.send(call, key="k-2")
    assert xero.state_of([payment])["payment:CW-1"][0].due == 0


def test_the_state_of_claims_comes_by_number(paper: Paper, xero: Xero) -> None:
    send(paper, "CW-1", xero=xero)
    (note_call,) = xero.calls([paper.credit_note("CW-2")])
    (note,) = xero.send(note_call, key="k-2")
    refund = paper.refund("CW-2", str(note.remote_id))
    states = xero.state_of([paper.bill("CW-1"), paper.credit_note("CW-2"), refund, paper.bill("CW-3")])
    assert {marker: [hit.due for hit in hits] for marker, hits in states.items()} == {
        "bill:CW-1": [Decimal("120.50")],
        "credit_note:CW-2": [Decimal("120.50")],
        "refund:CW-2": [Decimal("120.50")],
    }


def test_of_two_bills_with_one_number_a_payment_means_its_own(paper: Paper, xero: Xero) -> None:
    ids = [str(send(paper, "CW-1", xero=xero, key=f"k-{n}")[0].remote_id) for n in range(2)]
    states = xero.state_of([paper.bill("CW-1"), paper.payment("CW-1", ids[1])])
    assert {hit.remote_id for hit in states["bill:CW-1"]} == set(ids)
    assert [hit.remote_id for hit in states["payment:CW-1"]] == [ids[1]]


def test_an_archived_contact_is_offered_as_such(bench: XeroBench, xero: Xero) -> None:
    archived = {"name": "Ana Smith", "account_number": "V-9", "status": "ARCHIVED"}
    bench.control("POST", "xero/organisations", {"tenant_id": TENANT, "contacts": [archived]})
    wanted = wanted_contact("Ana Smith")
    assert [(one.name, one.active) for one in xero.contacts([wanted])[wanted.marker]] == [
        ("Ana Smith", False)
    ]


def test_an_active_namesake_is_offered_beside_an_archived_number(bench: XeroBench, xero: Xero) -> None:
    archived = {"name": "Old Jo", "account_number": "V-9", "status": "ARCHIVED"}
    bench.control("POST", "xero/organisations", {"tenant_id": TENANT, "contacts": [archived]})
    wanted = wanted_contact("Jo Doe", number="V-9")
    assert [one.name for one in xero.contacts([wanted])[wanted.marker]] == ["Jo Doe", "Old Jo"]


def test_an_active_number_is_offered_alone(bench: XeroBench, xero: Xero) -> None:
    namesake = {"name": "Ana Smith", "account_number": "V-8"}
    bench.control("POST", "xero/organisations", {"tenant_id": TENANT, "contacts": [namesake]})
    wanted = wanted_contact("Ana Smith", number="V-1001")
    assert [one.name for one in xero.contacts([wanted])[wanted.marker]] == ["Jo Doe"]


def test_what_the_bank_reconciled_is_told(bench: XeroBench, paper: Paper, xero: Xero) -> None:
    (bill,) = send(paper, "CW-1", xero=xero)
    documents = [paper.payment("CW-1", str(bill.remote_id)), paper.spend("CW-2", "33.00")]
    ids = [
        str(result.remote_id)
        for n, call in enumerate(xero.calls(documents))
        for result in xero.send(call, key=f"k-{n + 2}")
    ]
    lines = [
        {"account": "Amex 1001", "date": "2026-08-21", "amount": amount} for amount in ("-120.50", "-33.00")
    ]
    bench.control("POST", f"bank/{TENANT}/lines", {"lines": lines})
    kinds = [(PAYMENT, ids[0]), (SPEND, ids[1]), (REFUND, BILL_ID)]
    assert xero.reconciled(kinds) == set()
    bench.control("POST", f"bank/{TENANT}/reconcile", {})
    assert xero.reconciled(kinds) == set(ids)


@pytest.mark.parametrize("kind", [BILL, CREDIT_NOTE, SPEND])
def test_a_receipt_is_filed_once_at_each_kind(paper: Paper, xero: Xero, kind: str) -> None:
    document = paper.spend("CW-1") if kind == SPEND else paper.bill("CW-1", kind=kind)
    (call,) = xero.calls([document])
    (result,) = xero.send(call, key="k-1")
    receipt = {"name": "CW-1 taxi #1.png", "content": b"PNG-bytes", "content_type": "image/png"}
    filed = [xero.attach(kind, str(result.remote_id), key="k-2", **receipt) for _ in range(2)]  # type: ignore[arg-type]
    assert filed[0] == filed[1]
    assert xero.attachments(kind, str(result.remote_id)) == [("CW-1 taxi #1.png", 9)]


def test_a_receipt_whose_answer_names_no_attachment_is_uncertain(wire: responses.RequestsMock) -> None:
    wire.put(f"{API}/Invoices/{BILL_ID}/Attachments/taxi.png", json={"Attachments": []})
    with pytest.raises(Uncertain):
        far_xero().attach(BILL, BILL_ID, name="taxi.png", content=b"x", content_type="image/png", key="k")


def test_a_contacts_number_is_not_taken_for_its_id(wire: responses.RequestsMock) -> None:
    wire.get(f"{API}/Contacts/V-1001", json={"Contacts": [{"ContactID": BILL_ID, "Name": "Jo"}]})
    assert far_xero().contact("V-1001") is None


def test_what_is_sent_keeps_its_decimals() -> None:
    (call,) = far_xero().calls([PAPER.bill("CW-1", "120.10")])
    sent = json.loads(call.body, parse_float=str)
    assert sent["Invoices"][0]["LineItems"][0]["UnitAmount"] == "120.10"


def test_the_wrong_tenant_pauses(bench: XeroBench) -> None:
    stranger = bench.ledger_with(bench.token, tenant="22222222-2222-4222-8222-222222222222")
    with pytest.raises(Paused):
        stranger.books()
