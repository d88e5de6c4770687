"""The conditions language of ConnectWise lists."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from sandbox.connectwise_conditions import conditions, order_by
from sandbox.web import Refused

RECORD: dict[str, Any] = {
    "id": 4711,
    "amount": Decimal("120.50"),
    "date": "2026-08-21T00:00:00Z",
    "notes": 'Taxi to "Contoso"',
    "status": "ApprovedByTierTwo",
    "inactiveFlag": False,
    "expenseReport": {"id": 3, "name": "2026-08-17 to 2026-08-23"},
}
TRUE = [
    "id=4711",
    "ID = 4711 AND amount<=120.5",
    "id in (1,4711)",
    "id not in (1,2)",
    'status in ("Open","ApprovedByTierTwo")',
    'status = "approvedbytiertwo"',
    "status='ApprovedByTierTwo'",
    "expenseReport/id=3",
    'expenseReport/name like "2026-08-17*"',
    'notes contains "taxi"',
    r'notes = "Taxi to \"Contoso\""',
    'notes not like "*bus*"',
    "date>=[2026-08-21T00:00:00Z] and date<[2026-08-22]",
    "inactiveFlag=False",
    "invoice/id = null",
    "id=1 or id=4711",
    "id=1 or id=2 or (id=4711 and not amount>200)",
    "(id=1 or id=4711) and inactiveFlag != True",
]
BROKEN = [
    "id",
    "id=",
    "=4711",
    "id=4711 and",
    "(id=4711",
    "id in 4711",
    "id in (4711",
    "id ~ 4711",
    "id=4711 id=1",
    "date>[yesterday]",
    "status>3",
    'notes="open',
    "unknown=1",
]


@pytest.mark.parametrize("text", TRUE)
def test_a_condition_holds_and_its_opposite_does_not(text: str) -> None:
    fields = {*RECORD, "invoice"}
    assert conditions(text, fields=fields)(RECORD)
    assert not conditions(f"not ({text})", fields=fields)(RECORD)


@pytest.mark.parametrize("text", BROKEN)
def test_a_condition_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Refused) as caught:
        conditions(text, fields=set(RECORD))(RECORD)
    assert caught.value.reply.status == 400


def test_and_binds_closer_than_or() -> None:
    assert conditions("id=4711 or id=1 and amount=0")(RECORD)
    assert not conditions("(id=4711 or id=1) and amount=0")(RECORD)


def test_order_by_several_fields() -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "a": {"b": 2}},
        {"id": 2, "a": {"b": 1}},
        {"id": 3, "a": {"b": 2}},
    ]
    assert [row["id"] for row in order_by(rows, "a/b desc, id desc")] == [3, 1, 2]
