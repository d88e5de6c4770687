"""bin/manage callback: our address at ConnectWise."""

from __future__ import annotations

import click

from console.commands.operator import Operator, pass_operator
from console.commands.printing import as_json_option, say, say_json


@click.group()
def callback() -> None:
    """The callback that ConnectWise sends for every expense."""


@callback.command()
@click.argument("key")
@pass_operator
def register(operator: Operator, key: str) -> None:
    """Register it, or switch it on again; safe to repeat."""
    say(f"ConnectWise calls {operator.register_callback(key)}")


@callback.command()
@click.argument("key")
@as_json_option
@pass_operator
def status(operator: Operator, key: str, *, as_json: bool) -> None:
    """Ask ConnectWise whether it is registered and active. Exit status 1 when it isn't."""
    found = operator.callback_status(key)
    if as_json:
        say_json(found)
    else:
        say(f"{found['state']}: {found['url']}")
    if found["state"] != "active":
        raise click.ClickException(
            f"The callback is {found['state']}: `bin/manage callback register {key}` switches it on. "
            "Until then the sweep finds approved expenses."
        )


@callback.command()
@click.argument("key")
@pass_operator
def remove(operator: Operator, key: str) -> None:
    """Remove it; the sweep goes on finding approved expenses."""
    count = operator.remove_callback(key)
    say(f"Removed {count}." if count else "There was none.")
