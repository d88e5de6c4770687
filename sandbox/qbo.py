"""The pretend QuickBooks Online API: who calls, within which limits, once or again, and who answers.

Every reply carries `intuit_tid`. Any `minorversion` is taken, as the real API runs every call as the newest.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

from sandbox import faults as trouble
from sandbox import qbo_attachables, qbo_batch, qbo_cdc, qbo_query
from sandbox.qbo_call import Call
from sandbox.qbo_company import Company
from sandbox.qbo_entities import BY_PATH, Wish, perform, read
from sandbox.qbo_replay import checked
from sandbox.qbo_views import company_info, preferences
from sandbox.qbo_wire import Fault, fault_reply, not_found, required, throttled, to_day
from sandbox.store import World
from sandbox.web import Json, Refused, Reply, Request, Routes, json_reply, text_reply

BASE = "/v3/company/"
routes = Routes()


def realm_of(request: Request) -> str:
    """The company named in the path."""
    return request.path.removeprefix(BASE).partition("/")[0]


def answer(world: World, request: Request, *, take_fault: Callable[[], trouble.Fault | None]) -> Reply:
    """The reply to one accounting call; `take_fault` is asked once the call is let in."""
    tid = f"1-{uuid4().hex[:8]}-{uuid4().hex[:24]}"
    try:
        with world.lock:
            company = _enter(world, request)
        reply = _act(world, request, company, fault=take_fault())
    except Refused as refused:
        reply = refused.reply
    return replace(reply, headers={"intuit_tid": tid, **reply.headers})


def _enter(world: World, request: Request) -> Company:
    now, realm = world.clock.now(), realm_of(request)
    held = world.qbo_grants.bearer(request.headers.get("authorization"), now=world.clock.seconds())
    if isinstance(held, str):
        raise Refused(_unauthorized(held, now=now.isoformat()))
    company = world.qbo_companies.get(realm)
    if company is None or held.realm != realm:
        text = "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403"
        fault = Fault("3100", text, "", kind="AUTHENTICATION", status=403)
        raise Refused(fault_reply(fault, now=now))
    admitted = company.limits.admit(
        now=world.clock.seconds(),
        in_flight=world.in_flight.get(f"qbo/{realm}", 1),
        batch=request.path.endswith("/batch"),
        read=is_read(request),
    )
    if not admitted:
        raise Refused(throttled(now=now))
    return company


def is_read(request: Request) -> bool:
    """Whether the call is metered. A batch counts once when it holds a query (nobody has published it)."""
    if request.path.endswith("/batch"):
        return b'"Query"' in request.body
    return request.method == "GET" or request.path.endswith("/query")


def _unauthorized(why: str, *, now: str) -> Reply:
    """Both envelopes of 401 that are met in the field: the gateway's lower-case one, and the service's."""
    text = "message=AuthenticationFailed; errorCode=003200; statusCode=401"
    if why == "expired":
        error = {"Message": text, "Detail": "Token expired", "code": "3200", "element": ""}
        return json_reply({"Fault": {"Error": [error], "type": "AUTHENTICATION"}, "time": now}, status=401)
    lower = {
        "message": text,
        "detail": "Malformed bearer token: unknown or revoked",
        "code": "3200",
        "element": None,
    }
    body: Json = {
        "warnings": None,
        "intuitObject": None,
        "fault": {"error": [lower], "type": "AUTHENTICATION"},
        "report": None,
        "queryResponse": None,
        "batchItemResponse": [],
        "attachableResponse": [],
        "syncErrorResponse": None,
        "requestId": None,
        "time": int(time.time() * 1000),
        "status": None,
        "cdcresponse": [],
    }
    return json_reply(body, status=401)


def _act(world: World, request: Request, company: Company, *, fault: trouble.Fault | None) -> Reply:
    if fault is not None and fault.kind == "rate_limit":
        return throttled(now=world.clock.now(), retry_after=fault.retry_after)

    def act() -> Reply:
        with world.lock:
            reply = _dispatch(world, request, company)
        if company.latency_seconds:
            time.sleep(company.latency_seconds)
        return reply

    return trouble.perform(fault, act)


def _dispatch(world: World, request: Request, company: Company) -> Reply:
    now = world.clock.now()
    path = request.path[len(BASE) + len(company.realm) :]
    handler, values, known = routes.find(method=request.method, path=path)
    if handler is None:
        return text_reply("", status=405 if known else 404)
    if "json" not in request.headers.get("accept", "") and "/download/" not in path:
        return json_reply(
            {"Message": "The sandbox speaks JSON only: send Accept: application/json"}, status=406
        )
    try:
        return handler(Call(company, request, now), **values)
    except Fault as fault:
        return fault_reply(fault, now=now)


def _kind(name: str) -> str:
    if name.lower() not in BY_PATH:
        raise Fault("500", "Unsupported Operation", f"Operation {name} is not supported.")
    return BY_PATH[name.lower()]


@routes.on("GET", "/query")
def query_get(call: Call) -> Reply:
    """A statement in the address."""
    return _queried(call, call.request.query.get("query", ""))


@routes.on("POST", "/query")
def query_post(call: Call) -> Reply:
    """A statement as the body, which must be of type application/text."""
    if not call.request.headers.get("content-type", "").startswith(("application/text", "text/plain")):
        raise qbo_query.unparsable("send the statement as application/text")
    return _queried(call, call.request.body.decode("utf-8", "replace"))


def _queried(call: Call, text: str) -> Reply:
    if not text.strip():
        raise required("query")
    return call.ok({"QueryResponse": qbo_query.run(call.company, text, now=call.now)})


@routes.on("POST", "/batch")
def batch(call: Call) -> Reply:
    """Many operations, each answered for itself."""
    request_id = checked(call.request.query.get("requestid"), batch=True)
    items, replayed = qbo_batch.batch(call.company, call.body(), request_id=request_id, now=call.now)
    call.request.notes["replayed"] = replayed
    return call.ok({"BatchItemResponse": items})


@routes.on("GET", "/cdc")
def cdc(call: Call) -> Reply:
    """What changed."""
    query = call.request.query
    found = qbo_cdc.changes(
        call.company, entities=query.get("entities", ""), since=query.get("changedSince", ""), now=call.now
    )
    return call.ok(found)


@routes.on("GET", "/preferences")
def get_preferences(call: Call) -> Reply:
    """The company's settings."""
    return call.ok({"Preferences": preferences(call.company)})


