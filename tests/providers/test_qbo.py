"""QuickBooks alone: the decision table on its books, answers the sandbox does not give, its own ways."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import responses

from errors import Paused, RateLimited, Refused, Retryable, Unauthorised, Uncertain
from mappers.company import ExpenseTypeRow, Rule
from mappers.decision import decide
from mappers.documents import BILL, REFUND, STAGES, Document, Result
from mappers.plan import plan
from mappers.traits import QBO as TRAITS
from providers.http import make_session
from providers.limiter import QBO as QBO_LIMITS
from providers.limiter import QBO_BATCHES, Limiter
from providers.qbo import QBO
from sandbox.server import Handle
from tests.mappers.world import SITE, entry, settings
from tests.providers.benches import REALM, Paper, QBOBench, wanted_contact
from tests.providers.test_xero import PAPER

API = f"https://quickbooks.test/v3/company/{REALM}"


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def bench(sandbox: Handle) -> QBOBench:
    return QBOBench(sandbox)


@pytest.fixture
def jo(bench: QBOBench) -> str:
    return bench.ledger.contacts([wanted_contact("Jo Doe")])["contact:Jo Doe"][0].id


@pytest.fixture
def paper(bench: QBOBench, jo: str) -> Paper:
    return Paper(bench.books, contact=jo)


def far_qbo() -> QBO:
    return QBO(
        make_session(),
        api_url="https://quickbooks.test",
        realm_id=REALM,
        access_token="t",
        limiter=Limiter(None, provider="qbo", limits=QBO_LIMITS, max_wait_seconds=0.1),
        batches=Limiter(None, provider="qbo-batches", limits=QBO_BATCHES, max_wait_seconds=0.1),
    )


def send_bill(qbo: QBO) -> list[Result]:
    (call,) = qbo.calls([PAPER.bill("CW-1")])
    return qbo.send(call, key="k-1")


def answers(wire: responses.RequestsMock, body: Any, *, status: int = 200, path: str = "bill") -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    wire.add(responses.POST, f"{API}/{path}", body=text, status=status)


def fault(code: str, *, type: str = "ValidationFault") -> dict[str, Any]:
    return {"Fault": {"Error": [{"Message": "No", "Detail": "why", "code": code}], "type": type}}


# -- the decision table, posted and counted ------------------------------------------------------------


def rule(action: str, account: str | None = None) -> dict[str, Any]:
    return {"rules": (Rule(number=1, member="*", payment_type="*", action=action, account=account),)}


def post(bench: QBOBench, contact: str, amount: str, kind: int = 1, **company: Any) -> list[Document]:
    """Posts an expense stage by stage, as the worker does; returns what was posted."""
    meals = ExpenseTypeRow(name="Meals", account="420", tax="INPUT")
    by = settings(company={"expense_types": (meals,)}, **company)
    expense = entry(amount=amount, kind=kind, pays=3 if kind == 2 else 1)
    decision = decide(expense, settings=by, site=SITE)
    documents = plan(expense, decision, contact=contact, settings=by, books=bench.books, traits=TRAITS)
    ids: dict[str, str] = {}
    for stage in STAGES:
        some = [each for each in documents if each.kind in stage]
        ready = [
            each.settling(ids[each.settles], also=ids.get(each.also_settles or "")) if each.settles else each
            for each in some
        ]
        for call in bench.ledger.calls(ready):
            for result, document in zip(bench.ledger.send(call, key=f"k-{stage[0]}"), ready, strict=True):
                assert (result.outcome, result.total) == ("posted", document.amount), result
                ids[document.kind] = str(result.remote_id)
    return list(documents)


COST, TAX, OWED = "Entertainment", "GST Liabilities Payable", "Accounts Payable (A/P)"
NET, GST, ALL = Decimal("100.00"), Decimal("10.00"), Decimal("110.00")
CARD, LIABILITY, BANK, CLEARING = "Amex 1001", "Unclaimed", "Business Cheque", "Expense clearing"
BOUGHT = {COST: NET, TAX: GST}
RETURNED = {COST: -NET, TAX: -GST}


@pytest.mark.parametrize(
    ("amount", "kind", "company", "balances"),
    [
        ("110.00", 2, {}, {**BOUGHT, OWED: -ALL}),
        ("110.00", 1, rule("payment_account", CARD), {**BOUGHT, CARD: -ALL}),
        ("110.00", 1, rule("payment_account", BANK), {**BOUGHT, BANK: -ALL}),
        ("110.00", 1, rule("approved_bill"), {**BOUGHT, OWED: -ALL}),
        ("110.00", 1, rule("offset_account", LIABILITY), {**BOUGHT, LIABILITY: -ALL}),
        ("110.00", 1, rule("offset_account", CLEARING), {**BOUGHT, CLEARING: -ALL}),
        ("110.00", 1, {"rules": (), "offset_account": LIABILITY}, {**BOUGHT, LIABILITY: -ALL}),
        ("110.00", 3, {"rules": (), "offset_account": LIABILITY}, {LIABILITY: -ALL, OWED: ALL}),
        (
            "110.00",
            3,
            {**rule("payment_account", CARD), "offset_account": LIABILITY},
            {CARD: -ALL, OWED: ALL},
        ),
        ("-110.00", 2, {}, {**RETURNED, OWED: ALL}),
        ("-110.00", 1, rule("payment_account", CARD), {**RETURNED, CARD: ALL}),
        ("-110.00", 1, rule("payment_account", BANK), {**RETURNED, BANK: ALL}),
        ("-110.00", 1, rule("offset_account", LIABILITY), {**RETURNED, LIABILITY: ALL}),
        ("-110.00", 1, rule("offset_account", CLEARING), {**RETURNED, CLEARING: ALL}),
        (
            "-110.00",
            3,
            {**rule("payment_account", CARD), "offset_account": LIABILITY},
            {CARD: ALL, OWED: -ALL},
        ),
    ],
)
def test_every_row_ends_right_in_double_entry(
    bench: QBOBench, jo: str, amount: str, kind: int, company: dict[str, Any], balances: dict[str, Decimal]
) -> None:
    post(bench, jo, amount, kind, **company)
    assert bench.balances() == balances


def test_typed_tax_stands_in_the_books_as_typed(bench: QBOBench, jo: str) -> None:
    assert bench.books.country == "AU"
    paper = Paper(bench.books, contact=jo)
    line = paper.line("110.00", paper.cost)
    shares = tuple(replace(share, amount=Decimal("9.13")) for share in line.tax_shares)
    bill = replace(
        paper.bill("CW-1", "110.00"), lines=(replace(line, tax_amount=Decimal("9.13"), tax_shares=shares),)
    )
    (call,) = bench.ledger.calls([bill])
    (result,) = bench.ledger.send(call, key="k-1")
    assert result.total == ALL
    assert bench.balances() == {COST: Decimal("100.87"), TAX: Decimal("9.13"), OWED: -ALL}


# -- once and only once --------------------------------------------------------------------------------


def test_a_journal_and_a_payment_of_nothing_are_found_by_number(bench: QBOBench, jo: str) -> None:
    made = post(bench, jo, "110.00", **rule("offset_account", LIABILITY))
    bill, journal = bench.state("bills")[0]["Id"], bench.state("journal_entries")[0]["Id"]
    link = made[2].settling(bill, also=journal)
    found = bench.ledger.look_up([made[1].settling(bill), link])
    assert found["journal:CW-4711"][0].amount == ALL
    (hit,) = found["payment:CW-4711"]
    assert (hit.amount, hit.whole) == (Decimal("0.00"), True)


def test_a_deposit_is_found_by_its_tag(bench: QBOBench, jo: str) -> None:
    (refund,) = post(bench, jo, "-110.00", **rule("payment_account", BANK))
    (found,) = bench.ledger.look_up([refund])[refund.marker]
    assert (found.amount, found.date) == (ALL, refund.date)
    assert bench.ledger.attachments(REFUND, found.remote_id) == []


def test_a_payment_whose_link_was_dropped_is_not_posted_and_found_as_half(
    bench: QBOBench, paper: Paper
) -> None:
    (call,) = bench.ledger.calls([paper.bill("CW-1")])
    (bill,) = bench.ledger.send(call, key="k-1")
    payment = paper.payment("CW-1", str(bill.remote_id))
    bench.configure(drop_links=1)
    (call,) = bench.ledger.calls([payment])
    with pytest.raises(Uncertain):
        bench.ledger.send(call, key="k-2")
    (found,) = bench.ledger.look_up([payment])[payment.marker]
    assert not found.whole


def test_a_number_taken_by_our_own_lost_document_is_adopted(bench: QBOBench, paper: Paper) -> None:
    bench.configure(requestid_seconds=0)
    (call,) = bench.ledger.calls([paper.spend("CW-1")])
    (first,) = bench.ledger.send(call, key="k-1")
    (second,) = bench.ledger.send(call, key="k-1")
    assert (second.outcome, second.remote_id) == ("posted", first.remote_id)


def test_a_number_taken_by_another_document_is_refused(bench: QBOBench, paper: Paper) -> None:
    (call,) = bench.ledger.calls([paper.spend("CW-1")])
    bench.ledger.send(call, key="k-1")
    other = replace(paper.spend("CW-1"), memo="something else")
    (call,) = bench.ledger.calls([other])
    (result,) = bench.ledger.send(call, key="k-2")
    assert (result.outcome, result.cause) == ("refused", "number_taken")


def test_answers_in_another_order_reach_their_documents(bench: QBOBench, paper: Paper) -> None:
    bench.configure(shuffle_answers=True)
    bills = [paper.bill(f"CW-{n}", f"{n}.00") for n in range(1, 21)]
    (call,) = bench.ledger.calls(bills)
    results = bench.ledger.send(call, key="k-1")
    assert [result.total for result in results] == [bill.amount for bill in bills]


# -- vendors -------------------------------------------------------------------------------------------


def test_a_name_that_an_employee_has_gets_a_mark_and_only_once(bench: QBOBench) -> None:
    bench.configure(employees=[{"name": "Ana Smith"}])
    ana = wanted_contact("Ana Smith")
    (call,) = bench.ledger.calls([ana])
    first = [bench.ledger.send(call, key="k-1")[0].remote_id for _ in range(2)]
    again = bench.ledger.send(call, key="k-2")[0].remote_id
    assert first == [again, again]
    assert [row["DisplayName"] for row in bench.state("vendors") if row["Id"] == again] == ["Ana Smith (CW)"]
    assert bench.ledger.look_up([ana])[ana.marker][0].remote_id == again


def test_two_members_of_one_name_in_one_call_share_the_vendor(bench: QBOBench) -> None:
    twins = [replace(wanted_contact("Ana Smith"), number=number) for number in ("ana1", "ana2")]
    (call,) = bench.ledger.calls(twins)
    ids = {result.remote_id for result in bench.ledger.send(call, key="k-1")}
    assert len(ids) == 1 and None not in ids


# -- reference data ------------------------------------------------------------------------------------


def test_the_books_cost_one_metered_call(bench: QBOBench) -> None:
    before = bench.calls()
    assert bench.ledger.books().accounts
    assert bench.calls() - before == 1


def test_a_changed_account_is_news(bench: QBOBench) -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)
    assert not bench.ledger.changed_since(soon)
    assert bench.ledger.changed_since(soon - dt.timedelta(minutes=10))


def test_a_list_of_more_than_a_page_is_read_whole(bench: QBOBench) -> None:
    bench.configure(vendors=[{"name": f"Vendor {n}"} for n in range(1_100)])
    wanted = [wanted_contact("Vendor 7"), wanted_contact("Vendor 1099")]
    found = bench.ledger.contacts(wanted)
    assert [len(found[each.marker]) for each in wanted] == [1, 1]


def test_american_books_take_amounts_without_tax(bench: QBOBench) -> None:
    american = {"realm_id": "77", "name": "US", "country": "US", "vendors": [{"name": "Jo Doe"}]}
    bench.control("POST", "qbo/companies", american)
    grant = bench.control("POST", "qbo/grants", {"client_id": "sandbox-qbo-client", "realm_id": "77"})
    there = bench.ledger_with(str(grant["access_token"]), realm="77")
    books = there.books()
    assert (books.country, books.base_currency, books.tax_codes) == ("US", "USD", ())
    meals = ExpenseTypeRow(name="Meals", account="Travel")
    by = settings(company={"expense_types": (meals,)}, **rule("approved_bill"))
    jo = there.contacts([wanted_contact("Jo Doe")])["contact:Jo Doe"][0].id
    expense = replace(entry(amount="110.00"), currency="USD")
    decision = decide(expense, settings=by, site=SITE)
    (call,) = there.calls(plan(expense, decision, contact=jo, settings=by, books=books, traits=TRAITS))
    (result,) = there.send(call, key="k-1")
    assert (result.outcome, result.total) == ("posted", ALL)


# -- answers that the sandbox does not give by itself -----------------------------------------------------


def test_a_call_names_key_version_and_company(wire: responses.RequestsMock) -> None:
    answers(wire, fault("6000"), status=400)
    send_bill(far_qbo())
    request = wire.calls[0].request
    assert request.url == f"{API}/bill?requestid=k-1&minorversion=75"
    assert request.headers["Authorization"] == "Bearer t"


def test_a_long_key_is_cut_to_what_quickbooks_takes(wire: responses.RequestsMock) -> None:
    answers(wire, fault("6000"), status=400)
    qbo = far_qbo()
    (call,) = qbo.calls([PAPER.bill("CW-1")])
    qbo.send(call, key="er-" + "a" * 64)
    assert f"requestid=er-{'a' * 33}&" in str(wire.calls[0].request.url)


@pytest.mark.parametrize(
    "body",
    [
        {"Fault": {"Error": [{"Message": "m", "code": "3200"}], "type": "AUTHENTICATION"}},
        {"warnings": None, "fault": {"error": [{"message": "m", "code": "3200"}], "type": "AUTHENTICATION"}},
        "<html>401</html>",
    ],
)
def test_each_envelope_of_401_is_a_stale_token(wire: responses.RequestsMock, body: Any) -> None:
    answers(wire, body, status=401)
    with pytest.raises(Unauthorised):
        send_bill(far_qbo())


@pytest.mark.parametrize("status", [429, 403])
def test_a_throttled_call_waits_a_minute_when_nothing_is_said(
    wire: responses.RequestsMock, status: int
) -> None:
    answers(wire, fault("3001", type="SERVICE"), status=status)
    with pytest.raises(RateLimited) as trouble:
        send_bill(far_qbo())
    assert trouble.value.after is not None and 60 <= trouble.value.after <= 70


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (fault("10000", type="SystemFault"), 200),
        (fault("10000", type="SystemFault"), 400),
        (fault("10000", type="SystemFault"), 500),
        ({"time": "2026-08-21"}, 200),
        ("<html>", 200),
        ("", 502),
    ],
)
def test_what_quickbooks_does_not_know_itself_is_uncertain(
    wire: responses.RequestsMock, body: Any, status: int
) -> None:
    answers(wire, body, status=status)
    with pytest.raises(Uncertain) as trouble:
        send_bill(far_qbo())
    assert trouble.value.answered


def test_a_fault_with_200_is_a_refusal(wire: responses.RequestsMock) -> None:
    answers(wire, fault("6000"))
    (result,) = send_bill(far_qbo())
    assert (result.outcome, result.words) == ("refused", ("No: why (6000)",))


def test_a_lapsed_subscription_pauses_the_company(wire: responses.RequestsMock) -> None:
    answers(wire, fault("6190"), status=400)
    with pytest.raises(Paused, match="subscription"):
        send_bill(far_qbo())


def test_a_batch_without_its_list_is_uncertain(wire: responses.RequestsMock) -> None:
    answers(wire, {"time": "2026-08-21"}, path="batch")
    qbo = far_qbo()
    (call,) = qbo.calls([PAPER.bill("CW-1"), PAPER.bill("CW-2")])
    with pytest.raises(Uncertain):
        qbo.send(call, key="k-1")


def test_a_failure_inside_on_a_read_is_asked_again(wire: responses.RequestsMock) -> None:
    answers(wire, fault("10000", type="SystemFault"), path="query")
    with pytest.raises(Retryable):
        far_qbo().contact("7")


def test_a_refused_file_keeps_quickbooks_words(wire: responses.RequestsMock) -> None:
    answers(wire, {"AttachableResponse": [fault("6000")]}, path="upload")
    with pytest.raises(Refused, match="why"):
        far_qbo().attach(BILL, "7", name="a.html", content=b"x", content_type="text/html", key="k-1")


def test_a_file_without_an_id_is_uncertain(wire: responses.RequestsMock) -> None:
    answers(wire, {"AttachableResponse": [{"Attachable": {}}]}, path="upload")
    with pytest.raises(Uncertain):
        far_qbo().attach(BILL, "7", name="a.pdf", content=b"x", content_type="application/pdf", key="k-1")


def test_nothing_is_known_to_be_reconciled() -> None:
    assert far_qbo().reconciled([("payment", "7")]) == set()
