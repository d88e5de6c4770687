"""Connect to Xero, Connect to QuickBooks: to the provider's page of consent and back (OAuth 2.0).

What comes back counts only for the person and the company that set out, once: the state that we sent along
is kept in their session.
"""

from __future__ import annotations

import hmac
from typing import Any

from authlib.common.security import generate_token
from flask import flash, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from console.access import caller
from console.connecting import NAMES, connect
from console.pages.blueprint import PageBlueprint
from console.pages.editing import in_words, way_back
from console.services import services
from errors import Trouble
from models.roles import ADMIN

HERE = "/connect/<any(xero, qbo):provider>/<string(maxlength=100):key>"
PENDING = "connecting"
STATE_LENGTH = 48  # letters and digits

blueprint = PageBlueprint("connect", __name__, reads=ADMIN)


@blueprint.reads(HERE)
def start(provider: str, key: str) -> ResponseReturnValue:
    """Leads to the provider, where the person consents."""
    state = generate_token(STATE_LENGTH)
    try:
        address = services().logins[provider].address(redirect_uri=_return_to(provider, key), state=state)
    except Trouble as trouble:
        return _back(in_words(trouble), "problem")
    session[PENDING] = {"state": state, "for": [provider, key, caller().actor], "back": way_back()}
    return redirect(address)


@blueprint.reads(f"{HERE}/return")
def come_back(provider: str, key: str) -> ResponseReturnValue:
    """What the provider sends the browser back with."""
    pending, again = session.pop(PENDING, None), f"Press Connect to {NAMES[provider]} to try again."
    if not _is_expected(pending, provider, key):
        why = "This answer belongs to no connection that you began here a moment ago, so nothing was changed."
        return _back(f"{why} {again}", "problem")
    g.back = pending["back"]
    if "error" in request.args:
        return _back(f"{_refusal(provider)} Nothing was changed. {again}", "problem")
    try:
        return _connect(provider, key)
    except Trouble as trouble:
        return _back(in_words(trouble), "problem")


def _is_expected(pending: Any, provider: str, key: str) -> bool:
    if not isinstance(pending, dict) or pending.get("for") != [provider, key, caller().actor]:
        return False
    given = request.args.get("state", "")
    return hmac.compare_digest(str(pending.get("state")).encode(), given.encode("utf-8", "replace"))


def _refusal(provider: str) -> str:
    if request.args["error"] == "access_denied":
        return f"You did not allow access at {NAMES[provider]}."
    return f"{NAMES[provider]} refused the connection ({request.args['error'][:100]})."


def _connect(provider: str, key: str) -> ResponseReturnValue:
    parts = services()
    consent = parts.logins[provider].consent(
        redirect_uri=_return_to(provider, key), code=request.args.get("code", ""), query=request.args
    )
    done = connect(
        parts.database, parts.sealer, key, provider=provider, consent=consent, actor=caller().actor
    )
    parts.bell.ring(key)
    if done.chosen is None:
        return _back(f"{NAMES[provider]} is connected. Choose the company's organisation now.", "done")
    return _back(f"Connected to {done.chosen.name}.", "done")


def _return_to(provider: str, key: str) -> str:
    """Our own address as the provider knows it; it must be on the list of the app's redirect addresses."""
    return f"{services().public_url}{url_for('connect.come_back', provider=provider, key=key)}"


def _back(message: str, category: str) -> ResponseReturnValue:
    flash(message, category)
    return redirect(g.get("back") or way_back())
