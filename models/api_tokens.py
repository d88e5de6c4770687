"""Bearer tokens of the JSON API: shown once when they are made, kept only as a hash.

A token is long and random, so a plain SHA-256 is enough: there is nothing to guess.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from errors import NotFound, Problems
from models.company import Company
from models.expense import ApiToken

PREFIX = "er_"


def add_token(
    session: Session, name: str, *, role: str, companies: Sequence[str] = (), now: dt.datetime
) -> str:
    """Makes a token and returns it: the only time that it is seen. No companies: all of them.

    Raises Problems when the name is taken or a company doesn't exist.
    """
    problems = []
    if session.scalars(select(ApiToken).where(ApiToken.name == name)).one_or_none() is not None:
        problems.append(f"The name {name!r} is taken, perhaps by a revoked token: choose another.")
    known = set(session.scalars(select(Company.key).where(Company.key.in_(companies))))
    problems += [f"There is no company {key!r}." for key in companies if key not in known]
    if problems:
        raise Problems("The token was not made:", problems)
    token = PREFIX + secrets.token_urlsafe(32)
    keys = json.dumps(sorted(set(companies))) if companies else None
    session.add(ApiToken(name=name, hash=hash_token(token), role=role, companies=keys, created_at=now))
    return token


def revoke_token(session: Session, name: str, *, now: dt.datetime) -> bool:
    """Ends the token of this name at once; False when it was revoked before. Raises NotFound."""
    token = session.scalars(select(ApiToken).where(ApiToken.name == name)).one_or_none()
    if token is None:
        raise NotFound(f"There is no token named {name!r}.")
    if token.revoked_at is not None:
        return False
    token.revoked_at = now
    return True


def find_token(session: Session, token: str) -> ApiToken | None:
    """The live token with this text, or None."""
    statement = select(ApiToken).where(ApiToken.hash == hash_token(token), ApiToken.revoked_at.is_(None))
    return session.scalars(statement).one_or_none()


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
