"""In and out. Guessing is slowed down by address and by account; an unknown person costs the same time."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import current_user, logout_user
from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField
from wtforms.validators import InputRequired

from console.pages.blueprint import PageBlueprint
from console.pages.session import begin_session
from console.passwords import is_password
from console.services import services
from models.people import User
from models.users import find_active

PER_ADDRESS = "60 per 15 minutes"  # wrong tries only; an office shares one address
PER_ACCOUNT = "10 per 15 minutes"
TOO_MANY = (
    "There were too many wrong tries. Wait 15 minutes, then try again; "
    "an admin can send you a link for a new password."
)
WRONG = "E-mail address or password is wrong. Try again; an admin can send you a link for a new password."

blueprint = PageBlueprint("login", __name__, public=True)


class LoginForm(FlaskForm):  # type: ignore[misc]
    """Who wants in, and where to afterwards."""

    email = EmailField("E-mail address", [InputRequired("Type your e-mail address.")])
    password = PasswordField("Password", [InputRequired("Type your password.")])
    next = HiddenField()


def limit_tries(app: Flask) -> None:
    """Counts wrong tries in Redis, for all processes together; in this one alone while Redis is away."""
    limiter = Limiter(
        get_remote_address,
        app=app,
        strategy="moving-window",
        storage_uri="redis://",  # reached by the pool that we have
        storage_options={"connection_pool": app.extensions["console"].redis.connection_pool},
        in_memory_fallback_enabled=True,
    )
    wrong: dict[str, Any] = {"deduct_when": _is_wrong, "error_message": TOO_MANY}
    by_account = limiter.limit(PER_ACCOUNT, key_func=_account, **wrong)
    by_address = limiter.limit(PER_ADDRESS, **wrong)
    app.view_functions["login.log_in"] = by_account(by_address(log_in))


def _account() -> str:
    return request.form.get("email", "").strip().lower()[:254]


def _is_wrong(response: Response) -> bool:
    return response.status_code == 401


@blueprint.reads("/login")
def show() -> ResponseReturnValue:
    """The form; who is logged in already goes on."""
    if current_user.is_authenticated:
        return redirect(url_for("front.show"))
    return render_template("login.html", form=LoginForm(next=request.args.get("next", "")))


@blueprint.acts("/login")
def log_in() -> ResponseReturnValue:
    """Begins a session and goes to where the person wanted to be."""
    form = LoginForm()
    if not form.validate():
        return render_template("login.html", form=form), 400
    user = _checked(form.email.data, form.password.data)
    if user is None:
        return render_template("login.html", form=form, problem=WRONG), 401
    begin_session(user)
    return redirect(own_page(form.next.data) or url_for("front.show"))


@blueprint.acts("/logout")
def log_out() -> ResponseReturnValue:
    """Ends this session."""
    logout_user()
    session.clear()
    flash("You are logged out.", "done")
    return redirect(url_for("login.show"))


def own_page(text: str | None) -> str | None:
    """The address when it is a page of ours, else None: a link to the login must not lead elsewhere."""
    if not text or not text.startswith("/") or text[1:2] in ("/", "\\") or not text.isprintable():
        return None
    parts = urlsplit(text)
    return None if parts.scheme or parts.netloc or "\\" in text else text


def _checked(email: str, password: str) -> User | None:
    with services().database.write() as session:
        user = find_active(session, email)
        if not is_password(password, user.password if user else None) or user is None:
            return None
        user.seen_at = services().database.now(session)
        return user
