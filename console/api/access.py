"""A bearer token names who calls: it has a role and, if it is bound, its companies."""

from __future__ import annotations

import json

from flask import Response, g, request

from console.access import Caller
from console.api.answers import answer_error
from console.services import services
from models.api_tokens import find_token
from models.expense import ApiToken
from models.roles import EVERYWHERE, OPERATOR, VIEWER

_READING = ("GET", "HEAD", "OPTIONS")
_LONGEST = 200


def check_caller() -> Response | None:
    """Lets the request through, or answers 401 (who are you?) or 403 (you may not). Reading asks for a
    viewer, everything else for an operator, so that a new call is never open by oversight."""
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    token = text.strip()
    if scheme.lower() != "bearer" or not token:
        return _who("This needs a token: send the header `Authorization: Bearer <token>`.")
    if len(token) > _LONGEST:
        return _who("This token is not valid: unknown or revoked.", error="invalid_token")
    with services().database.read() as session:
        row = find_token(session, token)
    if row is None:
        return _who("This token is not valid: unknown or revoked.", error="invalid_token")
    g.caller = caller_of(row)
    needed = VIEWER if request.method in _READING else OPERATOR
    if not g.caller.may_anywhere(needed):
        return answer_error(
            403, f"Token {row.name!r} is a {row.role}'s; this needs the role {needed}. Use another token."
        )
    return None


def caller_of(token: ApiToken) -> Caller:
    """Whoever holds this token: one role, the same in all its companies."""
    keys = json.loads(token.companies) if token.companies is not None else [EVERYWHERE]
    return Caller(name=token.name, actor=f"token {token.name}", roles=dict.fromkeys(keys, token.role))


def _who(message: str, *, error: str | None = None) -> Response:
    challenge = 'Bearer realm="Expense Relay"' + (f', error="{error}"' if error else "")
    return answer_error(401, message, headers={"WWW-Authenticate": challenge})
