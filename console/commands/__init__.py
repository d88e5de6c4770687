"""The operator's command line, `bin/manage`: exit status 0 done, 1 the asked thing failed, 2 wrong usage."""

from __future__ import annotations

from typing import Any

import click
from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from console.commands import (
    callbacks,
    companies,
    database,
    events,
    expenses,
    keys,
    queue,
    sweeps,
    tokens,
    users,
)
from errors import NeedsAttention, Trouble

_NO_TABLES = ("no such table", "no such column", "does not exist")


class Relay(click.Group):
    """Turns expected trouble into one plain sentence; only a bug shows a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NeedsAttention as trouble:
            raise click.ClickException(f"{trouble.why} {trouble.to_do}") from trouble
        except Trouble as trouble:
            raise click.ClickException(str(trouble)) from trouble
        except (OperationalError, InterfaceError, ProgrammingError, PoolTimeout) as error:
            raise click.ClickException(_database_trouble(error)) from error
        except (RedisError, ConnectionError) as error:
            message = "Redis does not answer: see that it runs and that REDIS_URL is right, then try again."
            raise click.ClickException(message) from error


def _database_trouble(error: Exception) -> str:
    words = str(getattr(error, "orig", error)).strip().splitlines()
    if any(sign in str(error) for sign in _NO_TABLES):
        return "The database's tables are missing or old: run `bin/manage db upgrade`, then try again."
    return (
        f"The database does not answer ({words[0] if words else type(error).__name__}): "
        "see that it runs and that DATABASE_URL is right, then try again."
    )


@click.group(cls=Relay, context_settings={"help_option_names": ["-h", "--help"]})
def manage() -> None:
    """Expense Relay: approved ConnectWise expenses on their way into the books."""


for group in (
    database.db,
    users.user,
    tokens.token,
    companies.company,
    callbacks.callback,
    expenses.expense,
    events.event,
    queue.queue,
    sweeps.sweep,
    keys.keys,
):
    manage.add_command(group)
