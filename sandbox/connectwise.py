"""The pretend ConnectWise PSA REST API (https://developer.connectwise.com/Products/ConnectWise_PSA/REST)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox import connectwise_callbacks, connectwise_documents, connectwise_entries, connectwise_finance
from sandbox.connectwise_call import Call, patched
from sandbox.connectwise_site import ALIAS, Site
from sandbox.connectwise_wire import error
from sandbox.store import World
from sandbox.web import Reply, Request, Routes, json_reply, text_reply

_API = re.compile(r"^/(?P<codebase>[^/]+/+)apis/3\.0(?P<path>/.*)$")
routes = Routes()


def company_of(request: Request) -> str | None:
    """The login company that a request names, whether or not its keys are right."""
    if request.path.startswith("/login/companyinfo/"):
        return request.path.rsplit("/", 1)[1]
    credentials = _credentials(request)
    return credentials.company if credentials else None


@dataclass(frozen=True)
class _Credentials:
    company: str
    public_key: str
    private_key: str


def _credentials(request: Request) -> _Credentials | None:
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        user, _, private_key = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    company, _, public_key = user.partition("+")
    return _Credentials(company, public_key, private_key)


def answer(world: World, request: Request) -> Reply:
    """The reply to one call of any site."""
    if request.path.startswith("/login/companyinfo/"):
        return _company_info(world, request)
    found = _API.match(request.path)
    if found is None:
        return text_reply("<h1>404 Not Found</h1>", status=404)
    site = _enter(world, request)
    if found["codebase"] not in (site.codebase, ALIAS):
        return text_reply("<h1>404 Not Found</h1>", status=404)
    handler, values, known = routes.find(method=request.method, path=found["path"].rstrip("/"))
    if handler is None:
        raise error(405 if known else 404, "NotFound", f"{request.method} {found['path']} is not known")
    return handler(Call(site, request), **values)


def _company_info(world: World, request: Request) -> Reply:
    site = world.sites.get(request.path.rsplit("/", 1)[1])
    if site is None:
        return json_reply(None)
    version = site.codebase.rstrip("/").replace("_", ".")
    body = {
        "CompanyName": site.name or site.company,
        "Codebase": site.codebase,
        "VersionCode": version,
        "VersionNumber": f"v4.6.{version.removeprefix('v')}",
        "CompanyID": site.company,
        "IsCloud": str(site.is_cloud),
        "SiteUrl": request.origin.split("//", 1)[1],
    }
    return json_reply(body)


def _enter(world: World, request: Request) -> Site:
    given = _credentials(request)
    site = world.sites.get(given.company) if given else None
    if (
        given is None
        or site is None
        or (given.public_key, given.private_key) != (site.public_key, site.private_key)
    ):
        raise error(401, "Unauthorized", "The supplied credentials are invalid.")
    client_id = request.headers.get("clientid", "")
    if not client_id or (site.client_id and client_id.lower() != site.client_id.lower()):
        raise error(401, "ClientId", "A valid clientId header is required on every request.")
    return site


def answer_key(world: World, request: Request) -> Reply:
    """A signing key; it is given to anybody who knows its address, as ConnectWise does."""
    site = world.sites.get(request.query.get("companyName", ""))
    signing_key = site.keys.get(request.query.get("id", "")) if site else None
    if (
        request.method != "GET"
        or not request.path.endswith("//system/callbackkey/index.rails")
        or signing_key is None
    ):
        return text_reply("<h1>404 Not Found</h1>", status=404)
    return json_reply({"signing_key": signing_key})


ENTRY_FIELDS = {
    "id", "expenseReport", "company", "chargeToId", "chargeToType", "type", "member",
    "paymentMethod", "classification", "amount", "billableOption", "date", "locationId",
    "businessUnitId", "notes", "agreement", "invoiceAmount", "mobileGuid", "taxes", "invoice",
    "currency", "ticket", "project", "phase", "customFields", "status", "billAmount",
    "agreementAmount", "odometerStart", "odometerEnd", "_info", "lastUpdated",
}  # fmt: skip
REPORT_FIELDS = {
    "id", "member", "year", "period", "dateStart", "dateEnd", "status", "total", "dueDate", "_info",
    "lastUpdated",
}  # fmt: skip
TABLE_PATHS = {
    "/expense/entries": ("entries", ENTRY_FIELDS),
    "/expense/reports": ("reports", REPORT_FIELDS),
    "/expense/types": ("types", None),
    "/expense/paymentTypes": ("paymentTypes", None),
    "/expense/classifications": ("classifications", None),
    "/expense/info/taxTypes": ("taxTypes", None),
    "/system/members": ("members", None),
    "/system/callbacks": ("callbacks", None),
    "/finance/accounting/batches": ("batches", None),
    "/finance/currencies": ("currencies", None),
    "/company/companies": ("companies", None),
}


def _register(path: str, table: str, fields: set[str] | None) -> None:
    """List, count and one record of a table."""

    @routes.on("GET", path)
    def listed(call: Call) -> Reply:
        return call.listing(call.site.rows(table), fields=fields)

    @routes.on("GET", f"{path}/count")
    def counted(call: Call) -> Reply:
        return call.count(call.site.rows(table), fields=fields)

    @routes.on("GET", f"{path}/{{record_id}}")
    def one(call: Call, record_id: str) -> Reply:
        return call.one(call.record(table, record_id))


for _path, (_table, _fields) in TABLE_PATHS.items():
    _register(_path, _table, _fields)
routes.include(connectwise_entries.routes)
routes.include(connectwise_documents.routes)
routes.include(connectwise_finance.routes)


# Callbacks


@routes.on("POST", "/system/callbacks")
def post_callback(call: Call) -> Reply:
    """Register."""
    return call.one(connectwise_callbacks.create(call.site, call.body(), member=call.member), status=201)


@routes.on("PUT", "/system/callbacks/{record_id}")
def put_callback(call: Call, record_id: str) -> Reply:
    """Replace."""
    callback = call.record("callbacks", record_id)
    return call.one(connectwise_callbacks.change(call.site, callback, call.body(), member=call.member))


@routes.on("PATCH", "/system/callbacks/{record_id}")
def patch_callback(call: Call, record_id: str) -> Reply:
    """Change some fields."""
    callback = call.record("callbacks", record_id)
    wanted = patched(callback, call.operations())
    return call.one(connectwise_callbacks.change(call.site, callback, wanted, member=call.member))


@routes.on("DELETE", "/system/callbacks/{record_id}")
def delete_callback(call: Call, record_id: str) -> Reply:
    """Take back."""
    del call.site.tables["callbacks"][call.record("callbacks", record_id)["id"]]
    return Reply(204)


# The site itself


@routes.on("GET", "/system/info")
def system_info(call: Call) -> Reply:
    """Version of the site."""
    body = {
        "version": call.site.codebase.rstrip("/").replace("_", "."),
        "isCloud": call.site.is_cloud,
        "serverTimeZone": "UTC",
        "licenseBits": [],
        "cloudRegion": "NA",
        "maxWorkFlowRecordsAllowed": 5000,
    }
    return json_reply(body)


@routes.on("GET", "/system/myCompany/timeExpense")
def time_expense(call: Call) -> Reply:
    """Which tiers approve expenses here."""
    own = next(iter(call.site.rows("companies")))
    body: dict[str, Any] = {
        "id": 1,
        "tier1ApprovalFlag": call.site.tier1,
        "tier2ApprovalFlag": call.site.tier2,
        "disableTimeEntryFlag": False,
        "requireTimeNoteFlag": False,
        "requireExpenseNoteFlag": False,
        "roundingFactor": Decimal("0.25"),
        "invoiceStart": 1,
        "internalCompany": {name: own[name] for name in ("id", "identifier", "name")},
    }
    return json_reply(body)