@routes.on("GET", "/companyinfo/{realm}")
def get_company_info(call: Call, realm: str) -> Reply:
    """The company about itself."""
    if realm != call.company.realm:
        raise not_found(f"CompanyInfo {realm}")
    return call.ok({"CompanyInfo": company_info(call.company)})


@routes.on("GET", "/exchangerate")
def exchange_rate(call: Call) -> Reply:
    """Home units for one unit of `sourcecurrencycode`."""
    code = call.request.query.get("sourcecurrencycode", "")
    if not code:
        raise required("sourcecurrencycode")
    if code not in call.company.rates:
        raise Fault("2220", "Invalid currency", f"{code} is unknown", element="sourcecurrencycode")
    asked = call.request.query.get("asofdate")
    day = to_day(asked, element="asofdate") if asked else call.now.date()
    found = {
        "SourceCurrencyCode": code,
        "TargetCurrencyCode": call.company.home,
        "Rate": call.company.rate_of(code),
        "AsOfDate": day.isoformat(),
        "domain": "QBO",
        "sparse": False,
    }
    return call.ok({"ExchangeRate": found})


@routes.on("POST", "/upload")
def upload(call: Call) -> Reply:
    """Files as a multipart form."""

    def act() -> Reply:
        answers = qbo_attachables.upload(
            call.company,
            content_type=call.request.headers.get("content-type", ""),
            body=call.request.body,
            origin=call.request.origin,
            now=call.now,
        )
        return call.ok({"AttachableResponse": answers})

    return _once(call, act)


@routes.on("GET", "/download/{identity}")
def download(call: Call, identity: str) -> Reply:
    """The bytes of an uploaded file."""
    record = call.company.get("Attachable", identity)
    if identity not in call.company.files:
        raise not_found(f"Attachable {identity} has no file")
    return Reply(200, call.company.files[identity], {"Content-Type": str(record["ContentType"])})


@routes.on("GET", "/{name}/{identity}")
def get_one(call: Call, name: str, identity: str) -> Reply:
    """One record."""
    return call.ok(read(call.company, _kind(name), identity))


@routes.on("POST", "/{name}")
def write(call: Call, name: str) -> Reply:
    """Create, update, delete or void one record."""
    kind = _kind(name)
    query = call.request.query
    include = tuple(query.get("include", "").lower().split(","))
    operation = query.get("operation")
    wish = Wish(kind, operation if operation in ("delete", "void") else None, include, call.now)
    return _once(call, lambda: call.ok(perform(call.company, wish, call.body())))


def _once(call: Call, act: Callable[[], Reply]) -> Reply:
    """Through `requestid`: a refusal is kept and repeated just like a success."""

    def answered() -> Reply:
        try:
            return act()
        except Fault as fault:
            return fault_reply(fault, now=call.now)

    request_id = checked(call.request.query.get("requestid"), batch=False)
    reply, replayed = call.company.replays.through(request_id, None, now=call.now.timestamp(), act=answered)
    call.request.notes["replayed"] = replayed
    return reply


__all__: list[Any] = ["BASE", "answer", "realm_of"]
