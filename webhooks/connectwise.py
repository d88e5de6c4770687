"""The callback endpoint: POST /callbacks/connectwise/<company key>.

A callback is only a hint. It is stored and queued, and nothing it says of amounts or approval is believed.
The query string is not signed, so whatever ConnectWise appends there is ignored.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog
from flask import Blueprint, Response, current_app, request
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import RequestEntityTooLarge

from models.company import Company
from models.database import Database
from models.inbox import Message
from webhooks.envelope import Envelope, Unreadable, find_key_url, message_identity, parse, read_envelope
from webhooks.inbox import Inbox, NotStored
from webhooks.signature import is_cloud, is_own_key_url, is_signed
from webhooks.signing_key import KeyRefused, KeyUnavailable, SigningKeys

SIGNATURE = "x-content-signature"
RETRY_SECONDS = 2
KEY = re.compile(r"[a-z0-9-]{1,100}")
KNOWN_SECONDS = 5.0  # how long a company's row is remembered between callbacks
TURN_SECONDS = 0.5  # one thread looks a company up, the others wait so long for it
AWAY_SECONDS = 1.0  # after a look-up that failed, those that come next are told at once

log = structlog.get_logger(__name__)
blueprint = Blueprint("callbacks", __name__, url_prefix="/callbacks/connectwise")


@dataclass(frozen=True)
class Sender:
    """The ConnectWise site behind one company key."""

    id: int
    key: str
    site: str
    company_id: str

    def owns_key_url(self, key_url: str) -> bool:
        return is_own_key_url(key_url, site=self.site, company_id=self.company_id)


class Refusal(Exception):
    """A callback we don't take: HTTP status and the reason given to the sender."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass
class Receiver:
    """What the endpoint needs; put together by app.py. `ring` must return at once, and `database` must be
    patient for so short that ConnectWise, who waits five seconds, has its answer in time."""

    database: Database
    ring: Callable[[str], None]
    allow_private: bool
    inbox: Inbox = field(init=False)
    keys: SigningKeys = field(default_factory=SigningKeys)
    _known: dict[str, tuple[float, Sender]] = field(default_factory=dict)
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _away_until: float = 0.0

    def __post_init__(self) -> None:
        self.inbox = Inbox(self.database)

    def sender(self, key: str) -> Sender:
        """The company with this key; raises Refusal 404, or 429 when the database doesn't answer."""
        if not KEY.fullmatch(key):
            raise Refusal(404, "There is no such company here.")
        if (known := self._remembered(key)) is not None:
            return known
        if not self._turn.acquire(timeout=TURN_SECONDS):
            raise _database_away()
        try:
            return self._remembered(key) or self._look_up(key)
        finally:
            self._turn.release()

    def _remembered(self, key: str) -> Sender | None:
        until, known = self._known.get(key, (0.0, None))
        return known if until > time.monotonic() else None

    def _look_up(self, key: str) -> Sender:
        """Asks the database, one thread at a time: were it frozen, it would hold all the others as well."""
        if time.monotonic() < self._away_until:
            raise _database_away()
        columns = (Company.id, Company.key, Company.cw_site, Company.cw_company_id)
        try:
            with self.database.read() as session:
                row = session.execute(select(*columns).where(Company.key == key)).one_or_none()
        except SQLAlchemyError:
            self._away_until = time.monotonic() + AWAY_SECONDS
            raise _database_away() from None
        if row is None:
            self._known.pop(key, None)
            raise Refusal(404, "There is no such company here.")
        sender = Sender(*row)
        self._known[key] = (time.monotonic() + KNOWN_SECONDS, sender)
        return sender

    def verify(
        self, body: bytes, message: dict[str, Any] | None, signature: str | None, sender: Sender
    ) -> None:
        """Raises Refusal unless the body was signed with a key of the sender's own site.

        `message` is the body parsed, None when it can't be.
        """
        if not signature or not signature.isascii():
            raise Refusal(401, f"The {SIGNATURE} header is missing.")
        key_url = find_key_url(message, body)
        if key_url is None:
            keys = self.keys.recent(sender.owns_key_url)
            if not any(is_signed(body, key, signature) for key in keys):
                raise Refusal(401, "The message names no signing key.")
        elif not sender.owns_key_url(key_url):
            raise Refusal(401, "The signing key's address is not this company's.")
        elif not is_signed(body, self._signing_key(key_url, sender), signature):
            raise Refusal(401, "The signature is wrong.")

    def _signing_key(self, key_url: str, sender: Sender) -> str:
        public_only = is_cloud(sender.site) and not self.allow_private
        try:
            return self.keys.fetch(key_url, public_only=public_only)
        except KeyRefused as error:
            raise Refusal(401, f"The signing key could not be had: {error}.") from None
        except KeyUnavailable as error:
            raise Refusal(429, f"The signing key could not be fetched now: {error}.") from None

    def store(self, message: Message) -> bool:
        """Stores the message durably; True when it is new. Raises Refusal 429."""
        try:
            return self.inbox.store(message)
        except NotStored:
            raise Refusal(429, "It could not be stored; send it again.") from None


