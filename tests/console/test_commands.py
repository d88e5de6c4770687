"""bin/manage's commands, run in this process with the parts of this test."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet
from redis import Redis
from sqlalchemy import select

from bin.management import LocalOperator
from console.commands import manage
from models.company import Company, Event
from models.database import Database
from models.expense import Expense
from models.sealing import Sealer
from settings import Settings
from tests.console.conftest import COMPANY_FILE, ENVIRON, MORNING, Api, Importer, add_document
from workers.queues import POST, POST_EXPENSES, enqueue, queue

Run = Callable[..., Result]
Add = Callable[..., Expense]


@pytest.fixture
def environ(settings: Settings, redis_url: str, database: Database) -> dict[str, str]:
    return {
        **ENVIRON,
        "EXPENSE_RELAY_ENV": "development",
        "DATABASE_URL": database.url.render_as_string(hide_password=False),
        "REDIS_URL": redis_url,
        "SECRET_KEY": "s",
        "ENCRYPTION_KEYS": ",".join(settings.encryption_keys),
    }


@pytest.fixture
def run(environ: dict[str, str]) -> Run:
    """Runs one command; fails when it shows a traceback."""

    def run(*arguments: str, typed: str | None = None, **more: str) -> Result:
        result = CliRunner().invoke(manage, arguments, input=typed, obj=LocalOperator(environ | more))
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    return run


@pytest.fixture
def company_file(tmp_path: Path) -> Path:
    path = tmp_path / "acme.toml"
    path.write_text(COMPANY_FILE)
    return path


def test_a_company_file_is_imported_listed_and_exported(run: Run, company_file: Path, redis_url: str) -> None:
    assert run("company", "import", str(company_file)).output == "acme: imported\n"
    assert run("company", "import", str(company_file)).output == "acme: unchanged\n"
    [row] = json.loads(run("company", "list", "--json").stdout)
    assert (row["key"], row["paused"], row["connected"]) == ("acme", False, False)
    assert "Acme MSP" in run("company", "list").output
    assert 'key = "acme"' in run("company", "export", "acme").output
    with Redis.from_url(redis_url) as redis:
        assert queue(POST, redis).count == 1


def test_a_changed_file_tells_its_changes(run: Run, company_file: Path) -> None:
    run("company", "import", str(company_file))
    company_file.write_text(COMPANY_FILE.replace('"850"', '"851"'))
    assert "[expenses] offset_account: 850 → 851" in run("company", "import", str(company_file)).output


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "can't be read"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"key = ", "not TOML"),
        (b"[company]\nkye = 'x'", '"kye" is not known here'),
        (b"#" * 6_000_000, "too large"),
    ],
)
def test_a_file_that_can_not_be_taken_exits_1_and_says_why(
    run: Run, tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "company.toml"
    if content is not None:
        path.write_bytes(content)
    result = run("company", "import", str(path))
    assert result.exit_code == 1
    assert words in result.stderr
    assert json.loads(run("company", "list", "--json").stdout) == []


def test_a_token_is_printed_once_and_works_until_it_is_revoked(run: Run, api: Api) -> None:
    made = run("token", "add", "robot", "--role", "viewer", "--company", "acme").stdout.strip()
    assert Api(api.app, made).get("/companies").status_code == 200
    assert made not in run("token", "list").output + run("token", "list", "--json").output
    assert run("token", "revoke", "robot").exit_code == 0
    assert Api(api.app, made).get("/companies").status_code == 401
    assert run("token", "add", "robot", "--role", "viewer").exit_code == 1


def test_a_person_is_let_in_listed_and_disabled(run: Run, acme: Company) -> None:
    command = ("user", "add", "Ana@Example.com", "--role", "viewer", "--company", "acme", "--password-stdin")
    assert run(*command, typed="three words together\n").exit_code == 0
    [ana] = json.loads(run("user", "list", "--json").stdout)
    assert (ana["email"], ana["roles"], ana["disabled_at"]) == ("ana@example.com", {"acme": "viewer"}, None)
    assert "user already" in run(*command, typed="three words together\n").stderr
    assert "is disabled" in run("user", "disable", "ana@example.com").stdout
    assert "disabled before" in run("user", "disable", "ana@example.com").stdout
    assert run(*command, typed="other words together\n").exit_code == 0


@pytest.mark.parametrize(
    ("email", "company", "password", "words"),
    [
        ("ana", "acme", "three words together", "not an e-mail address"),
        ("ana@example.com", "nope", "three words together", "no company 'nope'"),
        ("ana@example.com", "acme", "short", "5 characters"),
        ("ana@example.com", "acme", "aaaaaaaaaaaa", "too easy"),
    ],
)
def test_a_person_who_can_not_be_added_is_told_why(
    run: Run, acme: Company, email: str, company: str, password: str, words: str
) -> None:
    result = run(
        *("user", "add", email, "--role", "viewer", "--company", company, "--password-stdin"),
        typed=f"{password}\n",
    )
    assert result.exit_code == 1 and words in result.stderr
    assert json.loads(run("user", "list", "--json").stdout) == []


def test_the_last_admin_can_not_be_disabled(run: Run) -> None:
    run("user", "add", "ada@example.com", "--role", "admin", "--password-stdin", typed="three words together")
    result = run("user", "disable", "ada@example.com")
    assert result.exit_code == 1 and "last admin" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["token", "add", "x", "--role", "god"], 2, "god"),
        (["token", "add", "x", "--role", "viewer", "--company", "nope"], 1, "no company 'nope'"),
        (["token", "revoke", "nobody"], 1, "no token named 'nobody'"),
        (["company", "export", "nope"], 1, "no company 'nope'"),
        (["company", "check", "nope"], 1, "no company 'nope'"),
        (["callback", "register", "nope"], 1, "no company 'nope'"),
        (["expense", "list", "nope"], 1, "no company 'nope'"),
        (["expense", "show", "acme", "5"], 1, "acme has no expense 5"),
        (["expense", "show", "acme", "x"], 2, "not a valid int"),
        (["expense", "retry", "acme"], 2, "--all"),
        (["expense", "retry", "acme", "5", "--all"], 2, "--all"),
        (["expense", "retry", "acme", "5"], 1, "acme has no expense 5"),
        (["expense", "ignore", "acme", "5"], 2, "--reason"),
        (["expense", "undo", "acme", "5"], 2, "No such command"),
        (["event", "replay", "acme", "5"], 1, "acme has no event 5"),
        (["sweep", "acme", "--since", "yesterday"], 2, "yesterday"),
        (["queue", "retry"], 2, "--all"),
        (["queue", "retry", "nope"], 1, "no failed job 'nope'"),
        (["user", "add", "ana@example.com", "--role", "god"], 2, "god"),
        (["user", "disable", "nobody@example.com"], 1, "no user 'nobody@example.com'"),
    ],
)
def test_what_can_not_be_done_exits_with_one_plain_sentence(
    run: Run, acme: Company, arguments: list[str], status: int, words: str
) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert words in result.stderr
    assert "Traceback" not in result.stderr


def test_expenses_are_listed_and_shown(run: Run, add_expense: Add, database: Database) -> None:
    expense = add_expense(1, why="\x1b[31mred", cause="account_unknown")
    add_expense(2, state="done")
    add_document(database, expense, "bill")
    assert [row["entry_id"] for row in json.loads(run("expense", "list", "acme", "--json").stdout)] == [2, 1]
    rows = json.loads(run("expense", "list", "acme", "--state", "done", "--json").stdout)
    assert [row["entry_id"] for row in rows] == [2]
    table = run("expense", "list", "acme", "--cause", "account_unknown").output
    assert "120.50" in table and "\x1b" not in table
    shown = run("expense", "show", "acme", "1").output
    assert "CW-1" in shown and "account_unknown" in shown
    assert json.loads(run("expense", "show", "acme", "1", "--json").stdout)["timeline"]


def test_expenses_are_retried_by_number_and_the_rest_is_told(
    run: Run, add_expense: Add, redis_url: str
) -> None:
    add_expense(1)
    add_expense(2, state="done")
    add_expense(3)
    result = run("expense", "retry", "acme", "1", "2", "3")
    assert result.exit_code == 1
    assert result.stdout == "1 is due now.\n3 is due now.\n"
    assert "Expense 2 is done" in result.stderr
    with Redis.from_url(redis_url) as redis:
        assert queue(POST, redis).count == 1


@pytest.mark.parametrize(
    ("options", "count"), [(["--all"], 2), (["--cause", "closed_period"], 1), (["--state", "skipped"], 1)]
)
def test_expenses_are_retried_by_kind(run: Run, add_expense: Add, options: list[str], count: int) -> None:
    add_expense(1, cause="closed_period", state="held")
    add_expense(2)
    add_expense(3, state="skipped")
    assert run("expense", "retry", "acme", *options).output.startswith(f"{count} ")


def test_an_expense_is_ignored_in_the_persons_name(run: Run, add_expense: Add, api: Api) -> None:
    add_expense()
    assert run("expense", "ignore", "acme", "4711", "--reason", "private").exit_code == 0
    shape = api.get("/companies/acme/expenses/4711").json
    assert shape["state"] == "ignored"
    assert "at the command line" in shape["timeline"][-1]["actor"]


def test_events_are_listed_and_replayed(run: Run, add_expense: Add, database: Database) -> None:
    expense = add_expense()
    with database.write() as session:
        event = Event(company_id=expense.company_id, message_id="m", entry_id=4711, status="queued", body=b"",
                      received_at=MORNING)  # fmt: skip
        session.add(event)
    [row] = json.loads(run("event", "list", "acme", "--json").stdout)
    assert row["entry_id"] == 4711
    assert run("event", "replay", "acme", str(event.id)).exit_code == 0
    with database.read() as session:
        assert session.scalars(select(Expense.due_at)).one() is not None


def test_failed_jobs_are_shown_and_put_back(run: Run, acme: Company, redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        enqueue(redis, POST_EXPENSES, company="acme")
        one = queue(POST, redis)
        job = one.jobs[0]
        one.remove(job)
        one.failed_job_registry.add(job, ttl=60)
        assert job.id in run("queue", "status").output
        [shown] = json.loads(run("queue", "status", "--json").stdout)["failed_jobs"]
        assert (shown["id"], shown["company"]) == (job.id, "acme")
        assert run("queue", "retry", "--all").output == "Put back 1.\n"
        assert (one.count, len(one.failed_job_registry)) == (1, 0)


def test_redis_away_is_said_and_the_rest_is_shown(run: Run, acme: Company) -> None:
    result = run("queue", "status", REDIS_URL="redis://127.0.0.1:1/0")
    assert result.exit_code == 1
    assert "acme" in result.stdout
    assert "Redis does not answer" in result.stderr


def test_secrets_are_sealed_with_the_newest_key(
    run: Run, take_in: Importer, environ: Mapping[str, str], database: Database
) -> None:
    take_in(COMPANY_FILE.replace('"tenant-1"', '"tenant-1"\nrefresh_token = "r1"'))
    newest = Fernet.generate_key().decode()
    result = run("keys", "rotate", ENCRYPTION_KEYS=f"{newest},{environ['ENCRYPTION_KEYS']}")
    assert result.output == "Sealed 2 secrets with the newest key.\n"
    company = take_in.company()
    assert Sealer([newest]).open_mapping(company.cw_secrets)["private_key"] == "privateKey"
    assert company.connection is not None
    assert Sealer([newest]).open(company.connection.refresh_token) == "r1"


def test_a_lost_key_is_told_and_nothing_is_resealed(run: Run, take_in: Importer) -> None:
    take_in()
    before = take_in.company().cw_secrets
    result = run("keys", "rotate", ENCRYPTION_KEYS=Fernet.generate_key().decode())
    assert result.exit_code == 1
    assert "ENCRYPTION_KEYS" in result.stderr
    assert take_in.company().cw_secrets == before


def test_an_empty_database_names_the_command_that_helps(environ: Mapping[str, str], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    operator = LocalOperator({**environ, "DATABASE_URL": url})
    result = CliRunner().invoke(manage, ["company", "list"], obj=operator)
    assert result.exit_code == 1
    assert "bin/manage db upgrade" in result.stderr
    for command, status in (("check", 1), ("upgrade", 0), ("check", 0)):
        assert CliRunner().invoke(manage, ["db", command], obj=operator).exit_code == status


def test_bad_settings_are_all_named_without_a_traceback() -> None:
    operator = LocalOperator({"PORT": "x", "DATABASE_URL": "nonsense"})
    result = CliRunner().invoke(manage, ["company", "list"], obj=operator)
    assert result.exit_code == 1
    assert "PORT" in result.stderr and "DATABASE_URL" in result.stderr


def test_help_needs_no_settings() -> None:
    assert CliRunner().invoke(manage, ["--help"], obj=LocalOperator({"PORT": "x"})).exit_code == 0


def test_the_api_and_the_commands_tell_the_same(run: Run, api: Api, add_expense: Add) -> None:
    add_expense()
    told = json.loads(run("expense", "show", "acme", "4711", "--json").stdout)
    assert told == api.get("/companies/acme/expenses/4711").json
