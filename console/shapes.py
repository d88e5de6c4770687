"""Rows as programs see them: the JSON of the API and of `bin/manage … --json`, the same in both.

Money is text with its currency's decimals, instants are UTC with Z, days are YYYY-MM-DD.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from mappers.documents import MONEY
from mappers.money import format_money
from models.company import Company, Event
from models.expense import ApiToken, Document, Expense
from models.people import User
from models.queries import CauseGroup, Step
from models.roles import EVERYWHERE
from models.users import roles_of
from models.waiting import waiting

Shape = dict[str, Any]


def instant(moment: dt.datetime | None) -> str | None:
    """2026-08-22T03:04:05Z; fractions of a second are left out."""
    return None if moment is None else moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def money(amount: Decimal | None, currency: str | None) -> str | None:
    return None if amount is None else format_money(amount, currency)


def expense_shape(
    expense: Expense, documents: Sequence[Document], *, company: Company, now: dt.datetime
) -> Shape:
    """An Expense as docs/api.md describes it; what keeps its whole company waiting is told of it too."""
    wait = waiting(expense, company, now=now)
    return {
        "entry_id": expense.entry_id,
        "state": expense.state,
        "cause": expense.cause,
        "to_do": expense.to_do,
        "why": wait.why if wait else expense.why or expense.decision,
        "member": expense.member,
        "payment_type": expense.payment_type,
        "classification": expense.classification,
        "expense_type": expense.expense_type,
        "amount": money(expense.amount, expense.currency),
        "currency": expense.currency,
        "date": expense.date.isoformat() if expense.date else None,
        "rule": expense.rule,
        "attempts": expense.attempts,
        "next_attempt_at": instant(wait.until if wait else expense.next_attempt_at),
        "documents": [document_shape(document) for document in documents],
        "updated_at": instant(expense.updated_at),
    }


def document_shape(document: Document) -> Shape:
    """A document; only money that moved can be reconciled, so only there it is told."""
    shape: Shape = {
        "kind": document.kind,
        "state": document.state,
        "number": document.number,
        "remote_id": document.remote_id,
        "url": document.url,
        "amount": money(document.amount, document.currency),
        "account": document.account,
    }
    if document.kind in MONEY:
        shape["reconciled"] = document.reconciled
    return shape


def step_shape(step: Step) -> Shape:
    return {"at": instant(step.at), "what": step.what, "text": step.text, "actor": step.actor}


def cause_shape(group: CauseGroup) -> Shape:
    return {
        "cause": group.cause,
        "to_do": group.to_do,
        "count": group.count,
        "money": {currency: money(amount, currency) for currency, amount in sorted(group.money.items())},
        "oldest": instant(group.oldest),
    }


def company_shape(company: Company) -> Shape:
    return {
        "key": company.key,
        "name": company.name,
        "provider": company.provider,
        "connected": company.connection is not None and company.connection.lost_at is None,
        "token_ends_at": instant(company.connection.expires_at if company.connection else None),
        "connection_ends_at": instant(company.connection.refresh_ends_at if company.connection else None),
        "paused": company.paused_at is not None,
        "paused_why": company.paused_why,
        "waiting_until": instant(company.wait_until),
        "sparing_until": instant(company.spare_until),
        "callback": company.callback_state,
        "swept_at": instant(company.swept_at),
    }


def event_shape(event: Event) -> Shape:
    return {
        "id": event.id,
        "message_id": event.message_id,
        "type": event.type,
        "action": event.action,
        "entry_id": event.entry_id,
        "status": event.status,
        "received_at": instant(event.received_at),
        "replayed_at": instant(event.replayed_at),
    }


def user_shape(user: User) -> Shape:
    return {
        "email": user.email,
        "roles": {
            "all companies" if key == EVERYWHERE else key: role for key, role in roles_of(user).items()
        },
        "created_at": instant(user.created_at),
        "seen_at": instant(user.seen_at),
        "disabled_at": instant(user.disabled_at),
    }


def token_shape(token: ApiToken) -> Shape:
    return {
        "name": token.name,
        "role": token.role,
        "companies": json.loads(token.companies) if token.companies else None,
        "created_at": instant(token.created_at),
        "revoked_at": instant(token.revoked_at),
    }
