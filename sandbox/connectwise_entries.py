"""Writing to expense entries and reports, and their audits, as ConnectWise's REST API lets members do."""

from __future__ import annotations

from datetime import date

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
from sandbox.connectwise_wire import field_error, invalid, not_found, success
from sandbox.web import Json, Reply, Routes, json_reply

routes = Routes()


def _wish(call: Call, body: Json) -> Json:
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
    return {**wish, **_plain_wish(call, body)}


PLAIN = {
    "notes": "notes",
    "chargeToType": "charge_to_type",
    "chargeToId": "charge_to_id",
    "status": "status",
    "project": "project",
    "ticket": "ticket",
    "agreement": "agreement",
    "locationId": "location_id",
    "businessUnitId": "business_unit_id",
    "odometerStart": "odometer_start",
    "odometerEnd": "odometer_end",
}


def _plain_wish(call: Call, body: Json) -> Json:
    wish: Json = {ours: body[theirs] for theirs, ours in PLAIN.items() if body.get(theirs) is not None}
    try:
        wish["amount"] = money(body["amount"])
        wish["date"] = date.fromisoformat(str(body["date"])[:10]).isoformat()
        if body.get("taxes"):
            wish["taxes"] = [{"type": t["type"]["name"], "amount": money(t["amount"])} for t in body["taxes"]]
    except (ValueError, KeyError, TypeError) as trouble:
        raise invalid("expenseEntry", _bad_field("amount, date or taxes", str(trouble))) from None
    if isinstance(body.get("company"), dict):
        wish["company"] = _company(call, body["company"])["identifier"]
    currency = body.get("currency")
    if isinstance(currency, dict) and currency.get("currencyCode"):
        wish["currency"] = currency["currencyCode"]
    if body.get("billableOption"):
        wish["billable"] = body["billableOption"] == "Billable"
    return wish


def _company(call: Call, given: Json) -> Json:
    for company in call.site.rows("companies"):
        if given.get("id") == company["id"] or given.get("identifier") == company["identifier"]:
            return company
    raise invalid("expenseEntry", _bad_field("company"))


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
    try:
        edit_entry(call.site, entry, {**wish, "status": entry["status"]}, member=call.member, whole=True)
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
