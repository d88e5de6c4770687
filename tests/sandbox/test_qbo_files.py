"""Files at the transactions of the pretend QuickBooks."""

from __future__ import annotations

import json
from typing import Any

from tests.sandbox.qbo_client import Qbo

PDF = b"%PDF-1.4 \x00\xff\r\n a receipt"


def parts(bill: Any, *names: str, content: bytes = PDF) -> dict[str, Any]:
    """One metadata and one content part for each file name."""
    found: dict[str, Any] = {}
    for place, name in enumerate(names, start=1):
        link = {"EntityRef": {"type": "Bill", "value": bill["Id"]}, "IncludeOnSend": False}
        metadata = {"FileName": name, "ContentType": "application/pdf", "AttachableRef": [link]}
        found[f"file_metadata_{place:02}"] = (None, json.dumps(metadata), "application/json")
        found[f"file_content_{place:02}"] = (name, content, "application/pdf")
    return found


def upload(qbo: Qbo, files: dict[str, Any], **query: str) -> Any:
    reply = qbo.call("POST", "/upload", files=files, params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()["AttachableResponse"]


def code(answer: Any) -> str:
    return str(answer["Fault"]["Error"][0]["code"])


def test_a_file_is_attached_byte_for_byte(qbo: Qbo) -> None:
    bill = qbo.made("Bill", qbo.bill())
    made = upload(qbo, parts(bill, "receipt.pdf"))[0]["Attachable"]
    assert (made["FileName"], made["Size"]) == ("receipt.pdf", len(PDF))
    assert qbo.session.get(made["TempDownloadUri"], timeout=5).content == PDF


def test_one_bad_file_stops_no_other(qbo: Qbo) -> None:
    bill = qbo.made("Bill", qbo.bill())
    answers = upload(qbo, parts(bill, "a.pdf", "page.html", "b.png"))
    assert ["Attachable" in answer for answer in answers] == [True, False, True]
    assert code(answers[1]) == "6000"


def test_an_empty_file_and_an_unknown_bill_are_refused_per_file(qbo: Qbo) -> None:
    bill = qbo.made("Bill", qbo.bill())
    assert code(upload(qbo, parts(bill, "a.pdf", content=b""))[0]) == "6000"
    assert code(upload(qbo, parts({"Id": "99"}, "a.pdf"))[0]) == "2500"
    assert qbo.state()["attachables"] == []


def test_attachments_are_found_by_what_they_hang_on(qbo: Qbo) -> None:
    bill, other = qbo.made("Bill", qbo.bill()), qbo.made("Bill", qbo.bill())
    upload(qbo, parts(bill, "a.pdf"))
    upload(qbo, parts(other, "b.pdf"))
    where = f"AttachableRef.EntityRef.Type = 'bill' and AttachableRef.EntityRef.value = '{bill['Id']}'"
    found = qbo.rows(f"select * from Attachable where {where}")
    assert [row["FileName"] for row in found] == ["a.pdf"]


def test_a_repeated_upload_with_its_requestid_stores_once(qbo: Qbo) -> None:
    bill = qbo.made("Bill", qbo.bill())
    upload(qbo, parts(bill, "a.pdf"), requestid="u1")
    upload(qbo, parts(bill, "a.pdf"), requestid="u1")
    assert len(qbo.state()["attachables"]) == 1


def test_metadata_alone_needs_a_note(qbo: Qbo) -> None:
    assert qbo.refusal("Attachable", {"Category": "Receipt"}) == "6000"
    assert qbo.made("Attachable", {"Note": "see the safe"})["Note"] == "see the safe"


def test_a_file_stays_when_its_bill_is_deleted_and_can_be_deleted_itself(qbo: Qbo) -> None:
    bill = qbo.made("Bill", qbo.bill())
    made = upload(qbo, parts(bill, "a.pdf"))[0]["Attachable"]
    qbo.made("Bill", {"Id": bill["Id"], "SyncToken": "0"}, operation="delete")
    assert len(qbo.state()["attachables"]) == 1
    qbo.made("Attachable", {"Id": made["Id"], "SyncToken": "0"}, operation="delete")
    assert qbo.state()["attachables"] == []


def test_an_upload_that_is_no_form_is_refused(qbo: Qbo) -> None:
    assert qbo.refusal("upload", {"FileName": "a.pdf"}) == "2010"
