"""bin/manage token: who may use the API."""

from __future__ import annotations

import click
from sqlalchemy import select

from console.commands.operator import Operator, pass_operator
from console.commands.printing import as_json_option, say, say_json, say_rows
from console.shapes import token_shape
from models.api_tokens import add_token, revoke_token
from models.expense import ApiToken
from models.roles import ROLES
from models.users import tell


@click.group()
def token() -> None:
    """Tokens of the JSON API."""


@token.command()
@click.argument("name")
@click.option(
    "--role", type=click.Choice(ROLES), required=True, help="A viewer reads, an operator also acts."
)
@click.option("--company", "companies", metavar="KEY", multiple=True, help="Only this company; repeatable.")
@as_json_option
@pass_operator
def add(operator: Operator, name: str, role: str, companies: tuple[str, ...], *, as_json: bool) -> None:
    """Make a token and print it: the only time that it is shown."""
    name = name.strip()
    if not name or len(name) > 100 or not name.isprintable():
        raise click.UsageError("NAME must be one line of 1 to 100 characters.")
    with operator.database.write() as session:
        now = operator.database.now(session)
        made = add_token(session, name, role=role, companies=companies, now=now)
        tell(session, f"the API token {name} was made as {role}", actor=operator.actor, now=now)
    if as_json:
        say_json({"name": name, "role": role, "companies": sorted(set(companies)) or None, "token": made})
    else:
        say(made)


@token.command()
@click.argument("name")
@pass_operator
def revoke(operator: Operator, name: str) -> None:
    """End a token at once."""
    with operator.database.write() as session:
        now = operator.database.now(session)
        is_ended = revoke_token(session, name, now=now)
        if is_ended:
            tell(session, f"the API token {name} was revoked", actor=operator.actor, now=now)
    say(f"Token {name} is revoked." if is_ended else f"Token {name} was revoked before.")


@token.command("list")
@as_json_option
@pass_operator
def list_tokens(operator: Operator, *, as_json: bool) -> None:
    """Tokens by name, revoked ones too; never the tokens themselves."""
    with operator.database.read() as session:
        rows = [token_shape(row) for row in session.scalars(select(ApiToken).order_by(ApiToken.name))]
    columns = ("name", "role", "companies", "created_at", "revoked_at")
    say_rows(rows, columns, as_json=as_json, nothing="There are no tokens: `bin/manage token add` makes one.")
