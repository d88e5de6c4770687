"""The pretend ConnectWise PSA REST API (https://developer.connectwise.com/Products/ConnectWise_PSA/REST)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox import connectwise_callbacks, connectwise_documents, connectwise_finance
from sandbox.connectwise_call import Call, patched
from sandbox.connectwise_expenses import (
    APPROVED,
    approved_status,
    create_entry,
    delete_entry,
    edit_entry,
    money,
    move_report,
    report_for,
)
from sandbox.connectwise_site import ALIAS, FIRST_CODEBASE, Site
from sandbox.connectwise_wire import error, field_error, invalid, not_found, success
from sandbox.store import World
from sandbox.web import Json, Refused, Reply, Request, Routes, json_reply, text_reply

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
routes.include(connectwise_documents.routes)
routes.include(connectwise_finance.routes)


# Expense entries


def _wish(call: Call, body: Json, *, base: Json | None = None) -> Json:
    """An entry from the API in the control API's words; raises Refused (400) naming each wrong field."""
    site, problems = call.site, []
    wish: Json = {}
    references = {"type": "types", "paymentMethod": "paymentTypes", "classification": "classifications"}
    for name, table in references.items():
        given = body.get(name)
        record = site.tables[table].get(given.get("id", 0)) if isinstance(given, dict) else None
        if record is None and isinstance(given, dict) and given.get("name"):
            record = next((r for r in site.rows(table) if r["name"] == given["name"]), None)
        if record is None and (given is not None or name == "type"):
            problems.append(_missing(name) if given is None else _bad_field(name))
        elif record is not None:
            wish["payment_type" if name == "paymentMethod" else name] = record["name"]
    for name in ("amount", "date"):
        if body.get(name) is None:
            problems.append(_missing(name))
    if body.get("company") is None and not body.get("chargeToType"):
        problems.append(_missing("company"))
    if problems:
        raise invalid("expenseEntry", *problems)
    wish.setdefault("payment_type", next(iter(site.rows("paymentTypes")))["name"])
    return {**(base or {}), **wish, **_plain_wish(call, body)}


def _plain_wish(call: Call, body: Json) -> Json:
    try:
        wish: Json = {
            "amount": money(body["amount"]),
            "date": date.fromisoformat(str(body["date"])[:10]).isoformat(),
        }
    except ValueError as trouble:
        raise invalid("expenseEntry", _bad_field("amount or date", str(trouble))) from None
    names = {
        "notes": "notes",
        "chargeToType": "charge_to_type",
        "chargeToId": "charge_to_id",
        "status": "status",
    }
    wish |= {ours: body[theirs] for theirs, ours in names.items() if body.get(theirs) is not None}
    company = body.get("company")
    if isinstance(company, dict):
        rows = call.site.rows("companies")
        known = next(
            (c for c in rows if company.get("id") == c["id"] or company.get("identifier") == c["identifier"]),
            None,
        )
        if known is None:
            raise invalid("expenseEntry", _bad_field("company"))
        wish["company"] = known["identifier"]
    currency = body.get("currency")
    if isinstance(currency, dict) and currency.get("currencyCode"):
        wish["currency"] = currency["currencyCode"]
    if body.get("taxes"):
        wish["taxes"] = [{"type": t["type"]["name"], "amount": t["amount"]} for t in body["taxes"]]
    if body.get("billableOption"):
        wish["billable"] = body["billableOption"] == "Billable"
    return wish


def _missing(name: str) -> Json:
    return field_error(
        "MissingRequiredField", f"The {name} field is required.", resource="expenseEntry", field=name
    )


def _bad_field(name: str, text: str | None = None) -> Json:
    message = text or f"The {name} is not valid."
    return field_error("InvalidField", message, resource="expenseEntry", field=name)


def _editable(entry: Json) -> None:
    if entry["status"] in APPROVED or entry["status"] in (
        "ReadyToBill",
        "Billed",
        "WrittenOff",
        "BilledAgreement",
    ):
        text = "An approved expense cannot be changed."
        raise invalid("expenseEntry", _bad_field("status", text))


@routes.on("POST", "/expense/entries")
def post_entry(call: Call) -> Reply:
    """A new entry in the member's open report of that week."""
    body = call.body()
    wish = _wish(call, body)
    member = _member(call, body)
    report = report_for(call.site, member=member, day=date.fromisoformat(wish["date"]))
    wish.pop("status", None)
    try:
        entry = create_entry(call.site, report, wish, member=member)
    except ValueError as trouble:
        raise invalid("expenseEntry", _bad_field("expenseEntry", str(trouble))) from None
    return call.one(entry, status=201)


