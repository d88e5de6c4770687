"""A plain client of QuickBooks Online for the tests; it holds every body to Intuit's schema."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import requests
from openapi_schema_validator import OAS31Validator

from tests.sandbox.clients import WAIT, Control
from tests.sandbox.oracles import DATA

REALM = "9341453000000001"
CLIENT = ("sandbox-qbo-client", "sandbox-qbo-secret")
REFRESH = "sandbox-qbo-refresh-token"
SCHEMA = DATA / "qbo" / "schema.json"
NO_LIMITS = {"minute": None, "second": None, "batches": None}
# Output that Intuit shows and its schema does not know.
UNKNOWN = ("SupportedLanguages",)


@functools.cache
def _validator(name: str) -> OAS31Validator:
    schema = json.loads(SCHEMA.read_text())
    return OAS31Validator({"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]})


def schema_faults(name: str, body: Any) -> list[str]:
    """What Intuit's schema has against an object; empty when it fits, or when the schema is not at hand."""
    if not SCHEMA.exists():
        return []
    found = _validator(name).iter_errors(body)
    return [
        f"{'/'.join(map(str, error.path))}: {error.message[:200]}"
        for error in found
        if not any(word in error.message for word in UNKNOWN)
    ]


def set_up(control: Control, **settings: Any) -> Any:
    """Make or change a company; the demo one unless another realm is named."""
    return control("POST", "/qbo/companies", {"realm_id": REALM, "limits": NO_LIMITS, **settings})


def tokens(url: str, refresh: str = REFRESH, **headers: str) -> requests.Response:
    form = {"grant_type": "refresh_token", "refresh_token": refresh}
    address = f"{url}/oauth2/v1/tokens/bearer"
    return requests.post(address, data=form, auth=CLIENT, headers=headers, timeout=WAIT)


@dataclass
class Qbo:
    """One company's accounting API."""

    url: str
    control: Control
    token: str
    realm: str = REALM
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.headers.update({"Authorization": f"Bearer {self.token}", "Accept": "application/json"})
        self.accounts = {row["Name"]: row["Id"] for row in self.rows("select * from Account maxresults 1000")}
        self.codes = {row["Name"]: row["Id"] for row in self.rows("select * from TaxCode")}
        self.rates = {row["Description"]: row["Id"] for row in self.rows("select * from TaxRate")}
        self.vendors = {row["DisplayName"]: row["Id"] for row in self.rows("select * from Vendor")}

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        address = f"{self.url}/v3/company/{self.realm}{path}"
        reply = self.session.request(method, address, timeout=WAIT, **more)
        if reply.status_code in (200, 400):
            assert schema_faults("IntuitResponse", reply.json()) == []
        return reply

    def post(self, kind: str, body: Any, **query: str) -> requests.Response:
        return self.call("POST", f"/{kind.lower()}", json=body, params={"minorversion": "75", **query})

    def made(self, kind: str, body: Any, **query: str) -> Any:
        """What was made; the body must fit Intuit's closed schema."""
        assert schema_faults(kind, body) == []
        reply = self.post(kind, body, **query)
        assert reply.status_code == 200, reply.text
        return reply.json()[kind]

    def refusal(self, kind: str, body: Any, **query: str) -> str:
        """The code of the fault with which it was refused."""
        reply = self.post(kind, body, **query)
        assert reply.status_code == 400, reply.text
        return str(reply.json()["Fault"]["Error"][0]["code"])

    def read(self, kind: str, identity: str) -> Any:
        return self.call("GET", f"/{kind.lower()}/{identity}").json()[kind]

    def query(self, statement: str) -> requests.Response:
        return self.call(
            "POST", "/query", data=statement.encode(), headers={"Content-Type": "application/text"}
        )

    def rows(self, statement: str) -> Any:
        answer = self.query(statement).json()["QueryResponse"]
        return next((value for value in answer.values() if isinstance(value, list)), [])

    def query_fault(self, statement: str) -> str:
        return str(self.query(statement).json()["Fault"]["Error"][0]["code"])

    def batch(self, *items: Any, **query: str) -> Any:
        return self.post("batch", {"BatchItemRequest": list(items)}, **query).json()["BatchItemResponse"]

    def balances(self) -> dict[str, Decimal]:
        found = self.control("GET", f"/qbo/{self.realm}/balances")
        return {name: Decimal(amount) for name, amount in found.items()}

    def state(self) -> Any:
        return self.control("GET", f"/qbo/{self.realm}/state")

    def line(
        self, amount: float = 100, account: str = "Travel", code: str | None = "GST", **more: Any
    ) -> dict[str, Any]:
        detail = {"AccountRef": {"value": self.accounts[account]}, **more}
        if code:
            detail["TaxCodeRef"] = {"value": self.codes[code]}
        kind = "AccountBasedExpenseLineDetail"
        return {"Amount": amount, "DetailType": kind, "Description": "Taxi", kind: detail}

    def bill(self, *lines: Any, **more: Any) -> dict[str, Any]:
        """A bill of 110.00: 100.00 and tax on top."""
        return {
            "VendorRef": {"value": self.vendors["Jo Doe"]},
            "TxnDate": "2026-08-21",
            "DocNumber": "CW-4701",
            "GlobalTaxCalculation": "TaxExcluded",
            "Line": list(lines) or [self.line()],
            **more,
        }

    def payment(self, *links: tuple[str, str, float], total: float, **more: Any) -> dict[str, Any]:
        """A cheque for these (type, id, amount)."""
        return {
            "VendorRef": {"value": self.vendors["Jo Doe"]},
            "TxnDate": "2026-08-21",
            "TotalAmt": total,
            "PayType": "Check",
            "CheckPayment": {"BankAccountRef": {"value": self.accounts["Business Cheque"]}},
            "Line": [
                {"Amount": amount, "LinkedTxn": [{"TxnId": identity, "TxnType": kind}]}
                for kind, identity, amount in links
            ],
            **more,
        }

    def journal(
        self, amount: float = 110, credit: str = "Unclaimed expenses", **entity: Any
    ) -> dict[str, Any]:
        """Debit A/P with the vendor, credit another account."""
        vendor = {"Type": "Vendor", "EntityRef": {"value": self.vendors["Jo Doe"]}}
        kind = "JournalEntryLineDetail"
        debit = {
            "PostingType": "Debit",
            "AccountRef": {"value": self.accounts["Accounts Payable (A/P)"]},
            **({"Entity": vendor} if not entity else {}),
        }
        other = {"PostingType": "Credit", "AccountRef": {"value": self.accounts[credit]}}
        return {
            "TxnDate": "2026-08-21",
            "Line": [{"Amount": amount, "DetailType": kind, kind: detail} for detail in (debit, other)],
        }


def connect(control: Control, *, realm: str = REALM, **settings: Any) -> Qbo:
    """A client of a company without limits, set up as wished."""
    set_up(control, realm_id=realm, **settings)
    token = control("POST", "/qbo/grants", {"realm_id": realm})["access_token"]
    return Qbo(control.url, control, token, realm)
