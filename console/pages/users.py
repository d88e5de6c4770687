"""Who may use the console and the API: people with their roles, links that let them in, tokens."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlalchemy import select
from sqlalchemy.orm import Session
from wtforms import EmailField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from console.access import caller
from console.pages.blueprint import PageBlueprint
from console.second_step import turn_off
from console.services import services
from console.shapes import token_shape
from errors import NotFound, Problems
from models.api_tokens import add_token, revoke_token
from models.backlog import list_companies
from models.expense import ApiToken
from models.links import make_password_link
from models.people import User
from models.roles import ADMIN, EVERYWHERE, ROLES, VIEWER
from models.users import add_user, disable_user, enable_user, list_users, roles_of, set_roles, tell

PERSON = "/users/<int(min=1, max=9223372036854775807):user_id>"

blueprint = PageBlueprint("users", __name__, reads=ADMIN, acts=ADMIN)


class AccessForm(FlaskForm):  # type: ignore[misc]
    """A role, in one company or in all."""

    role = SelectField(
        "Role", choices=[SelectChoice(role, role.capitalize()) for role in ROLES], default=VIEWER
    )
    company = SelectField("Company")


class PersonForm(AccessForm):
    """Somebody new."""

    email = EmailField("E-mail address", [InputRequired("Type the person's e-mail address.")])


class TokenForm(AccessForm):
    """A program that is to use the API."""

    name = StringField("Name", [InputRequired("Name the program that will use it."), Length(max=100)])


@blueprint.reads("/users")
def show() -> ResponseReturnValue:
    """Everybody, every token, and the forms that add one."""
    return _page(PersonForm(prefix="person"), TokenForm(prefix="token"))


@blueprint.acts("/users")
def add() -> ResponseReturnValue:
    """Adds a person without a password, and shows the link by which they choose one: this once only."""
    form = PersonForm(prefix="person")
    if not _offer(form).validate():
        return _page(form, TokenForm(prefix="token", formdata=None)), 400
    try:
        with services().database.write() as session:
            now = services().database.now(session)
            keys = _keys(form)
            user = add_user(
                *(session, form.email.data),
                role=form.role.data,
                companies=keys,
                password=None,
                actor=caller().actor,
                now=now,
            )
            token = make_password_link(session, user, now=now)
    except Problems as problems:
        form.email.errors = problems.problems
        return _page(form, TokenForm(prefix="token", formdata=None)), 400
    return _shown_once(
        f"{user.email} may come in", "Send them this link; it lives for seven days.", _link(token)
    )


@blueprint.reads(PERSON)
def person(user_id: int) -> ResponseReturnValue:
    """One person: their role in each company, a new link, an end."""
    with services().database.read() as session:
        user, companies = _person(session, user_id), list_companies(session)
    return render_template(
        "person.html", user=user, companies=companies, roles=roles_of(user), all_roles=ROLES
    )


@blueprint.acts(f"{PERSON}/roles")
def change_roles(user_id: int) -> ResponseReturnValue:
    """Takes the role in each company from the form, where "" is none."""
    with services().database.write() as session:
        user, now = _person(session, user_id), services().database.now(session)
        wanted = {key: role for key, role in request.form.items() if role in ROLES and key != "csrf_token"}
        set_roles(session, user, wanted, actor=caller().actor, now=now)
    flash(f"The roles of {user.email} are changed.", "done")
    return redirect(url_for("users.person", user_id=user_id))


@blueprint.acts(f"{PERSON}/link")
def new_link(user_id: int) -> ResponseReturnValue:
    """Shows a link by which the person chooses a new password: this once only."""
    with services().database.write() as session:
        user, now = _person(session, user_id), services().database.now(session)
        token = make_password_link(session, user, now=now)
        tell(session, f"{user.email} was given a link for a new password", actor=caller().actor, now=now)
    return _shown_once(
        f"A new password for {user.email}", "Send them this link; it lives for seven days.", _link(token)
    )


@blueprint.acts(f"{PERSON}/second-step")
def end_second_step(user_id: int) -> ResponseReturnValue:
    """For who lost the phone and the recovery codes: the password alone lets them in."""
    with services().database.write() as session:
        user, now = _person(session, user_id), services().database.now(session)
        turn_off(session, user, actor=caller().actor, now=now)
    flash(f"{user.email} logs in without a second step now.", "done")
    return redirect(url_for("users.person", user_id=user_id))


@blueprint.acts(f"{PERSON}/disable")
def disable(user_id: int) -> ResponseReturnValue:
    """Lets the person in no more."""
    with services().database.write() as session:
        user, now = _person(session, user_id), services().database.now(session)
        disable_user(session, user.email, actor=caller().actor, now=now)
    flash(f"{user.email} is disabled and logged out.", "done")
    return redirect(url_for("users.show"))


@blueprint.acts(f"{PERSON}/enable")
def enable(user_id: int) -> ResponseReturnValue:
    """Lets the person in again, as they were."""
    with services().database.write() as session:
        user, now = _person(session, user_id), services().database.now(session)
        enable_user(session, user, actor=caller().actor, now=now)
    flash(f"{user.email} may log in again.", "done")
    return redirect(url_for("users.person", user_id=user_id))


@blueprint.acts("/users/tokens")
def make_token() -> ResponseReturnValue:
    """Makes a token for the API and shows it: this once only."""
    form = TokenForm(prefix="token")
    if not _offer(form).validate():
        return _page(PersonForm(prefix="person", formdata=None), form), 400
    name = form.name.data.strip()
    try:
        with services().database.write() as session:
            now = services().database.now(session)
            token = add_token(session, name, role=form.role.data, companies=_keys(form), now=now)
            tell(session, f"the API token {name} was made as {form.role.data}", actor=caller().actor, now=now)
    except Problems as problems:
        form.name.errors = problems.problems
        return _page(PersonForm(prefix="person", formdata=None), form), 400
    return _shown_once(f"The token {name}", "Give it to the program; it is shown this once only.", token)


@blueprint.acts("/users/tokens/revoke")
def end_token() -> ResponseReturnValue:
    """Ends a token at once."""
    name = request.form.get("name", "")
    with services().database.write() as session:
        now = services().database.now(session)
        if revoke_token(session, name, now=now):
            tell(session, f"the API token {name} was revoked", actor=caller().actor, now=now)
    flash(f"The token {name} is revoked.", "done")
    return redirect(url_for("users.show"))


def _page(person_form: PersonForm, token_form: TokenForm) -> str:
    _offer(person_form)
    _offer(token_form)
    with services().database.read() as session:
        people = [(user, sorted(roles_of(user).items())) for user in list_users(session)]
        tokens = [token_shape(row) for row in session.scalars(select(ApiToken).order_by(ApiToken.name))]
    return render_template(
        "users.html", people=people, tokens=tokens, person_form=person_form, token_form=token_form
    )


def _offer(form: AccessForm) -> AccessForm:
    """The form with the companies that there are."""
    with services().database.read() as session:
        companies = [SelectChoice(company.key, company.name) for company in list_companies(session)]
    form.company.choices = [SelectChoice(EVERYWHERE, "All companies"), *companies]
    return form


def _keys(form: AccessForm) -> list[str]:
    return [] if form.company.data == EVERYWHERE else [form.company.data]


def _person(session: Session, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("There is no such user. The list under Users shows those that exist.")
    return user


def _link(token: str) -> str:
    return f"{services().public_url}{url_for('links.password', token=token)}"


def _shown_once(heading: str, words: str, secret: str) -> str:
    return render_template("shown_once.html", heading=heading, words=words, secret=secret)
