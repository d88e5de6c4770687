"""ConnectWise PSA's wire forms: errors, success and partial answers."""

from __future__ import annotations

from typing import Any

from sandbox.web import Json, Refused, Reply, json_reply


def error(status: int, code: str, message: str, *, errors: list[Json] | None = None) -> Refused:
    """An ErrorResponseMessage to be raised."""
    return Refused(json_reply({"code": code, "message": message, "errors": errors}, status=status))


def field_error(code: str, message: str, *, resource: str, field: str) -> Json:
    """One ValidationError."""
    return {"code": code, "message": message, "resource": resource, "field": field}


def invalid(resource: str, *problems: Json) -> Refused:
    """400 InvalidObject with its inner errors."""
    return error(400, "InvalidObject", f"{resource} object is invalid", errors=list(problems))


def not_found(resource: str, record_id: Any) -> Refused:
    """404 for a record that does not exist."""
    return error(404, "NotFound", f"{resource} {record_id} not found")


def success(message: str = "") -> Reply:
    """SuccessResponse."""
    return json_reply({"success": True, "message": message})
