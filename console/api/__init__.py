"""The JSON API at /api/v1: flask-smorest makes its OpenAPI document from the schemas here."""

from __future__ import annotations

from flask import Flask
from flask_smorest import Api

from console.api import companies, events, expenses, queue
from console.api.answers import ErrorSchema, error_answer

PREFIX = "/api/v1"
VERSION = "1"


class RelayApi(Api):  # type: ignore[misc]
    """flask-smorest's Api, with our one shape of errors in its document."""

    ERROR_SCHEMA = ErrorSchema

    def handle_http_exception(self, error: Exception) -> object:
        return error_answer(error)


def attach(app: Flask) -> None:
    """Registers the API and its document with the application."""
    app.config.update(
        API_TITLE="Expense Relay",
        API_VERSION=VERSION,
        OPENAPI_VERSION="3.0.3",
        OPENAPI_URL_PREFIX=PREFIX,
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS={
            "info": {"description": "Approved ConnectWise expenses on their way into the books."},
            "security": [{"bearer": []}],
            "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
        },
    )
    api = RelayApi(app)
    for blueprint in (companies.blueprint, expenses.blueprint, events.blueprint, queue.blueprint):
        api.register_blueprint(blueprint)
