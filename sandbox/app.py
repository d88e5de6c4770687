"""Which system is meant, what it answers, and the journal entry about it."""

from __future__ import annotations

import time
from collections.abc import Callable

from sandbox import connectwise, control, qbo, qbo_identity, seeds, xero, xero_identity
from sandbox.faults import Fault, perform
from sandbox.journal import Call
from sandbox.store import World
from sandbox.web import Refused, Reply, Request, text_reply

IDENTITY_PATHS = ("/connect/", "/identity/connect/", "/connections")


def system_of(path: str) -> str:
    """The pretend system a path belongs to: control, xero, qbo, identity, key, connectwise or nothing."""
    if path.startswith("/_sandbox"):
        return "control"
    if path.startswith("/api.xro/"):
        return "xero"
    if path.startswith(qbo.BASE):
        return "qbo"
    if path.startswith((*IDENTITY_PATHS, *qbo_identity.PATHS)):
        return "identity"
    if "/system/callbackkey/" in path:
        return "key"
    if path.startswith("/login/companyinfo/") or "apis/3.0/" in path:
        return "connectwise"
    return "nothing"


class App:
    """All systems on one origin."""

    def __init__(self) -> None:
        self.world = World(origin="")

    def start(self, *, origin: str, seed: str) -> None:
        """Begin with the named seed; raises ValueError for an unknown one."""
        self.world.origin = origin
        seeds.plant(self.world, seed=seed)

    def close(self) -> None:
        """End background work."""
        self.world.close()

    def answer(self, request: Request) -> Reply:
        """The reply to one request, whatever happens to it on the way."""
        system = system_of(request.path)
        if system == "control":
            return control.answer(self, request)
        if system == "nothing":
            return text_reply("Nothing lives at this address of the sandbox; see /_sandbox/", status=404)
        return self._journalled(request, system=system)

    def _journalled(self, request: Request, *, system: str) -> Reply:
        world = self.world
        tenant = self._tenant_of(request, system=system)
        place = f"{system}/{tenant}"
        started = time.perf_counter()
        with world.lock:
            in_flight = world.in_flight[place] = world.in_flight.get(place, 0) + 1
        status = 500
        try:
            reply = self._perform(request, system=system, tenant=tenant)
            status = 0 if reply.cut else reply.status
            return reply
        finally:
            with world.lock:
                world.in_flight[place] -= 1
            world.journal.add(
                Call(
                    at=world.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                    system=system,
                    tenant=tenant,
                    method=request.method,
                    path=request.path.removeprefix(xero.BASE).removeprefix(f"{qbo.BASE}{tenant}"),
                    query=request.raw_query,
                    status=status,
                    idempotency_key=request.headers.get("idempotency-key") or request.query.get("requestid"),
                    replayed=bool(request.notes.get("replayed")),
                    in_flight=in_flight,
                    fault=request.notes.get("fault"),
                    ms=round((time.perf_counter() - started) * 1000, 2),
                )
            )

    def _perform(self, request: Request, *, system: str, tenant: str | None) -> Reply:
        def fault() -> Fault | None:
            taken = self.world.faults.take(
                system=system,
                tenant=tenant,
                method=request.method,
                path=f"{request.path}?{request.raw_query}",
            )
            if taken is not None:
                request.notes["fault"] = f"{taken.id} {taken.kind}"
            return taken

        try:
            if system == "xero":
                return xero.answer(self.world, request, take_fault=fault)
            if system == "qbo":
                return qbo.answer(self.world, request, take_fault=fault)
            return perform(fault(), lambda: self._locked(request, system=system))
        except Refused as refused:
            return refused.reply

    def _locked(self, request: Request, *, system: str) -> Reply:
        answers: dict[str, Callable[[World, Request], Reply]] = {
            "connectwise": connectwise.answer,
            "key": connectwise.answer_key,
            "identity": qbo_identity.answer
            if request.path.startswith(qbo_identity.PATHS)
            else xero_identity.answer,
        }
        with self.world.lock:
            return answers[system](self.world, request)

    def _tenant_of(self, request: Request, *, system: str) -> str | None:
        if system == "xero":
            return request.headers.get("xero-tenant-id")
        if system == "qbo":
            return qbo.realm_of(request)
        if system == "connectwise":
            return connectwise.company_of(request)
        if system == "key":
            return request.query.get("companyName")
        return None
