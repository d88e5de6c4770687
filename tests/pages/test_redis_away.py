"""While Redis is away people still log in, see what the database knows, and are told what can't be seen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from bin.embedded_redis import EmbeddedRedis
from models.expense import Expense
from tests.pages.conftest import People, Somebody

pytestmark = pytest.mark.one_database


@pytest.fixture
def redis_url(own_redis: EmbeddedRedis) -> str:
    """A Redis that this test may end."""
    return own_redis.url


def test_a_person_logs_in(app: Flask, add_person: Callable[..., str], own_redis: EmbeddedRedis) -> None:
    ada = Somebody(add_person("admin"), app.test_client())
    own_redis.stop()
    assert ada.log_in().headers["Location"] == "/"
    assert ada.get("/").status_code == 200


def test_wrong_tries_are_counted_in_each_process_alone(
    app: Flask, add_person: Callable[..., str], own_redis: EmbeddedRedis
) -> None:
    guesser = Somebody(add_person("admin"), app.test_client())
    own_redis.stop()
    answers = [guesser.log_in(f"wrong guess {number}").status_code for number in range(11)]
    assert answers == [401] * 10 + [429]
    assert guesser.log_in().status_code == 429


def test_the_pages_say_so_and_show_what_the_database_knows(
    person: People, add_expense: Callable[..., Expense], own_redis: EmbeddedRedis
) -> None:
    add_expense(4711, cause="expense_type_unmapped")
    ada = person("admin")
    own_redis.stop()
    overview = ada.get("/companies/acme")
    jobs, queue = ada.get("/jobs"), ada.get("/companies/acme/queue")
    assert {overview.status_code, jobs.status_code, queue.status_code} == {200}
    assert "Redis does not answer" in overview.text and "Redis does not answer" in jobs.text
    assert "4711" in queue.text and "Redis does not answer" in queue.text


def test_a_retry_waits_in_the_database(
    person: People, add_expense: Callable[..., Expense], own_redis: EmbeddedRedis
) -> None:
    add_expense(4711, cause="expense_type_unmapped")
    ada = person("operator")
    own_redis.stop()
    form = {"cause": "expense_type_unmapped"}
    answer = ada.post("/companies/acme/queue/retry", form, follow_redirects=True)
    assert answer.status_code == 200 and "1 expense is being tried again." in answer.text
