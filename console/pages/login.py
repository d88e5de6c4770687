"""In and out. Guessing is slowed down by address and by account; an unknown person costs the same time."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import current_user, logout_user
from flask_wtf import FlaskForm
from wtforms import EmailField, HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired

from console.pages.blueprint import PageBlueprint
from console.pages.session import Person, begin_session, load_person
from console.passwords import is_password
from console.second_step import take_code
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

HALF, HALF_SECONDS = "half_way", 600  # between the password and the code

blueprint = PageBlueprint("login", __name__, public=True)


class LoginForm(FlaskForm):  # type: ignore[misc]
    """Who wants in, and where to afterwards."""

    email = EmailField("E-mail address", [InputRequired("Type your e-mail address.")])
    password = PasswordField("Password", [InputRequired("Type your password.")])
    next = HiddenField()


class CodeForm(FlaskForm):  # type: ignore[misc]
    """The second step."""

    code = StringField("Code", [InputRequired("Type the code.")])


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
    # It looks at every request, callbacks too; only these views have limits.
    hooks: list[dict[Any, Any]] = [
        app.before_request_funcs,
        app.after_request_funcs,
        app.teardown_request_funcs,
    ]
    for by_blueprint in hooks:
        by_blueprint.setdefault(blueprint.name, []).append(by_blueprint[None].pop())
    wrong: dict[str, Any] = {"deduct_when": _is_wrong, "error_message": TOO_MANY}
    by_account = limiter.limit(PER_ACCOUNT, key_func=_account, **wrong)
    by_address = limiter.limit(PER_ADDRESS, **wrong)
    app.view_functions["login.log_in"] = by_account(by_address(log_in))
    by_person = limiter.limit(PER_ACCOUNT, key_func=_half_way_id, **wrong)
    app.view_functions["login.check_code"] = by_person(check_code)


def _account() -> str:
    return request.form.get("email", "").strip().lower()[:254]


def _half_way_id() -> str:
    person = _half_way()
    return f"second step {person.id}" if person else "nobody"


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
    if user.totp_secret is None:
        return _let_in(user, form.next.data)
    session.clear()
    until = time.time() + HALF_SECONDS
    session[HALF] = {"person": Person(user).get_id(), "until": until, "next": form.next.data}
    return redirect(url_for("login.ask_code"))


@blueprint.reads("/login/code")
def ask_code() -> ResponseReturnValue:
    """The second step, for whoever has done the first."""
    if _half_way() is None:
        return redirect(url_for("login.show"))
    return render_template("login_code.html", form=CodeForm())


@blueprint.acts("/login/code")
def check_code() -> ResponseReturnValue:
    """Takes the code of the phone, or a recovery code, once."""
    form, half = CodeForm(), _half_way()
    if half is None:
        flash("That took too long: begin again.", "problem")
        return redirect(url_for("login.show"))
    with services().database.write() as db:
        user = db.get_one(User, half.id, with_for_update=True)
        now = services().database.now(db)
        is_right = take_code(db, user, form.code.data or "", sealer=services().sealer, now=now)
    if not is_right:
        form.code.errors = ["This code is wrong, or used already. Wait for the next one and type it."]
        return render_template("login_code.html", form=form), 401
    return _let_in(user, session[HALF]["next"])


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
    """The person whose password this is. Hashing takes long, so nothing is locked meanwhile."""
    with services().database.read() as session:
        user = find_active(session, email)
    return user if is_password(password, user.password if user else None) else None


def _let_in(user: User, wanted: str | None) -> ResponseReturnValue:
    with services().database.write() as db:
        db.get_one(User, user.id).seen_at = services().database.now(db)
    begin_session(user)
    return redirect(own_page(wanted) or url_for("front.show"))


def _half_way() -> User | None:
    """Whoever has given the password in this session not long ago, and owes the code."""
    half = session.get(HALF)
    if half is None or time.time() > half["until"]:
        return None
    person = load_person(half["person"])
    return person.user if person is not None else None
