"""The jobs that RQ may run, and nothing else (see RegisteredJob).

Keyword-only, and `**_newer` swallows what a newer version of us adds, so that old queued jobs meet new code.
"""

from __future__ import annotations

from typing import Any

from workers.posting import Posting
from workers.queues import ATTACH_RECEIPTS, CARE_FOR_COMPANY, SWEEP_COMPANY
from workers.receipts import Receipts
from workers.sweep import care, sweep
from workers.wiring import at_work, on_watch


def post_expenses(*, company: str, **_newer: Any) -> None:
    """Posts what is due for this company, and rings again when there is more."""
    with at_work(company) as (wiring, work):
        posting = Posting(work)
        try:
            more = posting.run()
        finally:
            if posting.has_receipts:
                wiring.bell.ring(company, job=ATTACH_RECEIPTS)
        if more:
            wiring.bell.ring(company)


def attach_receipts(*, company: str, **_newer: Any) -> None:
    """Files the receipts of what was posted, and rings again when there are more."""
    with at_work(company, job=ATTACH_RECEIPTS) as (wiring, work):
        if Receipts(work).run():
            wiring.bell.ring(company, job=ATTACH_RECEIPTS)


def sweep_company(*, company: str, **_newer: Any) -> None:
    """Finds what callbacks missed, and what changed after posting."""
    with at_work(company, job=SWEEP_COMPANY) as (wiring, work):
        if sweep(work):
            wiring.bell.ring(company)


def care_for_company(*, company: str, **_newer: Any) -> None:
    """Keeps the connection, the reference data and the callback of a company in order."""
    with at_work(company, job=CARE_FOR_COMPANY) as (wiring, work):
        care(work, callback_url=wiring.callback_url(company))


def look_for_alerts(**_newer: Any) -> None:
    """Looks at all companies for what people should hear of, and tells them."""
    with on_watch() as wiring:
        wiring.alerts().run()
