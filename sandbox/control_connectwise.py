"""Control of the pretend ConnectWise: sites, expenses, approval and the delivery of callbacks."""

from __future__ import annotations

import base64
from datetime import date
from typing import Any

from sandbox.connectwise_documents import attach
from sandbox.connectwise_expenses import (
    approved_status,
    create_entry,
    create_report,
    delete_entry,
    edit_entry,
    entries_of,
    move_report,
)
from sandbox.connectwise_listing import visible
from sandbox.connectwise_setup import configure_site
from sandbox.connectwise_site import Site
from sandbox.control_call import Call
from sandbox.web import Json, Reply, Routes, json_reply

routes = Routes()
APPROVER = "approver"
SITE = "/connectwise/{company}"


def counts(site: Site) -> Json:
    """A site in numbers."""
    return {
        "codebase": site.codebase,
        "delivery": {"mode": site.delivery.mode, **site.delivery.waiting()},
        **{name: len(rows) for name, rows in site.tables.items()},
    }


@routes.on("POST", SITE)
def configure(call: Call, company: str) -> Reply:
    """Make or change a site."""
    with call.world.lock:
        return json_reply(_dump(configure_site(call.world, company, call.body())))


@routes.on("GET", SITE)
def dump_site(call: Call, company: str) -> Reply:
    """Everything a site holds."""
    with call.world.lock:
        return json_reply(_dump(call.site(company)))


def _dump(site: Site) -> Json:
    plain = (
        "company",
        "name",
        "public_key",
        "private_key",
        "client_id",
        "codebase",
        "tier1",
        "tier2",
        "currency",
    )
    return {
        **{name: getattr(site, name) for name in plain},
        "delivery": {
            "mode": site.delivery.mode,
            "workers": site.delivery.workers,
            "disable_after": site.disable_after,
            **site.delivery.waiting(),
        },
        **{name: [visible(record) for record in rows.values()] for name, rows in site.tables.items()},
    }


@routes.on("POST", SITE + "/expenses")
def add_expenses(call: Call, company: str) -> Reply:
    """New reports with their entries, submitted unless told otherwise."""
    body = call.body()
    with call.world.lock:
        site = call.site(company)
        made = [_add_report(site, wish, body) for wish in body["reports"]]
    return json_reply({"reports": made}, status=201)


def _add_report(site: Site, wish: Json, body: Json) -> Json:
    silent = bool(body.get("silent", False))
    member = site.named("members", wish["member"], field_name="identifier")
    days = [date.fromisoformat(str(entry["date"])[:10]) for entry in wish["entries"]]
    first, last = site.week_of(min(days)) if days else site.week_of(site.clock.today())
    start = date.fromisoformat(wish["date_start"]) if wish.get("date_start") else first
    end = date.fromisoformat(wish["date_end"]) if wish.get("date_end") else last
    report = create_report(site, member=member, start=start, end=end, year=wish.get("year"))
    entries = [create_entry(site, report, entry, member=member, silent=silent) for entry in wish["entries"]]
    if body.get("submit", True):
        move_report(site, report, "PendingApproval", member=member["identifier"], silent=silent)
    return {"id": report["id"], "entry_ids": [entry["id"] for entry in entries]}


def _reports(site: Site, body: Json) -> list[Json]:
    if body.get("all"):
        return [report for report in site.rows("reports") if entries_of(site, report["id"])]
    reports = []
    for report_id in body["report_ids"]:
        if report_id not in site.tables["reports"]:
            raise LookupError(f"there is no report {report_id}")
        reports.append(site.tables["reports"][report_id])
    return reports


@routes.on("POST", SITE + "/approve")
def approve(call: Call, company: str) -> Reply:
    """Approve reports, by the highest tier unless `tier` is given; `all` leaves approved ones alone."""
    body = call.body()
    with call.world.lock:
        site = call.site(company)
        status = approved_status(site, tier=int(body.get("tier", 2 if site.tier2 else 1)))
        reports = [report for report in _reports(site, body) if report["status"] != status]
        return _moved(site, reports, status, body)


@routes.on("POST", SITE + "/unapprove")
def unapprove(call: Call, company: str) -> Reply:
    """Take an approval back: to PendingApproval unless `status` names another."""
    body = call.body()
    with call.world.lock:
        site = call.site(company)
        return _moved(site, _reports(site, body), str(body.get("status", "PendingApproval")), body)


def _moved(site: Site, reports: list[Json], status: str, body: Json) -> Reply:
    silent, member = bool(body.get("silent", False)), str(body.get("member", APPROVER))
    moved = sum(move_report(site, report, status, member=member, silent=silent) for report in reports)
    return json_reply({"entries": moved})


def _entry(site: Site, body: Json) -> Json:
    entry = site.tables["entries"].get(body["entry_id"])
    if entry is None:
        raise LookupError(f"there is no entry {body['entry_id']}")
    return entry


@routes.on("POST", SITE + "/edit")
def edit(call: Call, company: str) -> Reply:
    """Change fields of one entry, approved or not."""
    body = call.body()
    with call.world.lock:
        site = call.site(company)
        entry = _entry(site, body)
        changes = {n: v for n, v in body.items() if n not in ("entry_id", "silent", "member")}
        member = str(body.get("member", entry["member"]["identifier"]))
        edit_entry(site, entry, changes, member=member, silent=bool(body.get("silent", False)))
        return json_reply(visible(entry))


@routes.on("POST", SITE + "/delete")
def delete(call: Call, company: str) -> Reply:
    """Remove one entry."""
    body = call.body()
    with call.world.lock:
        site = call.site(company)
        entry = _entry(site, body)
        member = str(body.get("member", entry["member"]["identifier"]))
        delete_entry(site, entry, member=member, silent=bool(body.get("silent", False)))
        return json_reply({"deleted": entry["id"]})


@routes.on("POST", SITE + "/documents")
def add_document(call: Call, company: str) -> Reply:
    """Attach a receipt: `content` as Base64, or `size` for made-up bytes; `link` makes it a mere link."""
    body = call.body()
    with call.world.lock:
        site = call.site(company)
        entry = _entry(site, body)
        size = int(body.get("size", 1000))
        made_up = b"%PDF-1.4\n" + b"receipt " * (size // 8 + 1)
        content: Any = base64.b64decode(body["content"]) if "content" in body else made_up[:size]
        link = bool(body.get("link", False))
        made = attach(
            site, entry_id=entry["id"], file_name=str(body["file_name"]), content=content, link=link
        )
        return json_reply(visible(made), status=201)


@routes.on("POST", SITE + "/release")
def release(call: Call, company: str) -> Reply:
    """Send the callbacks that were held."""
    return json_reply({"released": call.site(company).delivery.release()})


@routes.on("GET", SITE + "/deliveries")
def deliveries(call: Call, company: str) -> Reply:
    """Every try to deliver a callback."""
    site = call.site(company)
    return json_reply({"deliveries": list(site.delivery.tries), **site.delivery.waiting()})


@routes.on("POST", SITE + "/wait")
def wait(call: Call, company: str) -> Reply:
    """Return once nothing waits for delivery, or after the time-out (`done` says which)."""
    site = call.site(company)
    done = site.delivery.wait(timeout_seconds=float(call.body().get("timeout_seconds", 30)))
    return json_reply({"done": done, **site.delivery.waiting()})
