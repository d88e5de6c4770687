"""Expenses: by page, one with its story, what would be made of it, and what people may do with it."""

from __future__ import annotations

from typing import Any

from console.access import caller, company_of
from console.api import schemas
from console.api.blueprint import COMPANY, ENTRY, ApiBlueprint
from console.api.fields import cursor_of
from console.services import services
from console.shapes import Shape, expense_shape, step_shape
from models import queries
from models.actions import approve_expense, find_expense, ignore_expense, retry_expense

QUEUED, IN_PROGRESS, IGNORED, HANDLED = "queued", "in_progress", "ignored", "handled"

blueprint = ApiBlueprint("expenses", __name__, description="Expenses and what becomes of them")


@blueprint.reads(f"{COMPANY}/expenses")
@blueprint.takes_query(schemas.ExpenseQuery)
@blueprint.gives(200, schemas.ExpensePage, "One page of expenses")
def list_expenses(query: dict[str, Any], key: str) -> Shape:
    """Expenses, newest change first

    A search with `q` may give a short page that still has a `next_cursor`: follow it until it is null.
    """
    which = queries.Filter(
        state=query.get("state"), cause=query.get("cause"), member=query.get("member"), text=query.get("q")
    )
    with services().database.read() as session:
        company = company_of(session, key)
        page = queries.list_expenses(
            session, company.id, which, limit=query["limit"], after=query.get("cursor")
        )
        now = services().database.now(session)
    return {
        "expenses": [
            expense_shape(expense, page.documents[expense.id], company=company, now=now)
            for expense in page.expenses
        ],
        "next_cursor": cursor_of(page.next_place),
    }


@blueprint.reads(f"{COMPANY}/expenses/{ENTRY}")
@blueprint.gives(200, schemas.ExpenseWithStory, "The expense")
def show_expense(key: str, entry_id: int) -> Shape:
    """One expense with its timeline"""
    with services().database.read() as session:
        company = company_of(session, key)
        expense = find_expense(session, company, entry_id)
        documents = queries.shown_documents(session, [expense.id])[expense.id]
        steps = queries.timeline(session, expense)
        now = services().database.now(session)
    shape = expense_shape(expense, documents, company=company, now=now)
    return shape | {"timeline": [step_shape(step) for step in steps]}


@blueprint.reads(f"{COMPANY}/expenses/{ENTRY}/preview")
@blueprint.gives(200, schemas.Preview, "What would be made now")
def preview_expense(key: str, entry_id: int) -> Shape:
    """The documents that would be made now, and why; reads both sides and posts nothing"""
    with services().database.read() as session:
        company = company_of(session, key)
    return services().by_hand.preview(company.key, entry_id)


@blueprint.acts(f"{COMPANY}/expenses/{ENTRY}/retry")
@blueprint.gives(202, schemas.Accepted, "It is due now")
def retry(key: str, entry_id: int) -> Shape:
    """Try this expense again now"""
    with services().database.write() as session:
        company = company_of(session, key)
        now = services().database.now(session)
        is_due = retry_expense(session, company, entry_id, actor=caller().actor, now=now)
    services().bell.ring(company.key)
    return {"status": QUEUED if is_due else IN_PROGRESS}


@blueprint.acts(f"{COMPANY}/expenses/{ENTRY}/approve")
@blueprint.gives(202, schemas.Accepted, "It is posted now")
def approve(key: str, entry_id: int) -> Shape:
    """Post a draft that is kept here, because the ledger has no drafts"""
    with services().database.write() as session:
        company = company_of(session, key)
        now = services().database.now(session)
        approve_expense(session, company, entry_id, actor=caller().actor, now=now)
    services().bell.ring(company.key)
    return {"status": QUEUED}


@blueprint.acts(f"{COMPANY}/expenses/{ENTRY}/ignore")
@blueprint.takes_body(schemas.IgnoreBody)
@blueprint.gives(202, schemas.Ignored, "It is ignored from now on")
def ignore(body: dict[str, str], key: str, entry_id: int) -> Shape:
    """Take this expense out of the queue for good, with a reason"""
    with services().database.write() as session:
        company = company_of(session, key)
        now = services().database.now(session)
        ignore_expense(session, company, entry_id, reason=body["reason"], actor=caller().actor, now=now)
    return {"status": IGNORED}


@blueprint.acts(f"{COMPANY}/expenses/{ENTRY}/handled")
@blueprint.takes_body(schemas.HandledBody)
@blueprint.gives(202, schemas.Handled, "The bill was verified; the expense is done")
def handled(body: dict[str, str], key: str, entry_id: int) -> Shape:
    """A person made its bill in the ledger: look that bill up there, and call the expense done

    The bill must stand there, over the same money in the same currency, and belong to no other expense.
    """
    with services().database.read() as session:
        company = company_of(session, key)
    services().by_hand.handle(company.key, entry_id, body["bill_id"], actor=caller().actor)
    return {"status": HANDLED}
