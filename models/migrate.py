"""Migrations (Alembic): bring the schema up to date, and tell whether it is. They run under load: what they
may and may not do stands in CONTRIBUTING.md, "Change the tables".
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

import models.alert
import models.company
import models.expense
import models.people  # noqa: F401 - the tables must be known
from errors import Retryable, Trouble
from models.database import Database

HERE = Path(__file__).parent / "migrations"
TRIES, PAUSE_SECONDS = 20, 3.0
LOCKED = ("55P03", "SQLITE_BUSY")  # PostgreSQL: lock_timeout, which migrations/env.py sets


def upgrade(database: Database) -> None:
    """Brings the schema to the newest revision, all of it or nothing. Several may call this at once: they
    take turns. A database that a newer version of us has changed is left as it is.

    Raises Retryable when others keep the tables locked for a minute or so.
    """
    for _ in range(TRIES):
        if is_current(database):
            return
        try:
            _upgrade(database)
            return
        except OperationalError as error:
            if not _is_locked(error):
                raise
            time.sleep(PAUSE_SECONDS)
    raise Retryable(
        "The tables could not be changed: somebody else kept them locked all the time. Nothing was changed. "
        "Look for a long transaction in the database, then start this again."
    )


def _upgrade(database: Database) -> None:
    with database.migrating() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _is_locked(error: OperationalError) -> bool:
    said = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", "")
    return str(said).startswith(LOCKED)


def is_current(database: Database) -> bool:
    """Whether the schema has all that this version of us needs: our newest revision, or one that only a
    newer version knows, which by our rules leaves us what we need. Raises SQLAlchemyError when the database
    is away."""
    with database.engine.connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
    if revision is None or revision == newest_revision():
        return revision is not None
    return revision not in {script.revision for script in _scripts().walk_revisions()}


def newest_revision() -> str | None:
    """The revision that this version of us needs."""
    return _scripts().get_current_head()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def write_revision(database: Database, message: str) -> str:
    """For developers: writes a migration from what the models say to a new file, and returns its path."""
    with database.engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        number = f"{len(list((HERE / 'versions').glob('[0-9]*.py'))) + 1:04d}"
        script = command.revision(config, message=message, autogenerate=True, rev_id=number)
    assert script is not None and not isinstance(script, list)
    return str(Path(script.path).relative_to(HERE.parent.parent))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    return config


def main() -> int:
    """The Procfile's `release`: upgrades the database that the environment names. Status 1: it could not."""
    import os

    from settings import read_settings

    try:
        upgrade(Database(read_settings(os.environ).database_url))
    except Trouble as trouble:
        return _fail(str(trouble))
    except OperationalError as error:
        return _fail(f"The database could not be changed, so nothing was: {error.orig}")
    return 0


def _fail(why: str) -> int:
    sys.stderr.write(f"{why}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
