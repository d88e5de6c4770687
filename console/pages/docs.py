"""Style, scripts, and the API's readable documentation: the same for everyone, served by ourselves."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, send_from_directory
from swagger_ui_bundle import swagger_ui_path

DOCS_FILES = ("swagger-ui.css", "swagger-ui-bundle.js")
CACHE_SECONDS = 3600

blueprint = Blueprint(
    "pages", "console", template_folder="templates", static_folder="static", static_url_path="/static"
)


@blueprint.get("/api/v1/docs")
def docs() -> str:
    """The OpenAPI document, readable. Swagger UI is served from here: nothing is fetched from elsewhere."""
    return render_template("docs.html")


@blueprint.get(f"/api/v1/docs/<any({', '.join(repr(name) for name in DOCS_FILES)}):name>")
def docs_file(name: str) -> Response:
    """A file of Swagger UI."""
    return send_from_directory(str(swagger_ui_path), name, max_age=CACHE_SECONDS)
