"""Reading ConnectWise: what its records mean, and what is tolerated in them."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from marshmallow import ValidationError

from mappers.connectwise import audits_prove_approval, fingerprint, to_entry, to_report, to_site
from mappers.entry import Entry, EntryTax
from mappers.exact import parse
from tests.mappers.world import ENTRY

SAMPLE = Path(__file__).parent / "samples" / "row-02-payment-account" / "entry.json"


def raw(**changes: Any) -> dict[str, Any]:
    return parse(SAMPLE.read_bytes()) | changes


def test_an_entry_is_read_in_our_words() -> None:
    entry = to_entry(raw())
    assert (entry.id, entry.member, entry.expense_type_id, entry.payment_type) == (
        4711,
        "jdoe",
        29,
        "Corporate Amex",
    )
    assert (entry.amount, entry.currency, entry.report_id) == (Decimal("120.5"), "AUD", 3)
    assert (entry.company_id, entry.charge_to_type, entry.status) == (1, "Company", "ApprovedByTierTwo")


def test_money_comes_from_the_wire_without_ever_being_a_float() -> None:
    text = json.dumps(raw(amount=0), default=str).replace('"amount": 0', '"amount": 0.1000000000000000055')
    assert to_entry(parse(text.encode())).amount == Decimal("0.1000000000000000055")


@pytest.mark.parametrize("date", ["2026-08-21T00:00:00Z", "2026-08-21T23:00:00+14:00", "2026-08-21"])
def test_the_day_is_never_shifted(date: str) -> None:
    assert to_entry(raw(date=date)).date == dt.date(2026, 8, 21)


@pytest.mark.parametrize("absent", [{}, None])
def test_a_missing_classification_or_payment_type_is_empty(absent: object) -> None:
    entry = to_entry(raw(classification=absent, paymentMethod=absent, expenseReport=absent, company=absent))
    assert (entry.classification, entry.payment_type, entry.classification_id) == ("", "", None)
    assert (entry.report_id, entry.company_id) == (None, None)


def test_nulls_and_unknown_keys_are_tolerated() -> None:
    entry = to_entry(raw(notes=None, taxes=None, currency=None, amount=None, brandNewField={"a": 1}))
    assert (entry.notes, entry.taxes, entry.currency, entry.amount) == ("", (), None, Decimal(0))


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"date": "soon"},
        {"member": {}},
        {"type": {"name": "Meals"}},
        {"type": {"id": True, "name": "Meals"}},
        {"type": {"id": 9, "name": ["Meals"]}},
        {"expenseReport": 4711},
        {"currency": {"currencyCode": 36}},
        {"amount": "NaN"},
        {"status": 7},
    ],
)
def test_a_malformed_entry_is_a_bug(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        to_entry(raw(**changes))


@pytest.mark.parametrize(
    ("changes", "project"),
    [
        ({"chargeToType": "ProjectTicket"}, True),
        ({"project": {"id": 5, "name": "Rollout"}}, True),
        ({"chargeToType": "ServiceTicket"}, False),
        ({"project": None}, False),
    ],
)
def test_a_project_is_known_by_its_ticket_or_its_reference(changes: dict[str, object], project: bool) -> None:
    assert to_entry(raw(**changes)).project is project


def test_taxes_keep_the_amounts_as_typed() -> None:
    entry = to_entry(raw(taxes=[{"id": 1, "amount": Decimal("9.10"), "type": {"id": 1, "name": "GST"}}]))
    assert entry.taxes == (EntryTax(name="GST", amount=Decimal("9.10")),)


def test_a_report_is_read_with_what_its_audits_proved() -> None:
    assert not to_report({"id": 3, "status": "Billed", "year": 2026}).was_approved
    assert to_report({"id": 3, "status": "Billed"}, was_approved=True).was_approved


def test_the_sites_tables_are_read() -> None:
    site = to_site(
        {
            "payment_types": [{"id": 1, "name": "Amex", "companyFlag": True}, {"id": 2, "name": "Own"}],
            "classifications": [{"id": 1, "name": "Non-Reimbursable"}],
            "expense_types": [
                {"id": 31, "name": "Mileage", "mileageFlag": True, "reimbursementRate": Decimal("0.88")},
                {"id": 32, "name": "Old", "inactiveFlag": True},
            ],
            "members": [
                {"identifier": "jdoe", "firstName": "Jo", "lastName": "Doe", "vendorNumber": " V1 "},
                {"identifier": "api", "firstName": None, "officeEmail": "api@acme.example"},
            ],
            "tax_types": [{"id": 1, "name": "GST"}],
            "time_expense": [{"id": 1, "internalCompany": {"id": 9, "identifier": "acme"}}],
        }
    )
    assert [p.company_paid for p in site.payment_types.values()] == [True, False]
    assert (site.expense_types[31].mileage, site.expense_types[31].rate) == (True, Decimal("0.88"))
    assert not site.expense_types[32].active
    assert (site.members["jdoe"].name, site.members["jdoe"].vendor_number) == ("Jo Doe", "V1")
    assert (site.members["api"].name, site.members["api"].email) == ("api", "api@acme.example")
    assert (site.own_company_id, site.tax_types, site.classifications) == (
        9,
        ("GST",),
        {1: "Non-Reimbursable"},
    )


def audit(number: int, value: str, kind: str = "Status") -> dict[str, object]:
    return {"id": number, "type": kind, "oldValue": "Open", "newValue": value}


@pytest.mark.parametrize(
    ("trail", "proved"),
    [
        ([], False),
        ([audit(1, "ApprovedByTierOne")], True),
        ([audit(1, "Approved by Tier One"), audit(2, "Billed")], True),
        ([audit(1, "ApprovedByTierOne"), audit(2, "Rejected")], False),
        ([audit(2, "Rejected"), audit(1, "ApprovedByTierOne")], False),
        ([audit(1, "Rejected"), audit(2, "ApprovedByTierOne")], True),
        ([audit(1, "ApprovedByTierOne", kind="Notes")], False),
        ([audit(1, "Billed")], False),
        ([{"id": 1, "type": "Status", "newValue": None, "value": "ApprovedByTierOne"}], True),
    ],
)
def test_an_audit_trail_proves_an_approval_that_was_not_taken_back(
    trail: list[dict[str, object]], proved: bool
) -> None:
    assert audits_prove_approval(trail, frozenset(("ApprovedByTierOne",))) is proved


@pytest.mark.parametrize(
    "change",
    [
        {"amount": Decimal("120.51")},
        {"date": dt.date(2026, 8, 22)},
        {"member": "ana"},
        {"expense_type_id": 30},
        {"classification_id": 3},
        {"payment_type_id": 2},
        {"currency": "USD"},
        {"taxes": (EntryTax(name="GST", amount=Decimal(1)),)},
        {"company_id": 250},
        {"project": True},
        {"charge_to_id": 8},
    ],
)
def test_the_fingerprint_changes_with_what_would_be_posted(change: dict[str, Any]) -> None:
    assert fingerprint(replace(ENTRY, **change)) != fingerprint(ENTRY)


@pytest.mark.parametrize(
    "change",
    [
        {"status": "Billed"},
        {"amount": Decimal("120.5")},
        {"invoice_amount": Decimal(7)},
        {"notes": "x"},
        {"member_name": "Jo D."},
        {"payment_type": "Amex, renamed"},
    ],
)
def test_the_fingerprint_does_not_change_with_what_is_not_posted(change: dict[str, Any]) -> None:
    same: Entry = replace(ENTRY, **change)
    assert fingerprint(same) == fingerprint(ENTRY)
    assert len(fingerprint(ENTRY)) == 16
