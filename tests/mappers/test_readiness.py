"""Readiness: each thing that would fail is told before going live."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest

from mappers.books import Books, Contact
from mappers.company import CompanySettings, ExpenseTypeRow, MemberRow, PaymentTypeRow, Rule, TaxRow
from mappers.entry import ExpenseType, Member, PaymentType, Site
from mappers.mapping import wanted_contacts
from mappers.readiness import Finding, check
from mappers.traits import QBO
from tests.mappers.world import BOOKS, SETTINGS, SITE, settings
from tests.mappers.world_qbo import QBO_BOOKS, TAXLESS_BOOKS

READY = settings(company={"taxes": (TaxRow(name="GST", code="INPUT"),)})


def findings(
    by: CompanySettings = READY, site: Site = SITE, books: Books = BOOKS, **more: Any
) -> list[Finding]:
    return check(by, site=site, books=books, **more)


def told(
    by: CompanySettings = READY, site: Site = SITE, books: Books = BOOKS, **more: Any
) -> set[tuple[str, str]]:
    return {(finding.level, finding.cause) for finding in findings(by, site, books, **more)}


def rules(**changes: Any) -> CompanySettings:
    rule = Rule(number=1, member="*", payment_type="*", action="payment_account", account="Amex 1001")
    return replace(READY, rules=(replace(rule, **changes),))


def types(**changes: Any) -> CompanySettings:
    changed = replace(READY.expense_types[0], **changes)
    return replace(READY, expense_types=(changed, *READY.expense_types[1:]))


def test_a_company_that_is_ready_hears_nothing() -> None:
    assert findings() == []


def test_an_expense_type_without_account_is_told_unless_inactive() -> None:
    extra = {40: ExpenseType(id=40, name="Gadgets", mileage=False, rate=None)}
    site = replace(SITE, expense_types={**SITE.expense_types, **extra})
    (finding,) = findings(site=site)
    assert (finding.level, finding.cause) == ("error", "expense_type_unmapped")
    assert "Gadgets" in finding.text
    gone = replace(site, expense_types={**SITE.expense_types, 40: replace(extra[40], active=False)})
    assert findings(site=gone) == []


@pytest.mark.parametrize(
    ("by", "found"),
    [
        (types(account="499"), ("error", "account_archived")),
        (types(account="Amex 1001"), ("error", "account_cannot_be_coded")),
        (types(billable_account="777"), ("error", "account_unknown")),
        (types(tax="INPUT9"), ("error", "tax_unknown")),
        (types(tax="OLDGST"), ("error", "tax_archived")),
        (types(tax="OUTPUT"), ("error", "tax_cannot_be_used")),
        (types(name="Meels"), ("warning", "expense_type_not_in_connectwise")),
        (replace(READY, taxes=()), ("warning", "tax_unmapped")),
        (replace(READY, taxes=(TaxRow(name="GST", code="X"),)), ("error", "tax_unknown")),
        (rules(account="493"), ("error", "account_cannot_pay")),
        (rules(account="Amex 1002"), ("error", "account_unknown")),
        (rules(member="jdo"), ("warning", "member_not_in_connectwise")),
        (rules(payment_type="Amex"), ("warning", "payment_type_not_in_connectwise")),
        (rules(action="draft_bill"), ("warning", "rule_account_unused")),
        (rules(member="jdoe"), ("warning", "payment_type_without_rule")),
        (settings(offset_account="493"), ("error", "account_cannot_pay")),
        (settings(offset_account="Amex 1001"), ("warning", "account_cannot_be_coded")),
        (settings(offset_account=None), ("warning", "offset_account_missing")),
        (settings(offset_account=None, rules=()), ("error", "offset_account_missing")),
        (settings(tracking=(("Brand", "company"),)), ("error", "tracking_unmapped")),
        (settings(approval=frozenset(("ApprovedByTierOne",))), ("warning", "approval_misses_second_tier")),
        (
            replace(READY, members=(MemberRow(identifier="eve", contact="c"),)),
            ("warning", "member_not_in_connectwise"),
        ),
        (
            replace(READY, payment_types=(PaymentTypeRow(name="Amexx", company_paid=True),)),
            ("warning", "payment_type_not_in_connectwise"),
        ),
        (
            replace(READY, expense_types=(ExpenseTypeRow(name="Meals", account="850", tax=None),)),
            ("error", "expense_type_unmapped"),
        ),
    ],
)
def test_what_would_fail_is_told(by: CompanySettings, found: tuple[str, str]) -> None:
    assert found in told(by)


def test_every_finding_says_what_to_do() -> None:
    bad = replace(settings(offset_account="493", tracking=(("Brand", "company"),)), taxes=())
    made = findings(bad)
    assert all(finding.text.endswith(".") and finding.to_do.endswith(".") for finding in made)
    assert [finding.level for finding in made] == sorted(finding.level for finding in made)


def test_closed_books_are_told_when_expenses_may_fall_into_them() -> None:
    books = replace(BOOKS, locked_until=dt.date(2026, 6, 30))
    assert ("warning", "closed_period") in told(books=books)
    assert (
        told(settings(company={"start_date": dt.date(2026, 7, 1), "taxes": READY.taxes}), books=books)
        == set()
    )


def test_a_mileage_type_without_a_rate_is_told() -> None:
    broken = {**SITE.expense_types, 31: replace(SITE.expense_types[31], rate=None)}
    assert told(site=replace(SITE, expense_types=broken)) == {("error", "mileage_amount_unclear")}


def test_members_of_one_name_are_told_unless_tied() -> None:
    twin = Member(identifier="jdoe2", name="JO DOE", vendor_number=None, email=None)
    site = replace(SITE, members={**SITE.members, "jdoe2": twin})
    assert ("warning", "members_share_a_name") in told(site=site)
    rows = tuple(MemberRow(identifier=i, contact=i) for i in ("jdoe", "jdoe2"))
    assert told(replace(READY, members=rows), site=site) == set()


def test_contacts_are_judged_when_they_were_read() -> None:
    wanted = wanted_contacts(settings=READY, site=SITE)
    one = Contact(id="c-1", name="Jo Doe", number=None, active=True)
    twins = {"contact:jdoe": [one, replace(one, id="c-2")], "contact:ana": []}
    assert told(contacts=twins, wanted=wanted) == {
        ("error", "contact_ambiguous"),
        ("warning", "contact_will_be_made"),
    }


def test_a_payment_type_that_every_member_has_a_rule_for_is_covered() -> None:
    lone = replace(SITE, payment_types={1: PaymentType(id=1, name="Amex", company_paid=True)})
    assert told(rules(payment_type="AMEX"), site=lone) == set()
    assert told(rules(payment_type="Amex", member="jdoe"), site=lone) == {
        ("warning", "payment_type_without_rule")
    }


def test_a_site_with_other_classifications_or_unknown_own_company_is_told() -> None:
    site = replace(SITE, classifications={1: "Reimbursable"}, own_company_id=None)
    assert told(SETTINGS, site=site) >= {
        ("warning", "classification_unknown"),
        ("error", "own_company_unknown"),
    }


def test_a_company_that_is_ready_for_quickbooks_hears_nothing() -> None:
    assert findings(books=QBO_BOOKS, traits=QBO) == []


def test_an_offset_liability_without_payables_is_told() -> None:
    books = replace(QBO_BOOKS, accounts=QBO_BOOKS.accounts[:-2])
    assert ("error", "payable_account_missing") in told(books=books, traits=QBO)


def test_a_liability_that_should_pay_is_told_without_advice_for_another_ledger() -> None:
    (finding,) = findings(rules(account="850"), books=QBO_BOOKS, traits=QBO)
    assert finding.cause == "account_cannot_pay" and "Enable" not in finding.to_do


def test_books_without_tax_need_no_tax_codes() -> None:
    assert findings(books=TAXLESS_BOOKS, traits=QBO) == []
