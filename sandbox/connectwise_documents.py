"""/system/documents: the receipts of expense entries."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from uuid import uuid4

from sandbox.connectwise_call import Call
from sandbox.connectwise_site import Site
from sandbox.connectwise_wire import error, not_found
from sandbox.web import Json, Reply, Request, Routes

routes = Routes()
IMAGES = (".png", ".jpg", ".jpeg", ".gif")


def attach(
    site: Site, *, entry_id: int, file_name: str, content: bytes, title: str = "", link: bool = False
) -> Json:
    """Keep a receipt of an entry."""
    document = site.add(
        "documents",
        {
            "title": title or file_name,
            "fileName": file_name,
            "serverFileName": f"{uuid4()}.{file_name.rsplit('.', 1)[-1]}",
            "owner": "ExpenseAPI",
            "linkFlag": link,
            "imageFlag": file_name.lower().endswith(IMAGES),
            "publicFlag": True,
            "htmlTemplateFlag": False,
            "readOnlyFlag": False,
            "size": len(content),
            "urlFlag": link,
            "createdOnDate": site.info("")["lastUpdated"],
            "guid": str(uuid4()),
            "_owner": ("Expense", entry_id),
        },
    )
    site.contents[document["id"]] = content
    return document


def _owned(call: Call) -> list[Json]:
    query = call.request.query
    if not query.get("recordType") or not query.get("recordId", "").isdigit():
        raise error(400, "InvalidObject", "recordType and recordId are required.")
    owner = (query["recordType"], int(query["recordId"]))
    return [document for document in call.site.rows("documents") if document["_owner"] == owner]


@routes.on("GET", "/system/documents")
def listed(call: Call) -> Reply:
    """The documents of one record."""
    return call.listing(_owned(call))


@routes.on("GET", "/system/documents/count")
def counted(call: Call) -> Reply:
    """How many documents a record has."""
    return call.count(_owned(call))


@routes.on("GET", "/system/documents/{record_id}")
def one(call: Call, record_id: str) -> Reply:
    """What is known of one document."""
    return call.one(call.record("documents", record_id))


@routes.on("GET", "/system/documents/{record_id}/download")
def download(call: Call, record_id: str) -> Reply:
    """The bytes; a link has none."""
    document = call.record("documents", record_id)
    if document["linkFlag"]:
        raise not_found("Document content", record_id)
    name = document["fileName"].replace('"', "")
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": f'attachment; filename="{name.encode("ascii", "replace").decode()}"',
    }
    return Reply(200, call.site.contents[document["id"]], headers)


@routes.on("DELETE", "/system/documents/{record_id}")
def delete(call: Call, record_id: str) -> Reply:
    """Remove a document."""
    document = call.record("documents", record_id)
    del call.site.tables["documents"][document["id"]]
    return Reply(204)


@routes.on("POST", "/system/documents")
def upload(call: Call) -> Reply:
    """Multipart form: file, recordId, recordType, title."""
    fields, files = _form(call.request)
    if "file" not in files:
        raise error(400, "InvalidObject", "The form field file is required.")
    if fields.get("recordType") != "Expense" or not fields.get("recordId", "").isdigit():
        raise error(400, "InvalidObject", "recordType must be Expense and recordId a number in this sandbox.")
    entry = call.record("entries", fields["recordId"])
    name, content = files["file"]
    made = attach(
        call.site, entry_id=entry["id"], file_name=name, content=content, title=fields.get("title", "")
    )
    return call.one(made, status=201)


def _form(request: Request) -> tuple[dict[str, str], dict[str, tuple[str, bytes]]]:
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        raise error(415, "UnsupportedMediaType", "Documents are uploaded as multipart/form-data.")
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + kind.encode() + b"\r\n\r\n" + request.body
    )
    fields: dict[str, str] = {}
    files: dict[str, tuple[str, bytes]] = {}
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition") or "")
        content = part.get_payload(decode=True)
        content = content if isinstance(content, bytes) else b""
        if part.get_filename():
            files[name] = (str(part.get_filename()), content)
        else:
            fields[name] = content.decode("utf-8", "replace")
    return fields, files
