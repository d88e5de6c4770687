"""bin/manage against the pretend ConnectWise and Xero, and as a program of its own."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result
from flask import Flask
from structlog.testing import capture_logs

from app import create_app
from bin.management import LocalOperator
from console.commands import manage
from models.api_tokens import add_token
from models.database import Database
from models.expense import Tick
from sandbox.server import serve
from settings import ROOT, read_settings
from tests.console.conftest import MORNING, Api
from tests.journey.conftest import COMPANY_FILE, TENANT

TOKEN = 'refresh_token = "sandbox-refresh-token"'
Run = Callable[..., Result]


@pytest.fixture
def sandbox() -> Iterator[str]:
    handle = serve(port=0)
    requests.post(f"{handle.url}/_sandbox/reset", json={"seed": "demo"}, timeout=10).raise_for_status()
    yield handle.url
    handle.close()


@pytest.fixture
def environ(database_url: str, redis_url: str, sandbox: str, tmp_path: Path) -> dict[str, str]:
    """Settings for the sandbox, and Acme's file beside them."""
    text = COMPANY_FILE.replace("{url}", sandbox).replace("[expenses]", f"{TOKEN}\n\n[expenses]")
    (tmp_path / "acme.toml").write_text(text)
    return {
        "EXPENSE_RELAY_ENV": "development",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": "s",
        "ENCRYPTION_KEYS": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ=",
        "PUBLIC_URL": "http://localhost:8000",
        "XERO_CLIENT_ID": "sandbox-client",
        "XERO_CLIENT_SECRET": "sandbox-secret",
        **dict.fromkeys(("XERO_API_URL", "XERO_IDENTITY_URL", "XERO_LOGIN_URL"), sandbox),
    }


@pytest.fixture
def run(environ: dict[str, str], tmp_path: Path) -> Run:
    """Runs one command in this process; Acme is imported already."""
    operator = LocalOperator(environ)

    def run(*arguments: str) -> Result:
        with capture_logs():  # bin/manage itself is silent but for what it has to say
            result = CliRunner().invoke(manage, arguments, obj=operator)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return result

    assert run("company", "import", str(tmp_path / "acme.toml")).exit_code == 0
    return run


def approve_lunch(sandbox: str) -> int:
    entry = {"type": "Meals", "payment_type": "Corporate Amex", "classification": "Non-Reimbursable"}
    entry |= {"amount": "120.50", "date": "2026-08-21", "currency": "AUD"}
    report = {"member": "jdoe", "date_start": "2026-08-17", "date_end": "2026-08-23", "entries": [entry]}
    base = f"{sandbox}/_sandbox/connectwise/acme_f"
    made = requests.post(f"{base}/expenses", json={"reports": [report], "submit": True}, timeout=10).json()
    [report] = made["reports"]
    approval: dict[str, Any] = {"report_ids": [report["id"]], "tier": 2, "silent": True}
    requests.post(f"{base}/approve", json=approval, timeout=10).raise_for_status()
    return int(report["entry_ids"][0])


def test_the_callback_is_registered_seen_and_removed(run: Run) -> None:
    assert run("callback", "status", "acme").exit_code == 1
    assert run("callback", "register", "acme").exit_code == 0
    assert run("callback", "register", "acme").exit_code == 0
    status = json.loads(run("callback", "status", "acme", "--json").stdout)
    assert status["state"] == "active"
    assert [row["url"] for row in status["registered"]] == [
        "http://localhost:8000/callbacks/connectwise/acme?recordId="
    ]
    assert json.loads(run("company", "list", "--json").stdout)[0]["callback"] == "active"
    assert run("callback", "remove", "acme").output == "Removed 1.\n"
    assert run("callback", "remove", "acme").output == "There was none.\n"


def test_a_sweep_finds_what_no_callback_brought(run: Run, sandbox: str) -> None:
    entry_id = approve_lunch(sandbox)
    assert run("sweep", "acme", "--since", "2026-09-01").output == "0 expenses are due now.\n"
    assert run("sweep", "acme", "--since", "2026-08-01").output == "1 expense is due now.\n"
    [row] = json.loads(run("expense", "list", "acme", "--json").stdout)
    assert (row["entry_id"], row["state"]) == (entry_id, "queued")


def test_a_preview_shows_the_documents_and_posts_nothing(
    run: Run, sandbox: str, environ: dict[str, str]
) -> None:
    entry_id = approve_lunch(sandbox)
    shown = json.loads(run("expense", "preview", "acme", str(entry_id), "--json").stdout)
    assert [(one["kind"], one["amount"]) for one in shown["documents"]] == [
        ("bill", "120.50"),
        ("payment", "120.50"),
    ]
    assert "Amex 1001" in run("expense", "preview", "acme", str(entry_id)).output
    database = Database(environ["DATABASE_URL"])
    with database.write() as session:
        token = add_token(session, "t", role="viewer", now=MORNING)
    app: Flask = create_app(read_settings(environ))
    assert Api(app, token).get(f"/companies/acme/expenses/{entry_id}/preview").json == shown
    assert json.loads(run("expense", "list", "acme", "--json").stdout) == []
    assert Api(app, token).get("/companies/acme/expenses/999999/preview").status_code == 404


