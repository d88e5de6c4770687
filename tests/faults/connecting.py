"""Connects a company as a person does in the browser: a program that can be killed and run again.

`python -m tests.faults.connecting PROVIDER COMPANY NAME=VALUE`; the last is what is chosen at the ledger.
"""

from __future__ import annotations

import os
import sys

from console.connecting import connect
from settings import read_settings
from tests.console.test_connecting import BACK, agree
from workers.wiring import LEDGERS, Wiring


def main(provider: str, company: str, choice: str) -> None:
    wiring = Wiring(read_settings(os.environ))
    login = LEDGERS[provider].login(wiring)
    name, _, value = choice.partition("=")
    query = agree(login.address(redirect_uri=BACK, state="any"), **{name: value})
    consent = login.consent(redirect_uri=BACK, code=query["code"], query=query)
    connect(wiring.database, wiring.sealer, company, provider=provider, consent=consent, actor="jo")


if __name__ == "__main__":
    main(*sys.argv[1:])
