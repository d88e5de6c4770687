"""bin/manage expense: seeing expenses, trying them again, ignoring them, giving them a bill made by hand."""

from __future__ import annotations

import click

from console.commands.operator import Operator, pass_operator
from console.commands.printing import as_json_option, say, say_fields, say_json, say_rows
from console.shapes import Shape, expense_shape, step_shape
from errors import NeedsAttention
from models import queries, states
from models.actions import approve_expense, find_expense, ignore_expense, retry_expense
from models.companies import find_company
from models.retrying import retry_matching

ENTRY = click.IntRange(1, 2**63 - 1)
COLUMNS = ("entry_id", "state", "date", "member", "expense_type", "amount", "currency", "cause", "why")


@click.group()
def expense() -> None:
    """Expenses and what becomes of them."""


@expense.command("list")
@click.argument("key")
@click.option("--state", type=click.Choice(states.EXPENSE_STATES))
@click.option("--cause", help="The code of a cause.")
@click.option("--member", help="A member's identifier.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=200, show_default=True)
@as_json_option
@pass_operator
def list_some(
    operator: Operator,
    key: str,
    state: str | None,
    cause: str | None,
    member: str | None,
    limit: int,
    *,
    as_json: bool,
) -> None:
    """Expenses, newest change first."""
    which = queries.Filter(state=state, cause=cause, member=member)
    with operator.database.read() as session:
        company = find_company(session, key)
        page = queries.list_expenses(session, company.id, which, limit=limit)
        now = operator.database.now(session)
    rows = [expense_shape(row, page.documents[row.id], company=company, now=now) for row in page.expenses]
    say_rows(rows, COLUMNS, as_json=as_json, nothing="There are none.")
    if page.next_place is not None and not as_json:
        click.echo(f"There are more than {limit}: --limit shows more.", err=True)


@expense.command()
@click.argument("key")
@click.argument("entry_id", type=ENTRY)
@as_json_option
@pass_operator
def show(operator: Operator, key: str, entry_id: int, *, as_json: bool) -> None:
    """One expense with its documents and its story."""
    with operator.database.read() as session:
        company = find_company(session, key)
        found = find_expense(session, company, entry_id)
        documents = queries.shown_documents(session, [found.id])[found.id]
        shape = expense_shape(found, documents, company=company, now=operator.database.now(session))
        steps = [step_shape(step) for step in queries.timeline(session, found)]
    if as_json:
        return say_json(shape | {"timeline": steps})
    shown: list[Shape] = shape.pop("documents")
    say_fields(shape)
    say("")
    columns = ("kind", "state", "number", "amount", "account", "reconciled", "url")
    say_rows(shown, columns, as_json=False, nothing="No documents.")
    say("")
    say_rows(steps, ("at", "actor", "what", "text"), as_json=False, nothing="No story yet.")
    return None


@expense.command()
@click.argument("key")
@click.argument("entry_id", type=ENTRY)
@as_json_option
@pass_operator
def preview(operator: Operator, key: str, entry_id: int, *, as_json: bool) -> None:
    """What would be made of it now, and why. Posts nothing."""
    shape = operator.preview(key, entry_id)
    if as_json:
        return say_json(shape)
    documents: list[Shape] = shape["documents"]
    say_fields({name: value for name, value in shape.items() if name != "documents"})
    for document in documents:
        lines: list[Shape] = document["lines"]
        say("")
        say_fields({name: value for name, value in document.items() if name != "lines" and value is not None})
        say_rows(lines, ("description", "account", "tax_code", "amount"), as_json=False, nothing="No lines.")
    return None


@expense.command()
@click.argument("key")
@click.argument("entry_ids", type=ENTRY, nargs=-1, metavar="ENTRY_ID…")
@click.option("--cause", help="Everything with this cause.")
@click.option("--state", type=click.Choice(states.RETRIABLE), help="Everything in this state.")
@click.option("--all", "everything", is_flag=True, help="Everything that is stuck.")
@pass_operator
def retry(
    operator: Operator,
    key: str,
    entry_ids: tuple[int, ...],
    cause: str | None,
    state: str | None,
    *,
    everything: bool,
) -> None:
    """Try again now: these expenses, or all of a cause or state."""
    if sum((bool(entry_ids), bool(cause or state), everything)) != 1:
        raise click.UsageError("Name entries, or give --cause and --state, or --all.")
    if entry_ids:
        return _retry_named(operator, key, entry_ids)
    with operator.database.read() as session:
        company = find_company(session, key)
    count = retry_matching(operator.database, company, cause=cause, state=state, actor=operator.actor)
    operator.bell.ring(key)
    say(f"{count} are due now." if count != 1 else "1 is due now.")
    return None


def _retry_named(operator: Operator, key: str, entry_ids: tuple[int, ...]) -> None:
    """One that can't be retried doesn't stop its neighbours; it is told at the end."""
    refused = []
    for entry_id in dict.fromkeys(entry_ids):
        with operator.database.write() as session:
            company = find_company(session, key)
            now = operator.database.now(session)
            try:
                is_due = retry_expense(session, company, entry_id, actor=operator.actor, now=now)
            except NeedsAttention as trouble:
                refused.append(trouble.why)
                continue
        say(f"{entry_id} is due now." if is_due else f"{entry_id}: a worker is at it already.")
    operator.bell.ring(key)
    if refused:
        raise click.ClickException(" ".join(refused))


@expense.command()
@click.argument("key")
@click.argument("entry_id", type=ENTRY)
@pass_operator
def approve(operator: Operator, key: str, entry_id: int) -> None:
    """Post a draft that is kept here (QuickBooks has no drafts)."""
    with operator.database.write() as session:
        company = find_company(session, key)
        now = operator.database.now(session)
        approve_expense(session, company, entry_id, actor=operator.actor, now=now)
    operator.bell.ring(key)
    say(f"{entry_id} is approved and due now.")


@expense.command()
@click.argument("key")
@click.argument("entry_id", type=ENTRY)
@click.option("--reason", required=True, help="Why nothing is to be posted; kept in the history.")
@pass_operator
def ignore(operator: Operator, key: str, entry_id: int, reason: str) -> None:
    """Take it out of the queue for good."""
    if not reason.strip() or len(reason) > 500:
        raise click.UsageError("--reason must be a sentence of 1 to 500 characters.")
    with operator.database.write() as session:
        company = find_company(session, key)
        now = operator.database.now(session)
        ignore_expense(session, company, entry_id, reason=reason.strip(), actor=operator.actor, now=now)
    say(f"{entry_id} is ignored.")


@expense.command()
@click.argument("key")
@click.argument("entry_id", type=ENTRY)
@click.option(
    "--bill", required=True, metavar="ID", help="The bill's id in the ledger, or the link of its page."
)
@pass_operator
def handled(operator: Operator, key: str, entry_id: int, bill: str) -> None:
    """A person made its bill in the ledger: look that bill up, and call the expense done."""
    operator.handle(key, entry_id, bill, actor=operator.actor)
    with operator.database.read() as session:
        found = find_expense(session, find_company(session, key), entry_id)
    say(f"{entry_id} is done. {found.why}")
