"""Companies as files: taken in once, changed by what they say, refused as a whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from console.company_import import export_company
from errors import NeedsAttention, Problems
from mappers.company_file import load, load_text
from models.companies import pause_companies, save_reference
from models.company import Company, Connection, Reference
from models.database import Database
from models.expense import Expense, History
from models.sealing import Sealer
from tests.console.conftest import COMPANY_FILE, MORNING, Importer, add_document

TOKEN_FILE = COMPANY_FILE.replace(
    'tenant_id = "tenant-1"', 'tenant_id = "tenant-1"\nrefresh_token = "env:ACME_REFRESH"'
)


def connections(database: Database) -> list[Connection]:
    with database.read() as session:
        return list(session.scalars(select(Connection).order_by(Connection.id)))


def lose(database: Database, connection_id: int) -> None:
    with database.write() as session:
        session.get_one(Connection, connection_id).lost_at = MORNING
        pause_companies(session, Company.connection_id == connection_id, why="invalid_grant", now=MORNING)


def test_a_new_company_is_stored_with_its_secrets_sealed(take_in: Importer, sealer: Sealer) -> None:
    assert take_in().status == "imported"
    company = take_in.company()
    assert (company.name, company.cw_company_id, company.tenant_id) == ("Acme MSP", "acme_f", "tenant-1")
    assert "privateKey" not in company.settings + company.cw_secrets
    assert sealer.open_mapping(company.cw_secrets)["private_key"] == "privateKey"


def test_the_same_file_twice_changes_nothing(take_in: Importer, database: Database) -> None:
    take_in(TOKEN_FILE, ACME_REFRESH="r1")
    before = take_in.company()
    outcome = take_in(TOKEN_FILE, ACME_REFRESH="r1")
    after = take_in.company()
    assert (outcome.status, outcome.changes) == ("unchanged", [])
    assert (after.updated_at, after.cw_secrets) == (before.updated_at, before.cw_secrets)
    assert len(connections(database)) == 1
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(History)) == 1


def test_a_changed_file_says_what_changed_and_who(take_in: Importer, database: Database) -> None:
    take_in()
    changed = COMPANY_FILE.replace('offset_account = "850"', 'offset_account = "851"\ndue_days = 30')
    outcome = take_in(changed.replace('member = "ana"', 'member = "bob"'))
    assert outcome.status == "updated"
    assert "[expenses] due_days: 14 → 30" in outcome.changes
    assert "[expenses] offset_account: 850 → 851" in outcome.changes
    rule = "payment_type = Corporate Amex, action = payment_account, account = Amex 1001"
    assert [change for change in outcome.changes if "rules" in change] == [
        f"[[rules]] gone: member = ana, {rule}",
        f"[[rules]] new: member = bob, {rule}",
    ]
    with database.read() as session:
        row = session.scalars(select(History).order_by(History.id.desc())).first()
    assert row is not None and row.actor == "the tests" and "due_days" in row.text


def test_new_keys_are_sealed_and_told_without_their_values(take_in: Importer, sealer: Sealer) -> None:
    take_in()
    outcome = take_in(ACME_CW_PRIVATE="anotherSecret")
    assert outcome.changes == ["[connectwise] has new keys"]
    assert sealer.open_mapping(take_in.company().cw_secrets)["private_key"] == "anotherSecret"


@pytest.mark.parametrize(
    "text",
    [
        "not toml [", COMPANY_FILE.replace("due", "x") + "\n[unknown]\n",
        COMPANY_FILE.replace("env:ACME_CW_PRIVATE", "env:NOBODY_SET_THIS"),
        COMPANY_FILE.replace("https://", "http://"), COMPANY_FILE.replace('"Acme MSP"', '""'),
        COMPANY_FILE.replace('"xero"', '"myob"'),
    ],
)  # fmt: skip
def test_a_refused_file_changes_nothing(take_in: Importer, text: str) -> None:
    take_in()
    before = take_in.company()
    with pytest.raises(Problems) as refusal:
        take_in(text.replace('offset_account = "850"', 'offset_account = "999"'))
    assert "privateKey" not in str(refusal.value)
    assert take_in.company().settings == before.settings


def test_the_export_is_the_file_again_without_secrets(take_in: Importer) -> None:
    take_in(TOKEN_FILE, ACME_REFRESH="r1")
    exported = export_company(take_in.company())
    assert "privateKey" not in exported and "r1" not in exported
    assert 'private_key = "env:ACME_CW_PRIVATE"' in exported
    assert load(load_text(exported))[0] == load(load_text(COMPANY_FILE))[0]
    assert take_in(exported, ACME_CW_CLIENT_ID="client").status == "unchanged"


def test_a_refresh_token_is_sealed_and_taken_once(
    take_in: Importer, database: Database, sealer: Sealer
) -> None:
    take_in(TOKEN_FILE, ACME_REFRESH="r1")
    [connection] = connections(database)
    assert connection.refresh_token and connection.refresh_token != "r1"
    with database.write() as session:  # the worker has refreshed: r1 is used up
        session.get_one(Connection, connection.id).refresh_token = sealer.seal("r2")
    assert take_in(TOKEN_FILE, ACME_REFRESH="r1").status == "unchanged"
    assert take_in(TOKEN_FILE, ACME_REFRESH="r9").status == "unchanged"
    [connection] = connections(database)
    assert sealer.open(connection.refresh_token) == "r2"


def test_a_lost_connection_takes_only_a_new_token_and_the_company_goes_on(
    take_in: Importer, database: Database, sealer: Sealer
) -> None:
    take_in(TOKEN_FILE, ACME_REFRESH="r1")
    lose(database, connections(database)[0].id)
    assert take_in(TOKEN_FILE, ACME_REFRESH="r1").status == "unchanged"
    assert take_in.company().paused_at is not None
    outcome = take_in(TOKEN_FILE, ACME_REFRESH="r2")
    company = take_in.company()
    assert outcome.changes == ["[ledger] has a new connection", "the company was paused and goes on"]
    assert company.paused_at is None and company.connection is not None
    assert sealer.open(company.connection.refresh_token) == "r2"


def test_companies_of_one_grant_share_its_connection(take_in: Importer, database: Database) -> None:
    take_in(TOKEN_FILE, ACME_REFRESH="r1")
    take_in(TOKEN_FILE.replace('"acme"', '"beta"').replace("tenant-1", "tenant-2"), ACME_REFRESH="r1")
    take_in(TOKEN_FILE.replace('"acme"', '"gamma"').replace("tenant-1", "tenant-3"), ACME_REFRESH="r2")
    ids = [take_in.company(key).connection_id for key in ("acme", "beta", "gamma")]
    assert ids[0] == ids[1] != ids[2]
    assert len(connections(database)) == 2


def test_a_new_token_for_one_company_lets_all_of_its_lost_grant_go_on(
    take_in: Importer, database: Database
) -> None:
    files = {key: TOKEN_FILE.replace('"acme"', f'"{key}"').replace("tenant-1", key) for key in ("one", "two")}
    for file in files.values():
        take_in(file, ACME_REFRESH="r1")
    take_in(TOKEN_FILE, ACME_REFRESH="of another grant")
    before = take_in.company().connection_id
    lose(database, connections(database)[0].id)
    assert take_in.company("two").paused_at is not None
    take_in(files["one"], ACME_REFRESH="r2")
    one, two = take_in.company("one"), take_in.company("two")
    assert (one.paused_at, two.paused_at, two.paused_why) == (None, None, None)
    assert one.connection_id == two.connection_id
    assert two.connection is not None and two.connection.lost_at is None
    assert take_in.company().connection_id == before
    assert take_in(files["two"], ACME_REFRESH="r2").status == "unchanged"


def test_new_connectwise_keys_end_a_pause(take_in: Importer, database: Database) -> None:
    take_in()
    with database.write() as session:
        pause_companies(session, Company.key == "acme", why="ConnectWise refuses the keys", now=MORNING)
    assert take_in().status == "unchanged"
    assert take_in(ACME_CW_PRIVATE="better").changes == [
        "[connectwise] has new keys",
        "the company was paused and goes on",
    ]
    assert take_in.company().paused_at is None


def test_the_same_file_ends_a_pause_when_the_connection_stands(take_in: Importer, database: Database) -> None:
    """The right was missing in ConnectWise and has been given there: the keys are the same."""
    take_in(TOKEN_FILE, ACME_REFRESH="r1")
    with database.write() as session:
        pause_companies(session, Company.key == "acme", why="ConnectWise: forbidden", now=MORNING)
    assert take_in(TOKEN_FILE, ACME_REFRESH="r1").changes == ["the company was paused and goes on"]
    assert take_in(TOKEN_FILE, ACME_REFRESH="r1").status == "unchanged"


def test_books_with_documents_can_not_be_left(
    take_in: Importer, add_expense: Callable[..., Expense], database: Database
) -> None:
    add_document(database, add_expense(), "bill")
    moved = COMPANY_FILE.replace("tenant-1", "tenant-9").replace("Acme MSP", "Acme")
    with pytest.raises(NeedsAttention) as refusal:
        take_in(moved)
    assert "tenant-9" in refusal.value.why
    assert (take_in.company().tenant_id, take_in.company().name) == ("tenant-1", "Acme MSP")


def test_other_books_or_another_site_forget_what_was_read_of_the_old(
    take_in: Importer, acme: Company, database: Database
) -> None:
    with database.write() as session:
        for name in ("books", "site"):
            save_reference(session, acme.id, name, "{}", now=MORNING)
        session.get_one(Company, acme.id).cw_codebase = "v2026_1/"
    take_in(COMPANY_FILE.replace("tenant-1", "tenant-9"))
    with database.read() as session:
        assert list(session.scalars(select(Reference.name))) == ["site"]
    take_in(COMPANY_FILE.replace("tenant-1", "tenant-9").replace("127.0.0.1:1", "127.0.0.1:2"))
    assert take_in.company().cw_codebase is None


def test_a_changed_company_is_looked_at_at_once(take_in: Importer, acme: Company, database: Database) -> None:
    with database.write() as session:
        later = MORNING + dt.timedelta(days=1)
        session.get_one(Company, acme.id).next_care_at = later
        session.get_one(Company, acme.id).next_sweep_at = later
    take_in(COMPANY_FILE.replace("850", "851"))
    company = take_in.company()
    assert (company.next_care_at, company.next_sweep_at) == (None, None)
