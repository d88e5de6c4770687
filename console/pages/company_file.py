"""The company's file: taken away as it is, or another brought, whose differences are shown first."""

from __future__ import annotations

from typing import Any

from flask import Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from console.access import caller
from console.company_change import edit_company, find_changes
from console.company_import import export_company
from console.pages.blueprint import COMPANY, PageBlueprint
from console.pages.editing import in_words, version_now
from console.services import services
from errors import Problems, Trouble
from mappers.company_file import HEADING, dump, load, load_text
from models.roles import ADMIN

HERE = f"{COMPANY}/file"
WHAT = "company import"
SECRETS = ("public_key", "private_key", "client_id")

blueprint = PageBlueprint("company_file", __name__, reads=ADMIN, acts=ADMIN)


@blueprint.reads(HERE)
def show(key: str) -> ResponseReturnValue:
    """Ways to take the file away and to bring another."""
    return render_template("company_file.html")


@blueprint.reads(f"{HERE}.toml")
def download(key: str) -> ResponseReturnValue:
    """The file, its secrets as `env:` placeholders."""
    headers = {"Content-Disposition": f'attachment; filename="{key}.toml"'}
    return Response(export_company(g.company), mimetype="application/toml", headers=headers)


@blueprint.acts(HERE)
def bring(key: str) -> ResponseReturnValue:
    """Checks a file, and shows what it would change. Nothing is stored."""
    try:
        text = _brought()
        changes = find_changes(g.company.settings, dump(load(_tables(text))[0]))
    except Trouble as trouble:
        return render_template("company_file.html", problem=in_words(trouble)), 400
    return render_template("company_file.html", text=text, changes=changes, version=version_now())


@blueprint.acts(f"{HERE}/apply")
def apply(key: str) -> ResponseReturnValue:
    """Stores the file that was shown."""
    text, version = request.form.get("text", ""), request.form.get("version", "")
    try:
        tables = _tables(text)
        edit_company(
            services().database,
            key,
            lambda now: _replace(now, tables),
            version=version,
            actor=caller().actor,
            what=WHAT,
        )
    except Trouble as trouble:
        return render_template("company_file.html", problem=in_words(trouble)), 400
    services().bell.ring(key)
    flash("The file is applied.", "done")
    return redirect(url_for("company_file.show", key=key))


def _replace(now: dict[str, Any], wanted: dict[str, Any]) -> None:
    now.clear()
    now.update(wanted)


def _brought() -> str:
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Problems(HEADING, ["No file was chosen. Choose one, then press the button again."])
    try:
        return str(file.read(), "utf-8-sig")
    except UnicodeDecodeError:
        raise Problems(HEADING, ["It is not UTF-8 text. Save it as UTF-8 and try again."]) from None


def _tables(text: str) -> dict[str, Any]:
    """The file's tables as this company may have them. Keys of ConnectWise and tokens of the ledger never
    come this way: they are tried on the page Connections before they are kept."""
    tables = load_text(text)
    load(tables)
    if tables["company"]["key"] != g.company.key:
        named = tables["company"]["key"]
        raise Problems(HEADING, [f'It is the file of company "{named}", not of {g.company.key}.'])
    ours = load_text(g.company.settings)
    if any(tables["connectwise"][name] != ours["connectwise"][name] for name in ("site", "company_id")):
        raise Problems(HEADING, ["[connectwise]: another site needs its keys; name both on Connections."])
    tables["connectwise"] |= {name: ours["connectwise"][name] for name in SECRETS}
    tables["ledger"].pop("refresh_token", None)
    if tables["ledger"]["provider"] == g.company.provider and g.company.tenant_id is not None:
        tables["ledger"].setdefault("tenant_id", g.company.tenant_id)
    return tables
