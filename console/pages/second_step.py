"""A person turns the second step of their login on, with a phone at hand, or off, with the password."""

from __future__ import annotations

from flask import flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from console import second_step
from console.access import caller
from console.pages.blueprint import PageBlueprint
from console.passwords import is_password
from console.services import services
from models.people import User
from models.roles import VIEWER

PLACE = "second_step"  # where the session keeps the new secret, sealed, until the app has proved it

blueprint = PageBlueprint("second_step", __name__, acts=VIEWER, anywhere=True)


class CodeForm(FlaskForm):  # type: ignore[misc]
    """What the phone shows."""

    code = StringField("Code", [InputRequired("Type the six digits that the app shows.")])


class OffForm(FlaskForm):  # type: ignore[misc]
    """Only who knows the password turns it off."""

    password = PasswordField("Your password", [InputRequired("Type your password.")])


@blueprint.reads("/account/second-step")
def show() -> ResponseReturnValue:
    """The picture for the app, or the form that turns the step off."""
    if current_user.user.totp_secret is not None:
        return render_template("second_step_off.html", form=OffForm())
    session[PLACE] = services().sealer.seal(second_step.new_secret())
    return _picture(CodeForm())


@blueprint.acts("/account/second-step")
def turn_on() -> ResponseReturnValue:
    """Takes the app's first code, and shows the recovery codes: this once only."""
    form = CodeForm()
    if PLACE not in session or current_user.user.totp_secret is not None:
        return redirect(url_for("second_step.show"))
    secret = services().sealer.open(session[PLACE])
    with services().database.write() as db:
        now = services().database.now(db)
        code = "".join((form.code.data or "").split())
        if not form.validate() or second_step.matching_step(secret, code, now=now) is None:
            form.code.errors = ["This is not the code that the app shows now. Look again and type it."]
            return _picture(form), 400
        user = db.get_one(User, current_user.user.id, with_for_update=True)
        codes = second_step.turn_on(db, user, secret, sealer=services().sealer, now=now)
    session.pop(PLACE)
    return render_template("recovery_codes.html", codes=codes)


@blueprint.acts("/account/second-step/off")
def turn_off() -> ResponseReturnValue:
    """Turns it off for who knows the password."""
    form = OffForm()
    if not form.validate() or not is_password(form.password.data, current_user.user.password):
        form.password.errors = ["This is not the password that you log in with."]
        return render_template("second_step_off.html", form=form), 400
    with services().database.write() as db:
        user = db.get_one(User, current_user.user.id, with_for_update=True)
        second_step.turn_off(db, user, actor=caller().actor, now=services().database.now(db))
    flash("You log in without a second step now.", "done")
    return redirect(url_for("account.show"))


def _picture(form: CodeForm) -> str:
    secret = services().sealer.open(session[PLACE])
    picture = second_step.picture(secret, current_user.user.email)
    return render_template("second_step.html", form=form, secret=secret, picture=picture)
