"""Up to thirty operations in one call, each for itself
(https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/batch).

A batch is no transaction: what failed stops nobody else, and items can't see what the others made.
"""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import datetime
from typing import Any

from sandbox.qbo_company import KINDS, Company
from sandbox.qbo_entities import Wish, perform
from sandbox.qbo_query import run
from sandbox.qbo_replay import LONGEST_ITEM
from sandbox.qbo_wire import Fault, required
from sandbox.web import Json, dump

LARGEST = 30


def batch(company: Company, body: Any, *, request_id: str | None, now: datetime) -> tuple[list[Json], bool]:
    """`BatchItemResponse`, and whether anything in it is a replay; raises Fault for the batch as a whole."""
    items = body.get("BatchItemRequest") if isinstance(body, dict) else None
    if not isinstance(items, list) or not items or not all(isinstance(item, dict) for item in items):
        raise required("BatchItemRequest")
    if len(items) > LARGEST:
        raise Fault(
            "1040", "Batch too large", f"Maximum number of batch items is {LARGEST}, found {len(items)}"
        )
    _check_ids(items, request_id=request_id)
    company.in_batch = True
    try:
        answers = [_item(company, item, request_id=request_id, now=now) for item in items]
    finally:
        company.in_batch = False
        company.unseen.clear()
    shown = [answer for answer, _ in answers]
    if company.shuffle_answers:
        company.random.shuffle(shown)
    return shown, any(replayed for _, replayed in answers)


def _check_ids(items: list[Json], *, request_id: str | None) -> None:
    ids = [str(item.get("bId") or "") for item in items]
    if not all(ids):
        raise required("bId")
    if len(set(ids)) < len(ids):
        raise Fault(
            "2010",
            "Request has invalid or unsupported property",
            "Every bId must be different",
            element="bId",
        )
    if request_id is not None and max(map(len, ids)) > LONGEST_ITEM:
        raise Fault(
            "2130", "Invalid request id", f"bId must have at most {LONGEST_ITEM} characters", element="bId"
        )


def _item(company: Company, item: Json, *, request_id: str | None, now: datetime) -> tuple[Json, bool]:
    identity = str(item["bId"])

    def act() -> Json:
        try:
            return {**_answer(company, item, now=now), "bId": identity}
        except Fault as fault:
            return {"Fault": fault.wire, "bId": identity}

    # A copy of what is kept: the first answer is repeated as it was, whatever became of the record since.
    kept, replayed = company.replays.through(
        request_id, identity, now=now.timestamp(), act=lambda: json.loads(dump(act()))
    )
    return deepcopy(kept), replayed


def _answer(company: Company, item: Json, *, now: datetime) -> Json:
    if "Query" in item:
        return {"QueryResponse": run(company, str(item["Query"]), now=now)}
    kind = next((name for name in item if name in KINDS), None)
    if kind is None:
        raise Fault("2010", "Request has invalid or unsupported property", "The item names no known entity")
    operation = item.get("operation")
    if operation not in ("create", "update", "delete", "void"):
        raise Fault("2170", "Invalid Enumeration", f"operation {operation} is unknown", element="operation")
    body = item[kind]
    if operation == "create" and isinstance(body, dict):
        body = {name: value for name, value in body.items() if name != "Id"}
    if operation == "update" and isinstance(body, dict) and not body.get("Id"):
        raise required("Id")
    include = tuple(str(item.get("optionsData") or "").replace(" ", "").split(","))
    chosen = operation if operation in ("delete", "void") else None
    return perform(company, Wish(kind, chosen, include, now), body)
