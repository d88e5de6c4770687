"""/system/callbacks: who wants to be called about what, with ConnectWise's own refusals."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlparse
from uuid import uuid4

from sandbox.connectwise_site import Site
from sandbox.connectwise_wire import field_error, invalid
from sandbox.web import Json

LEVELS = {
    "expense": ("owner", "chargetotype", "type", "class", "company", "expense"),
    "ticket": ("owner", "board", "location", "status", "ticket"),
    "company": ("owner", "territory", "status", "type", "company"),
    "contact": ("owner", "territory", "type", "company", "contact"),
    "invoice": ("owner", "company", "invoice"),
    "member": ("owner", "member"),
    "time": ("owner", "chargetotype", "company", "time"),
}
TEXTS = ("description", "url", "type", "level", "payloadVersion")
FLAGS = ("inactiveFlag", "isSoapCallbackFlag", "isSelfSuppressedFlag")
RESOURCE = "callbackEntry"


def create(site: Site, given: Json, *, member: str) -> Json:
    """A new registration; raises Refused (400) for a bad one and for a second one of the same."""
    wanted = _checked(given)
    _refuse_duplicate(site, wanted, own_id=None)
    return site.add(
        "callbacks",
        {**wanted, "memberId": 243, "connectWiseID": str(uuid4()), "_info": site.info(member)},
    )


def change(site: Site, callback: Json, given: Json, *, member: str) -> Json:
    """The registration with new content; raises Refused (400)."""
    wanted = _checked(given)
    _refuse_duplicate(site, wanted, own_id=callback["id"])
    callback.update({**wanted, "_info": site.info(member)})
    if not callback["inactiveFlag"]:
        site.failures[callback["id"]] = 0
    return callback


def _checked(given: Json) -> Json:
    problems = [
        field_error("MissingRequiredField", f"The {name} field is required.", resource=RESOURCE, field=name)
        for name in ("url", "objectId", "type", "level")
        if given.get(name) is None
    ]
    if problems:
        raise invalid(RESOURCE, *problems)
    wanted: Json = {name: str(given[name]) for name in TEXTS if given.get(name) is not None}
    wanted |= {name: bool(given.get(name, False)) for name in FLAGS}
    wanted["payloadVersion"] = wanted.get("payloadVersion", "3.0.0")
    problems = _troubles(wanted, given["objectId"])
    if problems:
        raise invalid(RESOURCE, *problems)
    owner = wanted["level"].lower() == "owner"
    return {**wanted, "objectId": 1 if owner else int(given["objectId"])}


def _troubles(wanted: Json, object_id: Any) -> list[Json]:
    problems = []
    parts = urlparse(wanted["url"])
    if parts.scheme not in ("http", "https") or not parts.netloc:
        problems.append(field_error("InvalidField", "The url is not valid.", resource=RESOURCE, field="url"))
    if len(wanted.get("description", "")) > 100:
        text = "The description must be at most 100 characters."
        problems.append(field_error("InvalidField", text, resource=RESOURCE, field="description"))
    if wanted["level"].lower() not in LEVELS.get(wanted["type"].lower(), ()):
        text = f"The level {wanted['level']} is not known for the type {wanted['type']}."
        problems.append(field_error("InvalidObject", text, resource=RESOURCE, field="level"))
    if not isinstance(object_id, int) or isinstance(object_id, bool):
        problems.append(
            field_error("InvalidField", "objectId must be a number.", resource=RESOURCE, field="objectId")
        )
    return problems


def _refuse_duplicate(site: Site, wanted: Json, *, own_id: int | None) -> None:
    for other in site.rows("callbacks"):
        same = all(str(other[name]).lower() == str(wanted[name]).lower() for name in ("url", "type", "level"))
        if same and other["objectId"] == wanted["objectId"] and other["id"] != own_id:
            text = "A callback with this type, level, object and url already exists."
            raise invalid(RESOURCE, field_error("ObjectExists", text, resource=RESOURCE, field="objectId"))
