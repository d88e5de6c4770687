"""What an attacker, or a person beyond their role, may try with every page that there is."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import func, select
from werkzeug.routing import Rule

from console.pages.blueprint import PageBlueprint
from models.company import Company
from models.database import Database
from models.expense import Expense, History
from models.people import User
from models.roles import ADMIN, OPERATOR
from tests.pages.conftest import People

SAMPLES = {
    "key": "acme",
    "entry_id": 4711,
    "user_id": 1,
    "event_id": 1,
    "token": "x",
    "provider": "xero",
    "table": "taxes",
}


def pages(app: Flask, method: str) -> list[tuple[PageBlueprint, Rule, str]]:
    """Every page for this method: its blueprint, rule and an address of it."""
    urls = app.url_map.bind("localhost")
    return [
        (
            blueprint,
            rule,
            urls.build(
                rule.endpoint, {name: SAMPLES.get(name, "1") for name in rule.arguments}, method=method
            ),
        )
        for rule in app.url_map.iter_rules()
        for blueprint in [app.blueprints.get(rule.endpoint.partition(".")[0])]
        if isinstance(blueprint, PageBlueprint) and method in (rule.methods or ())
    ]


def footprints(database: Database) -> list[int]:
    """How much is written down: grows with whatever a person does."""
    with database.read() as session:
        return [
            session.scalar(select(func.count()).select_from(table)) or 0 for table in (History, User, Expense)
        ]


def test_no_form_is_taken_without_its_proof(
    app: Flask, person: People, acme: Company, database: Database
) -> None:
    admin = person("admin")
    before = footprints(database)
    answers = {path: admin.client.post(path).status_code for _, _, path in pages(app, "POST")}
    assert len(answers) > 10 and set(answers.values()) == {400}
    assert footprints(database) == before


def test_the_proof_of_somebody_else_counts_for_nothing(person: People, acme: Company) -> None:
    eve, admin = person("viewer"), person("admin")
    answer = admin.client.post("/account/sessions", headers={"X-CSRFToken": eve.proof()})
    assert answer.status_code == 400


def test_a_viewer_presses_no_button_that_needs_more(
    app: Flask, person: People, acme: Company, database: Database
) -> None:
    viewer = person("viewer")
    headers = {"X-CSRFToken": viewer.proof()}
    before = footprints(database)
    pressed = [
        (path, viewer.client.post(path, headers=headers).status_code)
        for blueprint, rule, path in pages(app, "POST")
        if not blueprint.public and blueprint.role_of(rule.endpoint) in (OPERATOR, ADMIN)
    ]
    assert pressed and [path for path, status in pressed if status != 403] == []
    assert footprints(database) == before


def test_a_person_of_one_company_can_not_tell_another_from_none(
    app: Flask, person: People, acme: Company, beta: Company
) -> None:
    stranger = person("admin", ["beta"])
    headers = {"X-CSRFToken": stranger.proof()}
    for method in ("GET", "POST"):
        for _, rule, path in pages(app, method):
            if "key" in rule.arguments:
                foreign = stranger.client.open(path, method=method, headers=headers)
                unknown = stranger.client.open(path.replace("acme", "acmi"), method=method, headers=headers)
                assert foreign.status_code == unknown.status_code == 404, path
                assert foreign.text.replace("acme", "acmi") == unknown.text, path


def test_htmx_is_sent_to_the_login_when_the_session_has_ended(app: Flask) -> None:
    answer = app.test_client().get("/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/login")
