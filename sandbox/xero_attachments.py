"""Files and notes on pretend Xero documents (https://developer.xero.com/documentation/api/accounting/attachments)."""

from __future__ import annotations

from urllib.parse import quote

from sandbox.web import Json, Reply, Routes
from sandbox.xero_call import Call, new_id
from sandbox.xero_wire import not_found, refuse

routes = Routes()
MOST = 10
LARGEST = 10 * 1024 * 1024
FORBIDDEN = set('<>:"/\\|?*+\0')
OWNERS = ("Invoices", "CreditNotes", "BankTransactions")


def _owner(call: Call, plural: str, record_id: str) -> Json:
    stores = {
        "invoices": call.org.invoices,
        "creditnotes": call.org.credit_notes,
        "banktransactions": call.org.bank_transactions,
    }
    record = stores.get(plural.lower(), {}).get(record_id.lower())
    if record is None:
        raise not_found()
    return record


def _shown(attachment: Json) -> Json:
    return {name: value for name, value in attachment.items() if name != "_content"}


def _store(call: Call, plural: str, record_id: str, name: str, *, replace: bool) -> Reply:
    record = _owner(call, plural, record_id)
    body = call.request.body
    if not name or FORBIDDEN & set(name):
        raise refuse(f"The file name {name} contains characters that are not allowed")  # our wording
    if not body:
        raise refuse("The attachment is empty")  # our wording
    if len(body) > LARGEST:
        raise refuse("The file size exceeds the maximum of 10MB")  # our wording
    held = call.org.attachments.setdefault(record_id.lower(), [])
    known = next((a for a in held if a["FileName"] == name), None) if replace else None
    if known is None and len(held) >= MOST:
        raise refuse(f"A maximum of {MOST} attachments can be added to a document")  # our wording
    attachment = known or {"AttachmentID": new_id(), "FileName": name}
    path = f"{call.request.origin}/api.xro/2.0/{plural}/{record_id}/Attachments/{quote(name)}"
    attachment |= {
        "Url": path,
        "MimeType": call.request.headers.get("content-type", "application/octet-stream"),
        "ContentLength": len(body),
        "IncludeOnline": call.request.flag("IncludeOnline"),
        "_content": body,
    }
    if known is None:
        held.append(attachment)
    record["HasAttachments"] = True
    call.org.touch(record, now=call.now)
    return call.ok("Attachments", [_shown(attachment)])


def _register(plural: str) -> None:
    @routes.on("PUT", f"/{plural}/{{record_id}}/Attachments/{{name}}")
    def put(call: Call, record_id: str, name: str) -> Reply:
        return _store(call, plural, record_id, name, replace=False)

    @routes.on("POST", f"/{plural}/{{record_id}}/Attachments/{{name}}")
    def post(call: Call, record_id: str, name: str) -> Reply:
        return _store(call, plural, record_id, name, replace=True)

    @routes.on("GET", f"/{plural}/{{record_id}}/Attachments")
    def listed(call: Call, record_id: str) -> Reply:
        _owner(call, plural, record_id)
        held = call.org.attachments.get(record_id.lower(), [])
        return call.ok("Attachments", [_shown(attachment) for attachment in held])

    @routes.on("GET", f"/{plural}/{{record_id}}/Attachments/{{name}}")
    def content(call: Call, record_id: str, name: str) -> Reply:
        _owner(call, plural, record_id)
        for attachment in call.org.attachments.get(record_id.lower(), []):
            if name in (attachment["FileName"], attachment["AttachmentID"]):
                return Reply(200, attachment["_content"], {"Content-Type": attachment["MimeType"]})
        raise not_found()

    @routes.on("GET", f"/{plural}/{{record_id}}/History")
    def history(call: Call, record_id: str) -> Reply:
        _owner(call, plural, record_id)
        return call.ok("HistoryRecords", call.org.history.get(record_id.lower(), []))

    @routes.on("PUT", f"/{plural}/{{record_id}}/History")
    def note(call: Call, record_id: str) -> Reply:
        _owner(call, plural, record_id)
        rows = call.rows("HistoryRecords", noun="HistoryRecord", bare={"Details"})
        made: list[Json] = []
        for row in rows:
            details = str(row.get("Details") or "")
            if not 1 <= len(details) <= 2500:
                raise refuse("Details must be between 1 and 2500 characters")  # our wording
            made.append(
                {"Changes": "Note", "DateUTC": call.now, "User": "System Generated", "Details": details}
            )
        call.org.history.setdefault(record_id.lower(), []).extend(made)
        return call.ok("HistoryRecords", made)


for _plural in OWNERS:
    _register(_plural)
