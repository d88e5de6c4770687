"""Plain HTTP clients for the tests: they know the vendors' wires, and nothing of the sandbox's inside."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import requests

from tests.sandbox import oracles

TENANT = "11111111-2222-4333-8444-555555555555"
CLIENT = ("sandbox-client", "sandbox-secret")
REFRESH = "sandbox-refresh-token"
COMPANY = "acme_f"
WAIT = 10
WINDOW_SECOND = 17  # where the minute windows of an organisation start


@dataclass
class Control:
    """The control API."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)

    def __call__(self, method: str, path: str, body: Any = None, *, status: int | None = None) -> Any:
        """The JSON answer; any 2xx unless another status is expected."""
        reply = self.session.request(method, f"{self.url}/_sandbox{path}", json=body, timeout=WAIT)
        assert reply.status_code == status if status else reply.ok, reply.text
        return reply.json()

    def organisation(self, **settings: Any) -> Any:
        return self("POST", "/xero/organisations", {"tenant_id": TENANT, **settings})

    def site(self, **settings: Any) -> Any:
        return self("POST", f"/connectwise/{COMPANY}", settings)

    def fault(self, kind: str, **more: Any) -> Any:
        return self("POST", "/faults", {"system": "xero", "kind": kind, **more})

    def fresh_minute(self) -> None:
        """Go to the start of a minute window, so that none ends in the middle of a test."""
        second = datetime.fromisoformat(self("GET", "/")["now"].replace("Z", "+00:00")).timestamp() % 60
        self("POST", "/clock", {"advance_seconds": (WINDOW_SECOND + 1 - second) % 60})

    def state(self) -> Any:
        return self("GET", f"/xero/{TENANT}/state")

    def balances(self) -> dict[str, Decimal]:
        found = self("GET", f"/xero/{TENANT}/balances")
        return {code: Decimal(amount) for code, amount in found.items()}

    def expenses(self, *entries: Any, member: str = "jdoe", **more: Any) -> Any:
        """One report; the answer's `id` and `entry_ids`."""
        body = {"reports": [{"member": member, "entries": [{**ENTRY, **entry} for entry in entries]}], **more}
        return self("POST", f"/connectwise/{COMPANY}/expenses", body)["reports"][0]

    def approve(self, **more: Any) -> Any:
        return self("POST", f"/connectwise/{COMPANY}/approve", {"all": True, **more})

    def delivered(self) -> Any:
        """Every try, once nothing waits any more."""
        assert self("POST", f"/connectwise/{COMPANY}/wait", {"timeout_seconds": WAIT})["done"]
        return self("GET", f"/connectwise/{COMPANY}/deliveries")["deliveries"]


ENTRY = {"type": "Meals", "payment_type": "Corporate Amex", "amount": "120.50", "date": "2026-08-21"}