def causes(result: Result) -> set[str]:
    return {finding["cause"] for finding in json.loads(result.stdout) if finding["level"] == "error"}


def test_the_check_names_what_would_fail_and_exits_1(run: Run, environ: dict[str, str]) -> None:
    result = run("company", "check", "acme", "--json")
    assert result.exit_code == 1
    expected = {"callback_not_active", "clock_not_running", "worker_not_running"}
    assert causes(result) >= expected
    assert not causes(result) & {"connectwise_unreachable", "ledger_unreachable"}
    run("callback", "register", "acme")
    database = Database(environ["DATABASE_URL"])
    with database.write() as session:
        soon = database.now(session) + dt.timedelta(seconds=2)
        session.add(Tick(name="bells", until=soon, holder="x"))
    assert not causes(run("company", "check", "acme", "--json")) & {
        "callback_not_active",
        "clock_not_running",
    }
    assert "is not ready" in run("company", "check", "acme").stderr


def test_the_check_tells_of_one_side_when_the_other_is_away(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "acme.toml"
    file.write_text(file.read_text().replace("sandboxPrivate", "wrong"))
    assert run("company", "import", str(file)).exit_code == 0
    assert "connectwise_unreachable" in causes(run("company", "check", "acme", "--json"))
    assert "ledger_unreachable" not in causes(run("company", "check", "acme", "--json"))


def test_bin_manage_runs_from_anywhere_and_tells_its_status(environ: dict[str, str], tmp_path: Path) -> None:
    def manage(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(ROOT / "bin" / "manage"), *arguments],
            cwd=tmp_path,
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert manage("db", "check").returncode == 0
    imported = manage("company", "import", "acme.toml")
    assert (imported.returncode, imported.stdout) == (0, "acme: imported\n")
    assert manage("token", "add", "robot", "--role", "viewer").stdout.startswith("er_")
    failed = manage("expense", "show", "acme", "1")
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "acme has no expense 1" in failed.stderr
    assert manage("expense", "nonsense").returncode == 2


def test_a_bill_made_by_hand_is_named_by_the_command_and_by_the_api(
    run: Run, sandbox: str, environ: dict[str, str]
) -> None:
    first, second = approve_lunch(sandbox), approve_lunch(sandbox)
    assert run("sweep", "acme", "--since", "2026-08-01").exit_code == 0
    bills = [type_bill(sandbox, number) for number in ("INV-1", "INV-2")]
    refused = run("expense", "handled", "acme", str(first), "--bill", "INV-1")
    assert refused.exit_code == 1 and "neither the id of a bill" in refused.stderr
    told = run("expense", "handled", "acme", str(first), "--bill", bills[0])
    assert told.exit_code == 0 and f"{first} is done. Handled by hand, as " in told.output
    with Database(environ["DATABASE_URL"]).write() as session:
        token = add_token(session, "bo", role="operator", now=MORNING)
    api = Api(create_app(read_settings(environ)), token)
    one = f"/companies/acme/expenses/{second}"
    taken = api.post(f"{one}/handled", {"bill_id": bills[0]})
    assert (taken.status_code, taken.json["cause"]) == (409, "bill_taken")
    answer = api.post(f"{one}/handled", {"bill_id": bills[1]})
    assert (answer.status_code, answer.json) == (202, {"status": "handled"})
    shape = api.get(one).json
    assert (shape["state"], shape["documents"][0]["remote_id"]) == ("done", bills[1])
    assert "as token bo said: bill INV-2" in shape["why"]
    assert [step["actor"] for step in shape["timeline"] if step["what"] == "handled by hand"] == ["token bo"]


def type_bill(sandbox: str, number: str) -> str:
    """A bookkeeper's own bill in Xero; its id."""
    tokens = requests.post(f"{sandbox}/_sandbox/xero/grants", json={"tenants": [TENANT]}, timeout=10).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}", "Xero-Tenant-Id": TENANT}
    line = {"Description": "Lunch", "Quantity": 1, "UnitAmount": "120.50", "AccountCode": "420"}
    body = {"Type": "ACCPAY", "InvoiceNumber": number, "Contact": {"Name": "Lunch Bar"}, "LineItems": [line]}
    body |= {"Date": "2026-08-21", "DueDate": "2026-08-21", "Status": "AUTHORISED"}
    body |= {"LineAmountTypes": "Inclusive"}
    made = requests.put(
        f"{sandbox}/api.xro/2.0/Invoices",
        json={"Invoices": [body]},
        headers=headers | {"Accept": "application/json"},
        timeout=10,
    )
    return str(made.json()["Invoices"][0]["InvoiceID"])
