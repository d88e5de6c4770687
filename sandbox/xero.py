"""The pretend Xero accounting API: who calls, within which limits, once or again, and who answers.

The order of the checks is Xero's: token, organisation, limits, idempotency key, then the request itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

from sandbox import (
    xero_attachments,
    xero_banking,
    xero_batches,
    xero_contacts,
    xero_invoices,
    xero_payments,
    xero_settings,
)
from sandbox.faults import Fault
from sandbox.store import World
from sandbox.web import Refused, Reply, Request, Routes, json_reply, text_reply
from sandbox.xero_call import Call
from sandbox.xero_limits import too_many
from sandbox.xero_organisation import Organisation
from sandbox.xero_wire import problem

BASE = "/api.xro/2.0"
LARGEST_BODY = 10 * 1024 * 1024

routes = Routes()
for _table in (
    xero_invoices.routes,
    xero_payments.routes,
    xero_batches.routes,
    xero_banking.routes,
    xero_contacts.routes,
    xero_settings.routes,
    xero_attachments.routes,
):
    routes.include(_table)


def answer(world: World, request: Request, *, take_fault: Callable[[], Fault | None]) -> Reply:
    """The reply to one accounting call; `take_fault` is asked once the call is let in."""
    correlation = str(uuid4())
    try:
        with world.lock:
            org = _enter(world, request)
            headers = _count(world, request, org)
        reply = _act(world, request, org, fault=take_fault(), correlation=correlation)
    except Refused as refused:
        reply, headers = refused.reply, {}
    return replace(reply, headers={"Xero-Correlation-Id": correlation, **headers, **reply.headers})


def _enter(world: World, request: Request) -> Organisation:
    grant = world.grants.bearer(request.headers.get("authorization"), now=world.clock.seconds())
    if grant is None:
        raise Refused(problem(401, "Unauthorized", "TokenExpired: token expired or unknown"))
    tenant = request.headers.get("xero-tenant-id")
    org = world.organisations.get(tenant or "")
    if org is None or not grant.may_use(tenant):
        raise Refused(problem(403, "Forbidden", "AuthenticationUnsuccessful"))
    if len(request.body) > LARGEST_BODY:
        raise Refused(text_reply("Request Entity Too Large", status=413))
    return org


def _count(world: World, request: Request, org: Organisation) -> dict[str, str]:
    """Count the call against every limit; the headers that say what is left."""
    now = world.clock.seconds()
    minute = int(now) // 60
    used = world.app_minute[1] if world.app_minute[0] == minute else 0
    in_flight = world.in_flight.get(f"xero/{org.tenant_id}", 1)
    refused = org.limits.check(now=now, in_flight=in_flight, app_used=used)
    if refused is not None:
        raise Refused(refused)
    world.app_minute = (minute, used + 1)
    return org.limits.headers(now=now, app_used=used + 1)


def _act(
    world: World, request: Request, org: Organisation, *, fault: Fault | None, correlation: str
) -> Reply:
    if fault is not None and fault.kind == "rate_limit":
        return too_many(fault.problem, retry_after=fault.retry_after, headers={})
    early = fault.before() if fault is not None else None
    if early is not None and not (fault and fault.cached and early.status >= 500 and not early.cut):
        return early
    with world.lock:
        now = world.clock.seconds()
        org.keys.forget_old(now=now)
        reply = org.keys.through(
            request, now=now, act=lambda: early or _dispatch(world, request, org, correlation=correlation)
        )
    if org.latency_seconds:
        time.sleep(org.latency_seconds)
    return reply if fault is None else fault.after(reply)


def _dispatch(world: World, request: Request, org: Organisation, *, correlation: str) -> Reply:
    path = request.path[len(BASE) :]
    handler, values, known = routes.find(method=request.method, path=path)
    if handler is None:
        return text_reply("", status=405 if known else 404)
    if "json" not in request.headers.get("accept", "") and "/Attachments/" not in path:
        return json_reply(
            {"Message": "The sandbox speaks JSON only: send Accept: application/json"}, status=406
        )
    try:
        reply = handler(Call(org, request, world.clock.now(), correlation), **values)
    except Refused as refused:
        reply = refused.reply
    reply.headers.setdefault("Xero-Correlation-Id", correlation)
    return reply
