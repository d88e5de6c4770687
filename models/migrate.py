"""Migrations (Alembic): bring the schema up to date, and tell whether it is."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import models.company
import models.expense  # noqa: F401 - the tables must be known
from models.database import Database

HERE = Path(__file__).parent / "migrations"


def upgrade(database: Database) -> None:
    """Brings the schema to the newest revision. Several may call this at once; they take turns."""
    with database.engine.connect() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(database: Database) -> bool:
    """Whether the schema is at the newest revision. Raises SQLAlchemyError when the database is away."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == newest


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


def main() -> None:
    """The Procfile's `release`: upgrades the database that the environment names."""
    import os

    from settings import read_settings

    upgrade(Database(read_settings(os.environ).database_url))


if __name__ == "__main__":
    main()
