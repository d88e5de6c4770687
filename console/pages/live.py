"""Pieces of a page that are looked at again every few seconds, and sent only when they have changed."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue


def live_answer(template: str, *, version: str, **context: Any) -> ResponseReturnValue:
    """The piece anew; 204, which htmx takes for "leave it", while the browser has this version.

    `version` is a cheap token that changes whenever the piece would look different; the template wraps
    itself in the macro `ui.live`, which sends it back.
    """
    if request.args.get("version") == version:
        return "", 204
    return render_template(template, version=version, **context)
