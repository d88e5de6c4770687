"""Mapping, settings, readiness, the company's file: what is shown, saved and refused."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page
from sqlalchemy import select

from mappers.company import CompanySettings
from mappers.company_file import load, load_text
from models.company import Company
from models.database import Database
from models.expense import Expense, History
from tests.console.conftest import MORNING
from tests.pages.conftest import People, Somebody
from tests.pages.looks import look_at
from tests.pages.reached import app, live, sandbox_url

__all__ = ["app", "live", "sandbox_url"]

HERE = "/companies/acme"
EXPENSES = {
    "approval_any": "yes",
    "billing_statuses": ["Billable"],
    "inclusive_of_tax": "yes",
    "due_days": "30",
    "reimbursable_as": "draft",
    "company_paid_as": "approved",
    "closed_period": "draft",
    "payee": "member",
    "offset_account": "",
    "category": ["Region", ""],
    "source": ["location", "location"],
}


def settings_of(database: Database) -> CompanySettings:
    with database.read() as session:
        text = session.scalars(select(Company.settings).where(Company.key == "acme")).one()
    return load(load_text(text))[0]


def press(somebody: Somebody, page: str, action: str = "", **form: Any) -> str:
    """Fills in the page's form as somebody sees it now, and sends it."""
    version = re.findall(r'name="version" value="(\w+)"', somebody.get(f"{HERE}/{page}").text)[0]
    path = f"{HERE}/{page}{action}"
    return str(somebody.post(path, {"version": version} | form, follow_redirects=True).text)


def test_what_is_not_mapped_comes_first_and_is_mapped_by_a_press(
    person: People, live: Company, database: Database
) -> None:
    with database.write() as session:
        session.add(
            Expense(company_id=live.id, entry_id=1, state="needs_attention", cause="expense_type_unmapped",
                    expense_type="Mileage", created_at=MORNING, updated_at=MORNING)
        )  # fmt: skip
    somebody = person("admin")
    text = somebody.get(f"{HERE}/mapping").text
    names = re.findall(r'name="name" value="([^"]+)"', text)
    assert names.index("Mileage") < names.index("Meals") and "Not mapped" in text
    assert "1 expense waits here: expense type unmapped." in text and "Retry it" in text
    saved = press(somebody, "mapping", "/expense_types", name="Mileage", account="449", tax="EXEMPTEXPENSES")
    assert "Saved." in saved
    row = next(row for row in settings_of(database).expense_types if row.name == "Mileage")
    assert (row.account, row.tax, row.billable_account) == ("449", "EXEMPTEXPENSES", None)
    press(somebody, "mapping", "/expense_types", name="mileage")
    assert [row.name for row in settings_of(database).expense_types] == ["Meals", "Travel"]


def test_taxes_payment_types_and_members_are_mapped(
    person: People, live: Company, database: Database
) -> None:
    somebody = person("admin")
    assert "Saved." in press(somebody, "mapping", "/taxes", name="GST", code="EXEMPTEXPENSES")
    press(somebody, "mapping", "/payment_types", name="Corporate Amex", company_paid="no")
    press(somebody, "mapping", "/members", name="jdoe", contact="c-1")
    found = settings_of(database)
    assert found.taxes[0].code == "EXEMPTEXPENSES" and not found.payment_types[0].company_paid
    assert found.members[0].contact == "c-1"
    press(somebody, "mapping", "/payment_types", name="Corporate Amex", company_paid="")
    assert settings_of(database).payment_types == ()
    assert "is missing" in press(somebody, "mapping", "/expense_types", name="Meals", tax="INPUT")


