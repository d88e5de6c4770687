"""What the two vendors say about their wires: their own OpenAPI documents, when they are at hand."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import yaml
from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
XERO_SPEC = DATA / "xero" / "accounting.yaml"
XERO_RECORDINGS = DATA / "xero" / "recordings"
CONNECTWISE_SPEC = DATA / "connectwise" / "openapi-subset.json"
_BASE = "/api.xro/2.0"
_URN = "urn:spec"


@functools.cache
def _xero() -> tuple[Any, list[tuple[re.Pattern[str], Any]]]:
    spec = yaml.load(XERO_SPEC.read_text(), Loader=yaml.CSafeLoader)
    # Paths without parameters first: /Organisation/Actions is not an organisation's id.
    paths = sorted(spec["paths"], key=lambda path: path.count("{"))
    return spec, [
        (re.compile("^" + re.sub(r"\{[^}]+\}", "[^/]+", path) + "$"), spec["paths"][path]) for path in paths
    ]


@functools.cache
def _validator(name: str, pointer: str) -> OAS30Validator:
    spec = _xero()[0] if name == "xero" else _connectwise()
    registry = Registry().with_resource(_URN, Resource.from_contents(spec, default_specification=DRAFT4))
    return OAS30Validator({"$ref": f"{_URN}#{pointer}"}, registry=registry)


@functools.cache
def _connectwise() -> Any:
    return json.loads(CONNECTWISE_SPEC.read_text())


def xero_faults(*, method: str, path: str, status: int, body: Any) -> list[str]:
    """What Xero's OpenAPI document has against a reply; empty when it fits or says nothing about it."""
    spec, paths = _xero()
    path = path.removeprefix(_BASE)
    for pattern, operations in paths:
        if pattern.match(path) and method.lower() in operations:
            schema = _reply_schema(spec, operations[method.lower()], status)
            return _faults(_validator("xero", schema), body) if schema else []
    return [f"{method} {path} is not in Xero's document"]


def _reply_schema(spec: Any, operation: Any, status: int) -> str | None:
    if status == 400:
        return "/components/schemas/Error"
    reply = operation["responses"].get(str(status), {})
    if "$ref" in reply:
        reply = spec["components"]["responses"][reply["$ref"].rsplit("/", 1)[1]]
    schema = reply.get("content", {}).get("application/json", {}).get("schema", {})
    reference = schema.get("$ref")
    return str(reference)[1:] if reference else None


def xero_object_faults(name: str, body: Any) -> list[str]:
    """What Xero's document has against an object of the named schema."""
    return _faults(_validator("xero", f"/components/schemas/{name}"), body)


def connectwise_faults(name: str, body: Any) -> list[str]:
    """What ConnectWise's document has against a record of the named schema."""
    return _faults(_validator("connectwise", f"/components/schemas/{name}"), body)


def connectwise_fields(name: str) -> set[str]:
    """The fields that ConnectWise's document knows of a schema."""
    return set(_connectwise()["components"]["schemas"][name]["properties"])


def _faults(validator: OAS30Validator, body: Any) -> list[str]:
    return [
        f"{'/'.join(map(str, error.path))}: {error.message[:200]}" for error in validator.iter_errors(body)
    ]
