"""Accounts, taxes, contacts and tracking: found exactly, or named as missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from errors import NeedsAttention
from mappers.accounts import (
    check_account_currency,
    check_can_code,
    check_can_pay,
    cost_account,
    no_tax,
    tracking_of,
)
from mappers.books import Account, Books, Contact
from mappers.company import ExpenseTypeRow, MemberRow, TaxRow
from mappers.documents import TrackingChoice
from mappers.entry import EntryTax
from mappers.mapping import (
    choose_contact,
    find_account,
    find_tax,
    fixed_contact,
    tax_of,
    wanted_contact,
    wanted_contacts,
)
from mappers.traits import XERO
from tests.mappers.world import BOOKS, BRISBANE, REGION, SETTINGS, SITE, account, entry, settings


def trouble_of(step: Callable[[], object], cause: str, *names: str) -> None:
    """The step needs a person for this cause, and what it says names these things."""
    with pytest.raises(NeedsAttention) as trouble:
        step()
    assert trouble.value.cause == cause
    said = f"{trouble.value.why} {trouble.value.to_do}"
    assert all(name in said for name in names), said


def with_accounts(*accounts: Account) -> Books:
    return replace(BOOKS, accounts=accounts)


def test_an_account_is_found_by_code_then_name_then_id() -> None:
    codes = with_accounts(account("420", "Meals"), account("421", "420"))
    assert find_account(codes, "420").name == "Meals"
    assert find_account(BOOKS, "Amex 1001").is_bank
    assert find_account(BOOKS, find_account(BOOKS, "493").id).name == "Travel"


def test_an_unknown_account_is_named_with_the_nearest_one() -> None:
    trouble_of(lambda: find_account(BOOKS, "Amex 1002"), "account_unknown", "Amex 1002", "Amex 1001")


def test_an_archived_account_is_named() -> None:
    trouble_of(lambda: find_account(BOOKS, "499"), "account_archived", "499")


def test_two_accounts_of_one_name_are_ambiguous_unless_one_is_archived() -> None:
    twins = (account("1", "Card", "BANK"), account("2", "Card", "BANK"))
    trouble_of(lambda: find_account(with_accounts(*twins), "Card"), "account_ambiguous", "Card")
    assert find_account(with_accounts(twins[0], replace(twins[1], active=False)), "Card").code == "1"


def test_a_line_cannot_go_to_a_bank_or_system_account() -> None:
    trouble_of(
        lambda: check_can_code(find_account(BOOKS, "Amex 1001")), "account_cannot_be_coded", "Amex 1001"
    )
    trouble_of(lambda: check_can_code(find_account(BOOKS, "860")), "account_cannot_be_coded", "Rounding")


def test_a_payment_cannot_come_from_an_expense_account() -> None:
    trouble_of(lambda: check_can_pay(find_account(BOOKS, "493")), "account_cannot_pay", "Travel")
    assert check_can_pay(find_account(BOOKS, "850")).code == "850"


@pytest.mark.parametrize(
    ("own", "currency", "converts", "fits"),
    [
        (None, "AUD", False, True),
        (None, "USD", True, True),
        (None, "USD", False, False),
        ("USD", "USD", False, True),
        ("USD", "AUD", True, True),
        ("USD", "EUR", True, False),
    ],
)
def test_a_payment_converts_only_to_or_from_the_base_currency(
    own: str | None, currency: str, converts: bool, fits: bool
) -> None:
    card = account("", "Card", "BANK", currency=own)

    def step() -> object:
        return check_account_currency(card, books=BOOKS, currency=currency, converts=converts)

    if fits:
        assert step() == card
    else:
        trouble_of(step, "account_currency_differs", "Card", currency)


def test_a_client_has_its_own_cost_account() -> None:
    found = [
        cost_account(entry(), settings=SETTINGS, books=BOOKS, charged_to_client=client).code
        for client in (False, True)
    ]
    assert found == ["420", "421"]


def test_without_a_billable_account_a_clients_cost_goes_the_usual_way() -> None:
    travel = entry(expense_type="travel ")
    assert cost_account(travel, settings=SETTINGS, books=BOOKS, charged_to_client=True).code == "493"


def test_an_unmapped_expense_type_is_never_guessed() -> None:
    gadgets = entry(expense_type="Gadgets")
    trouble_of(
        lambda: cost_account(gadgets, settings=SETTINGS, books=BOOKS, charged_to_client=False),
        "expense_type_unmapped",
        "Gadgets",
        "[[expense_types]]",
    )


def tax(name: str, amount: str) -> EntryTax:
    return EntryTax(name=name, amount=Decimal(amount))


def tax_for(*taxes: EntryTax, expense_type: str = "Meals", code: str = "420") -> tuple[str, Decimal | None]:
    of = entry(taxes=taxes, expense_type=expense_type)
    found, typed = tax_of(of, find_account(BOOKS, code), settings=SETTINGS, books=BOOKS)
    return found.code, typed


def test_a_tax_comes_from_the_entry_then_the_type_then_the_account() -> None:
    assert tax_for(tax("gst", "9.10"), expense_type="Travel") == ("INPUT", Decimal("9.10"))
    assert tax_for(expense_type="Travel") == ("EXEMPTEXPENSES", None)
    assert tax_for() == ("INPUT", None)


def test_several_taxes_of_one_code_are_one() -> None:
    rows = (TaxRow(name="GST", code="INPUT"), TaxRow(name="Levy", code="INPUT"))
    both = entry(taxes=(tax("GST", "9"), tax("Levy", "1")))
    by = settings(company={"taxes": rows})
    assert tax_of(both, find_account(BOOKS, "420"), settings=by, books=BOOKS)[1] == Decimal(10)


def test_several_taxes_of_different_codes_need_a_person() -> None:
    trouble_of(lambda: tax_for(tax("GST", "9"), tax("Free", "1")), "several_taxes", "GST", "Free")


def test_a_tax_of_nothing_beside_another_does_not_count() -> None:
    assert tax_for(tax("GST", "9"), tax("Free", "0")) == ("INPUT", Decimal(9))
    assert tax_for(tax("GST", "0")) == ("INPUT", Decimal(0))


def test_a_tax_without_a_code_is_named() -> None:
    trouble_of(lambda: tax_for(tax("PST", "9")), "tax_unmapped", "PST", "[[taxes]]")
    bare = account("420", "Entertainment", tax_code=None)
    trouble_of(lambda: tax_of(entry(), bare, settings=SETTINGS, books=BOOKS), "tax_unmapped", "Meals")


@pytest.mark.parametrize(("code", "cause"), [("INPUT9", "tax_unknown"), ("OLDGST", "tax_archived")])
def test_a_tax_code_that_is_not_in_use_is_named(code: str, cause: str) -> None:
    trouble_of(lambda: find_tax(BOOKS, code), cause, code)


def test_a_tax_code_for_income_cannot_be_used_on_a_cost() -> None:
    rows = (ExpenseTypeRow(name="Meals", account="420", tax="OUTPUT"),)
    by = settings(company={"expense_types": rows})
    meals = find_account(BOOKS, "420")
    trouble_of(lambda: tax_of(entry(), meals, settings=by, books=BOOKS), "tax_cannot_be_used", "OUTPUT")


def test_a_balance_sheet_line_carries_no_tax() -> None:
    assert no_tax(BOOKS, find_account(BOOKS, "850"), traits=XERO).code == "BASEXCLUDED"
    assert no_tax(BOOKS, account("851", "Other", "LIABILITY"), traits=XERO).code == "BASEXCLUDED"
    taxed = replace(BOOKS, tax_codes=BOOKS.tax_codes[:1])
    trouble_of(
        lambda: no_tax(taxed, find_account(BOOKS, "850"), traits=XERO), "tax_unmapped", "Unclaimed expenses"
    )


def tracked(source: str, **changes: Any) -> Callable[[], tuple[TrackingChoice, ...]]:
    by = settings(tracking=(("region", source),))
    names = {"location": None, "department": None} | {k: v for k, v in changes.items() if k != "company_name"}
    of = entry(company_name=changes.get("company_name"))
    return lambda: tracking_of(of, settings=by, books=BOOKS, **names)


def test_a_tracking_option_is_found_by_name() -> None:
    for step in (tracked("location", location="brisbane"), tracked("company", company_name="Brisbane")):
        (choice,) = step()
        assert (choice.category, choice.option) == (REGION, BRISBANE)


def test_tracking_that_cannot_be_found_is_never_dropped() -> None:
    trouble_of(tracked("location", location="Perth"), "tracking_unmapped", "Perth", "region")
    trouble_of(tracked("department"), "tracking_unmapped", "department")
    by = settings(tracking=(("Brand", "location"),))
    trouble_of(
        lambda: tracking_of(entry(), settings=by, books=BOOKS, location="x", department=None),
        "tracking_unmapped",
        "Brand",
    )


def contact(
    name: str = "Jo Doe", number: str | None = None, *, id: str = "c-1", active: bool = True
) -> Contact:
    return Contact(id=id, name=name, number=number, active=active)


WANTED = wanted_contact(entry(), settings=SETTINGS, site=SITE)


def test_the_contact_is_the_member() -> None:
    assert (WANTED.marker, WANTED.name, WANTED.contact_number) == ("contact:jdoe", "Jo Doe", "V-JDOE")
    assert WANTED.email == "jo@acme.example"


def test_a_member_that_the_site_does_not_list_is_known_by_the_entry() -> None:
    stranger = wanted_contact(entry(member="eve", member_name=" Eve <b> "), settings=SETTINGS, site=SITE)
    assert (stranger.number, stranger.name, stranger.contact_number) == ("eve", "Eve b", None)


def test_a_payee_takes_the_place_of_every_member() -> None:
    by = settings(payee="American Express")
    made = wanted_contact(entry(), settings=by, site=SITE)
    assert (made.number, made.name, made.contact_number) == ("American Express", "American Express", None)


def test_a_personal_purchase_is_owed_by_the_member_and_not_by_the_payee() -> None:
    by = settings(
        payee="American Express", company={"members": (MemberRow(identifier="jdoe", contact="c-9"),)}
    )
    assert wanted_contact(entry(kind=3), settings=by, site=SITE).number == "jdoe"
    assert fixed_contact(entry(kind=3), by) == "c-9"
    assert fixed_contact(entry(), by) is None


def test_a_members_row_fixes_the_contact() -> None:
    by = settings(company={"members": (MemberRow(identifier="JDOE", contact="c-9"),)})
    assert fixed_contact(entry(), by) == "c-9"
    assert fixed_contact(entry(member="ana"), by) is None
    assert [w.number for w in wanted_contacts(settings=by, site=SITE)] == ["ana"]


def test_the_number_decides_before_the_name() -> None:
    by_name, by_number = contact(id="c-1"), contact("J. Doe", "V-JDOE", id="c-2")
    assert choose_contact(WANTED, [by_name, by_number]) == by_number
    assert choose_contact(WANTED, [by_name]) == by_name
    assert choose_contact(WANTED, [contact("Jo Doering")]) is None


def test_an_active_contact_of_the_name_beats_an_archived_one_of_the_number() -> None:
    gone = contact("J. Doe", "V-JDOE", active=False)
    assert choose_contact(WANTED, [gone, contact(id="c-2")]) == contact(id="c-2")


def test_two_contacts_that_fit_are_ambiguous() -> None:
    both = [contact(id="c-1"), contact(id="c-2")]
    trouble_of(lambda: choose_contact(WANTED, both), "contact_ambiguous", "Jo Doe", "[[members]]")


def test_a_contact_that_is_archived_is_not_made_again() -> None:
    trouble_of(lambda: choose_contact(WANTED, [contact(active=False)]), "contact_archived", "Jo Doe")
