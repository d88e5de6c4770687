"""Alerts as JSON to the operator's webhook. Its address may hold a secret: nothing here writes it down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import requests

from errors import Retryable

SECONDS = (5.0, 10.0)  # to connect, and for the answer


def send_alerts(session: requests.Session, url: str, body: Mapping[str, Any]) -> None:
    """Posts the alerts. Redirects are not followed, the answer's body is not read. Raises Retryable."""
    headers = {"Content-Type": "application/json"}
    try:
        with session.post(
            url,
            data=json.dumps(body).encode(),
            headers=headers,
            timeout=SECONDS,
            allow_redirects=False,
            stream=True,
        ) as answer:
            status = answer.status_code
    except requests.RequestException as error:
        raise Retryable(f"The alert webhook did not answer: {type(error).__name__}.") from None
    if not 200 <= status < 300:
        raise Retryable(f"The alert webhook answered {status}.")
