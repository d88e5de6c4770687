"""bin/manage sweep: polling ConnectWise now."""

from __future__ import annotations

import datetime as dt

import click

from console.commands.operator import Operator, pass_operator
from console.commands.printing import say


@click.command()
@click.argument("key")
@click.option(
    "--since",
    type=click.DateTime(formats=["%Y-%m-%d"]),
    metavar="DATE",
    help="Look back to this day of expense, such as 2026-07-01.",
)
@pass_operator
def sweep(operator: Operator, key: str, since: dt.datetime | None) -> None:
    """Find now what callbacks missed."""
    count = operator.sweep(key, since=since.date() if since else None)
    if count:
        operator.bell.ring(key)
    say(f"{count} expenses are due now." if count != 1 else "1 expense is due now.")
