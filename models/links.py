"""Links that work once: the first admin's, an invited person's, and that of somebody who lost the password.

The token is long and random, so a plain SHA-256 is kept: there is nothing to guess.
"""

from __future__ import annotations

import datetime as dt
import secrets

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from models.api_tokens import hash_token
from models.people import OneTimeLink, User
from models.users import has_admin

FIRST_ADMIN_LIVES = dt.timedelta(hours=24)
INVITATION_LIVES = dt.timedelta(days=7)


def make_first_admin_link(session: Session, *, now: dt.datetime) -> str | None:
    """The token of a link that makes the first admin; None when there is an admin already."""
    if has_admin(session):
        return None
    session.execute(delete(OneTimeLink).where(OneTimeLink.expires_at <= now))
    return _make(session, user=None, expires_at=now + FIRST_ADMIN_LIVES)


def make_password_link(session: Session, user: User, *, now: dt.datetime) -> str:
    """The token of a link that lets this person choose a password; older ones of theirs end."""
    session.execute(delete(OneTimeLink).where(OneTimeLink.user_id == user.id))
    return _make(session, user=user, expires_at=now + INVITATION_LIVES)


def is_first_admin_link(session: Session, token: str, *, now: dt.datetime) -> bool:
    """Whether this token still makes the first admin."""
    link = _find(session, token, now=now)
    return link is not None and link.user_id is None and not has_admin(session)


def person_of_link(session: Session, token: str, *, now: dt.datetime) -> User | None:
    """Whose password this token lets choose; None when it doesn't, or no longer."""
    link = _find(session, token, now=now)
    user = session.get(User, link.user_id) if link is not None and link.user_id is not None else None
    return user if user is not None and user.disabled_at is None else None


def spend_link(session: Session, token: str) -> bool:
    """Ends the link, and with a first admin's all of its kind; False when somebody else was quicker."""
    statement = delete(OneTimeLink).where(OneTimeLink.hash == hash_token(token))
    spent = session.execute(statement.returning(OneTimeLink.id, OneTimeLink.user_id)).one_or_none()
    if spent is not None and spent.user_id is None:
        session.execute(delete(OneTimeLink).where(OneTimeLink.user_id.is_(None)))
    return spent is not None


def _make(session: Session, *, user: User | None, expires_at: dt.datetime) -> str:
    token = secrets.token_urlsafe(32)
    owner = user.id if user else None
    session.add(OneTimeLink(user_id=owner, hash=hash_token(token), expires_at=expires_at))
    return token


def _find(session: Session, token: str, *, now: dt.datetime) -> OneTimeLink | None:
    statement = select(OneTimeLink).where(OneTimeLink.hash == hash_token(token), OneTimeLink.expires_at > now)
    return session.scalars(statement).one_or_none()
