"""Every sample comes out as written down, and what would be sent fits Xero's own description of its API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS30WriteValidator, OAS31Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from tests.mappers.regenerate import expected, expected_qbo, outcome, outcome_qbo, situations

OPENAPI = Path(__file__).parents[3] / "shared" / "data" / "xero" / "accounting.yaml"
QBO_SCHEMA = OPENAPI.parents[1] / "qbo" / "schema.json"
ADDRESS = "urn:xero-accounting"
SCHEMAS = {
    "invoices": "Invoices",
    "credit_notes": "CreditNotes",
    "payments": "Payments",
    "bank_transactions": "BankTransactions",
}
named = pytest.mark.parametrize("situation", situations(), ids=lambda path: path.name)


@named
def test_a_sample_comes_out_as_written_down(situation: Path) -> None:
    assert outcome(situation) == json.loads(expected(situation).read_text())


@named
def test_a_sample_comes_out_for_quickbooks_as_written_down(situation: Path) -> None:
    assert outcome_qbo(situation) == json.loads(expected_qbo(situation).read_text())


def test_every_row_of_the_decision_table_has_a_sample() -> None:
    assert {path.name[:6] for path in situations()} >= {f"row-{row:02}" for row in range(1, 12)}


@cache
def xero() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load(OPENAPI.read_text(), Loader=yaml.CSafeLoader)
    return loaded


@cache
def registry() -> Registry[Any]:
    known: Registry[Any] = Registry().with_resource(ADDRESS, DRAFT4.create_resource(xero()))
    return known


def strangers(schema: dict[str, Any], value: Any) -> Iterator[str]:
    """The keys of a body that Xero's schema does not know; the schema itself would let them pass."""
    schema = xero()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    if isinstance(value, list):
        for item in value:
            yield from strangers(schema["items"], item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in schema["properties"]:
                yield key
            else:
                yield from strangers(schema["properties"][key], item)


@named
@pytest.mark.skipif(not OPENAPI.exists(), reason="Xero's OpenAPI file is not here")
def test_what_would_be_sent_fits_xeros_schema(situation: Path) -> None:
    for operation, text in outcome(situation).get("xero", {}).items():
        schema = {"$ref": f"{ADDRESS}#/components/schemas/{SCHEMAS[operation]}"}
        body = json.loads(text)
        validator = OAS30WriteValidator(
            schema, registry=registry(), format_checker=OAS30WriteValidator.FORMAT_CHECKER
        )
        assert [error.message for error in validator.iter_errors(body)] == []
        assert list(strangers(schema, body)) == []


@cache
def qbo() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(QBO_SCHEMA.read_text())
    return loaded


@named
@pytest.mark.skipif(not QBO_SCHEMA.exists(), reason="QuickBooks' schema is not here")
def test_what_would_be_sent_fits_quickbooks_schema(situation: Path) -> None:
    entities = {name.lower(): name for name in qbo()["$defs"]}
    for call in outcome_qbo(situation).get("qbo", []):
        schema = {"$ref": f"#/$defs/{entities[call['operation']]}", "$defs": qbo()["$defs"]}
        errors = OAS31Validator(schema).iter_errors(json.loads(call["body"]))
        assert [error.message for error in errors] == []
