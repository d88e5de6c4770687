"""Every route asks who is calling, unless it is on the list of public ones: none is open by oversight."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.routing import Rule

from app import create_app
from settings import Settings

# What anyone may call, and why that is right.
PUBLIC = {
    "/callbacks/connectwise/<key>": "proves itself by its signature",
    "/healthz": "asked by load balancers",
    "/readyz": "asked by load balancers; names no company",
    "/metrics": "asked by Prometheus; counts only, no company's data",
    "/login": "how a person gets in",
    "/first-admin/<string(maxlength=100):token>": "the one-time link is the proof",
    "/password/<string(maxlength=100):token>": "the one-time link is the proof",
    "/login/code": "the second step of it",
    "/logout": "ends a session; needs the token of our own form",
    "/static/<path:filename>": "style and script",
    "/api/v1/openapi.json": "the description of the API, the same for everyone",
    "/api/v1/docs": "the same, to be read",
    "/api/v1/docs/<any('swagger-ui.css', 'swagger-ui-bundle.js'):name>": "style and script of that page",
}
SAMPLES = {"key": "acme", "entry_id": 4711, "event_id": 1, "provider": "xero", "table": "taxes"}
pytestmark = pytest.mark.one_database  # what a route asks for does not depend on the database

CHANGING = ("POST", "PUT", "PATCH", "DELETE")


@pytest.fixture
def app(settings: Settings) -> Flask:
    return create_app(settings)


def guarded(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.rule not in PUBLIC]


def calls(app: Flask) -> list[tuple[str, str]]:
    """Every way to call every route that is not public, as (method, path)."""
    urls = app.url_map.bind("localhost")
    return [
        (
            method,
            urls.build(
                rule.endpoint, {name: SAMPLES.get(name, "1") for name in rule.arguments}, method=method
            ),
        )
        for rule in guarded(app)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def test_every_route_that_is_not_public_asks_who_is_calling(app: Flask) -> None:
    client = app.test_client()
    open_to_all = [
        f"{method} {path} answers {answer.status_code}"
        for method, path in calls(app)
        for answer in [client.open(path, method=method, json={} if method in CHANGING else None)]
        if answer.status_code != 401 and "/login" not in answer.headers.get("Location", "")
    ]
    assert calls(app) and open_to_all == []


def test_a_made_up_token_opens_nothing(app: Flask) -> None:
    client = app.test_client()
    headers = {"Authorization": "Bearer not-a-token"}
    answers = {client.open(path, method=method, headers=headers).status_code for method, path in calls(app)}
    assert answers <= {401, 302}


def test_every_public_route_is_still_there(app: Flask) -> None:
    assert set(PUBLIC) - {rule.rule for rule in app.url_map.iter_rules()} == set()


def test_a_public_route_changes_nothing_but_callbacks_and_the_login(app: Flask) -> None:
    changing = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.rule in PUBLIC and set(CHANGING) & (rule.methods or set())
    }
    assert changing == {
        rule for rule in PUBLIC if rule.startswith(("/callbacks", "/log", "/first", "/password"))
    }