def _database_away() -> Refusal:
    return Refusal(429, "The database does not answer; send it again.")


@blueprint.post("/<key>")
def receive(key: str) -> Response:
    """Genuine? Store it, answer, and when the answer has left, ring the bell."""
    receiver: Receiver = current_app.extensions["callbacks"]
    try:
        sender = receiver.sender(key)
        body = _read_body()
        message = _parsed(body)
        receiver.verify(body, message, request.headers.get(SIGNATURE), sender)
        return _take(receiver, sender, body, message)
    except Refusal as refusal:
        return _refuse(key, refusal)


def _read_body() -> bytes:
    """The body as received; raises RequestEntityTooLarge.

    A body without a declared length would be cut at the limit and not refused, so one byte more is asked for.
    """
    limit = request.max_content_length
    if request.content_length is None and limit is not None:
        request.max_content_length = limit + 1
    body = request.get_data(cache=False)
    if limit is not None and len(body) > limit:
        raise RequestEntityTooLarge()
    return body


def _parsed(body: bytes) -> dict[str, Any] | None:
    try:
        return parse(body)
    except Unreadable:
        return None


def _take(receiver: Receiver, sender: Sender, body: bytes, message: dict[str, Any] | None) -> Response:
    try:
        envelope = read_envelope(parse(body) if message is None else message, body)
    except Unreadable as unreadable:
        receiver.store(_unreadable(sender, body, message))
        raise Refusal(400, str(unreadable)) from None
    if envelope.company_id is not None and envelope.company_id.casefold() != sender.company_id.casefold():
        raise Refusal(401, "The message is another ConnectWise company's.")
    status = "ignored" if envelope.entry_id is None else "queued"
    is_new = receiver.store(_message(sender, envelope, body, status=status))
    if envelope.entry_id is None:
        reason = f"A {envelope.type} callback; only expense callbacks are posted."
        return _answer(200, status="ignored", reason=reason)
    if not is_new:
        return _answer(200, status="duplicate")
    response = _answer(202, status="queued")
    response.call_on_close(lambda: receiver.ring(sender.key))
    return response


def _message(sender: Sender, envelope: Envelope, body: bytes, *, status: str) -> Message:
    return Message(
        company_id=sender.id,
        message_id=envelope.message_id,
        status=status,
        body=body,
        type=envelope.type,
        action=envelope.action,
        entry_id=envelope.entry_id,
    )


def _unreadable(sender: Sender, body: bytes, message: dict[str, Any] | None) -> Message:
    """A genuine message that we can't read is kept: nothing that ConnectWise signed vanishes."""
    identity = message_identity((message or {}).get("MessageId"), body)
    return Message(company_id=sender.id, message_id=identity, status="unreadable", body=body)


def _answer(code: int, **body: str) -> Response:
    return Response(json.dumps(body) + "\n", code, mimetype="application/json")


def _refuse(key: str, refusal: Refusal) -> Response:
    log.info("callback refused", company=key[:100], status=refusal.status, reason=refusal.reason)
    response = _answer(refusal.status, status="refused", reason=refusal.reason)
    if refusal.status == 429:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response
