"""Errors of the API in one shape: what happened, why, what to do. One place says which status each gets."""

from __future__ import annotations

import http
import math
from dataclasses import dataclass, field
from typing import Any

from flask import Response, jsonify
from marshmallow import Schema, fields
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from errors import NeedsAttention, NotFound, Paused, Problems, Retryable, Trouble

DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)
RETRY_SECONDS = 5
_BUG = "Our program failed. The log has the details; try again, and tell the operator if it happens again."


class ErrorSchema(Schema):
    """The body of every answer that is not a success."""

    code = fields.Integer(required=True, metadata={"description": "the HTTP status"})
    status = fields.String(required=True, metadata={"description": "its name"})
    message = fields.String(required=True, metadata={"description": "what happened, why, what to do"})
    cause = fields.String(metadata={"description": "a stable code, where there is one"})
    to_do = fields.String(metadata={"description": "one sentence for the person who can help"})
    errors = fields.Dict(metadata={"description": "faults of the request, by place and name"})


@dataclass(frozen=True)
class Refusal:
    """What is told when it was not done: the HTTP status, the sentence, headers; `more` may hold cause,
    to_do and errors."""

    code: int
    message: str
    headers: dict[str, str] = field(default_factory=dict)
    more: dict[str, Any] = field(default_factory=dict)


def error_answer(error: Exception) -> Response:
    """The API's answer to whatever was raised."""
    refusal = refusal_of(error)
    return answer_error(refusal.code, refusal.message, headers=refusal.headers, **refusal.more)


def refusal_of(error: Exception) -> Refusal:
    """What the API and the pages tell about whatever was raised."""
    match error:
        case HTTPException():
            return _http(error)
        case NotFound():
            return Refusal(404, str(error))
        case NeedsAttention():
            more = {"cause": error.cause, "to_do": error.to_do}
            return Refusal(409, f"{error.why} {error.to_do}", more=more)
        case Paused():
            return Refusal(409, f"The company is paused: {error}", more={"cause": "paused"})
        case Problems():
            return Refusal(409, str(error))
        case Retryable():
            after = math.ceil(error.after or RETRY_SECONDS)
            return Refusal(503, f"{error} Try again in {after} seconds.", _after(after))
        case Trouble():
            return Refusal(502, f"The other side did not do it: {error}")
        case _ if isinstance(error, DATABASE_AWAY):
            message = "The database does not answer. Nothing was changed; try again in a few seconds."
            return Refusal(503, message, _after(RETRY_SECONDS))
    return Refusal(500, _BUG)


def answer_error(code: int, message: str, *, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """An error in our shape; `more` may hold cause, to_do and errors."""
    response = jsonify(code=code, status=http.HTTPStatus(code).phrase, message=message, **more)
    response.status_code = code
    response.headers.update(headers or {})
    return response


def _http(error: HTTPException) -> Refusal:
    code = error.code or 500
    data: dict[str, Any] = getattr(error, "data", None) or {}
    faults = data.get("messages") or data.get("errors")
    headers = {name: value for name, value in error.get_headers() if name.lower() in ("allow", "retry-after")}
    if isinstance(faults, dict):
        return Refusal(code, said(faults), headers, {"errors": faults})
    message = _BUG if code == 500 else data.get("message") or error.description or "It was refused."
    return Refusal(code, str(message), headers)


def said(faults: dict[str, Any]) -> str:
    """The faults as sentences: `limit: must be from 1 to 200.`"""
    sentences = []
    for place, named in faults.items():
        rows = named if isinstance(named, dict) else {place: named}
        for name, words in rows.items():
            told = " ".join(map(str, words)) if isinstance(words, list) else str(words)
            sentences.append(told if name == "_schema" else f"{name}: {told}")
    return " ".join(sentences) or "The request could not be read."


def _after(seconds: int) -> dict[str, str]:
    return {"Retry-After": str(seconds)}
