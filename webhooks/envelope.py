"""The envelope of a ConnectWise callback: what it says of itself, read leniently.

Bytes that are not UTF-8 occur inside well-signed messages and are decoded with replacement; the signature is
checked over the raw bytes before anything here is believed.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

EXPENSE = "expense"
MAX_ID = 2**31 - 1
MAX_KEY_URL = 2_000
DIGITS = re.compile(r"[0-9]{1,10}")
KEY_URL = re.compile(rb'"key_url"\s*:\s*"((?:[^"\\]|\\.){1,2000})"')


class Unreadable(Exception):
    """The message can't be read; the text says what is wrong with it."""


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """A readable envelope. `entry_id` is set for expenses only."""

    message_id: str
    company_id: str | None
    type: str
    action: str
    entry_id: int | None


class _EnvelopeSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    type = fields.String(data_key="Type", required=True, validate=validate.Length(min=1, max=100))
    action = fields.String(data_key="Action", load_default="", validate=validate.Length(max=100))
    message_id = fields.Raw(data_key="MessageId", load_default=None)
    company_id = fields.Raw(data_key="CompanyId", load_default=None)


class _EntryId(fields.Integer):
    """A number, or its digits as text: 4711.5, true and "4_711" are no ids, whatever int() makes of them."""

    def _validated(self, value: Any) -> int:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if not is_number and not (isinstance(value, str) and DIGITS.fullmatch(value)):
            raise self.make_error("invalid", input=value)
        return int(value)


class _ExpenseSchema(_EnvelopeSchema):
    entry_id = _EntryId(data_key="ID", required=True, validate=validate.Range(min=1, max=MAX_ID))


@cache
def _schema(*, expense: bool) -> Schema:
    """Making a schema costs ten times what using it does."""
    return _ExpenseSchema() if expense else _EnvelopeSchema()


def find_key_url(message: dict[str, Any] | None, body: bytes) -> str | None:
    """The address of the signing key that the (unverified) body names, found even when the rest is broken.

    `message` is the body parsed, None when it can't be.
    """
    if message is not None:
        metadata = message.get("Metadata")
        text = metadata.get("key_url") if isinstance(metadata, dict) else None
    else:
        text = _key_url_in_broken(body)
    return text if isinstance(text, str) and len(text) <= MAX_KEY_URL else None


def _key_url_in_broken(body: bytes) -> str | None:
    found = KEY_URL.search(body)
    try:
        return str(json.loads(b'"' + found.group(1) + b'"')) if found else None
    except ValueError:
        return None


def parse(body: bytes) -> dict[str, Any]:
    """The body as a JSON object; raises Unreadable."""
    try:
        message = json.loads(body.decode("utf-8", errors="replace"))
    except (ValueError, RecursionError):
        raise Unreadable("The body is not JSON.") from None
    if not isinstance(message, dict):
        raise Unreadable("The body is not a JSON object.")
    return message


def read_envelope(message: dict[str, Any], body: bytes) -> Envelope:
    """The envelope of a well-signed body and what it parses to; raises Unreadable naming what is wrong."""
    is_expense = str(message.get("Type")).casefold() == EXPENSE
    try:
        data = _schema(expense=is_expense).load(message)
    except ValidationError as error:
        raise Unreadable(f"The message lacks something: {error.messages}") from None
    return Envelope(
        message_id=message_identity(data["message_id"], body),
        company_id=None if data["company_id"] is None else str(data["company_id"]),
        type=_text(data["type"]),
        action=_text(data["action"]).casefold(),
        entry_id=data.get("entry_id"),
    )


def message_identity(message_id: Any, body: bytes) -> str:
    """What makes a message one: its MessageId, or the hash of its bytes where it has none (or an odd one)."""
    if isinstance(message_id, str) and 0 < len(message_id) <= 100 and message_id.isprintable():
        return message_id
    return "sha256:" + hashlib.sha256(body).hexdigest()


def _text(value: str) -> str:
    return "".join(c for c in value if c.isprintable())
