"""Pretend Xero sign-in: consent page, tokens and connections (https://developer.xero.com/documentation/guides/oauth2/auth-flow)."""

from __future__ import annotations

import base64
import binascii
from html import escape
from urllib.parse import parse_qsl, urlencode

from sandbox.store import World
from sandbox.web import Json, Refused, Reply, Request, Routes, json_reply, text_reply
from sandbox.xero_identity_store import ACCESS_SECONDS, SCOPES, Grant
from sandbox.xero_wire import problem

routes = Routes()


def answer(world: World, request: Request) -> Reply:
    """The reply of Xero's identity side to one request."""
    handler, values, known = routes.find(method=request.method, path=request.path)
    if handler is None:
        return text_reply("", status=405 if known else 404)
    return handler(world, request, **values)


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def _error(code: str, *, status: int = 400) -> Refused:
    return Refused(json_reply({"error": code}, status=status))


def _client(world: World, request: Request, form: dict[str, str]) -> str:
    """The authenticated client's id; raises Refused with invalid_client."""
    client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    header = request.headers.get("authorization", "")
    if header.startswith("Basic "):
        try:
            client_id, _, secret = base64.b64decode(header[6:]).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            raise _error("invalid_client") from None
    if not client_id or world.grants.clients.get(client_id) != secret:
        raise _error("invalid_client")
    return client_id


@routes.on("POST", "/connect/token")
def token(world: World, request: Request) -> Reply:
    """A code or a refresh token for a new pair of tokens."""
    form = _form(request)
    client_id = _client(world, request, form)
    now = world.clock.seconds()
    kind = form.get("grant_type")
    if kind == "authorization_code":
        grant = world.grants.redeem(
            form.get("code", ""), client_id=client_id, redirect_uri=form.get("redirect_uri", ""), now=now
        )
        if grant is None:
            raise _error("invalid_grant")
        offline = "offline_access" in grant.scope.split()
        fresh = world.grants.refresh_token(grant, now=now) if offline else None
    elif kind == "refresh_token":
        rotated = world.grants.rotate(form.get("refresh_token", ""), client_id=client_id, now=now)
        if rotated is None:
            raise _error("invalid_grant")
        grant, fresh = rotated
    else:
        raise _error("unsupported_grant_type")
    return json_reply(_tokens(world, grant, fresh))


def _tokens(world: World, grant: Grant, refresh: str | None) -> Json:
    body: Json = {
        "access_token": world.grants.access_token(grant, now=world.clock.seconds()),
        "expires_in": ACCESS_SECONDS,
        "token_type": "Bearer",
        "scope": grant.scope,
    }
    if refresh is not None:
        body["refresh_token"] = refresh
    return body


@routes.on("POST", "/connect/revocation")
def revocation(world: World, request: Request) -> Reply:
    """End a consent; an unknown token is answered 200 as well (RFC 7009)."""
    form = _form(request)
    _client(world, request, form)
    if form.get("token"):
        world.grants.revoke(form["token"])
    return Reply(200)


@routes.on("GET", "/identity/connect/authorize")
def authorize(world: World, request: Request) -> Reply:
    """The consent page: one tick box per organisation, and two buttons."""
    _check_authorize(world, request.query)
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in request.query.items()
    )
    boxes = "".join(
        f'<p><label><input type="checkbox" name="tenant" value="{escape(org.tenant_id)}" checked>'
        f" {escape(org.name)}</label></p>"
        for org in world.organisations.values()
    )
    page = (
        '<!doctype html><html lang="en"><link rel="icon" href="data:,">'
        "<title>Sandbox sign-in</title><h1>Pretend Xero</h1>"
        f"<p>{escape(request.query['client_id'])} wants access to:</p>"
        f'<form method="post" action="/identity/connect/authorize">{hidden}{boxes}'
        '<button name="decision" value="allow">Allow access</button> '
        '<button name="decision" value="deny">Cancel</button></form></html>'
    )
    return text_reply(page)


@routes.on("POST", "/identity/connect/authorize")
def decide(world: World, request: Request) -> Reply:
    """Back to the application with a code, or with access_denied."""
    pairs = parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    form = dict(pairs)
    _check_authorize(world, form)
    back: Json = {"state": form["state"]} if "state" in form else {}
    tenants = [value for name, value in pairs if name == "tenant" and value in world.organisations]
    if form.get("decision") == "deny" or not tenants:
        back["error"] = "access_denied"
    else:
        now = world.clock.seconds()
        grant = Grant(form["client_id"], tenants, scope=form.get("scope") or SCOPES, made_at=now)
        back["code"] = world.grants.consent(grant, redirect_uri=form["redirect_uri"], now=now)
    joint = "&" if "?" in form["redirect_uri"] else "?"
    return Reply(302, b"", {"Location": f"{form['redirect_uri']}{joint}{urlencode(back)}"})


def _check_authorize(world: World, asked: dict[str, str]) -> None:
    if asked.get("client_id") not in world.grants.clients:
        raise Refused(text_reply("Error: unauthorized_client. Unknown client_id.", status=400))
    if asked.get("response_type") != "code":
        raise Refused(text_reply("Error: unsupported_response_type. Only code is known.", status=400))
    address = asked.get("redirect_uri", "")
    if not address.startswith(("https://", "http://localhost", "http://127.0.0.1")):
        raise Refused(text_reply("Error: invalid redirect_uri. It must be https or local.", status=400))


@routes.on("GET", "/connections")
def connections(world: World, request: Request) -> Reply:
    """The organisations that this token may use."""
    grant = _grant(world, request)
    event = request.query.get("authEventId")
    made = world.clock.now().replace(tzinfo=None).isoformat()
    rows = [
        {
            "id": connection,
            "authEventId": grant.auth_event_id,
            "tenantId": tenant,
            "tenantType": "ORGANISATION",
            "tenantName": world.organisations[tenant].name,
            "createdDateUtc": made,
            "updatedDateUtc": made,
        }
        for connection, tenant in grant.connections.items()
        if tenant in world.organisations and event in (None, grant.auth_event_id)
    ]
    return json_reply(rows)


@routes.on("DELETE", "/connections/{connection}")
def disconnect(world: World, request: Request, connection: str) -> Reply:
    """Give one organisation up."""
    grant = _grant(world, request)
    if grant.connections.pop(connection, None) is None:
        return problem(404, "Not Found", "Connection not found")
    return Reply(204)


def _grant(world: World, request: Request) -> Grant:
    grant = world.grants.bearer(request.headers.get("authorization"), now=world.clock.seconds())
    if grant is None:
        raise Refused(problem(401, "Unauthorized", "AuthenticationUnsuccessful"))
    return grant
