"""QuickBooks Online as a ledger: documents out, look-ups and lists in; the promises are in contract.py.

https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/batch (and each entity's page)
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import requests

from errors import Refused, Uncertain
from mappers import qbo as mapper
from mappers import qbo_bills
from mappers.books import Books, Contact
from mappers.documents import Call, Document, Found, Result, Standing
from mappers.exact import to_bytes
from mappers.qbo_answers import CLASH, faults, is_same, posted
from mappers.qbo_books import LISTS
from mappers.qbo_refusals import DUPLICATE_NUMBER, NAME_TAKEN, to_fault
from providers.limiter import Limiter
from providers.qbo_lookups import ACTIVE_OR_NOT, LookUps
from providers.qbo_wire import Raw, Wire

_WHOLE_LISTS = ("CompanyInfo", "Preferences", "CompanyCurrency")  # no `Active` that matters
_OPTIONAL = ("Class", "Department", "CompanyCurrency")
_FOLLOWED = ("Account", "Class", "Department")  # tax codes, rates and preferences tell no changes


class QBO:
    """One company at QuickBooks Online, spoken to with one access token (an hour). A `Ledger`.

    `limiter` bounds all calls, `batches` the batch calls among them."""

    name = "qbo"
    longest_key = mapper.LONGEST_KEY

    def __init__(
        self,
        session: requests.Session,
        *,
        api_url: str,
        realm_id: str,
        access_token: str,
        limiter: Limiter,
        batches: Limiter,
    ) -> None:
        self._wire = Wire(
            session,
            api_url=api_url,
            realm_id=realm_id,
            access_token=access_token,
            limiter=limiter,
            batches=batches,
        )
        self._look_ups = LookUps(self._wire)

    def books(self) -> Books:
        """The company, its accounts, tax codes, classes and locations, in one call (up to 1,000 of each)."""
        wheres = {name: "" if name in _WHOLE_LISTS else ACTIVE_OR_NOT for name in LISTS}
        return mapper.to_books(self._wire.lists(wheres, optional=_OPTIONAL))

    def changed_since(self, moment: dt.datetime) -> bool:
        """One read. QuickBooks looks back 30 days at most, and tells no changes of tax and closed days."""
        if dt.datetime.now(dt.UTC) - moment > dt.timedelta(days=29):
            return True
        since = moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return bool(self._wire.changes(_FOLLOWED, since=since))

    def contacts(self, wanted: Sequence[Document]) -> Mapping[str, Sequence[Contact]]:
        return self._look_ups.contacts(wanted)

    def contact(self, contact_id: str) -> Contact | None:
        return self._look_ups.contact(contact_id)

    def calls(self, documents: Sequence[Document]) -> list[Call]:
        return mapper.to_calls(documents)

    def send(self, call: Call, *, key: str) -> list[Result]:
        """The same key and bytes are answered as the first time. Only as much of a key is used as `requestid`
        takes, which is the same each time."""
        alone = call.operation != mapper.BATCH
        said = self._wire.post(call.operation, call.body, key=key[: self.longest_key], faults_pass=alone)
        results = {result.marker: result for result in mapper.to_results(call, said)}
        for marker, (entity, sent) in faults(call, said, DUPLICATE_NUMBER).items():
            results[marker] = self._duplicate(results[marker], entity, sent)
        for place, (marker, (_, sent)) in enumerate(faults(call, said, NAME_TAKEN).items()):
            results[marker] = self._other_name(results[marker], sent, key=f"{key[:30]}-cw{place}")
        if all(result.outcome == "unknown" for result in results.values()):
            raise Uncertain(
                "QuickBooks' answer does not speak of what was sent, or of only a part of it; it will be "
                "looked up.",
                answered=True,
            )
        return list(results.values())

    def look_up(self, documents: Sequence[Document]) -> Mapping[str, Sequence[Found]]:
        return self._look_ups.documents(documents)

    def reconciled(self, remote_ids: Sequence[tuple[str, str]]) -> set[str]:
        """None that we could know of: QuickBooks tells nobody what its bank feed matched."""
        return set()

    def bill_id(self, text: str) -> str | None:
        return qbo_bills.to_bill_id(text)

    def standing(self, remote_id: str) -> Standing | None:
        return qbo_bills.to_standing(self._look_ups.with_id(qbo_bills.BILLS, remote_id), remote_id)

    def attachments(self, kind: str, remote_id: str) -> list[tuple[str, int]]:
        """(file name, size in bytes) of each file at a posted document."""
        entity = self._look_ups.entity_at(kind, remote_id)
        rows = self._look_ups.files(entity, remote_id)
        return [(str(row.get("FileName") or ""), int(row.get("Size") or 0)) for row in rows]

    def attach(
        self, kind: str, remote_id: str, *, name: str, content: bytes, content_type: str, key: str
    ) -> str:
        """Files one receipt at a posted document and returns its id.
        https://developer.intuit.com/app/developer/qbo/docs/api/accounting/all-entities/attachable"""
        entity = self._look_ups.entity_at(kind, remote_id)
        boundary = f"file-{hashlib.sha256(content).hexdigest()[:32]}"
        body = _form(boundary, entity, remote_id, name=name, content=content, content_type=content_type)
        form = f"multipart/form-data; boundary={boundary}"
        said = self._wire.post("upload", body, key=key[: self.longest_key], content_type=form)
        return _attachable_id(said)

    def link(self, books: Books, document: Document, remote_id: str) -> str | None:
        return mapper.deep_link(document, remote_id)

    def _duplicate(self, refused: Result, entity: str, sent: Raw) -> Result:
        """The number is taken. By the very document that was sent, if its answer and key were lost."""
        rows = self._look_ups.numbered(entity, str(sent["DocNumber"]))
        ours = [row for row in rows if is_same(entity, sent, row) and _is_of(sent, row)]
        return posted(refused.marker, entity, ours[0]) if len(ours) == 1 else refused

    def _other_name(self, refused: Result, sent: Raw, *, key: str) -> Result:
        """The name is taken: by a vendor, who is meant, or by a customer or employee; then the new vendor's
        name gets a mark. The key goes with the first one's, so that a repeat makes nothing twice."""
        name = str(sent["DisplayName"])
        active, inactive = self._look_ups.named(name)
        if active:
            return posted(refused.marker, "Vendor", active[0])
        if inactive:
            to_do = f'Make the vendor "{name}" active again in QuickBooks, then retry.'
            return replace(refused, cause="contact_archived", to_do=to_do)
        marked = Call(
            operation="vendor",
            body=to_bytes({**sent, "DisplayName": f"{name}{CLASH}"}),
            markers=(refused.marker,),
        )
        (result,) = mapper.to_results(
            marked, self._wire.post("vendor", marked.body, key=key, faults_pass=True)
        )
        return result


