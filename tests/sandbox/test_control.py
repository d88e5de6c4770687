"""The control API and the program itself."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from sandbox.server import serve
from tests.sandbox.clients import COMPANY, TENANT, WAIT, ConnectWise, Control, Xero

ROOT = Path(__file__).resolve().parents[2]


def test_the_overview_counts_what_there_is(control: Control) -> None:
    control.expenses({}, {}, silent=True)
    found = control("GET", "/")
    assert found["connectwise"][COMPANY]["entries"] == 2
    assert found["xero"][TENANT]["invoices"] == 0


def test_a_reset_starts_the_world_anew(control: Control) -> None:
    control.expenses({}, silent=True)
    control("POST", "/clock", {"advance_seconds": 1000})
    control("POST", "/reset", {"seed": "empty"})
    assert control("GET", "/")["connectwise"] == {}
    control("POST", "/reset", {"seed": "demo"})
    assert control("GET", "/")["connectwise"][COMPANY]["entries"] == 0


BAD: list[tuple[str, Any, int, str]] = [
    ("/reset", {"seed": "moon"}, 400, "seed moon is unknown"),
    ("/clock", {}, 400, "advance_seconds is missing"),
    ("/clock", {"advance_seconds": -1}, 400, "must not be negative"),
    ("/nowhere", {}, 404, "not a control call"),
    ("/connectwise/nobody/approve", {"all": True}, 404, "no ConnectWise site nobody"),
    (f"/connectwise/{COMPANY}", {"colour": "red"}, 400, "unknown: colour"),
    (f"/connectwise/{COMPANY}", {"delivery": {"mode": "pigeon"}}, 400, "mode must be one of"),
    (f"/connectwise/{COMPANY}/approve", {"report_ids": [9]}, 404, "no report 9"),
    (f"/connectwise/{COMPANY}/edit", {"entry_id": 9}, 404, "no entry 9"),
    ("/xero/organisations", {"limits": {"hour": 1}}, 400, "limit hour is unknown"),
    (
        "/xero/organisations",
        {"accounts": [{"name": "x", "type": "GOLD"}]},
        400,
        "account type GOLD is unknown",
    ),
    ("/xero/grants", {"tenants": ["nobody"]}, 404, "no Xero organisation nobody"),
]


@pytest.mark.parametrize(("path", "body", "status", "words"), BAD, ids=[words for *_, words in BAD])
def test_a_bad_wish_is_answered_in_one_sentence(
    control: Control, path: str, body: Any, status: int, words: str
) -> None:
    assert words in control("POST", path, body, status=status)["error"]


ENTRIES: list[tuple[dict[str, str], str]] = [
    ({"type": "Yacht"}, "types has no 'Yacht'"),
    ({"payment_type": "Gold"}, "paymentTypes has no 'Gold'"),
    ({"amount": "much"}, "'much' is not an amount"),
    ({"status": "Great"}, "status Great is unknown"),
    ({"colour": "red"}, "unknown in an entry: colour"),
]


@pytest.mark.parametrize(("entry", "words"), ENTRIES, ids=[words for _, words in ENTRIES])
def test_a_bad_entry_names_what_is_wrong(control: Control, entry: dict[str, str], words: str) -> None:
    base = {"type": "Meals", "payment_type": "Corporate Amex", "amount": "1", "date": "2026-08-21"}
    wish = {"reports": [{"member": "jdoe", "entries": [{**base, **entry}]}]}
    assert words in control("POST", f"/connectwise/{COMPANY}/expenses", wish, status=400)["error"]


def test_calls_are_counted_by_system_and_cleared(
    control: Control, connectwise: ConnectWise, xero: Xero
) -> None:
    control("DELETE", "/calls")
    connectwise.get("/expense/types")
    xero.get(f"/Contacts/{xero.get('/Contacts')['Contacts'][0]['ContactID']}")
    assert control("GET", "/calls?system=xero")["by"] == {"GET /Contacts": 1, "GET /Contacts/{id}": 1}
    assert control("GET", f"/calls?tenant={COMPANY}")["count"] == 1
    control("DELETE", "/calls")
    assert control("GET", "/calls")["count"] == 0


def test_a_closed_sandbox_answers_nobody_any_more() -> None:
    handle = serve(seed="empty")
    session = requests.Session()
    assert session.get(f"{handle.url}/_sandbox/", timeout=WAIT).ok
    handle.close()
    with pytest.raises(requests.ConnectionError):
        session.get(f"{handle.url}/_sandbox/", timeout=WAIT)


def test_half_a_request_is_none(control: Control, xero: Xero) -> None:
    host, port = urlsplit(control.url).netloc.split(":")
    token = str(xero.session.headers["Authorization"])
    head = f"PUT /api.xro/2.0/Contacts HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
    head += f"xero-tenant-id: {TENANT}\r\nAccept: application/json\r\nContent-Length: 99\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=WAIT) as connection:
        connection.sendall(head.encode() + b'{"Contacts":[{"Name":"Half"}]}')
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert control("GET", "/calls?system=xero")["count"] == 0
    assert len(xero.get("/Contacts")["Contacts"]) == 1


def test_fifty_connections_at_once_are_served(control: Control) -> None:
    statuses: list[int] = []

    def ask() -> None:
        with requests.Session() as session:
            for _ in range(4):
                statuses.append(
                    session.get(f"{control.url}/login/companyinfo/{COMPANY}", timeout=WAIT).status_code
                )

    threads = [threading.Thread(target=ask) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 200


def test_the_program_says_where_it_is_and_ends_on_sigterm() -> None:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--seed", "empty"]
    program = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert program.stdout is not None
        url = re.findall(r"http://[\d.:]+", program.stdout.readline())[0]
        assert requests.get(f"{url}/_sandbox/", timeout=WAIT).json()["connectwise"] == {}
        os.kill(program.pid, signal.SIGTERM)
        assert program.wait(timeout=WAIT) == 0
    finally:
        program.kill()
        program.wait()