class Xero:
    """The accounting API; every JSON reply is compared with Xero's OpenAPI document when that is at hand."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        form = {"grant_type": "refresh_token", "refresh_token": REFRESH}
        self.tokens = requests.post(f"{url}/connect/token", data=form, auth=CLIENT, timeout=WAIT).json()
        self.session.headers.update(
            {
                "Authorization": f"Bearer {self.tokens['access_token']}",
                "xero-tenant-id": TENANT,
                "Accept": "application/json",
            }
        )

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        reply = self.session.request(method, f"{self.url}/api.xro/2.0{path}", timeout=WAIT, **more)
        checked = oracles.XERO_SPEC.exists() and "json" in reply.headers.get("Content-Type", "")
        if checked and reply.status_code in (200, 400):
            path = path.partition("?")[0]
            assert not oracles.xero_faults(
                method=method, path=path, status=reply.status_code, body=reply.json()
            )
        return reply

    def get(self, path: str, **query: Any) -> Any:
        reply = self.call("GET", path, params=query)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def put(
        self, name: str, *rows: Any, summarize: bool = False, key: str | None = None
    ) -> requests.Response:
        return self._send("PUT", name, rows, summarize, key)

    def post(
        self, name: str, *rows: Any, summarize: bool = False, key: str | None = None
    ) -> requests.Response:
        return self._send("POST", name, rows, summarize, key)

    def _send(self, method: str, name: str, rows: Any, summarize: bool, key: str | None) -> requests.Response:
        headers = {"Idempotency-Key": key} if key else {}
        query = {"summarizeErrors": "true" if summarize else "false"}
        envelope = name.split("/")[0] if "Allocations" not in name else "Allocations"
        return self.call(method, f"/{name}", params=query, headers=headers, json={envelope: list(rows)})

    def made(self, name: str, row: Any) -> Any:
        """The one element that was created from the row."""
        element = self.put(name, row).json()[name][0]
        assert element["StatusAttributeString"] == "OK", element
        return element

    def refusal(self, name: str, row: Any) -> str:
        """The words with which the row was refused."""
        element = self.put(name, row).json()[name][0]
        assert element["StatusAttributeString"] == "ERROR", element
        return " | ".join(error["Message"] for error in element["ValidationErrors"])

    def account(self, name: str) -> Any:
        return next(a for a in self.get("/Accounts")["Accounts"] if a["Name"] == name)


def line(**more: Any) -> dict[str, Any]:
    """One line of 120.50 for meals."""
    return {"Description": "Lunch", "Quantity": 1, "UnitAmount": 120.5, "AccountCode": "420", **more}


def bill(**more: Any) -> dict[str, Any]:
    """An approved bill of 120.50 including tax."""
    return {
        "Type": "ACCPAY",
        "Contact": {"Name": "Jo Doe"},
        "Date": "2026-08-21",
        "DueDate": "2026-08-21",
        "InvoiceNumber": "CW-4701",
        "LineAmountTypes": "Inclusive",
        "Status": "AUTHORISED",
        "LineItems": [line(TaxType="INPUT")],
        **more,
    }


def payment(invoice: Any, **more: Any) -> dict[str, Any]:
    """A payment of the whole bill from the business account."""
    return {
        "Invoice": {"InvoiceID": invoice["InvoiceID"]},
        "Account": {"Code": "090"},
        "Date": "2026-08-21",
        "Amount": 120.5,
        "Reference": "CW-4701",
        **more,
    }


class ConnectWise(requests.Session):
    """A ConnectWise API member of the demo site."""

    def __init__(self, url: str, *, codebase: str = "v2026_1") -> None:
        super().__init__()
        self.base = f"{url}/{codebase}/apis/3.0"
        self.auth = (f"{COMPANY}+sandboxPublic", "sandboxPrivate")
        self.headers["clientId"] = "00000000-0000-4000-8000-000000000001"

    def request(self, method: Any, url: Any, *args: Any, **more: Any) -> requests.Response:
        url = url if str(url).startswith("http") else self.base + str(url)
        more["timeout"] = WAIT
        return super().request(method, url, *args, **more)

    def listed(self, path: str, **query: Any) -> Any:
        reply = self.get(path, params=query)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def register(self, url: str, **more: Any) -> Any:
        body = {"url": url, "objectId": 1, "type": "expense", "level": "owner", "description": "test", **more}
        reply = self.post("/system/callbacks", json=body)
        assert reply.status_code == 201, reply.text
        return reply.json()


@dataclass
class Received:
    """One callback as it arrived."""

    path: str
    body: bytes
    signature: str


class Receiver:
    """An endpoint for callbacks; `answer` decides the status of each."""

    def __init__(self, answer: Callable[[Received], int] = lambda _: 202) -> None:
        self.received: list[Received] = []
        receiver = self

        class _Endpoint(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                one = Received(self.path, body, self.headers["x-content-signature"])
                receiver.received.append(one)
                self.send_response(answer(one))
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Endpoint)
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/cb?recordId="

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
