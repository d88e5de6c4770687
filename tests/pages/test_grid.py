"""Expense Connect: the rules as people see and change them, and what a rule makes of real entries."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from mappers.company import Rule
from mappers.company_file import load, load_text
from models.company import Company
from models.database import Database
from tests.pages.conftest import People, Somebody
from tests.pages.looks import look_at
from tests.pages.reached import Real, add_real, app, live, sandbox_url

__all__ = ["add_real", "app", "live", "sandbox_url"]

HERE = "/companies/acme/expense-connect"
RULE = {"member": "asmith", "payment_type": "Corporate Amex", "action": "payment_account", "account": "092"}


REFUSED: list[tuple[dict[str, str], str]] = [
    (RULE | {"account": ""}, "&#34;account&#34; is missing"),
    (RULE | {"action": "sell"}, "must be one of"),
    (RULE | {"from": "2026-09-01", "to": "2026-08-01"}, "lies before"),
    ({"member": "*", "payment_type": "corporate amex", "action": "approved_bill"}, "ties with row 1"),
    (RULE | {"member": ""}, "&#34;member&#34; is missing"),
]


def rules(database: Database) -> tuple[Rule, ...]:
    with database.read() as session:
        text = session.scalars(select(Company.settings).where(Company.key == "acme")).one()
    return load(load_text(text))[0].rules


def version(somebody: Somebody) -> str:
    [*found, _] = re.findall(r'name="version" value="(\w+)"', somebody.get(HERE).text)
    return str(found[0])


def press(somebody: Somebody, path: str = HERE, **form: Any) -> str:
    answer = somebody.post(path, {"version": version(somebody)} | form, follow_redirects=True)
    return str(answer.text)


def test_a_rule_is_added_changed_and_deleted(person: People, live: Company, database: Database) -> None:
    somebody = person("admin")
    assert "Saved." in press(somebody, **RULE, **{"from": "2026-07-01"})
    assert rules(database)[1].account == "092" and rules(database)[1].first_day == dt.date(2026, 7, 1)
    page = somebody.get(HERE).text
    assert "Ana Smith" in page and "1 linked member used" in page
    assert "Saved." in press(somebody, **(RULE | {"row": "2", "action": "draft_bill"}))
    changed = rules(database)[1]
    assert (changed.action, changed.account, changed.first_day) == ("draft_bill", None, None)
    assert "Saved." in press(somebody, f"{HERE}/remove", row="2")
    assert len(rules(database)) == 1


@pytest.mark.parametrize(("form", "said"), REFUSED)
def test_what_can_not_be_is_refused_in_words(
    person: People, live: Company, database: Database, form: dict[str, str], said: str
) -> None:
    before = rules(database)
    assert said in press(person("admin"), **form)
    assert rules(database) == before


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    person: People, live: Company, database: Database
) -> None:
    somebody = person("admin")
    seen = version(somebody)
    press(somebody, **RULE)
    text = somebody.post(HERE, RULE | {"version": seen, "member": "bchan"}).text
    assert "Somebody else changed" in text and len(rules(database)) == 2
    assert 'value="bchan" selected' not in text  # what was typed could undo the other's change


def test_who_may_not_change_rules_sees_them_without_buttons(
    person: People, live: Company, beta: Company
) -> None:
    somebody = person("operator")
    text = somebody.get(HERE).text
    assert "Amex 1001" in text and "Delete" not in text and "Add a rule" not in text
    assert somebody.post(HERE, RULE).status_code == somebody.post(f"{HERE}/remove").status_code == 403
    assert person("admin", ["beta"]).get(HERE).status_code == 404
    assert person("admin").post(f"{HERE}/remove", {"row": "7", "version": "x"}).status_code == 400


def test_pickers_say_what_can_not_be_used(person: People, live: Company) -> None:
    somebody = person("admin")
    text = somebody.get(f"{HERE}/account?action=payment_account").text
    assert re.search(r'<option value="420" disabled>[^<]*\(no payment can be made from it\)', text)
    assert re.search(r'<option value="092">', text)
    assert "<select" not in somebody.get(f"{HERE}/account?action=draft_bill").text


def test_before_the_lists_are_read_names_can_be_typed(person: People, acme: Company) -> None:
    text = person("admin").get(HERE).text
    assert "Its list was not read yet" in text and '<input name="member"' in text


def test_a_rules_effect_is_shown_on_real_entries(person: People, live: Company, add_real: Real) -> None:
    entry_id, other = add_real("Corporate Amex"), add_real("Company Visa Debit")
    text = person("viewer").get(f"{HERE}/1/preview").text
    assert f"Expense {entry_id}" in text and f"Expense {other}" not in text
    assert "120.50" in text and "from Amex 1001" in text


def test_no_account_is_picked_while_its_list_is_on_the_way(page: Page, live: Company) -> None:
    page.goto(HERE)
    page.get_by_label("Action").select_option("payment_account")
    page.get_by_label("Account that paid").select_option("092")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/expense-connect/account?*", hold)
    page.get_by_label("Action").select_option("offset_account")
    expect(page.get_by_label("Account that paid")).to_be_disabled()
    while not held:
        page.wait_for_timeout(10)
    assert "account=092" in held[0].request.url  # what was picked stays picked where it may be
    held[0].continue_()
    expect(page.get_by_label("Offset account")).to_be_enabled()
    expect(page.get_by_label("Offset account")).to_have_value("092")


def test_the_grid_in_a_browser(page: Page, live: Company, database: Database, add_real: Real) -> None:
    add_real("Corporate Amex")
    page.goto(HERE)
    page.get_by_label("Member", exact=True).select_option("asmith")
    page.get_by_label("Company payment type").select_option("Company Visa Debit")
    page.get_by_label("Action").select_option("draft_bill")
    expect(page.get_by_label("Account that paid")).to_have_count(0)
    page.get_by_label("Action").select_option("payment_account")
    page.get_by_label("Account that paid").select_option("092")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.get_by_label("Preview rule 1").click()
    expect(page.get_by_role("heading", name="What rule 1 makes of the latest expenses")).to_be_visible()
    look_at(page, "grid")
    assert rules(database)[1].account == "092"
