"""Whatever is sent to the API gets a clear refusal, never a failure of ours."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from openapi_schema_validator import OAS30Validator
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok

from models.company import Company
from models.expense import Expense
from tests.console.conftest import Api, client

LIST = "/companies/acme/expenses"


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


BAD_QUERIES: Any = [
        {"limit": "0"}, {"limit": "201"}, {"limit": "-1"}, {"limit": "1e3"}, {"limit": "9" * 5000},
        {"limit": "1_0"}, {"limit": "१"}, {"state": "finished"}, {"cause": "a\x00b"}, {"member": "\x00"},
        {"q": "x" * 201}, {"stat": "done"}, {"q": " "}, {"cause": "a\n"},
        {"cursor": "%%%"}, {"cursor": "ä"}, {"cursor": "AAAA"}, {"cursor": cursor("1")},
        {"cursor": cursor("1.x")}, {"cursor": cursor("9999999999999999999.1")},
        {"cursor": cursor("9223372036854775807.1")}, {"cursor": cursor("1.99999999999999999999")},
    ]  # fmt: skip


def test_a_bad_query_is_refused_by_name(api: Api) -> None:
    for query in BAD_QUERIES:
        answer = api.get(LIST, **query)
        assert answer.status_code == 422, answer.text
        assert next(iter(query)) in answer.json["message"]
        assert answer.json["code"] == 422


HOSTILE_TEXTS: Any = [
    b"\xed\xa0\x80",
    "' OR 1=1 --",
    "%",
    "{{7*7}}",
    "=cmd|' /C calc'!A0",
    "<script>",
    "\\",
    "CW-",
    "#",
    "CW-" + "9" * 150,
]


def test_hostile_text_is_only_looked_for(api: Api, add_expense: Callable[..., Expense]) -> None:
    add_expense()
    for text in HOSTILE_TEXTS:
        answer = api.get(LIST, q=text)
        assert (answer.status_code, answer.json["expenses"]) == (200, [])


ODD_NUMBERS: Any = ["0", "-1", "9" * 19, "9" * 400, "1.5", "x", "%00", "..%2f.."]


def test_an_odd_entry_number_is_404_in_the_same_shape(api: Api) -> None:
    for number in ODD_NUMBERS:
        for path in (f"{LIST}/{number}", f"{LIST}/{number}/preview", f"/companies/{number}%00/causes"):
            answer = api.get(path)
            assert answer.status_code == 404, path
            assert answer.json["code"] == 404
            assert answer.json["message"]


BAD_BODIES: Any = [
    b"[" * 100_000,
    b"{",
    b"\xff\xfe",
    b'{"cause": ' + b"9" * 6000 + b"}",
    b"null",
    b'"x"',
    b"[1]",
    b'{"cause": "\\ud800"}',
    b'{"cause": "\\u0000"}',
    b'{"cause": null}',
    b'{"cause": {"a": 1}}',
    b'{"state": ["held"]}',
    b'{"cause": "' + b"x" * 500 + b'"}',
]


def test_a_bad_body_is_refused_and_changes_nothing(api: Api, add_expense: Callable[..., Expense]) -> None:
    add_expense()
    for body in BAD_BODIES:
        answer = client(api.app).post(
            "/api/v1/companies/acme/retry", data=body, headers=api.headers, content_type="application/json"
        )
        assert answer.status_code in (400, 422), answer.text
        assert answer.json["message"]
        assert api.get(f"{LIST}/4711").json["state"] == "needs_attention"


def test_a_body_too_large_is_413(api: Api) -> None:
    answer = api.post("/companies/acme/retry", {"cause": "x" * 400_000})
    assert answer.status_code == 413
    assert answer.json["code"] == 413


def test_a_wrong_method_is_405_and_names_the_right_one(api: Api) -> None:
    answer = client(api.app).delete(f"/api/v1{LIST}", headers=api.headers)
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert answer.json["code"] == 405


def test_the_openapi_document_is_valid_and_names_every_call(app: Flask) -> None:
    document = client(app).get("/api/v1/openapi.json").json
    for schema in document["components"]["schemas"].values():
        OAS30Validator.check_schema(schema)
    calls = {f"{verb.upper()} {path.removeprefix('/api/v1')}" for path, verbs in document["paths"].items()
             for verb in verbs if verb in ("get", "post")}  # fmt: skip
    one = "/companies/{key}/expenses/{entry_id}"
    assert calls == {
        "GET /companies", "GET /companies/{key}/expenses", f"GET {one}", f"GET {one}/preview",
        f"POST {one}/retry", f"POST {one}/approve", f"POST {one}/ignore", f"POST {one}/handled",
        "POST /companies/{key}/retry",
        "GET /companies/{key}/causes", "GET /companies/{key}/events",
        "POST /companies/{key}/events/{event_id}/replay", "GET /queue",
    }  # fmt: skip
    assert document["openapi"].startswith("3.")


@pytest.mark.one_database
@pytest.mark.parametrize("companies", [(), ("acme",)], ids=["unbound", "bound"])
@pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
def test_every_call_keeps_what_its_document_says_to_everybody(
    app: Flask,
    token: Callable[..., str],
    add_expense: Callable[..., Expense],
    beta: Company,
    role: str,
    companies: tuple[str, ...],
) -> None:
    for entry_id in (1, 2, 3):
        add_expense(entry_id, cause="closed_period")
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) == 13
    caller = Api(app, token(role, companies))
    for operation in operations:
        _try(operation, caller)


def _try(operation: Any, api: Api) -> None:
    quick = hypothesis.settings(
        max_examples=4,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
        derandomize=True,
    )

    # the preview asks ConnectWise, which is away here: 503 is the right answer
    away = [not_a_server_error] if operation.path.endswith("/preview") else []

    @hypothesis.given(case=operation.as_strategy(), key=st.sampled_from(("acme", "beta")))
    @quick
    def run(case: Any, key: str) -> None:
        case.path_parameters["key"] = key
        case.query.pop("cursor", None)  # one that nobody gave out is refused, whatever its letters
        case.call_and_validate(headers=api.headers, excluded_checks=away)

    run()