def test_settings_are_saved_and_nonsense_is_refused_in_words(
    person: People, live: Company, database: Database
) -> None:
    somebody = person("admin")
    assert "Saved." in press(somebody, "settings", "/expenses", **EXPENSES)
    found = settings_of(database).expenses
    assert found.approval is None and found.billing_statuses == frozenset({"Billable"})
    assert (found.due_days, found.offset_account, found.require_report_approval) == (30, None, False)
    assert found.tracking == (("Region", "location"),)
    for wrong, said in (
        ({"due_days": "soon"}, "must be a whole number"),
        ({"company_paid_as": "offset"}, "needs &#34;offset_account&#34;"),
        ({"approval_any": [], "approval": []}, "must be a list of words"),
    ):
        refused = press(somebody, "settings", "/expenses", **(EXPENSES | {"payee": "Corner Shop"} | wrong))
        assert said in refused and 'value="Corner Shop"' in refused  # what was typed is not lost
    company = {
        "name": "Acme Pty",
        "timezone": "Europe/Berlin",
        "start_date": "2026-07-01",
        "member_limit": "5",
    }
    assert "Saved." in press(somebody, "settings", "/company", **company)
    assert "is not a time zone" in press(somebody, "settings", "/company", **(company | {"timezone": "Mars"}))
    assert settings_of(database).member_limit == 5 and settings_of(database).expenses == found


def test_readiness_says_what_would_fail_and_where_to_mend_it(person: People, live: Company) -> None:
    text = person("operator").get(f"{HERE}/readiness").text
    assert "is not ready" in text and "The callback is missing" in text
    assert 'href="/companies/acme/connections"' in text and 'href="/companies/acme/mapping"' in text


def test_a_file_is_taken_away_and_brought_back(person: People, live: Company, database: Database) -> None:
    somebody = person("admin")
    text = somebody.get(f"{HERE}/file.toml").text
    assert "sandboxPrivate" not in text and "env:ACME_CW_PRIVATE" in text
    changed = text.replace("due_days = 14", "due_days = 21")
    shown = somebody.post(f"{HERE}/file", {"file": (io.BytesIO(changed.encode()), "acme.toml")}).text
    assert "[expenses] due_days: 14 → 21" in shown and settings_of(database).expenses.due_days == 14
    version = re.findall(r'name="version" value="(\w+)"', shown)[0]
    somebody.post(f"{HERE}/file/apply", {"text": changed.replace("\n", "\r\n"), "version": version})
    assert settings_of(database).expenses.due_days == 21
    with database.read() as session:
        actors = session.scalars(select(History.actor).where(History.what == "company import")).all()
    assert somebody.email in actors
    late = somebody.post(f"{HERE}/file/apply", {"text": text, "version": version})
    assert "Somebody else changed" in late.text and settings_of(database).expenses.due_days == 21


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace('key = "acme"', 'key = "beta"'), "the file of company"),
        (lambda text: text.replace("acme_f", "other_f"), "another site needs its keys"),
        (lambda text: text + "[nonsense", "It is not TOML"),
        (lambda text: text.replace("due_days = 14", "due_days = -1"), "must be a whole number"),
        (lambda text: "é".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_file_that_can_not_be_is_refused(
    person: People, live: Company, database: Database, change: Callable[[str], Any], said: str
) -> None:
    somebody, before = person("admin"), settings_of(database)
    wrong = change(somebody.get(f"{HERE}/file.toml").text)
    data = wrong if isinstance(wrong, bytes) else wrong.encode()
    answer = somebody.post(f"{HERE}/file", {"file": (io.BytesIO(data), "acme.toml")})
    assert answer.status_code == 400 and said in answer.text
    assert settings_of(database) == before


def test_who_may_not_change_settings_cannot(person: People, live: Company, beta: Company) -> None:
    somebody = person("viewer")
    assert somebody.get(f"{HERE}/mapping").status_code == somebody.get(f"{HERE}/settings").status_code == 200
    assert "Save" not in somebody.get(f"{HERE}/mapping").text + somebody.get(f"{HERE}/settings").text
    for path in ("readiness", "file", "file.toml"):
        assert somebody.get(f"{HERE}/{path}").status_code == 403
    for path in ("mapping/taxes", "settings/company", "settings/expenses", "file", "file/apply"):
        assert somebody.post(f"{HERE}/{path}").status_code == 403
        assert person("admin", ["beta"], email=f"{path}@b.co").post(f"{HERE}/{path}").status_code == 404


def test_the_pages_read_well(page: Page, live: Company) -> None:
    for name in ("mapping", "settings", "readiness", "file"):
        page.goto(f"{HERE}/{name}")
        look_at(page, name)