def _is_of(sent: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    return all(row.get(name) == sent.get(name) for name in ("PrivateNote", "TxnDate"))


def _form(
    boundary: str, entity: str, remote_id: str, *, name: str, content: bytes, content_type: str
) -> bytes:
    """What is filed where, then the file: the same bytes each time."""
    reference = {"EntityRef": {"type": entity, "value": remote_id}, "IncludeOnSend": False}
    metadata = {"FileName": name, "ContentType": content_type, "AttachableRef": [reference]}
    quoted = name.replace("\\", "_").replace('"', "_")
    head = '--%s\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\nContent-Type: %s\r\n\r\n'
    first = head % (boundary, "file_metadata_01", "metadata.json", "application/json")
    second = head % (boundary, "file_content_01", quoted, content_type)
    parts = (first.encode(), json.dumps(metadata).encode(), b"\r\n", second.encode(), content)
    return b"".join(parts) + f"\r\n--{boundary}--\r\n".encode()


def _attachable_id(said: Raw) -> str:
    """Each file is answered for itself, with 200 also when it was refused."""
    answers = said.get("AttachableResponse")
    first = answers[0] if isinstance(answers, list) and answers and isinstance(answers[0], dict) else {}
    fault = to_fault(first)
    if fault is not None and not fault.is_unclear:
        raise Refused(f"QuickBooks refused the file. {' '.join(fault.words)}", words=fault.words, status=400)
    made = first.get("Attachable")
    if not isinstance(made, dict) or not made.get("Id"):
        raise Uncertain(
            "QuickBooks answered without an attachment's id; its files will be looked at.", answered=True
        )
    return str(made["Id"])
