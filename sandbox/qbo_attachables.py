"""Files and notes at transactions, one by one or many in a multipart upload
(https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/attachable)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from email.parser import BytesHeaderParser
from pathlib import PurePosixPath
from typing import Any

from sandbox.qbo_company import KINDS, Company
from sandbox.qbo_fields import known_only
from sandbox.qbo_views import Views
from sandbox.qbo_wire import Fault, business, given, reference, required, too_long, unknown_reference
from sandbox.web import Json

TYPES = {
    "ai", "csv", "doc", "docx", "eps", "gif", "jpeg", "jpg", "ods", "pdf", "png", "rtf", "tif", "tiff", "txt",
    "xls", "xlsx", "xml",
}  # fmt: skip
KNOWN = {
    "Id", "SyncToken", "MetaData", "domain", "sparse", "status", "FileName", "Note", "ContentType",
    "AttachableRef", "Category", "Tag", "Lat", "Long", "PlaceName", "Size", "FileAccessUri",
    "TempDownloadUri",
    "CustomField",
    "ThumbnailFileAccessUri", "ThumbnailTempDownloadUri",
}  # fmt: skip


def attachable(company: Company, body: Json, *, own: str | None = None, upload: bool = False) -> Json:
    """The fields of an attachable; raises Fault."""
    known_only(body, KNOWN)
    name, note = given(body, "FileName"), given(body, "Note")
    if not name and not note and not upload:
        raise business("An attachable needs a note or a file.")
    for text, element, limit in ((name, "FileName", 1000), (note, "Note", 2000)):
        if text is not None and len(str(text)) > limit:
            raise too_long(element, limit)
    kept = company.tables["Attachable"][own] if own else {}
    return {
        "FileName": name or kept.get("FileName"),
        "Note": note,
        "ContentType": given(body, "ContentType") or kept.get("ContentType"),
        "Category": given(body, "Category"),
        "AttachableRef": [_attached(company, row) for row in body.get("AttachableRef") or []],
        "Size": kept.get("Size"),
        "FileAccessUri": kept.get("FileAccessUri"),
        "TempDownloadUri": kept.get("TempDownloadUri"),
    }


def _attached(company: Company, row: Json) -> Json:
    held: Any = row.get("EntityRef") or {}
    kind = next((known for known in KINDS if known.lower() == str(held.get("type", "")).lower()), None)
    identity = reference(row, "EntityRef")
    if kind is None or identity is None:
        raise required("AttachableRef.EntityRef")
    if company.find(kind, identity) is None:
        raise unknown_reference(kind, identity)
    shown = {"value": identity, "type": kind}
    return {"EntityRef": shown, "IncludeOnSend": bool(row.get("IncludeOnSend", False))}


def upload(company: Company, *, content_type: str, body: bytes, origin: str, now: datetime) -> list[Json]:
    """`AttachableResponse`: for each file the attachable or a fault; one bad file stops no other.

    Raises Fault when the body is no multipart form.
    """
    if not content_type.lower().startswith("multipart/form-data"):
        raise Fault("2010", "Request has invalid or unsupported property", "upload takes multipart/form-data")
    parts = _parts(content_type, body)
    answers = []
    for name in sorted(part for part in parts if part.startswith("file_content")):
        suffix = name.removeprefix("file_content")
        try:
            record = _file(company, parts.get(f"file_metadata{suffix}"), parts[name], origin=origin, now=now)
            answers.append({"Attachable": Views(company).show("Attachable", record)})
        except Fault as fault:
            answers.append({"Fault": fault.wire})
    if not answers:
        raise required("file_content_01")
    return answers


@dataclass(frozen=True)
class _Part:
    head: Message
    data: bytes


def _parts(content_type: str, body: bytes) -> dict[str, _Part]:
    """The form's parts by name, their bytes untouched; lines may end in either way."""
    head = Message()
    head["Content-Type"] = content_type
    boundary = b"--" + (head.get_boundary() or "").encode()
    found: dict[str, _Part] = {}
    for piece in body.split(boundary)[1:-1]:
        split = re.split(rb"\r?\n\r?\n", piece.lstrip(b"\r\n"), maxsplit=1)
        if len(split) == 2:
            fields = BytesHeaderParser().parsebytes(split[0])
            name = fields.get_param("name", header="content-disposition")
            found[str(name)] = _Part(fields, re.sub(rb"\r?\n$", b"", split[1]))
    return found


def _file(company: Company, metadata: _Part | None, part: _Part, *, origin: str, now: datetime) -> Json:
    sent = _metadata(metadata)
    file_name = given(sent, "FileName") or part.head.get_filename()
    if not file_name:
        raise required("FileName")
    ending = PurePosixPath(str(file_name)).suffix.lstrip(".").lower()
    if ending not in TYPES:
        raise business(f"Unsupported file type: {ending or 'none'}.")
    data = _content(part)
    if not data:
        raise business("The file is empty.")
    fields = attachable(company, {**sent, "FileName": str(file_name)}, upload=True)
    kind = fields["ContentType"] or part.head.get_content_type()
    record = company.add("Attachable", {**fields, "ContentType": kind, "Size": len(data)}, now=now)
    path = f"/v3/company/{company.realm}/download/{record['Id']}"
    record |= {"FileAccessUri": path, "TempDownloadUri": origin + path, "_body": sent}
    company.files[record["Id"]] = data
    return record


def _metadata(part: _Part | None) -> Json:
    if part is None:
        return {}
    try:
        found = json.loads(_content(part))
    except ValueError:
        raise Fault(
            "2010", "Request has invalid or unsupported property", "file_metadata is not JSON"
        ) from None
    return found if isinstance(found, dict) else {}


def _content(part: _Part) -> bytes:
    """The bytes of a part, decoded when it says that it is Base64."""
    if str(part.head.get("Content-Transfer-Encoding", "")).lower() != "base64":
        return part.data
    try:
        return base64.b64decode(part.data)
    except binascii.Error:
        raise business("The file's Base64 cannot be read.") from None
