"""What the pages that change a company's settings share: who is told what, and where they are led."""

from __future__ import annotations

from flask import flash, g, request, url_for
from werkzeug.exceptions import BadRequest

from console.access import caller
from console.api.answers import refusal_of
from console.company_change import Edit, edit_company, settings_after, version_of
from console.services import services
from errors import Paused, Problems, Trouble
from mappers.company import CompanySettings
from mappers.company_file import load, load_text


def settings_now() -> CompanySettings:
    """What the file of this page's company says."""
    return load(load_text(g.company.settings))[0]


def version_now() -> str:
    """For the hidden field `version` of a form: what the person saw when they opened it."""
    return version_of(g.company)


def is_as_seen() -> bool:
    """Whether the company's file still says what the person saw. If not, what they typed is not offered
    again: it could undo what somebody else changed."""
    return request.form.get("version") == version_now()


def save(edit: Edit, *, what: str) -> str | None:
    """Changes the company's file as `edit` says. Why it was refused, in words; None when it is saved."""
    version = request.form.get("version", "")
    try:
        changes = edit_company(
            services().database, g.company.key, edit, version=version, actor=caller().actor, what=what
        )
    except Trouble as trouble:
        return in_words(trouble)
    flash("Saved." if changes else "Nothing was different, so nothing was changed.", "done")
    return None


def not_saved(edit: Edit) -> CompanySettings:
    """What the settings would be if `edit` were saved. Raises Trouble where saving would be refused, which
    `in_words` tells in the same words."""
    return settings_after(g.company, edit, version=request.form.get("version", ""))


def in_words(trouble: Trouble) -> str:
    """Trouble for the person at the form; of a file's faults only the faults themselves, and of a lost
    connection only what is wrong there: the company may not be there yet."""
    if isinstance(trouble, Problems):
        return "Nothing was saved:\n" + "\n".join(f"– {problem}" for problem in trouble.problems)
    return str(trouble) if isinstance(trouble, Paused) else refusal_of(trouble).message


def typed(name: str) -> str:
    """A field of the form as somebody typed it, without the spaces around it; empty when it isn't there."""
    return request.form.get(name, "").strip()


def way_back() -> str:
    """Where a press on connections leads: to the setup when it was made there, else to their page."""
    page = "setup.show" if request.values.get("back") == "setup" else "connections.show"
    return url_for(page, key=g.company.key)


def row_number(rows: int) -> int:
    """The 0-based row that the form's `row` names, of a list of `rows`."""
    text = typed("row")
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= rows):
        raise BadRequest("The form names a row that isn't there. Go back to the page and press again.")
    return int(text) - 1
