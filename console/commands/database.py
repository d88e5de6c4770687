"""bin/manage db: the tables."""

from __future__ import annotations

import click

from console.commands.operator import Operator, pass_operator
from console.commands.printing import say
from models import migrate


@click.group()
def db() -> None:
    """The database's tables."""


@db.command()
@pass_operator
def upgrade(operator: Operator) -> None:
    """Bring the tables up to date. Safe to run at any time."""
    migrate.upgrade(operator.database)
    say("The database is up to date.")


@db.command()
@pass_operator
def check(operator: Operator) -> None:
    """Fail when the tables are not up to date."""
    if not migrate.is_current(operator.database):
        raise click.ClickException("The database's tables are not up to date: run `bin/manage db upgrade`.")
    say("The database is up to date.")


@db.command()
@click.argument("message")
@pass_operator
def revision(operator: Operator, message: str) -> None:
    """For developers: write a migration from what the models say."""
    if not migrate.is_current(operator.database):
        raise click.ClickException("Run `bin/manage db upgrade` first: a migration starts from there.")
    say(f"Written, to be read and adjusted: {migrate.write_revision(operator.database, message)}")
