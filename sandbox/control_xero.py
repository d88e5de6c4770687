"""Control of the pretend Xero: organisations, consents, state, balances."""

from __future__ import annotations

import secrets
from uuid import uuid4

from sandbox.control_call import Call
from sandbox.web import Json, Reply, Routes, json_reply
from sandbox.xero_balances import balances
from sandbox.xero_banking import bank_transaction_view
from sandbox.xero_batches import batch_view
from sandbox.xero_contacts import contact_view
from sandbox.xero_identity_store import SCOPES, Grant
from sandbox.xero_invoices import credit_note_view, invoice_view
from sandbox.xero_organisation import Organisation
from sandbox.xero_payments import payment_view
from sandbox.xero_wire import render

routes = Routes()


def counts(org: Organisation) -> Json:
    """An organisation in numbers."""
    return {
        "name": org.name,
        "invoices": len(org.invoices),
        "credit_notes": len(org.credit_notes),
        "payments": len(org.payments),
        "bank_transactions": len(org.bank_transactions),
        "contacts": len(org.contacts),
        "statement_lines": len(org.statement_lines),
        "limits": org.limits.wire(),
    }


@routes.on("POST", "/xero/organisations")
def configure(call: Call) -> Reply:
    """Make or change an organisation."""
    body = call.body()
    with call.world.lock:
        tenant = str(body.get("tenant_id") or uuid4())
        org = call.world.organisations.get(tenant) or Organisation(tenant)
        org.configure(body)
        call.world.organisations[tenant] = org
        settings = {"accounts": org.accounts, "tax_rates": org.tax_rates, "tracking": org.tracking}
        shown = {"tenant_id": tenant, **counts(org), "currencies": org.currencies, **settings}
        return json_reply(render(shown))


@routes.on("POST", "/xero/grants")
def grant(call: Call) -> Reply:
    """A consent without a browser: new tokens for these organisations."""
    body = call.body()
    with call.world.lock:
        tenants = list(body.get("tenants") or call.world.organisations)
        for tenant in tenants:
            call.organisation(tenant)
        grants, now = call.world.grants, call.world.clock.seconds()
        client_id = str(body.get("client_id", "sandbox-client"))
        secret = body.get("client_secret") or grants.clients.get(client_id) or secrets.token_urlsafe(24)
        grants.clients[client_id] = str(secret)
        made = Grant(client_id, tenants, scope=body.get("scope", SCOPES), made_at=now)
        grants.grants.append(made)
        tokens = {
            "refresh_token": grants.refresh_token(made, now=now, token=body.get("refresh_token")),
            "access_token": grants.access_token(made, now=now),
        }
        return json_reply(
            {"client_id": client_id, "client_secret": secret, "tenants": tenants, **tokens}, status=201
        )


@routes.on("POST", "/xero/grants/revoke")
def revoke(call: Call) -> Reply:
    """End consents: the one behind `refresh_token`, all of `client_id`, or all."""
    body = call.body()
    with call.world.lock:
        ended = call.world.grants.revoke(body.get("refresh_token"), client_id=body.get("client_id"))
    return json_reply({"revoked": ended})


@routes.on("POST", "/xero/grants/expire")
def expire(call: Call) -> Reply:
    """End every access token now."""
    with call.world.lock:
        return json_reply({"expired": call.world.grants.expire_access()})


@routes.on("GET", "/xero/{tenant}/state")
def state(call: Call, tenant: str) -> Reply:
    """Every document as GET would show it."""
    with call.world.lock:
        org = call.organisation(tenant)
        body = {
            "invoices": [invoice_view(org, record) for record in org.invoices.values()],
            "credit_notes": [credit_note_view(org, record) for record in org.credit_notes.values()],
            "payments": [payment_view(org, record) for record in org.payments.values()],
            "batch_payments": [batch_view(org, record) for record in org.batch_payments.values()],
            "bank_transactions": [
                bank_transaction_view(org, record) for record in org.bank_transactions.values()
            ],
            "contacts": [contact_view(org, record) for record in org.contacts.values()],
            "attachments": [
                {"document_id": document_id, **attachment}
                for document_id, held in org.attachments.items()
                for attachment in held
            ],
        }
        return json_reply(
            {name: [render(row, day_strings=True) for row in rows] for name, rows in body.items()}
        )


@routes.on("GET", "/xero/{tenant}/balances")
def balance(call: Call, tenant: str) -> Reply:
    """Account balances by double entry; debits are positive and the sum is zero."""
    with call.world.lock:
        found = balances(call.organisation(tenant))
    return json_reply({code: str(amount) for code, amount in found.items()})
