"""The headers that keep browsers safe, on every answer."""

from __future__ import annotations

from flask import Response

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


def harden(response: Response) -> Response:
    """Adds the headers that every answer carries; what answers a caller is never kept by a cache."""
    present = {name.lower() for name, _ in response.headers}  # asking `headers` for each looks through all
    response.headers.extend(
        (name, text) for name, text in SAFE_HEADERS.items() if name.lower() not in present
    )
    return response
