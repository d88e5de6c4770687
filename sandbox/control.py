"""The control API under /_sandbox/: what a demo, a developer or a test does to the pretend world."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox import control_bank, control_connectwise, control_qbo, control_xero
from sandbox.control_call import Call
from sandbox.store import World
from sandbox.web import Json, Reply, Request, Routes, json_reply

if TYPE_CHECKING:
    from sandbox.app import App

BASE = "/_sandbox"
routes = Routes()
routes.include(control_connectwise.routes)
routes.include(control_xero.routes)
routes.include(control_qbo.routes)
routes.include(control_bank.routes)


def answer(app: App, request: Request) -> Reply:
    """The reply to one control call; 400 says in one sentence what was wrong with it."""
    path = request.path[len(BASE) :] or "/"
    if (request.method, path) == ("POST", "/reset"):
        return _reset(app, request)
    handler, values, known = routes.find(method=request.method, path=path)
    if handler is None:
        return _refusal(
            f"{request.method} {request.path} is not a control call", status=405 if known else 404
        )
    try:
        return handler(Call(app.world, request), **values)
    except KeyError as missing:
        return _refusal(f"{missing.args[0]} is missing")
    except LookupError as trouble:
        return _refusal(str(trouble), status=404)
    except (ValueError, TypeError, AttributeError) as trouble:
        return _refusal(str(trouble))


def _refusal(text: str, *, status: int = 400) -> Reply:
    return json_reply({"error": text}, status=status)


def _reset(app: App, request: Request) -> Reply:
    from sandbox import seeds

    try:
        body = request.json() if request.body else {}
        fresh = World(origin=app.world.origin)
        seeds.plant(fresh, seed=body.get("seed", "demo"))
    except (ValueError, AttributeError) as trouble:
        return _refusal(str(trouble))
    old, app.world = app.world, fresh
    old.close()
    return json_reply({"seed": body.get("seed", "demo")})


@routes.on("GET", "/")
def overview(call: Call) -> Reply:
    """What there is, in numbers."""
    world = call.world
    with world.lock:
        sites = {site.company: control_connectwise.counts(site) for site in world.sites.values()}
        organisations = {org.tenant_id: control_xero.counts(org) for org in world.organisations.values()}
        companies = {one.realm: control_qbo.counts(one) for one in world.qbo_companies.values()}
    body: Json = {
        "origin": world.origin,
        "now": world.clock.now().isoformat().replace("+00:00", "Z"),
        "connectwise": sites,
        "xero": organisations,
        "qbo": companies,
        "clients": [*world.grants.clients, *world.qbo_grants.clients],
        "calls": world.journal.report()["count"],
        "faults": len(world.faults.wire()),
    }
    return json_reply(body)


@routes.on("POST", "/clock")
def clock(call: Call) -> Reply:
    """Let time pass."""
    call.world.clock.advance(float(call.body()["advance_seconds"]))
    return json_reply({"now": call.world.clock.now().isoformat().replace("+00:00", "Z")})


@routes.on("GET", "/calls")
def calls(call: Call) -> Reply:
    """The journal, of one system or tenant when asked."""
    query = call.request.query
    return json_reply(call.world.journal.report(system=query.get("system"), tenant=query.get("tenant")))


@routes.on("DELETE", "/calls")
def forget_calls(call: Call) -> Reply:
    """Empty the journal."""
    call.world.journal.clear()
    return json_reply({"count": 0})


@routes.on("POST", "/faults")
def add_fault(call: Call) -> Reply:
    """Put one fault in force."""
    return json_reply(call.world.faults.add(call.body()).wire(), status=201)


@routes.on("GET", "/faults")
def faults(call: Call) -> Reply:
    """The faults in force."""
    return json_reply({"faults": call.world.faults.wire()})


@routes.on("DELETE", "/faults")
def clear_faults(call: Call) -> Reply:
    """Take every fault away."""
    call.world.faults.clear()
    return json_reply({"faults": []})


__all__: list[Any] = ["answer"]
