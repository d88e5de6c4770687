"""Alerts: what is told to whom, once while it lasts and once when it is over; to real servers on loopback."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from redis import Redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import select, update

from errors import Retryable
from models import states
from models.alert import Alert, Notice
from models.alerts import list_open, take_due
from models.company import Company, Connection
from models.database import Database
from models.expense import Expense
from models.inbox import store_messages
from models.troubles import find_matters
from models.users import add_user, disable_user
from providers.http import make_session
from providers.mail import send_mail
from settings import Settings
from tests.world import NOON, message
from workers import wiring
from workers.alert_channels import senders
from workers.alerts import Alerts
from workers.clock import Clock
from workers.queue_worker import QueueWorker
from workers.queues import POST, RECEIPTS, RegisteredJob, count_workers, enqueue, queue, redis_client

SECRET = "hunter-two-secret"


class Mailbox:
    """Takes every mail."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], Message]] = []
        self.logins: list[Any] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        self.mails.append((list(envelope.rcpt_tos), message_from_bytes(envelope.content or b"")))  # type: ignore[arg-type]
        return "250 taken"

    def log_in(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        self.logins.append(data)
        return AuthResult(success=True)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def smtp_url(mailbox: Mailbox) -> Iterator[str]:
    """A mail server without encryption."""
    server = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    server.start()
    yield f"smtp://127.0.0.1:{server.port}"
    server.stop()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, Any]], list[int]]]:
    """A webhook: its address, what it was sent, and the statuses that it answers next (200 after them)."""
    bodies: list[dict[str, Any]] = []
    statuses: list[int] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(statuses.pop(0) if statuses else 200)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/{SECRET}", bodies, statuses
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def redis(redis_url: str) -> Redis:
    return redis_client(redis_url, fail_fast=True)


@pytest.fixture
def alerts(database: Database, redis: Redis) -> Callable[..., Alerts]:
    def make(*, smtp_url: str | None = None, webhook_url: str | None = None) -> Alerts:
        channels = senders(
            make_session(),
            smtp_url=smtp_url,
            alert_from="relay@example.com",
            webhook_url=webhook_url,
            public_url="https://relay.example.com",
        )
        return Alerts(database, redis, senders=channels, schedule=(30, 120))

    return make


@pytest.fixture
def stuck(database: Database, company: Company) -> None:
    """Two expenses behind one cause, and people of every role."""
    with database.write() as session:
        for number in (1, 2):
            session.add(
                Expense(company_id=company.id, entry_id=number, state=states.NEEDS_ATTENTION,
                        cause="account_unknown", to_do="Name another account.", created_at=NOON,
                        updated_at=NOON)
            )  # fmt: skip
        for role, keys in (("admin", []), ("operator", ["acme"]), ("viewer", ["acme"]), ("operator", [])):
            add_user(
                session, f"{role}{len(keys)}@example.com", role=role, companies=keys, password=None,
                actor="the tests", now=NOON,
            )  # fmt: skip
        disable_user(session, "operator0@example.com", actor="the tests", now=NOON)


def solve(database: Database) -> None:
    with database.write() as session:
        session.execute(update(Expense).values(state=states.DONE, cause=None))


def hurry(database: Database) -> None:
    """Time passes for what is to be sent again."""
    with database.write() as session:
        session.execute(update(Notice).where(Notice.due_at.is_not(None)).values(due_at=NOON))


def test_a_new_cause_is_told_once_and_once_that_it_is_over(
    database: Database, stuck: None, alerts: Callable[..., Alerts], mailbox: Mailbox, smtp_url: str, hook: Any
) -> None:
    address, bodies, _ = hook
    watch = alerts(smtp_url=smtp_url, webhook_url=address)
    for _ in range(3):
        watch.run()
    [(people, mail)] = mailbox.mails
    assert sorted(people) == ["admin0@example.com", "operator1@example.com"]
    assert "admin0" not in str(mail["To"]) and mail["Subject"] == "Expense Relay, Acme MSP: new cause"
    text = mail.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert "2 expenses wait" in text and "https://relay.example.com/companies/acme" in text
    [told] = bodies[0]["alerts"]
    assert (told["kind"], told["subject"], told["company"], told["over"]) == (
        "new_cause",
        "account_unknown",
        "acme",
        False,
    )
    solve(database)
    for _ in range(2):
        watch.run()
    assert [body["alerts"][0]["over"] for body in bodies] == [False, True]
    assert [mail["Subject"].endswith("over") for _, mail in mailbox.mails] == [False, True]


def test_what_fails_is_tried_again_by_schedule_each_channel_alone_then_given_up(
    database: Database, stuck: None, alerts: Callable[..., Alerts], hook: Any
) -> None:
    address, bodies, statuses = hook
    watch = alerts(smtp_url=f"smtp://u:{SECRET}@127.0.0.1:1", webhook_url=address)
    statuses += [500, 302]
    for _ in range(4):
        watch.run()
        hurry(database)
    with database.read() as session:
        rows = {row.channel: row for row in session.scalars(select(Notice))}
    assert rows["webhook"].sent_at is not None and (rows["webhook"].attempts, len(bodies)) == (2, 3)
    assert (rows["mail"].sent_at, rows["mail"].due_at, rows["mail"].attempts) == (None, None, 3)
    assert "did not take the mail" in str(rows["mail"].error) and SECRET not in str(rows["mail"].error)


