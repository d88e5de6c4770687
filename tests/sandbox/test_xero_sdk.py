"""Xero's own Python SDK as the client: it parses replies by Xero's models and knows nothing of us."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from xero_python.accounting import (
    Account,
    AccountingApi,
    Contact,
    Contacts,
    Invoice,
    Invoices,
    LineAmountTypes,
    LineItem,
    Payment,
    PaymentDelete,
    Payments,
)
from xero_python.api_client import ApiClient, Configuration
from xero_python.api_client.oauth2 import OAuth2Token
from xero_python.exceptions import (
    AccountingBadRequestException,
    NotFoundException,
    RateLimitException,
)
from xero_python.exceptions.http_status_exceptions import HTTPStatusException

from tests.sandbox.clients import CLIENT, REFRESH, TENANT, Control

DAY = date(2026, 8, 21)


@pytest.fixture
def sdk(control: Control, monkeypatch: pytest.MonkeyPatch) -> Iterator[AccountingApi]:
    """The SDK with a token that it fetched itself from the pretend identity service."""
    address = f"{control.url}/connect/token"
    monkeypatch.setattr("xero_python.api_client.oauth2.TokenApi.refresh_token_url", address)
    held: dict[str, Any] = {"access_token": "", "refresh_token": REFRESH, "token_type": "Bearer"}
    held |= {"scope": ["offline_access"], "expires_in": 1800, "expires_at": 0, "id_token": ""}
    token = OAuth2Token(client_id=CLIENT[0], client_secret=CLIENT[1])
    client = ApiClient(Configuration(oauth2_token=token), pool_threads=1)
    client.oauth2_token_getter(lambda: held)
    client.oauth2_token_saver(held.update)
    # Left alone, urllib3 would sleep through a Retry-After without telling anybody.
    client.rest_client.pool_manager.connection_pool_kw["retries"] = False
    client.refresh_oauth2_token()
    assert held["refresh_token"] != REFRESH
    yield AccountingApi(client, base_url=f"{control.url}/api.xro/2.0")
    client.rest_client.pool_manager.clear()


def bill(account: str = "420", number: str = "CW-4701") -> Invoice:
    line = LineItem(
        description="Lunch", quantity=1.0, unit_amount=120.5, account_code=account, tax_type="INPUT"
    )
    return Invoice(
        type="ACCPAY",
        contact=Contact(name="Jo Doe"),
        date=DAY,
        due_date=DAY,
        invoice_number=number,
        line_amount_types=LineAmountTypes.INCLUSIVE,
        status="AUTHORISED",
        line_items=[line],
    )


def created(sdk: AccountingApi, *bills: Invoice) -> list[Invoice]:
    reply = sdk.create_invoices(TENANT, Invoices(invoices=list(bills)), summarize_errors=False)
    found: list[Invoice] = reply.invoices
    return found


def pay(sdk: AccountingApi, invoice: Invoice) -> Payment:
    wish = Payment(
        invoice=Invoice(invoice_id=invoice.invoice_id), account=Account(code="090"), date=DAY, amount=120.5
    )
    return sdk.create_payments(TENANT, Payments(payments=[wish]), summarize_errors=False).payments[0]


def test_the_sdk_creates_a_bill_and_reads_its_sums(sdk: AccountingApi) -> None:
    made = created(sdk, bill())[0]
    assert (made.total, made.total_tax) == (Decimal("120.5"), Decimal("10.95"))
    assert (made.date, made.status) == (DAY, "AUTHORISED")


def test_the_sdk_pays_a_bill_and_sees_it_paid(sdk: AccountingApi) -> None:
    made = created(sdk, bill())[0]
    paid = pay(sdk, made)
    shown = sdk.get_invoice(TENANT, made.invoice_id).invoices[0]
    assert (shown.status, shown.amount_due, shown.fully_paid_on_date) == ("PAID", 0, DAY)
    assert shown.payments[0].payment_id == paid.payment_id


def test_the_sdk_deletes_a_payment_and_voids_the_bill(sdk: AccountingApi) -> None:
    made = created(sdk, bill())[0]
    paid = pay(sdk, made)
    gone = sdk.delete_payment(TENANT, paid.payment_id, PaymentDelete(status="DELETED")).payments[0]
    assert gone.status == "DELETED"
    wish = Invoices(invoices=[Invoice(status="VOIDED")])
    assert sdk.update_invoice(TENANT, made.invoice_id, wish).invoices[0].status == "VOIDED"


def test_the_sdk_lists_bills_by_number(sdk: AccountingApi) -> None:
    created(sdk, bill(number="CW-1"), bill(number="CW-2"))
    found = sdk.get_invoices(TENANT, where='Type=="ACCPAY" AND InvoiceNumber=="CW-2"', page=1).invoices
    assert [i.invoice_number for i in found] == ["CW-2"]
    assert sdk.get_invoices(TENANT, invoice_numbers=["CW-1"]).invoices[0].invoice_number == "CW-1"


def test_the_sdk_sees_the_one_bad_element_of_a_batch(sdk: AccountingApi) -> None:
    made = created(sdk, bill(), bill(account="999"), bill())
    assert [i.status_attribute_string for i in made] == ["OK", "ERROR", "OK"]
    assert "not a valid code" in made[1].validation_errors[0].message


def test_the_sdk_raises_a_validation_error_with_its_elements(sdk: AccountingApi) -> None:
    with pytest.raises(AccountingBadRequestException) as caught:
        sdk.create_invoices(TENANT, Invoices(invoices=[bill(account="999")]), summarize_errors=True)
    assert "not a valid code" in str(caught.value.reason)


def test_the_sdk_meets_a_lock_date(control: Control, sdk: AccountingApi) -> None:
    control.organisation(period_lock_date="2026-08-31")
    assert "period lock date" in created(sdk, bill())[0].validation_errors[0].message
    assert sdk.get_organisations(TENANT).organisations[0].period_lock_date == date(2026, 8, 31)


def test_the_sdk_meets_a_rate_limit(control: Control, sdk: AccountingApi) -> None:
    control.fresh_minute()
    control.organisation(limits={"minute": 1})
    sdk.get_accounts(TENANT)
    with pytest.raises(RateLimitException) as caught:
        sdk.get_accounts(TENANT)
    assert caught.value.rate_limit == "minute"


def test_the_sdk_repeats_a_key_and_gets_the_same_bill(sdk: AccountingApi) -> None:
    wish = Invoices(invoices=[bill()])
    ids = {
        sdk.create_invoices(TENANT, wish, summarize_errors=False, idempotency_key="k1").invoices[0].invoice_id
        for _ in range(2)
    }
    assert len(ids) == 1


def test_the_sdk_makes_finds_and_keeps_contacts_apart(sdk: AccountingApi) -> None:
    made = sdk.create_contacts(TENANT, Contacts(contacts=[Contact(name="New Supplier")])).contacts[0]
    assert sdk.get_contact(TENANT, made.contact_id).contacts[0].name == "New Supplier"
    with pytest.raises(AccountingBadRequestException) as caught:
        sdk.create_contacts(TENANT, Contacts(contacts=[Contact(name="New Supplier")]), summarize_errors=True)
    assert "already assigned to another contact" in str(caught.value.reason)


def test_the_sdk_reads_the_books_settings(sdk: AccountingApi) -> None:
    accounts = {a.code: a for a in sdk.get_accounts(TENANT).accounts}
    assert accounts["850"].enable_payments_to_account is True
    assert accounts["800"].system_account == "CREDITORS"
    rates = {r.tax_type: r for r in sdk.get_tax_rates(TENANT).tax_rates}
    assert (rates["INPUT"].effective_rate, rates["INPUT"].can_apply_to_expenses) == (10, True)
    organisation = sdk.get_organisations(TENANT).organisations[0]
    assert (organisation.base_currency.value, organisation.country_code.value) == ("AUD", "AU")
    assert {a.name: a.status for a in sdk.get_organisation_actions(TENANT).actions}[
        "CreateApprovedBill"
    ] == "ALLOWED"
    assert [c.code.value for c in sdk.get_currencies(TENANT).currencies] == ["AUD"]
    assert sdk.get_tracking_categories(TENANT).tracking_categories == []


def test_the_sdk_attaches_a_receipt_and_gets_it_back(sdk: AccountingApi) -> None:
    made = created(sdk, bill())[0]
    content = b"%PDF-1.4 receipt"
    sdk.create_invoice_attachment_by_file_name(TENANT, made.invoice_id, "receipt.pdf", content)
    held = sdk.get_invoice_attachments(TENANT, made.invoice_id).attachments
    assert [(a.file_name, a.content_length) for a in held] == [("receipt.pdf", len(content))]


def test_the_sdk_is_told_of_unknown_ids_and_organisations(sdk: AccountingApi) -> None:
    with pytest.raises(NotFoundException):
        sdk.get_invoice(TENANT, "3f5c0000-0000-4000-8000-000000000000")
    with pytest.raises(HTTPStatusException) as caught:
        sdk.get_accounts("3f5c0000-0000-4000-8000-000000000000")
    assert caught.value.status == 403
