"""Who is logged in: Flask-Login keeps a person in a signed cookie, which holds their number and stamp.

A new stamp (password changed, disabled, logged out everywhere) ends every session that holds the old one.
"""

from __future__ import annotations

import datetime as dt

from flask import Flask, session
from flask_login import LoginManager, UserMixin, login_user
from flask_wtf.csrf import CSRFProtect

from console.access import Caller
from console.services import services
from models.people import User
from models.users import roles_of

LIFETIME = dt.timedelta(hours=12)  # without a click

csrf = CSRFProtect()


class Person(UserMixin):  # type: ignore[misc]
    """Somebody who is logged in, as Flask-Login wants to see them."""

    def __init__(self, user: User) -> None:
        self.user = user

    def get_id(self) -> str:
        return f"{self.user.id}.{self.user.stamp}"

    def caller(self) -> Caller:
        return Caller(name=self.user.email, actor=self.user.email, roles=roles_of(self.user))


def keep_sessions(app: Flask) -> None:
    """Sets up cookies, login and the protection of forms; pages ask for the latter two themselves."""
    secure = app.config["SESSION_COOKIE_SECURE"]
    app.config.update(
        SESSION_COOKIE_NAME="__Host-relay" if secure else "relay",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=LIFETIME,
        WTF_CSRF_CHECK_DEFAULT=False,  # PageBlueprint does it; tokens and callbacks have their own proof
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
    )
    csrf.init_app(app)
    manager = LoginManager()
    manager.session_protection = None  # phones change their address all day
    manager.user_loader(load_person)
    manager.init_app(app)


def load_person(text: str) -> Person | None:
    """The person of a session's "number.stamp"; None when it has ended."""
    number, _, stamp = text.partition(".")
    with services().database.read() as session:
        user = session.get(User, int(number))
    if user is None or user.disabled_at is not None or user.stamp != stamp:
        return None
    return Person(user)


def begin_session(user: User) -> None:
    """Logs the person in with a new session: what the browser brought along counts for nothing."""
    session.clear()
    session.permanent = True
    login_user(Person(user))
