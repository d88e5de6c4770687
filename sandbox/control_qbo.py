"""Control of the pretend QuickBooks: companies, consents, state and balances."""

from __future__ import annotations

import secrets

from sandbox.control_call import Call
from sandbox.qbo_company import TRANSACTIONS, Company
from sandbox.qbo_identity_store import Grant
from sandbox.qbo_ledger import balances
from sandbox.qbo_setup import configure_company
from sandbox.qbo_views import Views, preferences
from sandbox.web import Json, Reply, Routes, json_reply

routes = Routes()
# The names of `state`, in the control API's own spelling.
SHOWN = {
    "bills": "Bill",
    "bill_payments": "BillPayment",
    "vendor_credits": "VendorCredit",
    "purchases": "Purchase",
    "deposits": "Deposit",
    "journal_entries": "JournalEntry",
    "transfers": "Transfer",
    "vendors": "Vendor",
    "attachables": "Attachable",
}
SETTINGS = {"accounts": "Account", "vendors": "Vendor", "tax_codes": "TaxCode", "tax_rates": "TaxRate"}


def counts(company: Company) -> Json:
    """A company in numbers."""
    found = {name: len(company.tables[kind]) for name, kind in SHOWN.items() if kind in TRANSACTIONS}
    more = {"vendors": len(company.tables["Vendor"]), "statement_lines": len(company.statement_lines)}
    return {"name": company.name, **found, **more, "limits": company.limits.wire()}


@routes.on("POST", "/qbo/companies")
def configure(call: Call) -> Reply:
    """Make or change a company."""
    with call.world.lock:
        company = configure_company(call.world, call.body())
        views = Views(company)
        shown = {
            name: [views.show(kind, record) for record in company.tables[kind].values()]
            for name, kind in SETTINGS.items()
        }
        head = {"realm_id": company.realm, "country": company.country, "home_currency": company.home}
        return json_reply({**head, **counts(company), **shown, "preferences": preferences(company)})


@routes.on("POST", "/qbo/grants")
def grant(call: Call) -> Reply:
    """A consent without a browser: new tokens for one company; and how refresh tokens rotate from now on."""
    body = call.body()
    with call.world.lock:
        grants, now = call.world.qbo_grants, call.world.clock.seconds()
        for name in ("rotate_after_seconds", "grace_seconds"):
            if name in body:
                setattr(grants, name, float(body[name]))
        realm = str(body.get("realm_id") or next(iter(call.world.qbo_companies)))
        call.company(realm)
        client_id = str(body.get("client_id", "sandbox-qbo-client"))
        secret = str(body.get("client_secret") or grants.clients.get(client_id) or secrets.token_urlsafe(24))
        grants.clients[client_id] = secret
        made = Grant(client_id, realm, made_at=now)
        grants.grants.append(made)
        tokens = {
            "refresh_token": grants.refresh_token(made, now=now, token=body.get("refresh_token")),
            "access_token": grants.access_token(made, now=now),
        }
    return json_reply(
        {"client_id": client_id, "client_secret": secret, "realm_id": realm, **tokens}, status=201
    )


@routes.on("POST", "/qbo/grants/revoke")
def revoke(call: Call) -> Reply:
    """End consents: the one behind `refresh_token`, all of `client_id` or `realm_id`, or all."""
    body = call.body()
    with call.world.lock:
        ended = call.world.qbo_grants.revoke(
            body.get("refresh_token"), client_id=body.get("client_id"), realm=body.get("realm_id")
        )
    return json_reply({"revoked": ended})


@routes.on("POST", "/qbo/grants/expire")
def expire(call: Call) -> Reply:
    """End every access token now."""
    with call.world.lock:
        return json_reply({"expired": call.world.qbo_grants.expire_access()})


@routes.on("GET", "/qbo/{realm}/state")
def state(call: Call, realm: str) -> Reply:
    """Every document as a read would show it."""
    with call.world.lock:
        company = call.company(realm)
        views = Views(company)
        return json_reply(
            {
                name: [views.show(kind, record) for record in company.tables[kind].values()]
                for name, kind in SHOWN.items()
            }
        )


@routes.on("GET", "/qbo/{realm}/balances")
def balance(call: Call, realm: str) -> Reply:
    """Account balances by double entry, by name or with `?by=id`; debits are positive and the sum is zero."""
    by_id = call.request.query.get("by") == "id"
    with call.world.lock:
        company = call.company(realm)
        found = balances(company)
        names = {identity: record["Name"] for identity, record in company.tables["Account"].items()}
    return json_reply(
        {identity if by_id else names[identity]: str(amount) for identity, amount in found.items()}
    )
