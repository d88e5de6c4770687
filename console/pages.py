"""The front page, the API's readable documentation, and the headers that keep browsers safe."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, send_from_directory
from swagger_ui_bundle import swagger_ui_path

CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SAFE_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
DOCS_FILES = ("swagger-ui.css", "swagger-ui-bundle.js")
CACHE_SECONDS = 3600

blueprint = Blueprint(
    "pages", __name__, template_folder="templates", static_folder="static", static_url_path="/static"
)


def harden(response: Response) -> Response:
    """Adds the headers that every answer carries; what answers a caller is never kept by a cache."""
    present = {name.lower() for name, _ in response.headers}  # asking `headers` for each looks through all
    response.headers.extend(
        (name, text) for name, text in SAFE_HEADERS.items() if name.lower() not in present
    )
    return response


@blueprint.get("/")
def front() -> str:
    """Says what this is and where the API lives; tells nothing of companies."""
    return render_template("front.html")


@blueprint.get("/api/v1/docs")
def docs() -> str:
    """The OpenAPI document, readable. Swagger UI is served from here: nothing is fetched from elsewhere."""
    return render_template("docs.html")


@blueprint.get(f"/api/v1/docs/<any({', '.join(repr(name) for name in DOCS_FILES)}):name>")
def docs_file(name: str) -> Response:
    """A file of Swagger UI."""
    return send_from_directory(str(swagger_ui_path), name, max_age=CACHE_SECONDS)
