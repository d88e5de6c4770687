"""Control of the pretend bank feed, the same for a Xero organisation and a QuickBooks company."""

from __future__ import annotations

from sandbox import bank, qbo_bank
from sandbox.control_call import Call
from sandbox.web import Json, Reply, Routes, json_reply

routes = Routes()


def _lines(call: Call, tenant: str) -> list[Json]:
    if tenant in call.world.qbo_companies:
        return qbo_bank.report(call.company(tenant))
    return bank.report(call.organisation(tenant))


@routes.on("POST", "/bank/{tenant}/lines")
def add_lines(call: Call, tenant: str) -> Reply:
    """New statement lines."""
    with call.world.lock:
        rows = call.body()["lines"]
        if tenant in call.world.qbo_companies:
            qbo_bank.add_lines(call.company(tenant), rows)
        else:
            bank.add_lines(call.organisation(tenant), rows)
        return json_reply({"lines": _lines(call, tenant)}, status=201)


@routes.on("GET", "/bank/{tenant}")
def report(call: Call, tenant: str) -> Reply:
    """Each statement line and what the ledger would match it with."""
    with call.world.lock:
        return json_reply({"lines": _lines(call, tenant)})


@routes.on("POST", "/bank/{tenant}/reconcile")
def reconcile(call: Call, tenant: str) -> Reply:
    """Accept every unambiguous match."""
    with call.world.lock:
        if tenant in call.world.qbo_companies:
            accepted = qbo_bank.reconcile(call.company(tenant))
        else:
            accepted = bank.reconcile(call.organisation(tenant))
        return json_reply({"reconciled": accepted, "lines": _lines(call, tenant)})
