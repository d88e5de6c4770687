"""Adding a company: its name and its ConnectWise keys, tried before they are kept; the rest is the setup."""

from __future__ import annotations

import zoneinfo
from typing import Any

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import DateField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from console.access import caller
from console.company_import import add_company
from console.connecting import NAMES
from console.pages.blueprint import PageBlueprint
from console.pages.connections import KeysForm
from console.pages.editing import in_words
from console.services import services
from errors import Trouble
from mappers.company_file import load
from models.roles import ADMIN

blueprint = PageBlueprint("company_new", __name__, reads=ADMIN, acts=ADMIN)


class CompanyForm(KeysForm):
    """A new company: what it is called, and where its expenses come from and go to."""

    name = StringField("Name", [InputRequired("Type the company's name.")])
    key = StringField("Key", [InputRequired("Type a key.")])
    timezone = SelectField("Time zone", default="UTC")
    start_date = DateField("First day", [Optional()])
    provider = RadioField(
        "Its books are in", choices=[SelectChoice(*each) for each in NAMES.items()], default="xero"
    )

    def tables(self) -> dict[str, Any]:
        """The company file of what was typed."""
        company = {name: self[name].data.strip() for name in ("key", "name", "timezone")}
        if self.start_date.data is not None:
            company["start_date"] = self.start_date.data
        connectwise = {name: self[name].data.strip() for name in ("site", "company_id")} | self.keys
        return {
            "company": company,
            "connectwise": connectwise,
            "ledger": {"provider": self.provider.data},
        }


@blueprint.reads("/companies/new")
def show() -> ResponseReturnValue:
    """The form, empty."""
    return render_template("company_new.html", form=_form())


@blueprint.acts("/companies/new")
def add() -> ResponseReturnValue:
    """Tries the keys at ConnectWise, and adds the company when they work."""
    form, problem = _form(), None
    if form.validate():
        try:
            _add(form)
        except Trouble as trouble:
            problem = in_words(trouble)
        else:
            flash("ConnectWise took the keys. Go on with the next step.", "done")
            return redirect(url_for("setup.show", key=form.key.data.strip()))
    return render_template("company_new.html", form=form, problem=problem), 400


def _form() -> CompanyForm:
    form = CompanyForm()
    form.timezone.choices = sorted(zoneinfo.available_timezones())
    return form


def _add(form: CompanyForm) -> None:
    parts, tables = services(), form.tables()
    load(tables)  # what the file would refuse needs no asking at ConnectWise
    parts.by_hand.try_keys(tables["connectwise"]["site"], tables["connectwise"]["company_id"], form.keys)
    add_company(parts.database, parts.sealer, tables, actor=caller().actor)
