"""People and their programs: the JSON API, health, metrics, the pages, and the operator's command line."""

from __future__ import annotations

from flask import Flask

from console import api, health, metrics, pages
from console.api.answers import error_answer
from console.pages.blueprint import error_page
from console.services import Services

__all__ = ["Services", "attach", "error_answer", "error_page"]


def attach(app: Flask, services: Services) -> None:
    """Registers `/`, `/healthz`, `/readyz`, `/metrics` and `/api/v1` with the application."""
    app.extensions["console"] = services
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics.blueprint)
    app.extensions["metrics"] = metrics.registry(services)
    api.attach(app)
    pages.attach(app)