def _member(call: Call, body: Json) -> Json:
    given = body.get("member")
    given = given if isinstance(given, dict) else {}
    for member in call.site.rows("members"):
        if not given or given.get("id") == member["id"] or given.get("identifier") == member["identifier"]:
            return member
    raise invalid("expenseEntry", _bad_field("member"))


def _change_entry(call: Call, entry: Json, body: Json) -> Reply:
    _editable(entry)
    wish = _wish(call, body)
    wish.pop("status", None)
    try:
        edit_entry(call.site, entry, {"status": entry["status"], **wish}, member=call.member)
    except ValueError as trouble:
        raise invalid("expenseEntry", _bad_field("expenseEntry", str(trouble))) from None
    return call.one(entry)


@routes.on("PUT", "/expense/entries/{record_id}")
def put_entry(call: Call, record_id: str) -> Reply:
    """The entry as sent; what is not sent is emptied."""
    return _change_entry(call, call.record("entries", record_id), call.body())


@routes.on("PATCH", "/expense/entries/{record_id}")
def patch_entry(call: Call, record_id: str) -> Reply:
    """The entry with some fields changed."""
    entry = call.record("entries", record_id)
    return _change_entry(call, entry, patched(entry, call.operations()))


@routes.on("DELETE", "/expense/entries/{record_id}")
def remove_entry(call: Call, record_id: str) -> Reply:
    """Remove an entry that is not approved."""
    entry = call.record("entries", record_id)
    _editable(entry)
    delete_entry(call.site, entry, member=call.member)
    return Reply(204)


# Audits


def _register_audits(table: str) -> None:
    def rows(call: Call, parent_id: str) -> list[Json]:
        owner = (table, call.record(table, parent_id)["id"])
        return [audit for audit in call.site.rows("audits") if audit["_owner"] == owner]

    @routes.on("GET", f"/expense/{table}/{{parent_id}}/audits")
    def listed(call: Call, parent_id: str) -> Reply:
        return call.listing(rows(call, parent_id))

    @routes.on("GET", f"/expense/{table}/{{parent_id}}/audits/count")
    def counted(call: Call, parent_id: str) -> Reply:
        return call.count(rows(call, parent_id))

    @routes.on("GET", f"/expense/{table}/{{parent_id}}/audits/{{record_id}}")
    def one(call: Call, parent_id: str, record_id: str) -> Reply:
        for audit in rows(call, parent_id):
            if str(audit["id"]) == record_id:
                return call.one(audit)
        raise not_found("Audit", record_id)


_register_audits("entries")
_register_audits("reports")


# Expense reports

TIERS = {"Tier1Update": 1, "Tier2Update": 2}


@routes.on("POST", "/expense/reports/{record_id}/approve")
def approve(call: Call, record_id: str) -> Reply:
    """Approve by one tier."""
    report = call.record("reports", record_id)
    tier = TIERS.get(str(call.body().get("approvalType")))
    if tier is None or report["status"] not in ("PendingApproval", "ErrorsCorrected", "ApprovedByTierOne"):
        return json_reply({"success": False, "message": f"The report is {report['status']}"})
    try:
        status = approved_status(call.site, tier=tier)
    except ValueError as trouble:
        return json_reply({"success": False, "message": str(trouble)})
    move_report(call.site, report, status, member=call.member)
    return success()


def _register_move(name: str, *, from_: tuple[str, ...], to: dict[str, str]) -> None:
    @routes.on("POST", f"/expense/reports/{{record_id}}/{name}")
    def act(call: Call, record_id: str) -> Reply:
        report = call.record("reports", record_id)
        if report["status"] not in from_:
            return json_reply({"success": False, "message": f"The report is {report['status']}"})
        move_report(call.site, report, to.get(report["status"], to["*"]), member=call.member)
        return success()


_register_move(
    "submit",
    from_=("Open", "Rejected", "RejectBySecondTier"),
    to={"*": "PendingApproval", "Rejected": "ErrorsCorrected"},
)
_register_move(
    "reject",
    from_=("PendingApproval", "ErrorsCorrected", "ApprovedByTierOne"),
    to={"*": "Rejected", "ApprovedByTierOne": "RejectBySecondTier"},
)
_register_move("reverse", from_=("PendingApproval", "ErrorsCorrected", *APPROVED), to={"*": "Open"})


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


__all__ = ["FIRST_CODEBASE", "Refused", "answer", "answer_key", "company_of"]
