"""Mail out by SMTP: alerts for people (https://docs.python.org/3/library/smtplib.html)."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import SplitResult, unquote, urlsplit

from errors import Retryable

SECONDS = 10.0  # for the connection, and for each answer
PORTS = {"smtp": 587, "smtps": 465}


def send_mail(url: str, *, sender: str, recipients: Sequence[str], subject: str, text: str) -> None:
    """Sends one plain text mail to all recipients, who don't see each other.

    `url`: `smtp://user:password@host:587`, encrypted when the server offers STARTTLS, or `smtps://…`. A
    password never goes unencrypted. Raises Retryable, with no secret in its text, when the mail was not
    taken.
    """
    place = urlsplit(url)
    message = _message(sender, subject, text)
    try:
        with _connect(place) as server:
            _log_in(server, place)
            server.send_message(message, from_addr=sender, to_addrs=list(recipients))
    except (smtplib.SMTPException, OSError) as error:
        said = getattr(error, "smtp_code", None)
        what = f"{type(error).__name__}{f' {said}' if said else ''}"
        raise Retryable(f"The mail server {place.hostname} did not take the mail: {what}.") from None


def _message(sender: str, subject: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = "undisclosed-recipients:;"
    message["Subject"] = " ".join(subject.split())
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].rstrip(">"))
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message


def _connect(place: SplitResult) -> smtplib.SMTP:
    host, port = place.hostname or "", place.port or PORTS[place.scheme]
    if place.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=ssl.create_default_context())
    server = smtplib.SMTP(host, port, timeout=SECONDS)
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=ssl.create_default_context())
    return server


def _log_in(server: smtplib.SMTP, place: SplitResult) -> None:
    if not place.username:
        return
    if not isinstance(server.sock, ssl.SSLSocket):
        raise Retryable(
            f"The mail server {place.hostname} offers no encryption, so the password was not sent. "
            "Use smtps://, or a server that offers STARTTLS."
        )
    server.login(unquote(place.username), unquote(place.password or ""))
