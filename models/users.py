"""People's accounts: adding, finding, ending them. The command line and the pages use the same.

Passwords come here as hashes (console/passwords.py makes them). Every change is a line in the history.
"""

from __future__ import annotations

import datetime as dt
import re
import secrets
from collections.abc import Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from errors import NotFound, Problems
from models.company import Company
from models.history import note
from models.people import User, UserRole
from models.roles import ADMIN, EVERYWHERE, ROLES, higher

_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+")
LONGEST_EMAIL = 254  # RFC 5321


def add_user(
    session: Session,
    email: str,
    *,
    role: str,
    companies: Sequence[str] = (),
    password: str | None,
    actor: str,
    now: dt.datetime,
) -> User:
    """Adds a person with this role in these companies, or in all. A disabled one is let in again, with
    this role and password alone. Raises Problems when they are there already or a company isn't."""
    email = clean_email(email)
    user = _by_email(session, email)
    if user is not None and user.disabled_at is None:
        raise Problems("Nobody was added:", [f"{email} is a user already."])
    found = _companies(session, companies)
    if user is None:
        user = User(email=email, created_at=now)
        session.add(user)
    user.password, user.disabled_at, user.totp_secret = password, None, None
    renew_stamp(user)
    user.roles = [UserRole(company_id=company.id if company else None, role=role) for company in found]
    session.flush()
    tell(session, f"{email} was added as {role} of {_where(companies)}", actor=actor, now=now)
    return user


def disable_user(session: Session, email: str, *, actor: str, now: dt.datetime) -> bool:
    """Lets the person in no more, and ends their sessions at once; False when they were disabled before.
    Raises NotFound, or Problems when nobody would be left to manage users."""
    user = find_user(session, email)
    if user.disabled_at is not None:
        return False
    keep_an_admin(session, without=user)
    user.disabled_at = now
    renew_stamp(user)
    tell(session, f"{user.email} was disabled", actor=actor, now=now)
    return True


def set_password(session: Session, user: User, password: str, *, actor: str, now: dt.datetime) -> None:
    """A new password (its hash); every session of this person ends."""
    user.password = password
    renew_stamp(user)
    tell(session, f"{user.email} has a new password", actor=actor, now=now)


def enable_user(session: Session, user: User, *, actor: str, now: dt.datetime) -> None:
    """Lets a disabled person in again, as they were."""
    if user.disabled_at is not None:
        user.disabled_at = None
        tell(session, f"{user.email} was let in again", actor=actor, now=now)


def set_roles(
    session: Session, user: User, wanted: Mapping[str, str], *, actor: str, now: dt.datetime
) -> None:
    """These roles by company key ("*": in all), and no others. Raises Problems when a company isn't there,
    or nobody would be left to manage users."""
    if wanted.get(EVERYWHERE) != ADMIN:
        keep_an_admin(session, without=user)
    keys = [key for key in wanted if key != EVERYWHERE]
    found = {company.key: company.id for company in _companies(session, keys) if company}
    before = roles_of(user)
    user.roles = [UserRole(company_id=found.get(key), role=role) for key, role in wanted.items()]
    if before != dict(wanted):
        tell(session, f"{user.email} is {_said(wanted)}; was {_said(before)}", actor=actor, now=now)


def find_user(session: Session, email: str) -> User:
    """The person with this address; raises NotFound."""
    user = _by_email(session, email.strip().lower())
    if user is None:
        raise NotFound(f"There is no user {email!r}. `bin/manage user list` shows those that exist.")
    return user


def find_active(session: Session, email: str) -> User | None:
    """The person of this address who may log in, or None."""
    user = _by_email(session, email.strip().lower())
    return user if user is not None and user.disabled_at is None else None


def list_users(session: Session) -> list[User]:
    """Everybody by address, disabled ones too."""
    return list(session.scalars(select(User).order_by(User.email)))


def has_admin(session: Session) -> bool:
    """Whether anybody may manage users and companies."""
    return bool(_admins(session, without=None))


def keep_an_admin(session: Session, *, without: User) -> None:
    """Raises Problems when this person is the last admin of all companies."""
    is_admin = any(role.company_id is None and role.role == ADMIN for role in without.roles)
    if is_admin and without.disabled_at is None and not _admins(session, without=without):
        raise Problems(
            "Nothing was changed:",
            [f"{without.email} is the last admin of all companies. Make another one first."],
        )


def roles_of(user: User) -> dict[str, str]:
    """The person's role by company key; under "*" the one in all companies."""
    found: dict[str, str] = {}
    for row in user.roles:
        key = row.company.key if row.company else EVERYWHERE
        found[key] = higher(found.get(key), row.role) or row.role
    return found


def renew_stamp(user: User) -> None:
    """Ends every session of this person."""
    user.stamp = secrets.token_urlsafe(12)


def clean_email(text: str) -> str:
    """The address in small letters. Raises Problems when it can't be one."""
    email = text.strip().lower()
    if len(email) > LONGEST_EMAIL or not _EMAIL.fullmatch(email) or not email.isprintable():
        raise Problems("Nobody was added:", [f"{text!r} is not an e-mail address such as ana@example.com."])
    return email


def tell(session: Session, text: str, *, actor: str, now: dt.datetime) -> None:
    """A line about people in the history."""
    note(session, company_id=None, expense_id=None, at=now, actor=actor, what="user", text=text)


def _by_email(session: Session, email: str) -> User | None:
    return session.scalars(select(User).where(User.email == email)).one_or_none()


def _companies(session: Session, keys: Sequence[str]) -> list[Company | None]:
    """The companies of these keys; [None], which stands for all, when none is named."""
    found = {row.key: row for row in session.scalars(select(Company).where(Company.key.in_(keys)))}
    missing = [f"There is no company {key!r}." for key in keys if key not in found]
    if missing:
        raise Problems("Nothing was changed:", missing)
    return list(found.values()) or [None]


def _admins(session: Session, *, without: User | None) -> int:
    statement = (
        select(func.count(User.id.distinct()))
        .join(UserRole)
        .where(User.disabled_at.is_(None), UserRole.company_id.is_(None), UserRole.role == ROLES[-1])
    )
    if without is not None:
        statement = statement.where(User.id != without.id)
    return int(session.scalar(statement) or 0)


def _said(roles: Mapping[str, str]) -> str:
    named = sorted(("all companies" if key == EVERYWHERE else key, role) for key, role in roles.items())
    return ", ".join(f"{role} of {where}" for where, role in named) or "without a role"


def _where(companies: Sequence[str]) -> str:
    return ", ".join(sorted(set(companies))) or "all companies"
