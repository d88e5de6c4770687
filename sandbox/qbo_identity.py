"""Pretend Intuit sign-in: consent page, tokens, revocation
(https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0)."""

from __future__ import annotations

import base64
import binascii
import json
from html import escape
from urllib.parse import parse_qsl, urlencode

from sandbox.qbo_identity_store import ACCESS_SECONDS, HARD_SECONDS, REFRESH_SECONDS, Grant
from sandbox.store import World
from sandbox.web import Json, Refused, Reply, Request, Routes, json_reply, text_reply

PATHS = ("/oauth2/v1/", "/v2/oauth2/", "/connect/oauth2")
routes = Routes()


def answer(world: World, request: Request) -> Reply:
    """The reply of Intuit's identity side to one request."""
    handler, values, known = routes.find(method=request.method, path=request.path)
    if handler is None:
        return text_reply("", status=405 if known else 404)
    return handler(world, request, **values)


def _error(code: str, *, status: int = 400) -> Refused:
    return Refused(json_reply({"error": code}, status=status))


def _form(request: Request) -> dict[str, str]:
    """The fields sent as a form, or as JSON, which revocation takes too."""
    if "json" in request.headers.get("content-type", ""):
        try:
            return {name: str(value) for name, value in json.loads(request.body).items()}
        except (ValueError, AttributeError):
            raise _error("invalid_request") from None
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))


def _client(world: World, request: Request) -> str:
    """The client that Basic authentication names; raises Refused with 401 invalid_client."""
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    try:
        client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _error("invalid_client", status=401) from None
    if kind.lower() != "basic" or not client_id or world.qbo_grants.clients.get(client_id) != secret:
        raise _error("invalid_client", status=401)
    return client_id


@routes.on("POST", "/oauth2/v1/tokens/bearer")
def token(world: World, request: Request) -> Reply:
    """A code or a refresh token for a pair of tokens."""
    client_id, form = _client(world, request), _form(request)
    now, grants = world.clock.seconds(), world.qbo_grants
    kind = form.get("grant_type")
    if kind == "authorization_code":
        grant = grants.redeem(
            form.get("code", ""), client_id=client_id, redirect_uri=form.get("redirect_uri", ""), now=now
        )
        if grant is None:
            raise _error("invalid_grant")
        refresh = grants.refresh_token(grant, now=now)
    elif kind == "refresh_token":
        renewed = grants.renew(form.get("refresh_token", ""), client_id=client_id, now=now)
        if renewed is None:
            raise _error("invalid_grant")
        grant, refresh = renewed
    else:
        raise _error("unsupported_grant_type")
    body: Json = {
        "token_type": "bearer",
        "expires_in": ACCESS_SECONDS,
        "access_token": grants.access_token(grant, now=now),
        "refresh_token": refresh,
        "x_refresh_token_expires_in": REFRESH_SECONDS,
    }
    if request.headers.get("x-include-refresh-token-hard-expires-in", "").lower() == "true":
        body["x_refresh_token_hard_expires_in"] = int(grant.made_at + HARD_SECONDS - now)
    return json_reply(body)


@routes.on("POST", "/v2/oauth2/tokens/revoke")
def revoke(world: World, request: Request) -> Reply:
    """End the consent behind a token."""
    _client(world, request)
    if not world.qbo_grants.revoke(_form(request).get("token") or "-"):
        raise _error("invalid_request")
    return Reply(200)


@routes.on("GET", "/connect/oauth2")
def authorize(world: World, request: Request) -> Reply:
    """The consent page: one company to choose, and two buttons."""
    _check(world, request.query)
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in request.query.items()
    )
    choices = "".join(
        f'<p><label><input type="radio" name="realm" value="{escape(company.realm)}"'
        f"{' checked' if not place else ''}>"
        f" {escape(company.name)}</label></p>"
        for place, company in enumerate(world.qbo_companies.values())
    )
    return text_reply(
        '<!doctype html><html lang="en"><link rel="icon" href="data:,">'
        "<title>Sandbox sign-in</title><h1>Pretend QuickBooks</h1>"
        f"<p>{escape(request.query['client_id'])} wants access to:</p>"
        f'<form method="post" action="/connect/oauth2">{hidden}{choices}'
        '<button name="decision" value="allow">Connect</button> '
        '<button name="decision" value="deny">Cancel</button></form></html>'
    )


@routes.on("POST", "/connect/oauth2")
def decide(world: World, request: Request) -> Reply:
    """Back to the application with a code and the company's realmId, or with access_denied."""
    form = _form(request)
    _check(world, form)
    back: Json = {"state": form["state"]} if "state" in form else {}
    realm = form.get("realm", "")
    if form.get("decision") == "deny" or realm not in world.qbo_companies:
        back["error"] = "access_denied"
    else:
        now = world.clock.seconds()
        grant = Grant(form["client_id"], realm, made_at=now)
        code = world.qbo_grants.consent(grant, redirect_uri=form["redirect_uri"], now=now)
        back |= {"code": code, "realmId": realm}
    joint = "&" if "?" in form["redirect_uri"] else "?"
    return Reply(302, b"", {"Location": f"{form['redirect_uri']}{joint}{urlencode(back)}"})


def _check(world: World, asked: dict[str, str]) -> None:
    address = asked.get("redirect_uri", "")
    wrong = None
    if asked.get("client_id") not in world.qbo_grants.clients:
        wrong = "unauthorized_client. Unknown client_id."
    elif asked.get("response_type") != "code":
        wrong = "unsupported_response_type. Only code is known."
    elif not address.startswith(("https://", "http://localhost", "http://127.0.0.1")):
        wrong = "invalid redirect_uri. It must be https or local."
    elif "com.intuit.quickbooks.accounting" not in asked.get("scope", "").split():
        wrong = "invalid_scope. Ask for com.intuit.quickbooks.accounting."
    if wrong:
        raise Refused(text_reply(f"Error: {wrong}", status=400))
