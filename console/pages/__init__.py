"""The console's pages: each screen is a blueprint of its own; docs/console.md says how to add one."""

from __future__ import annotations

from flask import Flask

from console.pages import (
    account,
    company_file,
    company_new,
    connect,
    connections,
    docs,
    expense,
    front,
    grid,
    history,
    inbox,
    jobs,
    links,
    login,
    mapping,
    overview,
    queue,
    readiness,
    second_step,
    settings,
    setup,
    style,
    users,
)
from console.pages.headers import harden
from console.pages.session import keep_sessions

BLUEPRINTS = (
    docs.blueprint,
    account.blueprint,
    history.blueprint,
    inbox.blueprint,
    jobs.blueprint,
    overview.blueprint,
    second_step.blueprint,
    users.blueprint,
    front.blueprint,
    links.blueprint,
    login.blueprint,
    queue.blueprint,
    expense.blueprint,
    connect.blueprint,
    connections.blueprint,
    setup.blueprint,
    company_new.blueprint,
    company_file.blueprint,
    readiness.blueprint,
    settings.blueprint,
    mapping.blueprint,
    grid.blueprint,
)

__all__ = ["attach"]


def attach(app: Flask) -> None:
    """Registers every page, and what they all stand on: sessions, style, safe headers."""
    keep_sessions(app)
    style.attach(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    login.limit_tries(app)
    app.wsgi_app = harden(app.wsgi_app)  # type: ignore[assignment]
