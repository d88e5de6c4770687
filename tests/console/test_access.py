"""Who may call the API, and what they may see and do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from models.api_tokens import revoke_token
from models.company import Company
from models.database import Database
from models.expense import ApiToken, Expense
from tests.console.conftest import MORNING, Api, client


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer er_nobody", "Basic YTpi", "Bearer " + "x" * 5000, "Bearer ü\x7f"]
)
def test_without_a_valid_token_every_call_is_401(app: Flask, acme: Company, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    for path in ("companies", "companies/acme/expenses", "companies/nobody/causes", "queue"):
        answer = client(app).get(f"/api/v1/{path}", headers=headers)
        assert answer.status_code == 401, path
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_revoked_token_is_401(api: Api, database: Database) -> None:
    assert api.get("/companies").status_code == 200
    with database.write() as session:
        revoke_token(session, "operator ", now=MORNING)
    assert api.get("/companies").status_code == 401


def test_a_token_is_kept_only_as_a_hash(database: Database, token: Callable[..., str]) -> None:
    made = token()
    with database.read() as session:
        row = session.scalars(select(ApiToken)).one()
    assert made.startswith("er_")
    assert made not in (row.hash, row.name)
    assert len(row.hash) == 64


@pytest.mark.parametrize(
    "path",
    ["expenses/4711/retry", "expenses/4711/ignore", "expenses/4711/handled", "retry", "events/1/replay"],
)
def test_a_viewer_may_not_act(
    app: Flask, token: Callable[..., str], add_expense: Callable[..., Expense], path: str
) -> None:
    add_expense()
    viewer = Api(app, token("viewer"))
    answer = viewer.post(f"/companies/acme/{path}", {"reason": "because"})
    assert answer.status_code == 403
    assert "operator" in answer.json["message"]
    assert viewer.get("/companies/acme/expenses/4711").json["state"] == "needs_attention"


def test_a_token_sees_only_its_companies(
    app: Flask, token: Callable[..., str], acme: Company, beta: Company
) -> None:
    bound = Api(app, token("admin", ["beta"]))
    assert [row["key"] for row in bound.get("/companies").json["companies"]] == ["beta"]
    assert [row["company"] for row in bound.get("/queue").json["companies"]] == ["beta"]


@pytest.mark.parametrize(
    "path", ["expenses", "expenses/4711", "expenses/4711/preview", "causes", "events", "expenses?q=x"]
)
def test_a_foreign_company_answers_exactly_like_an_unknown_one(
    app: Flask, token: Callable[..., str], add_expense: Callable[..., Expense], beta: Company, path: str
) -> None:
    add_expense()
    bound = Api(app, token("operator", ["beta"]))
    foreign, unknown = bound.get(f"/companies/acme/{path}"), bound.get(f"/companies/acmi/{path}")
    assert foreign.status_code == unknown.status_code == 404
    assert foreign.text.replace("acme", "acmi") == unknown.text


def test_a_foreign_expense_can_not_be_retried(
    app: Flask, token: Callable[..., str], add_expense: Callable[..., Expense], beta: Company, api: Api
) -> None:
    add_expense()
    bound = Api(app, token("operator", ["beta"]))
    assert bound.post("/companies/acme/expenses/4711/retry").status_code == 404
    assert bound.post("/companies/acme/expenses/4711/handled", {"bill_id": "1"}).status_code == 404
    assert bound.post("/companies/acme/retry").status_code == 404
    assert api.get("/companies/acme/expenses/4711").json["state"] == "needs_attention"
