"""Receipts follow the posted bill: checked, counted, each exactly once, and never in the bill's way."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from models import states
from models.expense import Document, Expense
from providers.connectwise import ConnectWise
from tests.journey.conftest import TENANT, Journey
from tests.journey.hands import SITE
from workers.receipts import Receipts, file_name

PDF = b"%PDF-1.4 a receipt"


def give(journey: Journey, entry_id: int, name: str, content: bytes = PDF, **fields: str) -> None:
    """Attaches a file to the entry in ConnectWise."""
    answer = journey.http.post(
        f"{journey.url}/v2026_1/apis/3.0/system/documents",
        data={"recordType": "Expense", "recordId": str(entry_id), "title": name, **fields},
        files={"file": (name, content, "application/pdf")} if content else None,
        auth=("acme_f+sandboxPublic", "sandboxPrivate"),
        headers={"clientId": "00000000-0000-4000-8000-000000000001"},
        timeout=10,
    )
    assert answer.status_code in (200, 201), answer.text


def file_receipts(journey: Journey) -> None:
    with journey.database.write() as session:
        now = journey.database.now(session)
        session.execute(
            update(Expense).where(Expense.receipts_due_at.is_not(None)).values(receipts_due_at=now)
        )
    Receipts(journey.wiring.work("acme")).run()


def filed(journey: Journey) -> list[dict[str, Any]]:
    """The files that Xero holds."""
    held = journey.control("GET", f"/xero/{TENANT}/state")["attachments"]
    return [a for files in held.values() for a in files] if isinstance(held, dict) else held


def receipts(journey: Journey, entry_id: int) -> list[Document]:
    return [d for d in journey.documents(entry_id) if d.kind == "receipt"]


def test_two_receipts_are_filed_at_the_posted_bill(journey: Journey) -> None:
    [entry_id] = journey.add({})
    give(journey, entry_id, "taxi receipt.pdf")
    give(journey, entry_id, "menu.pdf", b"%PDF-1.4 lunch")
    journey.post()
    file_receipts(journey)
    assert [r.state for r in receipts(journey, entry_id)] == [states.POSTED, states.POSTED]
    names = sorted(f["FileName"] for f in filed(journey))
    assert [name.startswith(f"CW-{entry_id}-") for name in names] == [True, True]
    assert journey.expense(entry_id).state == states.DONE


def test_looking_again_files_only_what_came_late(journey: Journey) -> None:
    [entry_id] = journey.add({})
    give(journey, entry_id, "first.pdf")
    journey.post()
    file_receipts(journey)
    give(journey, entry_id, "late.pdf")
    file_receipts(journey)
    assert len(filed(journey)) == 2


@pytest.mark.parametrize("kind", ["lose_answer", "refuse"])
def test_a_lost_answer_files_a_receipt_once(journey: Journey, kind: str) -> None:
    [entry_id] = journey.add({})
    give(journey, entry_id, "a.pdf")
    journey.post()
    journey.fault(system="xero", method="PUT", path="/Attachments", kind=kind, times=1)
    file_receipts(journey)
    assert [r.state for r in receipts(journey, entry_id)] == [states.UNCERTAIN]
    file_receipts(journey)
    assert [r.state for r in receipts(journey, entry_id)] == [states.POSTED]
    assert len(filed(journey)) == 1


def test_receipts_survive_a_day_in_which_connectwise_does_not_give_them(journey: Journey) -> None:
    [entry_id] = journey.add({})
    give(journey, entry_id, "a.pdf")
    journey.post()
    journey.fault(system="connectwise", method="GET", path="/system/documents", kind="status", status=503)
    for _ in range(10):
        file_receipts(journey)
    due = journey.expense(entry_id).receipts_due_at
    assert due is not None
    journey.control("DELETE", "/faults")
    file_receipts(journey)
    assert len(filed(journey)) == 1


@pytest.mark.one_database
def test_a_bug_at_one_receipt_does_not_keep_the_others_waiting(
    journey: Journey, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd, plain = journey.add({}, {})
    give(journey, plain, "a.pdf")
    journey.post()
    documents = ConnectWise.documents

    def listed(self: ConnectWise, entry_id: int) -> list[dict[str, Any]]:
        return [{"title": "no id"}] if entry_id == odd else documents(self, entry_id)

    monkeypatch.setattr(ConnectWise, "documents", listed)
    with pytest.raises(KeyError):
        file_receipts(journey)
    assert [r.state for r in receipts(journey, plain)] == [states.POSTED]
    assert journey.expense(odd).receipts_due_at is not None


def test_an_eleventh_file_is_named_and_left_out(journey: Journey) -> None:
    [entry_id] = journey.add({})
    for number in range(11):
        give(journey, entry_id, f"{number}.pdf")
    journey.post()
    file_receipts(journey)
    said = [r.words for r in receipts(journey, entry_id) if r.state == states.FAILED]
    assert len(filed(journey)) == 10
    assert said == ["The ledger takes 10 files per document; this one is over that."]


def attach(journey: Journey, entry_id: int, file_name: str, **more: Any) -> None:
    """A receipt of whatever kind: `size` for made-up bytes, `link` for a mere link."""
    body = {"entry_id": entry_id, "file_name": file_name} | more
    journey.control("POST", f"{SITE}/documents", body)


@pytest.mark.parametrize(
    ("receipt", "words"),
    [({"size": 30_000_000}, "larger than 10 MB"), ({"link": True}, "It is a link, not a file")],
    ids=["30 MB", "a link"],
)
def test_what_can_not_be_filed_is_named_and_the_rest_is_filed(
    journey: Journey, receipt: dict[str, Any], words: str
) -> None:
    [entry_id] = journey.add({})
    attach(journey, entry_id, "odd.pdf", **receipt)
    attach(journey, entry_id, "taxi.pdf", size=2000)
    journey.post()
    journey.assert_posted_once(entry_id)
    file_receipts(journey)
    assert [r.state for r in receipts(journey, entry_id)] == [states.FAILED, states.POSTED]
    assert words in (receipts(journey, entry_id)[0].words or "")
    assert len(filed(journey)) == 1


def test_a_receipt_that_connectwise_lists_and_does_not_have_is_named(journey: Journey) -> None:
    [entry_id] = journey.add({})
    attach(journey, entry_id, "gone.pdf", size=2000)
    attach(journey, entry_id, "taxi.pdf", size=2000)
    journey.post()
    journey.fault(system="connectwise", method="GET", path="/download", kind="status", status=404, times=1)
    file_receipts(journey)
    assert [r.state for r in receipts(journey, entry_id)] == [states.FAILED, states.POSTED]
    assert "404" in (receipts(journey, entry_id)[0].words or "")
    journey.assert_posted_once(entry_id)


def test_an_error_page_is_never_filed_as_the_receipt(journey: Journey) -> None:
    [entry_id] = journey.add({})
    give(journey, entry_id, "a.pdf")
    journey.post()
    journey.fault(
        system="connectwise",
        method="GET",
        path="/download",
        kind="status",
        status=200,
        headers={"Content-Type": "text/html"},
        body="<html>Sign in</html>",
        times=1,
    )
    file_receipts(journey)
    assert filed(journey) == []
    assert [r.state for r in receipts(journey, entry_id)] == [states.FAILED]


def test_receipts_switched_off_are_not_looked_for(journey: Journey) -> None:
    journey.change_file(lambda text: text.replace("attach_receipts = true", "attach_receipts = false"))
    [entry_id] = journey.add({})
    give(journey, entry_id, "a.pdf")
    journey.post()
    assert journey.expense(entry_id).receipts_due_at is None


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "CW-1-7-passwd"),
        ("taxi receipt (1).PDF", "CW-1-7-taxi-receipt-1.PDF"),
        ("C:\\x\\a:b?.jpg", "CW-1-7-a-b.jpg"),
        ("", "CW-1-7-receipt"),
        ("日本.png", "CW-1-7-receipt.png"),
    ],
)
def test_a_file_name_is_made_harmless(given: str, name: str) -> None:
    assert file_name("CW-1/7", {"fileName": given}) == name
