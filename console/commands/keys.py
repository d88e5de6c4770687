"""bin/manage keys: sealing every secret anew."""

from __future__ import annotations

import click
from sqlalchemy import select

from console.commands.operator import Operator, pass_operator
from console.commands.printing import say
from models.company import Company, Connection
from models.people import User


@click.group()
def keys() -> None:
    """The keys that seal secrets in the database."""


@keys.command()
@pass_operator
def rotate(operator: Operator) -> None:
    """Re-seal every secret with the newest of ENCRYPTION_KEYS; older ones may go afterwards."""
    turn = operator.sealer.rotate
    count = 0
    with operator.database.write() as session:
        for company in session.scalars(select(Company).with_for_update(of=Company)):
            company.cw_secrets = turn(company.cw_secrets)
            count += 1
        for connection in session.scalars(select(Connection).with_for_update()):
            connection.refresh_token = turn(connection.refresh_token)
            count += 1
            if connection.access_token is not None:
                connection.access_token = turn(connection.access_token)
                count += 1
        for user in session.scalars(select(User).where(User.totp_secret.is_not(None)).with_for_update()):
            user.totp_secret = turn(user.totp_secret or "")
            count += 1
    say(f"Sealed {count} secrets with the newest key.")
