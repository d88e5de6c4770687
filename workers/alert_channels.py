"""What an alert says by mail and by webhook, and sending it there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import requests

from models.alert import Notice
from providers.alert_hook import send_alerts
from providers.mail import send_mail

MAIL, WEBHOOK = "mail", "webhook"

Send = Callable[[list[Notice], list[str]], None]


def senders(
    session: requests.Session,
    *,
    smtp_url: str | None,
    alert_from: str | None,
    webhook_url: str | None,
    public_url: str,
) -> dict[str, Send]:
    """The channels that are set up, each with what sends notices of one company; both raise Retryable."""
    found: dict[str, Send] = {}
    if smtp_url and alert_from:
        found[MAIL] = partial(_mail, smtp_url, alert_from, public_url)
    if webhook_url:
        found[WEBHOOK] = partial(_post, session, webhook_url, public_url)
    return found


def _mail(url: str, sender: str, public_url: str, notices: list[Notice], addresses: list[str]) -> None:
    if addresses:  # else there is nobody yet who could be told
        text = text_of(notices, public_url=public_url)
        send_mail(url, sender=sender, recipients=addresses, subject=subject_of(notices), text=text)


def _post(
    session: requests.Session, url: str, public_url: str, notices: list[Notice], _addresses: list[str]
) -> None:
    send_alerts(session, url, body_of(notices, public_url=public_url))


def subject_of(notices: Sequence[Notice]) -> str:
    """The subject line: which company, and what is the matter with it."""
    company = notices[0].alert.company
    first = notices[0]
    what = first.alert.kind.replace("_", " ") + (", over" if first.over else "")
    more = f" and {len(notices) - 1} more" if len(notices) > 1 else ""
    return f"Expense Relay, {company.name if company else 'all companies'}: {what}{more}"


def text_of(notices: Sequence[Notice], *, public_url: str) -> str:
    """The mail's text: each alert in its words, and where to look."""
    lines = [
        f"Over since {notice.alert.cleared_at:%Y-%m-%d %H:%M} UTC: {notice.alert.text}"
        if notice.over
        else notice.alert.text
        for notice in notices
    ]
    return "\n\n".join([*lines, _link(notices[0], public_url), ""])


def body_of(notices: Sequence[Notice], *, public_url: str) -> dict[str, Any]:
    """The webhook's JSON: {"alerts": [{kind, subject, company, text, over, raised_at, cleared_at, url}]}."""
    return {
        "alerts": [
            {
                "kind": notice.alert.kind,
                "subject": notice.alert.subject,
                "company": notice.alert.company.key if notice.alert.company else None,
                "text": notice.alert.text,
                "over": notice.over,
                "raised_at": notice.alert.raised_at.isoformat(),
                "cleared_at": notice.alert.cleared_at.isoformat() if notice.alert.cleared_at else None,
                "url": _link(notice, public_url),
            }
            for notice in notices
        ]
    }


def _link(notice: Notice, public_url: str) -> str:
    company = notice.alert.company
    return f"{public_url}/companies/{company.key}" if company else f"{public_url}/jobs"
