"""The first start: while nobody may manage users, `web` prints a link that makes the first admin."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from models.database import Database
from models.links import make_first_admin_link

WELCOME = """
Nobody may log in to the console yet. Open this link to make the first admin; it works once, for 24 hours:

    {link}
"""


def welcome(database: Database, *, public_url: str) -> str | None:
    """What to print at a start; None when there is an admin, or the database can't be asked (which
    /readyz tells)."""
    try:
        with database.write() as session:
            token = make_first_admin_link(session, now=database.now(session))
    except SQLAlchemyError:
        return None
    return WELCOME.format(link=f"{public_url}/first-admin/{token}") if token else None
