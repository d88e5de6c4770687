"""bin/manage user: who may use the console."""

from __future__ import annotations

import sys

import click

from console.commands.operator import Operator, pass_operator
from console.commands.printing import as_json_option, say, say_rows
from console.passwords import RULE, hash_password
from console.shapes import user_shape
from models.roles import ROLES
from models.users import add_user, clean_email, disable_user, list_users


@click.group()
def user() -> None:
    """People who may use the console."""


@user.command()
@click.argument("email")
@click.option(
    "--role",
    type=click.Choice(ROLES),
    required=True,
    help="A viewer reads, an operator also acts, an admin also changes settings and users.",
)
@click.option("--company", "companies", metavar="KEY", multiple=True, help="Only this company; repeatable.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@pass_operator
def add(
    operator: Operator, email: str, role: str, companies: tuple[str, ...], *, password_stdin: bool
) -> None:
    """Let a person in, with a password that is asked for. A disabled person is let in again."""
    email = clean_email(email)
    password = hash_password(_read_password(from_input=password_stdin), email=email)
    with operator.database.write() as session:
        now = operator.database.now(session)
        add_user(
            session, email, role=role, companies=companies, password=password, actor=operator.actor, now=now
        )
    say(f"{email} may log in as {role} of {', '.join(companies) or 'all companies'}.")


@user.command()
@click.argument("email")
@pass_operator
def disable(operator: Operator, email: str) -> None:
    """Let a person in no more, and end their sessions at once."""
    with operator.database.write() as session:
        now = operator.database.now(session)
        is_ended = disable_user(session, email, actor=operator.actor, now=now)
    say(f"{email} is disabled." if is_ended else f"{email} was disabled before.")


@user.command("list")
@as_json_option
@pass_operator
def list_all(operator: Operator, *, as_json: bool) -> None:
    """Everybody by address, disabled ones too."""
    with operator.database.read() as session:
        rows = [user_shape(row) for row in list_users(session)]
    columns = ("email", "roles", "seen_at", "disabled_at")
    say_rows(rows, columns, as_json=as_json, nothing="There are no users: `bin/manage user add` makes one.")


def _read_password(*, from_input: bool) -> str:
    """One line from the input, or typed twice without being shown."""
    if from_input:
        return sys.stdin.readline().rstrip("\r\n")
    password: str = click.prompt(f"Password ({RULE})", hide_input=True, confirmation_prompt=True)
    return password