def test_what_is_over_before_it_was_told_is_not_told(
    database: Database, stuck: None, alerts: Callable[..., Alerts], mailbox: Mailbox, smtp_url: str
) -> None:
    alerts(smtp_url="smtp://127.0.0.1:1").run()
    solve(database)
    hurry(database)
    alerts(smtp_url=smtp_url).run()
    assert mailbox.mails == []
    with database.read() as session:
        assert list_open(session) == [] and session.scalars(select(Alert)).one().cleared_at is not None


def test_who_takes_a_notice_has_it_alone(
    database: Database, stuck: None, alerts: Callable[..., Alerts]
) -> None:
    alerts(webhook_url="http://127.0.0.1:1/").run()
    hurry(database)
    with database.write() as session:
        now = database.now(session)
        assert [len(take_due(session, now=now)) for _ in range(2)] == [1, 0]


def test_every_trouble_of_a_company_is_found(database: Database, company: Company) -> None:
    with database.write() as session:
        now = database.now(session)
        store_messages(session, [message(company)])
        assert find_matters(session, now=now) == []
        ago = now - dt.timedelta(hours=2)
        lost = Connection(provider="xero", refresh_token="t", lost_at=ago, lost_why="Xero said no.")
        session.add(lost)
        session.flush()
        session.execute(update(Expense).values(due_at=ago))
        session.execute(update(Company).values(connection_id=lost.id, callback_state="missing"))
        session.add(Alert(company_id=company.id, kind="new_cause", subject="old", lasting="x", text="",
                          raised_at=now - dt.timedelta(hours=25)))  # fmt: skip
        session.flush()
        session.expire_all()
        found = {matter.kind: matter.text for matter in find_matters(session, now=now)}
    assert set(found) == {"stuck", "behind", "connection_lost", "callback_off"}
    assert "Xero said no." in found["connection_lost"] and "24 hours" in found["stuck"]


def test_no_worker_and_failed_jobs_are_told_to_admins_of_all(
    database: Database,
    company: Company,
    alerts: Callable[..., Alerts],
    redis: Redis,
    hook: Any,
    redis_url: str,
) -> None:
    address, bodies, _ = hook
    with database.write() as session:
        store_messages(session, [message(company)])
        session.execute(update(Expense).values(due_at=database.now(session) - dt.timedelta(minutes=3)))
    enqueue(redis, "workers.jobs.attach_receipts", company="acme")
    [job] = queue(RECEIPTS, redis).jobs
    queue(RECEIPTS, redis).failed_job_registry.add(job, ttl=60)
    alerts(webhook_url=address).run()
    told = {alert["kind"]: alert for body in bodies for alert in body["alerts"]}
    assert set(told) == {"no_worker", "failed_jobs"}
    assert {alert["url"] for alert in told.values()} == {"https://relay.example.com/jobs"}
    QueueWorker(POST, Redis.from_url(redis_url)).register_birth()  # type: ignore[no-untyped-call]
    assert count_workers(redis, POST) == 1
    alerts(webhook_url=address).run()
    assert [alert["kind"] for alert in bodies[-1]["alerts"] if alert["over"]] == ["no_worker"]
    assert redis.connection_pool.connection_kwargs["socket_timeout"] == 1.0


def test_a_password_never_goes_unencrypted(mailbox: Mailbox, smtp_url: str) -> None:
    url = smtp_url.replace("//", f"//user:{SECRET}@")
    with pytest.raises(Retryable, match="offers no encryption") as trouble:
        send_mail(url, sender="a@example.com", recipients=["b@example.com"], subject="s", text="t")
    assert SECRET not in str(trouble.value) and mailbox.logins == [] and mailbox.mails == []


def test_a_server_that_offers_starttls_gets_the_password_and_the_mail(
    mailbox: Mailbox, certificate: ssl.SSLContext
) -> None:
    server = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=certificate,
        authenticator=mailbox.log_in,
        auth_require_tls=True,
    )
    server.start()
    try:
        url = f"smtp://us%40er:{SECRET}@127.0.0.1:{server.port}"
        send_mail(url, sender="a@example.com", recipients=["b@example.com"], subject="a\nb", text="Ünï")
    finally:
        server.stop()
    [(people, mail)] = mailbox.mails
    assert (mailbox.logins[0].login, people, mail["Subject"]) == (b"us@er", ["b@example.com"], "a b")
    assert mail.get_payload(decode=True).decode().strip() == "Ünï"  # type: ignore[union-attr]


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's TLS, whose certificate this process trusts for the length of the test."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")]), dt.datetime.now(dt.UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(here, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = (tmp_path / "certificate.pem", tmp_path / "key.pem")
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(paths[0]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*paths)
    return context


def test_the_clocks_ring_becomes_a_look_in_the_worker_of_receipts(
    settings: Settings, stuck: None, monkeypatch: pytest.MonkeyPatch, redis: Redis
) -> None:
    ours = wiring.Wiring(settings)
    monkeypatch.setattr(wiring, "current", lambda: ours)
    clock = Clock(ours.database, ours.bell, sweep_seconds=300)
    clock.ring_for_alerts()
    worker = SimpleWorker(
        [queue(RECEIPTS, redis)], connection=redis, serializer=JSONSerializer, job_class=RegisteredJob
    )
    worker.work(burst=True)
    with ours.database.read() as session:
        assert [alert.subject for alert in list_open(session)] == ["account_unknown"]
    assert queue(RECEIPTS, redis).failed_job_registry.count == 0
