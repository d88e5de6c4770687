"""The company file: what it says, what is wrong with it all at once, and that it comes back the same."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from errors import Problems
from mappers.company import (
    CompanySettings,
    ConnectWiseSettings,
    ExpenseSettings,
    ExpenseTypeRow,
    LedgerSettings,
    MemberRow,
    PaymentTypeRow,
    Rule,
    TaxRow,
)
from mappers.company_file import dump, load, load_text, resolve
from tests.mappers.world import SETTINGS

HEAD = """
[company]
key = "acme"
name = "Acme MSP"
timezone = "Australia/Brisbane"
member_limit = 2
start_date = 2026-07-01

[connectwise]
site = "https://NA.myconnectwise.net/"
company_id = "acme_f"
public_key = "env:ACME_CW_PUBLIC"
private_key = "env:ACME_CW_PRIVATE"
client_id = "env:CW_CLIENT_ID"

[ledger]
provider = "xero"
tenant_id = "9f0c"
refresh_token = "env:ACME_XERO_REFRESH"
"""
ENVIRON = {
    "ACME_CW_PUBLIC": "public-7",
    "ACME_CW_PRIVATE": "private-7",
    "CW_CLIENT_ID": "client-7",
    "ACME_XERO_REFRESH": "refresh-7",
}
RULE = '[[rules]]\nmember = "jdoe"\npayment_type = "Amex"\naction = "draft_bill"\n'


def read(more: str = "", head: str = HEAD) -> CompanySettings:
    return load(resolve(load_text(head + more), ENVIRON))[0]


def problems_of(more: str = "", head: str = HEAD) -> list[str]:
    with pytest.raises(Problems) as problems:
        read(more, head)
    return problems.value.problems


def test_a_whole_file_is_read() -> None:
    settings = read(
        '[expenses]\napproval = "any"\ntracking = { Region = "location" }\noffset_account = "850"\n'
        '[[payment_types]]\nname = "Amex"\ncompany_paid = true\n'
        '[[expense_types]]\nname = "Meals"\naccount = "420"\ntax = "INPUT"\n'
        '[[taxes]]\nname = "GST"\ncode = "INPUT"\n'
        '[[members]]\nidentifier = "jdoe"\ncontact = "c-1"\n'
        '[[rules]]\nmember = "jdoe"\npayment_type = "*"\naction = "payment_account"\naccount = "Amex 1001"\n'
        "from = 2026-07-01\nto = 2026-12-31\n"
    )
    assert (settings.key, settings.start_date, settings.member_limit) == ("acme", dt.date(2026, 7, 1), 2)
    assert settings.connectwise == ConnectWiseSettings(
        site="https://na.myconnectwise.net", company_id="acme_f"
    )
    assert (settings.expenses.approval, settings.expenses.tracking) == (None, (("Region", "location"),))
    assert settings.payment_types == (PaymentTypeRow(name="Amex", company_paid=True),)
    assert settings.rules[0] == Rule(
        number=1,
        member="jdoe",
        payment_type="*",
        action="payment_account",
        account="Amex 1001",
        first_day=dt.date(2026, 7, 1),
        last_day=dt.date(2026, 12, 31),
    )


def test_what_is_left_out_takes_its_default() -> None:
    assert read().expenses == ExpenseSettings()


def test_secrets_are_kept_apart_and_never_shown() -> None:
    settings, secrets = load(resolve(load_text(HEAD), ENVIRON))
    assert (secrets.public_key, secrets.private_key) == ("public-7", "private-7")
    assert (secrets.client_id, secrets.refresh_token) == ("client-7", "refresh-7")
    assert not any(value in f"{secrets!r} {settings!r} {dump(settings)}" for value in ENVIRON.values())


def test_every_missing_variable_is_named_at_once() -> None:
    with pytest.raises(Problems) as problems:
        resolve(load_text(HEAD), {"CW_CLIENT_ID": "x", "ACME_CW_PUBLIC": ""})
    text = str(problems.value)
    assert all(name in text for name in ("ACME_CW_PUBLIC", "ACME_CW_PRIVATE", "ACME_XERO_REFRESH"))
    assert "connectwise.private_key" in text
    assert "CW_CLIENT_ID" not in text


def test_a_variable_is_read_anywhere_in_the_file() -> None:
    rows = {"rules": [{"account": "env:CARD", "from": dt.date(2026, 1, 1)}], "n": 1}
    assert resolve(rows, {"CARD": "Amex"}) == {
        "rules": [{"account": "Amex", "from": dt.date(2026, 1, 1)}],
        "n": 1,
    }


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[company\nkey = 1\n", "line 1"),
        ("a = \nb = 2\n", "line 1"),
        ("a = 1\na = 2\nb = 3\n", "line 2"),
        ("\x00", "line 1"),
    ],
)
def test_what_is_not_toml_is_said_with_the_place(text: str, place: str) -> None:
    with pytest.raises(Problems, match="not TOML") as problems:
        load_text(text)
    assert place in str(problems.value)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            '[expenses]\naproval = "any"',
            '[expenses]: "aproval" is not known here (did you mean "approval"?).',
        ),
        ("[expences]", '[expences] is not a table of a company file (did you mean "expenses"?).'),
        ('[expenses]\napproval = ["Aproved"]', '[expenses]: "approval" unknown: "Aproved".'),
        ("[expenses]\napproval = []", '"approval" must be a list of words or "any"'),
        ('[expenses]\napproval = "Open"', '"approval" must be a list of words or "any"'),
        ('[expenses]\nbilling_statuses = ["Bilable"]', '(did you mean "Billable"?)'),
        ('[expenses]\ngroup = "weekly"', '"group" "weekly" is not available yet'),
        ("[expenses]\nclose_in_connectwise = true", '"close_in_connectwise" true is not available yet'),
        ("[expenses]\ndue_days = true", '"due_days" must be a whole number'),
        ("[expenses]\ndue_days = 14.5", '"due_days" must be a whole number'),
        ('[expenses]\nattach_receipts = "yes"', '"attach_receipts" must be true or false'),
        ('[expenses]\ncompany_paid_as = "offset"', 'company_paid_as = "offset" needs "offset_account"'),
        ('[expenses]\nclosed_period = "wait"', '"closed_period" must be one of "hold"'),
        ('[expenses]\ntracking = { Region = "city" }', '"tracking" "Region" must be taken from one of'),
        ('[expenses]\ntracking = {A="location",B="company",C="department"}', "at most two"),
        ('[expenses]\npayee = " "', '"payee" must be one line'),
        ('[rules]\nmember = "x"', "[[rules]]: must be written as rows"),
        ("rules = [1]", "[[rules]]: must be written as rows"),
        ("expenses = 1", "[expenses]: must be written as a table"),
        (RULE + "acount = 1", '[[rules]] row 1: "acount" is not known here (did you mean "account"?).'),
        (RULE + 'account = ""', '[[rules]] row 1: "account" must be one line'),
        (RULE + "from = 2026-02-01\nto = 2026-01-31", '"to" 2026-01-31 lies before "from" 2026-02-01'),
        (RULE + 'from = "soon"', '"from" must be a day like 2026-07-01'),
        (RULE.replace("draft_bill", "payment_account"), '[[rules]] row 1: "account" is missing'),
        (
            RULE.replace("draft_bill", "offset_account"),
            'needs "account" here, or "offset_account" in [expenses]',
        ),
        (RULE.replace("draft_bill", "pay"), '[[rules]] row 1: "action" must be one of'),
        ('[[expense_types]]\nname = "Meals"', '[[expense_types]] row 1: "account" is missing.'),
    ],
)
def test_a_fault_is_named_with_its_table_row_and_key(more: str, said: str) -> None:
    # keys written before any table of `more` would fall into [ledger]: top-level ones go first
    found = problems_of(head=more + "\n" + HEAD) if more[0] not in "[" else problems_of(more)
    assert any(said in problem for problem in found), found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"acme"', '"Acme Ltd"', '"key" must be'),
        ('"acme"', '"-acme"', '"key" must be'),
        ('"acme"', '"../etc"', '"key" must be'),
        ("Brisbane", "Brisbne", 'not a time zone (did you mean "Australia/Brisbane"?)'),
        ("https://NA.myconnectwise.net/", "http://na.myconnectwise.net", '"site" must be'),
        ("https://NA.myconnectwise.net/", "https://user:pw@na.myconnectwise.net", '"site" must be'),
        ("https://NA.myconnectwise.net/", "https://na.myconnectwise.net/v4_6", '"site" must be'),
        ("https://NA.myconnectwise.net/", "na.myconnectwise.net", '"site" must be'),
        ("https://NA.myconnectwise.net/", "https://na:port", '"site" "https://na:port" is not an address'),
        ('"xero"', '"xreo"', '(did you mean "xero"?)'),
        ("member_limit = 2", "member_limit = 0", '"member_limit" must be'),
        ('public_key = "env:ACME_CW_PUBLIC"', "public_key = 123456", '"public_key" must be text in quotes.'),
        ('public_key = "env:ACME_CW_PUBLIC"', "", '[connectwise]: "public_key" is missing.'),
    ],
)
def test_a_wrong_value_at_the_top_is_named(old: str, new: str, said: str) -> None:
    found = problems_of(head=HEAD.replace(old, new))
    assert len(found) == 1
    assert said in found[0]


@pytest.mark.parametrize("site", ["http://127.0.0.1:8080", "http://localhost:80", "http://[::1]:9"])
def test_plain_http_is_taken_only_for_this_very_machine(site: str) -> None:
    assert read(head=HEAD.replace("https://NA.myconnectwise.net/", site)).connectwise.site == site


def test_all_faults_are_named_together() -> None:
    found = problems_of("[expenses]\ndue_days = -1\npaye = 1\n" + RULE + "[[taxes]]\nname = 1\n")
    assert len(found) == 4


@pytest.mark.parametrize(
    ("second", "ties"),
    [
        (RULE, True),
        (RULE.replace("jdoe", "JDOE").replace("Amex", " amex "), True),
        (RULE.replace("Amex", "*"), False),
        (RULE + "from = 2026-08-01", False),
        (RULE + "from = 2026-07-31", True),
    ],
)
def test_two_rules_that_tie_are_refused_by_their_rows(second: str, ties: bool) -> None:
    text = RULE + "to = 2026-07-31\n" + second
    if not ties:
        assert len(read(text).rules) == 2
        return
    assert any(problem.startswith("[[rules]] row 2: ties with row 1") for problem in problems_of(text))


@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("payment_types", 'name = "Amex"\ncompany_paid = true'),
        ("expense_types", 'name = "Amex"\naccount = "1"'),
        ("taxes", 'name = "Amex"\ncode = "1"'),
        ("members", 'identifier = "Amex"\ncontact = "1"'),
    ],
)
def test_a_name_written_twice_is_refused(table: str, row: str) -> None:
    text = f"[[{table}]]\n{row}\n[[{table}]]\n{row.replace('Amex', ' AMEX')}\n"
    assert problems_of(text) == [f'[[{table}]] row 2: "AMEX" is already in row 1.']


def test_more_linked_members_than_the_plan_covers_are_named() -> None:
    rules = "".join(RULE.replace("jdoe", name) for name in ("jdoe", "ana", "bob"))
    (problem,) = problems_of(rules)
    assert "3 members are linked (jdoe, ana, bob)" in problem
    assert "member_limit is 2" in problem


def test_a_dumped_file_reads_back_as_equal_with_secrets_as_placeholders() -> None:
    text = dump(SETTINGS)
    settings, secrets = load(load_text(text))
    assert settings == SETTINGS
    assert (secrets.public_key, secrets.client_id) == ("env:ACME_CW_PUBLIC", "env:ACME_CW_CLIENT_ID")
    assert secrets.refresh_token is None


texts = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=12)
some_days: Any = st.one_of(st.none(), st.dates(dt.date(2026, 1, 1), dt.date(2026, 3, 1)))


@st.composite
def companies(draw: st.DrawFn) -> CompanySettings:
    names = draw(st.lists(texts, max_size=4, unique_by=lambda name: name.casefold()))
    rules = [
        Rule(
            number=n,
            member=f"m{n}",
            payment_type=name,
            action="payment_account",
            account=draw(texts),
            last_day=draw(some_days),
        )
        for n, name in enumerate(names, start=1)
    ]
    return replace(
        SETTINGS,
        start_date=draw(some_days),
        ledger=LedgerSettings(provider="xero"),
        expenses=ExpenseSettings(
            approval=draw(
                st.sampled_from([None, frozenset(("Billed",)), frozenset(("ApprovedByTierOne", "Open"))])
            ),
            tracking=tuple((name, "company") for name in names[:2]),
            due_days=draw(st.integers(0, 365)),
            offset_account=draw(st.one_of(st.none(), texts)),
            company_paid_as=draw(st.sampled_from(["offset", "draft", "approved"])),
        ),
        payment_types=tuple(PaymentTypeRow(name=name, company_paid=draw(st.booleans())) for name in names),
        expense_types=tuple(
            ExpenseTypeRow(name=name, account=name, tax=draw(st.one_of(st.none(), texts))) for name in names
        ),
        taxes=tuple(TaxRow(name=name, code=name) for name in names),
        members=tuple(MemberRow(identifier=name, contact=name) for name in names),
        rules=tuple(rules),
    )


@given(companies())
@hypothesis_settings(max_examples=40)
def test_any_company_survives_export_and_import(company: CompanySettings) -> None:
    assert load(load_text(dump(company)))[0] == company
