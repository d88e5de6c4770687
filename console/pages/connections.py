"""A company's connections: its books, its ConnectWise site, the callback, and the lists read from both."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from flask import flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from console.access import caller
from console.connecting import choose_organisation, disconnect
from console.connectwise_keys import change_keys
from console.pages.blueprint import COMPANY, PageBlueprint
from console.pages.editing import in_words, typed, way_back
from console.services import services
from errors import NotFound, Paused, Trouble
from mappers.consent import Organisation
from mappers.stored import books_from_json
from models.companies import find_company, load_reference
from models.roles import ADMIN

HERE = f"{COMPANY}/connections"
BOOKS, SITE = "books", "site"

blueprint = PageBlueprint("connections", __name__, acts=ADMIN)


class KeysForm(FlaskForm):  # type: ignore[misc]
    """A ConnectWise site and the keys of our API member there. Keys are typed anew each time."""

    site = StringField("Address of the site", [InputRequired("Type the site's address.")])
    company_id = StringField("Company at sign-in", [InputRequired("Type the company of the sign-in page.")])
    public_key = StringField("Public key", [InputRequired("Type the public key.")])
    private_key = PasswordField("Private key", [InputRequired("Type the private key.")])
    client_id = StringField("Client id", [InputRequired("Type the client id of your integration.")])

    @property
    def keys(self) -> dict[str, str]:
        return {name: self[name].data.strip() for name in ("public_key", "private_key", "client_id")}


@blueprint.reads(HERE)
def show(key: str) -> ResponseReturnValue:
    """What the company is connected to, since when, and what each connection lacks."""
    form = KeysForm(site=g.company.cw_site, company_id=g.company.cw_company_id)
    return render_template("connections.html", form=form, **_context())


@blueprint.reads(f"{HERE}/organisations", role=ADMIN)
def organisations(key: str) -> ResponseReturnValue:
    """The organisations that the company's grant opens, to choose from."""
    found: tuple[Organisation, ...] = ()
    problem = None
    try:
        found = _organisations()
    except Trouble as trouble:
        problem = in_words(trouble)
    return render_template("organisations.html", organisations=found, problem=problem)


@blueprint.acts(f"{HERE}/choose")
def choose(key: str) -> ResponseReturnValue:
    """Makes one of them the company's books."""

    def act() -> str:
        chosen = next((each for each in _organisations() if each.id == typed("organisation")), None)
        if chosen is None:
            raise NotFound("The organisation that you chose is not shared with us. Choose one that is.")
        choose_organisation(services().database, g.company.key, chosen, actor=caller().actor)
        services().bell.ring(g.company.key)
        return f"The company posts to {chosen.name} now."

    return _pressed(act)


@blueprint.acts(f"{HERE}/disconnect")
def end(key: str) -> ResponseReturnValue:
    """Gives the consent up at the provider, then forgets it here."""

    def act() -> str:
        _give_up()
        disconnect(services().database, g.company.key, actor=caller().actor)
        return "Disconnected. Expenses wait here until the company is connected again."

    return _pressed(act)


@blueprint.acts(f"{HERE}/keys")
def save_keys(key: str) -> ResponseReturnValue:
    """Tries the keys at ConnectWise, and keeps them only when they work."""
    form, problem = KeysForm(), None
    if form.validate():
        try:
            _save_keys(form)
        except Trouble as trouble:
            problem = in_words(trouble)
        else:
            flash("ConnectWise took the keys, and they are saved.", "done")
            return redirect(url_for("connections.show", key=key))
    return render_template("connections.html", form=form, problem=problem, **_context()), 400


@blueprint.acts(f"{HERE}/test")
def test(key: str) -> ResponseReturnValue:
    """Reads ConnectWise's lists and the callback with the keys that are kept."""

    def act() -> str:
        services().by_hand.read_site(g.company.key)
        state = services().by_hand.callback_status(g.company.key)["state"]
        return f"ConnectWise answers, and its lists were read. The callback is {state}."

    return _pressed(act)


@blueprint.acts(f"{HERE}/register")
def register(key: str) -> ResponseReturnValue:
    """Registers the callback, or switches it on again."""
    return _pressed(lambda: f"ConnectWise calls {services().by_hand.register_callback(g.company.key)}")


@blueprint.acts(f"{HERE}/remove")
def remove(key: str) -> ResponseReturnValue:
    """Removes the callback; the sweep goes on."""

    def act() -> str:
        services().by_hand.remove_callback(g.company.key)
        return "The callback is removed. Expenses are found by the sweep, a little later."

    return _pressed(act)


@blueprint.acts(f"{HERE}/read")
def read_lists(key: str) -> ResponseReturnValue:
    """Reads the lists of both sides anew."""

    def act() -> str:
        services().by_hand.read_site(g.company.key)
        services().by_hand.read_books(g.company.key)
        return "The lists of ConnectWise and of the books were read."

    return _pressed(act)


def _pressed(act: Callable[[], str]) -> ResponseReturnValue:
    """Does it, says what became of it, and leads back to the page."""
    try:
        flash(act(), "done")
    except Trouble as trouble:
        flash(in_words(trouble), "problem")
    return redirect(way_back())


def _organisations() -> tuple[Organisation, ...]:
    login = services().logins[g.company.provider]
    return login.organisations(services().access_token(g.company.key))


def _give_up() -> None:
    """A grant that is dead already, or was never whole, needs no giving up."""
    company, parts = g.company, services()
    if company.connection is None or company.connection.lost_at is not None or company.tenant_id is None:
        return
    try:
        access_token = parts.access_token(company.key)
        with parts.database.read() as session:
            connection = find_company(session, company.key).connection  # its token may have changed just now
        if connection is None:
            return
        sealed = connection.refresh_token
        parts.logins[company.provider].disconnect(
            tenant_id=company.tenant_id, access_token=access_token, refresh_token=parts.sealer.open(sealed)
        )
    except Paused:
        return


def _save_keys(form: KeysForm) -> None:
    parts, site, company_id = services(), form.site.data.strip(), form.company_id.data.strip()
    parts.by_hand.try_keys(site, company_id, form.keys)
    change_keys(
        parts.database,
        parts.sealer,
        g.company.key,
        site=site,
        company_id=company_id,
        keys=form.keys,
        actor=caller().actor,
    )
    parts.bell.ring(g.company.key)


def _context() -> dict[str, Any]:
    with services().database.read() as session:
        lists = {name: load_reference(session, g.company.id, name) for name in (BOOKS, SITE)}
        now = services().database.now(session)
    books, connection = lists[BOOKS], g.company.connection
    ends_at = connection.refresh_ends_at if connection else None
    return {
        "company": g.company,
        "connection": connection,
        "days_left": (ends_at - now).days if ends_at else None,
        "lists": lists,
        "books_name": books_from_json(json.loads(books.data)).name if books else None,
    }
