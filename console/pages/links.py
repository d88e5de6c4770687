"""What the one-time links open: the first admin is made, or a person chooses a password."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import EmailField, PasswordField
from wtforms.validators import EqualTo, InputRequired

from console.pages.blueprint import PageBlueprint
from console.pages.session import begin_session
from console.passwords import RULE, hash_password
from console.services import services
from errors import NotFound, Problems
from models.links import is_first_admin_link, person_of_link, spend_link
from models.people import User
from models.roles import ADMIN
from models.users import add_user, clean_email, set_password

ENDED = (
    "This link has ended: it works once and for a limited time. "
    "An admin can make a new one under Users; while there is no admin, `web` prints one when it starts."
)

blueprint = PageBlueprint("links", __name__, public=True)


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """A new password, typed twice."""

    password = PasswordField("Password", [InputRequired("Choose a password.")])
    again = PasswordField("Password again", [EqualTo("password", "These are not the same: type it again.")])


class FirstAdminForm(PasswordForm):
    """The first person."""

    email = EmailField("E-mail address", [InputRequired("Type your e-mail address.")])


@blueprint.reads("/first-admin/<string(maxlength=100):token>")
def first_admin(token: str) -> ResponseReturnValue:
    """The form that makes the first admin. Opening it spends nothing."""
    with services().database.read() as session:
        _check_first_admin(session, token)
    return render_template("first_admin.html", form=FirstAdminForm(), rule=RULE)


@blueprint.acts("/first-admin/<string(maxlength=100):token>")
def make_first_admin(token: str) -> ResponseReturnValue:
    """Makes the first admin and logs them in."""
    form = FirstAdminForm()
    with services().database.read() as session:
        _check_first_admin(session, token)
    email = _email_of(form) if form.validate() else None
    kept = password_of(form, email) if email else None
    if email is None or kept is None:
        return render_template("first_admin.html", form=form, rule=RULE), 400
    with services().database.write() as session:
        _check_first_admin(session, token)
        _spend(session, token)
        now = services().database.now(session)
        actor = f"{email} by the first link"
        user = add_user(session, email, role=ADMIN, password=kept, actor=actor, now=now)
    begin_session(user)
    flash("Welcome. You are the first admin; others are let in under Users.", "done")
    return redirect(url_for("front.show"))


@blueprint.reads("/password/<string(maxlength=100):token>")
def password(token: str) -> ResponseReturnValue:
    """The form that lets an invited person choose a password."""
    with services().database.read() as session:
        user = _person(session, token)
    return render_template("password.html", form=PasswordForm(), rule=RULE, email=user.email)


@blueprint.acts("/password/<string(maxlength=100):token>")
def choose_password(token: str) -> ResponseReturnValue:
    """Takes the password; who knows it goes on to the login, where the second step is asked for."""
    form = PasswordForm()
    with services().database.read() as session:
        user = _person(session, token)
    kept = password_of(form, user.email)
    if kept is None:
        return render_template("password.html", form=form, rule=RULE, email=user.email), 400
    with services().database.write() as session:
        user = _person(session, token)
        _spend(session, token)
        now = services().database.now(session)
        set_password(session, user, kept, actor=f"{user.email} by a link", now=now)
    flash("Your password is set. Log in with it.", "done")
    return redirect(url_for("login.show"))


def password_of(form: Any, email: str) -> str | None:
    """The hash of the form's password; None, with the reason beside its field, when it can't be taken.

    Hashing takes a while on purpose: never inside a transaction that writes."""
    if not form.validate():
        return None
    try:
        return hash_password(form.password.data, email=email)
    except Problems as problems:
        form.password.errors = problems.problems
        return None


def _email_of(form: FirstAdminForm) -> str | None:
    """The form's address; None, with the reason beside its field, when it can't be one."""
    try:
        return clean_email(form.email.data)
    except Problems as problems:
        form.email.errors = problems.problems
        return None


def _check_first_admin(session: Session, token: str) -> None:
    if not is_first_admin_link(session, token, now=services().database.now(session)):
        raise NotFound(ENDED)


def _person(session: Session, token: str) -> User:
    user = person_of_link(session, token, now=services().database.now(session))
    if user is None:
        raise NotFound(ENDED)
    return user


def _spend(session: Session, token: str) -> None:
    if not spend_link(session, token):
        raise NotFound(ENDED)
