"""One call to the pretend QuickBooks accounting API, and how its body is read and answered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.qbo_company import Company
from sandbox.qbo_wire import Fault, instant
from sandbox.web import Json, Reply, Request, json_reply


@dataclass
class Call:
    """A request to one company at one instant."""

    company: Company
    request: Request
    now: datetime

    def ok(self, body: Json) -> Reply:
        """200 with the server's time beside the answer."""
        return json_reply({**body, "time": instant(self.now)})

    def body(self) -> Any:
        """The request's JSON; raises Fault when it is none, and error 500 for bytes that are not UTF-8."""
        try:
            return self.request.json()
        except UnicodeDecodeError:
            text = "An application error has occurred while processing your request"
            raise Fault("10000", text, "The body is not UTF-8", kind="SystemFault", status=500) from None
        except ValueError:
            detail = "The body is not JSON"
            raise Fault("2010", "Request has invalid or unsupported property", detail) from None
