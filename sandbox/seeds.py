"""Ready-made worlds: `empty`, and `demo` with a Xero and a QuickBooks company, each with its own site."""

from __future__ import annotations

from sandbox.connectwise_setup import configure_site
from sandbox.qbo_identity_store import Grant as QboGrant
from sandbox.qbo_setup import configure_company
from sandbox.store import World
from sandbox.web import Json
from sandbox.xero_identity_store import Grant
from sandbox.xero_organisation import Organisation

DEMO_COMPANY = "acme_f"
DEMO_TENANT = "11111111-2222-4333-8444-555555555555"
DEMO_CLIENT = "sandbox-client"
DEMO_SECRET = "sandbox-secret"
DEMO_REFRESH_TOKEN = "sandbox-refresh-token"

DEMO_QBO_COMPANY = "acme_q"
DEMO_REALM = "9341453000000001"
DEMO_QBO_CLIENT = "sandbox-qbo-client"
DEMO_QBO_SECRET = "sandbox-qbo-secret"
DEMO_QBO_REFRESH_TOKEN = "sandbox-qbo-refresh-token"

DEMO_SITE: Json = {
    "name": "Acme MSP",
    "public_key": "sandboxPublic",
    "private_key": "sandboxPrivate",
    "client_id": "00000000-0000-4000-8000-000000000001",
    "members": [
        {"identifier": "jdoe", "first_name": "Jo", "last_name": "Doe", "vendor_number": "V-1001"},
        {"identifier": "asmith", "first_name": "Ana", "last_name": "Smith", "vendor_number": "V-1002"},
        {"identifier": "bchan", "first_name": "Ben", "last_name": "Chan", "vendor_number": "V-1003"},
        {"identifier": "cpatel", "first_name": "Chitra", "last_name": "Patel"},
        {"identifier": "dnguyen", "first_name": "Duc", "last_name": "Nguyen"},
    ],
}


def plant(world: World, *, seed: str) -> None:
    """Fill an empty world; raises ValueError for an unknown seed."""
    if seed not in ("demo", "empty"):
        raise ValueError(f"seed {seed} is unknown; known: demo, empty")
    if seed == "empty":
        return
    configure_site(world, DEMO_COMPANY, DEMO_SITE)
    org = Organisation(DEMO_TENANT)
    org.configure({"name": "Acme MSP (AU)", "contacts": [{"name": "Jo Doe", "account_number": "V-1001"}]})
    world.organisations[DEMO_TENANT] = org
    world.grants.clients[DEMO_CLIENT] = DEMO_SECRET
    now = world.clock.seconds()
    grant = Grant(DEMO_CLIENT, [DEMO_TENANT], made_at=now)
    world.grants.grants.append(grant)
    world.grants.refresh_token(grant, now=now, token=DEMO_REFRESH_TOKEN)
    _plant_qbo(world)


def _plant_qbo(world: World) -> None:
    configure_site(world, DEMO_QBO_COMPANY, {**DEMO_SITE, "name": "Acme MSP (QuickBooks)"})
    wish: Json = {"realm_id": DEMO_REALM, "name": "Acme MSP (QuickBooks, AU)", "country": "AU"}
    configure_company(world, {**wish, "vendors": [{"name": "Jo Doe", "number": "V-1001"}]})
    world.qbo_grants.clients[DEMO_QBO_CLIENT] = DEMO_QBO_SECRET
    now = world.clock.seconds()
    grant = QboGrant(DEMO_QBO_CLIENT, DEMO_REALM, made_at=now)
    world.qbo_grants.grants.append(grant)
    world.qbo_grants.refresh_token(grant, now=now, token=DEMO_QBO_REFRESH_TOKEN)
