"""What a rule would do, seen before it is saved: on real entries, instead of which others, nothing kept."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from models.company import Company
from models.database import Database
from models.expense import Document, History
from tests.pages.conftest import People, Somebody
from tests.pages.looks import look_at
from tests.pages.reached import Real, add_real, app, live, live_qbo, sandbox_url
from tests.pages.test_grid import HERE, REFUSED, RULE, press, rules, version

__all__ = ["add_real", "app", "live", "live_qbo", "sandbox_url"]
pytestmark = pytest.mark.one_database

PREVIEW = f"{HERE}/preview"
PIECE = {"HX-Request": "true"}
JDOE = {"member": "jdoe", "payment_type": "Corporate Amex", "action": "payment_account", "account": "092"}
VISA = JDOE | {"payment_type": "Company Visa Debit"}


def look(somebody: Somebody, **form: str) -> str:
    """The piece that a press on Preview brings beside the form."""
    sent = {"version": version(somebody), "csrf_token": somebody.proof()} | form
    answer = somebody.client.post(PREVIEW, data=sent, headers=PIECE)
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def footprints(database: Database) -> list[Any]:
    """What a rule that is only looked at must leave as it is."""
    with database.read() as session:
        counts = [session.scalar(select(func.count()).select_from(table)) for table in (History, Document)]
    return [rules(database), *counts]


def test_a_typed_rule_is_shown_on_real_entries_and_nothing_is_kept(
    person: People, live: Company, database: Database, add_real: Real
) -> None:
    entry_id, other = add_real("Corporate Amex"), add_real("Company Visa Debit")
    somebody, before = person("admin"), footprints(database)
    text = look(somebody, **JDOE)
    assert f"Expense {entry_id}" in text and f"Expense {other}" not in text
    assert "Would be posted" in text and "from 092 (rule 2)" in text and "120.50" in text
    assert "It would decide 1 of the latest expenses: 1 that rule 1 decides now." in text
    assert "Until now rule 1 decides it." in text and "Nothing was saved or posted" in text
    assert footprints(database) == before


def test_an_expense_that_no_rule_decides_yet_is_told_so(
    person: People, live: Company, add_real: Real
) -> None:
    add_real("Company Visa Debit")
    text = look(person("admin"), **VISA)
    assert "1 that no rule decides now." in text and "Until now no rule decides it." in text


def test_a_changed_rule_says_what_it_keeps_and_what_it_leaves_to_others(
    person: People, live: Company, add_real: Real
) -> None:
    add_real("Corporate Amex")
    somebody = person("admin")
    assert "1 that it decides already." in look(somebody, **JDOE, row="1", **{"from": "2026-08-21"})
    text = look(somebody, **JDOE, row="1", **{"from": "2026-08-22"})
    assert "None of the latest expenses would fall under it. It would leave 1 to no rule." in text
    press(somebody, **(JDOE | {"member": "*", "payment_type": "*"}))
    assert "It would leave 1 to rule 2." in look(somebody, **JDOE, row="1", **{"from": "2026-08-22"})


def test_what_members_paid_themselves_falls_under_no_rule(
    person: People, live: Company, add_real: Real
) -> None:
    add_real("Paid by Employee")
    text = look(person("admin"), **(JDOE | {"member": "*", "payment_type": "*"}))
    assert "None of the latest expenses would fall under it." in text


def test_a_member_typed_in_another_case_is_the_same_member(
    person: People, live: Company, add_real: Real
) -> None:
    add_real("Corporate Amex")
    assert "It would decide 1 of" in look(person("admin"), **(JDOE | {"member": "JDoe"}))


@pytest.mark.parametrize(("form", "said"), REFUSED)
def test_what_can_not_be_saved_is_told_in_the_same_words(
    person: People, live: Company, form: dict[str, str], said: str
) -> None:
    somebody = person("admin")
    text = look(somebody, **form)
    assert said in text and "Expense " not in text
    assert said in press(somebody, **form)


def test_an_account_that_can_not_do_it_is_told_as_the_grid_tells_it(person: People, live: Company) -> None:
    somebody, rule = person("admin"), JDOE | {"account": "no such account"}
    press(somebody, **rule)
    told = somebody.get(HERE).text.partition('<span class="error">')[2].partition("</span>")[0]
    assert told and told in look(somebody, **rule, row="2")


def test_rules_that_somebody_else_changed_meanwhile_are_not_looked_at(person: People, live: Company) -> None:
    somebody = person("admin")
    seen = version(somebody)
    press(somebody, **RULE)
    assert "Somebody else changed" in look(somebody, **(JDOE | {"version": seen}))


def test_without_scripts_the_page_comes_back_with_what_was_typed_and_its_preview(
    person: People, live: Company, database: Database, add_real: Real
) -> None:
    entry_id, somebody = add_real("Corporate Amex"), person("admin")
    answer = somebody.post(PREVIEW, {"version": version(somebody)} | JDOE)
    assert answer.status_code == 200 and f"Expense {entry_id}" in answer.text
    assert '<option value="jdoe" selected>' in answer.text and '<option value="092" selected>' in answer.text
    refused = somebody.post(PREVIEW, {"version": version(somebody)} | JDOE | {"account": ""})
    assert refused.status_code == 400 and "is missing" in refused.text and len(rules(database)) == 1


def test_only_who_may_save_a_rule_may_try_one(person: People, live: Company, beta: Company) -> None:
    for role, companies, status in (("viewer", [], 403), ("operator", [], 403), ("admin", ["beta"], 404)):
        assert person(role, companies).post(PREVIEW, JDOE).status_code == status
    assert "Nothing is posted." not in person("viewer", ["acme"]).get(HERE).text


def test_what_was_typed_is_shown_as_text(person: People, live: Company, add_real: Real) -> None:
    add_real("Corporate Amex")
    evil = "<img src=x onerror=alert(1)>"
    for name in ("member", "payment_type", "action", "account", "from"):
        text = look(person("admin", email=f"{name}@example.com"), **(JDOE | {name: evil}))
        assert "<img" not in text, name
    assert "&lt;img" in text or "&#34;from&#34;" in text


def test_in_quickbooks_a_typed_rule_shows_its_documents(
    person: People, live_qbo: Company, add_real: Real
) -> None:
    add_real("Company Visa Debit")
    text = look(person("admin"), **(VISA | {"account": "Visa 2002"}))
    assert "jdoe pays Company Visa Debit from Visa 2002 (rule 2)" in text
    assert "Until now no rule decides it." in text and "Meals and Entertainment" in text


def test_a_rule_is_tried_in_a_browser_and_then_saved(
    page: Page, live: Company, database: Database, add_real: Real
) -> None:
    add_real("Corporate Amex")
    page.goto(HERE)
    page.get_by_label("Member", exact=True).select_option("jdoe")
    page.get_by_label("Company payment type").select_option("Corporate Amex")
    page.get_by_label("Account that paid").select_option("092")
    page.get_by_role("button", name="Preview", exact=True).click()
    expect(page.get_by_role("heading", name="What this rule would do")).to_be_visible()
    look_at(page, "grid-typed")
    assert len(rules(database)) == 1
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert rules(database)[1].member == "jdoe"
