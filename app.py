"""The web side put together: callbacks in, the JSON API, health. Nothing else is decided here."""

from __future__ import annotations

import os

from flask import Flask, Request, Response, jsonify, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

import console
from logs import set_up_logging
from models.database import Database
from settings import Settings, read_settings
from webhooks import connectwise
from webhooks.connectwise import Receiver
from workers.by_hand import ByHand
from workers.wiring import LEDGERS, Wiring

CALLBACK_PATIENCE = 2.0  # seconds for a statement: ConnectWise gives up after five
PAGE_PATIENCE = 10.0


class Sessions(SecureCookieSessionInterface):
    """Signed cookies; who sends none, as callbacks do, costs no signing machinery."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """The session in the cookie, else a new one."""
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)


def create_app(settings: Settings) -> Flask:
    """The WSGI application. Opens no connection before the first request."""
    app = Flask(__name__, static_folder=None)
    app.session_interface = Sessions()
    app.config.update(
        SECRET_KEY=settings.secret_key,
        MAX_CONTENT_LENGTH=settings.max_body_bytes,
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https"),
    )
    if settings.public_url.startswith("https"):  # then a proxy ends TLS, and says who called
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=0)  # type: ignore[method-assign]
    wiring = Wiring(settings, patience=PAGE_PATIENCE)
    app.extensions["callbacks"] = Receiver(  # with connections of its own, which no page can use up
        Database(settings.database_url, pool_size=2, patience=CALLBACK_PATIENCE),
        ring=wiring.bell.ring_soon,
        allow_private=settings.development,
    )
    app.register_blueprint(connectwise.blueprint)
    console.attach(
        app,
        console.Services(
            database=wiring.database,
            redis=wiring.redis,
            bell=wiring.bell,
            sealer=wiring.sealer,
            logins={name: kind.login(wiring) for name, kind in LEDGERS.items()},
            access_token=wiring.access_token,
            by_hand=ByHand(wiring),
            budget=lambda provider, tenant: dict(wiring.limiter(provider).budget(tenant)),
            public_url=settings.public_url,
        ),
    )
    app.register_error_handler(HTTPException, _plain_answer)
    return app


def _plain_answer(error: HTTPException) -> Response:
    """Whatever goes wrong before one of our own pages answers: a page for a browser, JSON for all others."""
    if request.path.startswith("/api/"):
        return console.error_answer(error)
    if request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html":
        return console.error_page(error)
    response = jsonify(status="refused", code=error.code, reason=error.description)
    response.status_code = error.code or 500
    return response


def from_environment() -> Flask:
    """For gunicorn: the application with the settings of this process's environment."""
    settings = read_settings(os.environ)
    set_up_logging(settings)
    return create_app(settings)
