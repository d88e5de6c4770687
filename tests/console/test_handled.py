"""Bills that people made, named by the API and the command line: what they must say, and what is answered."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from models.expense import Expense
from tests.console.conftest import Api

Add = Callable[..., Expense]
ONE = "/companies/acme/expenses/4711"
SOME_ID = "3f5c0000-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    "body", [None, {}, {"bill_id": ""}, {"bill_id": 5}, {"bill_id": "x" * 501}, {"id": "1"}]
)
def test_a_bill_must_be_named(api: Api, add_expense: Add, body: object) -> None:
    add_expense()
    answer = api.post(f"{ONE}/handled", body)
    assert (answer.status_code, answer.json["code"]) == (422, 422)
    assert api.get(ONE).json["state"] == "needs_attention"


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ({"lease": "somebody"}, "in_progress"),
        ({"state": "done"}, "already_posted"),
        ({"state": "changed"}, "already_posted"),
        ({"state": "undone"}, "already_posted"),
    ],
)
def test_what_cannot_be_given_a_bill_is_409_with_its_cause(
    api: Api, add_expense: Add, values: dict[str, str], cause: str
) -> None:
    add_expense(**values)
    answer = api.post(f"{ONE}/handled", {"bill_id": SOME_ID})
    assert (answer.status_code, answer.json["cause"]) == (409, cause)
    assert answer.json["to_do"] in answer.json["message"]


def test_what_is_no_id_is_409_with_what_to_paste(api: Api, add_expense: Add) -> None:
    add_expense()
    answer = api.post(f"{ONE}/handled", {"bill_id": "INV-77"})
    assert (answer.status_code, answer.json["cause"]) == (409, "bill_id_unreadable")
    assert "paste the address" in answer.json["to_do"]


def test_without_a_connection_nothing_can_be_looked_up(api: Api, add_expense: Add) -> None:
    add_expense()
    answer = api.post(f"{ONE}/handled", {"bill_id": SOME_ID})
    assert (answer.status_code, answer.json["cause"]) == (409, "paused")
    assert "isn't connected" in answer.json["message"]


def test_an_expense_that_nobody_knows_is_404(api: Api) -> None:
    assert api.post("/companies/acme/expenses/1/handled", {"bill_id": SOME_ID}).status_code == 404
