"""Who calls, and what they may do: a bearer token names a role and, if it is bound, its companies."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from flask import Response, g, request
from sqlalchemy.orm import Session

from console.api.answers import answer_error
from console.services import services
from errors import NotFound
from models.api_tokens import OPERATOR, ROLES, VIEWER, find_token
from models.companies import find_company
from models.company import Company

_READING = ("GET", "HEAD", "OPTIONS")
_LONGEST = 200
_KEY = re.compile(r"[a-z0-9-]{1,100}")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whoever holds the token. `companies` None: all of them."""

    name: str
    role: str
    companies: frozenset[str] | None

    @property
    def actor(self) -> str:
        """How the history names them."""
        return f"token {self.name}"

    def has_role(self, role: str) -> bool:
        return ROLES.index(self.role) >= ROLES.index(role)


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
    companies = frozenset(json.loads(row.companies)) if row.companies is not None else None
    g.caller = Caller(name=row.name, role=row.role, companies=companies)
    needed = VIEWER if request.method in _READING else OPERATOR
    if not g.caller.has_role(needed):
        return answer_error(
            403, f"Token {row.name!r} is a {row.role}'s; this needs the role {needed}. Use another token."
        )
    return None


def caller() -> Caller:
    """Whoever makes this request."""
    found: Caller = g.caller
    return found


def company_of(session: Session, key: str) -> Company:
    """The company, if this token may see it. Raises NotFound, in the same words for one that isn't there."""
    companies = caller().companies
    if not _KEY.fullmatch(key) or (companies is not None and key not in companies):
        raise NotFound(unknown_company(key))
    try:
        return find_company(session, key)
    except NotFound:
        raise NotFound(unknown_company(key)) from None


def unknown_company(key: str) -> str:
    return f"There is no company {key!r} that this token may see."


def _who(message: str, *, error: str | None = None) -> Response:
    challenge = 'Bearer realm="Expense Relay"' + (f', error="{error}"' if error else "")
    return answer_error(401, message, headers={"WWW-Authenticate": challenge})
