"""python-quickbooks as a client of the pretend QuickBooks: another's idea of the wire, beside our own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from quickbooks import QuickBooks, batch
from quickbooks.exceptions import AuthorizationException, QuickbooksException, ValidationException
from quickbooks.objects import Account, Attachable, Bill, BillPayment, Preferences, Purchase, Vendor
from quickbooks.objects.base import AttachableRef, Ref

from tests.sandbox.clients import WAIT, Control
from tests.sandbox.qbo_client import REALM, set_up, tokens


class Session:
    """What the library needs of an OAuth session."""

    def __init__(self, token: str) -> None:
        self.access_token = token
        self._session = requests.Session()

    def request(self, method: str, url: str, **more: Any) -> Any:
        return self._session.request(method, url, timeout=WAIT, **more)


@pytest.fixture
def client(control: Control, monkeypatch: pytest.MonkeyPatch) -> Any:
    set_up(control)
    monkeypatch.setattr(QuickBooks, "api_url_v3", f"{control.url}/v3")
    client = QuickBooks(company_id=REALM, minorversion=75)
    client.session = Session(tokens(control.url).json()["access_token"])
    return client


@pytest.fixture
def names(client: Any) -> Any:
    found = {row.Name: row.Id for row in Account.all(max_results=1000, qb=client)}
    return SimpleNamespace(accounts=found, vendor=Vendor.filter(DisplayName="Jo Doe", qb=client)[0])


def bill(names: Any, amount: float = 100) -> Any:
    body = {
        "VendorRef": {"value": names.vendor.Id},
        "TxnDate": "2026-08-21",
        "DueDate": "2026-08-21",
        "DocNumber": "CW-4701",
        "GlobalTaxCalculation": "TaxExcluded",
        "Line": [
            {
                "Amount": amount,
                "DetailType": "AccountBasedExpenseLineDetail",
                "AccountBasedExpenseLineDetail": {
                    "AccountRef": {"value": names.accounts["Travel"]},
                    "TaxCodeRef": {"value": "1"},
                },
            }
        ],
    }
    return Bill.from_json(body)


def payment(names: Any, made: Any, amount: float = 110) -> Any:
    block = {"BankAccountRef": {"value": names.accounts["Business Cheque"]}, "PrintStatus": "NotSet"}
    body = {
        "VendorRef": {"value": names.vendor.Id},
        "TotalAmt": amount,
        "PayType": "Check",
        "CheckPayment": block,
        "Line": [{"Amount": amount, "LinkedTxn": [{"TxnId": made.Id, "TxnType": "Bill"}]}],
    }
    return BillPayment.from_json(body)


def test_it_makes_pays_and_reads_a_bill(client: Any, names: Any) -> None:
    made = bill(names).save(qb=client)
    payment(names, made).save(qb=client)
    shown = Bill.get(made.Id, qb=client)
    assert (shown.TotalAmt, shown.Balance, shown.LinkedTxn[0].TxnType) == (110, 0, "BillPaymentCheck")


def test_it_repeats_a_bill_with_its_request_id(client: Any, names: Any) -> None:
    first = bill(names).save(qb=client, request_id="r1")
    again = bill(names).save(qb=client, request_id="r1")
    assert first.Id == again.Id
    assert Bill.count(qb=client) == 1


def test_it_queries_and_pages(client: Any, names: Any) -> None:
    for amount in (1, 2, 3):
        bill(names, amount).save(qb=client)
    assert len(Bill.where("DocNumber = 'CW-4701'", start_position=2, max_results=5, qb=client)) == 2
    assert Bill.query("select * from Bill where TotalAmt = '2.2'", qb=client)[0].TotalAmt == 2.2


def test_it_runs_a_batch_and_sees_the_fault_in_it(client: Any, names: Any) -> None:
    good, bad = Vendor.from_json({"DisplayName": "Ana"}), Vendor.from_json({"DisplayName": "Jo Doe"})
    found = batch.batch_create([good, bad], qb=client)
    assert [made.DisplayName for made in found.successes] == ["Ana"]
    assert found.faults[0].Error[0].code == "6240"


def test_it_reads_refusals_as_its_own_errors(client: Any, names: Any) -> None:
    broken = bill(names)
    broken.VendorRef = Ref.from_json({"value": "99"})
    with pytest.raises(ValidationException) as found:
        broken.save(qb=client)
    assert found.value.error_code == 2500
    client.session.access_token = "nonsense"
    with pytest.raises(AuthorizationException):
        bill(names).save(qb=client)


def test_it_voids_and_deletes_a_payment_and_deletes_the_bill(client: Any, names: Any) -> None:
    made = bill(names).save(qb=client)
    paid = payment(names, made).save(qb=client)
    paid.void(qb=client)
    shown = BillPayment.get(paid.Id, qb=client)
    assert shown.TotalAmt == 0
    shown.delete(qb=client)
    made.delete(qb=client)
    with pytest.raises(QuickbooksException):
        Bill.get(made.Id, qb=client)


def test_it_uploads_a_file_in_its_own_base64(client: Any, names: Any) -> None:
    made = bill(names).save(qb=client)
    file = Attachable()
    file.FileName, file.ContentType = "receipt.pdf", "application/pdf"
    link = AttachableRef()
    link.EntityRef = Ref.from_json({"value": made.Id, "type": "Bill"})
    file.AttachableRef.append(link)
    file._FileBytes = b"%PDF receipt"
    sent = file.save(qb=client)
    assert (
        client.session.request("GET", sent.TempDownloadUri, headers=bearer(client)).content == b"%PDF receipt"
    )


def bearer(client: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {client.session.access_token}"}


def test_it_reads_preferences_and_changes(client: Any, names: Any) -> None:
    assert Preferences.get(qb=client).CurrencyPrefs.HomeCurrency.value == "AUD"
    bill(names).save(qb=client)
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    answer = client.change_data_capture("Bill,Purchase", since)
    assert len(answer["CDCResponse"][0]["QueryResponse"][0]["Bill"]) == 1
    assert Purchase.all(qb=client) == []
