"""A person's own account: a new password, and an end to every other session."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy.orm import Session
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired

from console.access import caller
from console.pages.blueprint import PageBlueprint
from console.pages.links import PasswordForm, password_of
from console.pages.session import begin_session
from console.passwords import RULE, is_password
from console.services import services
from models.people import User
from models.roles import VIEWER
from models.users import renew_stamp, set_password

blueprint = PageBlueprint("account", __name__, acts=VIEWER, anywhere=True)


class ChangeForm(PasswordForm):
    """The password that is, and a new one."""

    password = PasswordField("New password", [InputRequired("Choose a password.")])
    again = PasswordField(
        "New password again", [EqualTo("password", "These are not the same: type it again.")]
    )
    now = PasswordField("Your password now", [InputRequired("Type the password that you log in with.")])


@blueprint.reads("/account")
def show() -> ResponseReturnValue:
    """Who they are, what they may do, and the form for a new password."""
    return _page(ChangeForm())


@blueprint.acts("/account/password")
def change_password() -> ResponseReturnValue:
    """Takes a new password from who knows the old one; every other session of theirs ends."""
    form = ChangeForm()
    with services().database.read() as session:
        user = _me(session)
    if form.validate() and not is_password(form.now.data, user.password):
        form.now.errors = ["This is not the password that you log in with."]
    kept = password_of(form, user.email) if not form.now.errors else None
    if kept is None:
        return _page(form), 400
    with services().database.write() as session:
        user = _me(session)
        now = services().database.now(session)
        set_password(session, user, kept, actor=caller().actor, now=now)
    begin_session(user)
    flash("Your password is changed; every other session of yours has ended.", "done")
    return redirect(url_for("account.show"))


@blueprint.acts("/account/sessions")
def end_sessions() -> ResponseReturnValue:
    """Ends every session of this person but this one."""
    with services().database.write() as session:
        user = _me(session)
        renew_stamp(user)
    begin_session(user)
    flash("Every other session of yours has ended.", "done")
    return redirect(url_for("account.show"))


def _page(form: ChangeForm) -> str:
    return render_template(
        "account.html",
        form=form,
        rule=RULE,
        roles=sorted(caller().roles.items()),
        has_second_step=current_user.user.totp_secret is not None,
    )


def _me(session: Session) -> User:
    found: Any = session.get_one(User, current_user.user.id, with_for_update=True)
    user: User = found
    return user
