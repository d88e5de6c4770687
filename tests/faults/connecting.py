"""Connects a company as a person does in the browser: a program that can be killed and run again.

`python -m tests.faults.connecting PROVIDER COMPANY NAME=VALUE [and-disconnect]`; NAME=VALUE is what is chosen
at the ledger.
"""

from __future__ import annotations

import os
import sys

from console.connecting import connect, disconnect
from settings import read_settings
from tests.console.test_connecting import BACK, agree
from workers.wiring import LEDGERS, Wiring


def main(provider: str, company: str, choice: str, then: str = "") -> None:
    wiring = Wiring(read_settings(os.environ))
    login = LEDGERS[provider].login(wiring)
    name, _, value = choice.partition("=")
    query = agree(login.address(redirect_uri=BACK, state="any"), **{name: value})
    consent = login.consent(redirect_uri=BACK, code=query["code"], query=query)
    connect(wiring.database, wiring.sealer, company, provider=provider, consent=consent, actor="jo")
    if then:
        _, _, tenant_id = choice.partition("=")
        tokens = {"access_token": consent.access_token, "refresh_token": consent.refresh_token}
        login.disconnect(tenant_id=tenant_id, **tokens)
        disconnect(wiring.database, company, actor="jo")


if __name__ == "__main__":
    main(*sys.argv[1:])
