"""Every setting, read from the environment in one place and one go, so that a start names all faults at once.

Whatever starts a process calls `read_settings` once; nothing else looks at the environment (the
"env:NAME" values of a company file excepted). The README's "Settings" says what each is for.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

import setting_values as values
from errors import Problems

ROOT = Path(__file__).resolve().parent
OUR_PREFIX = "EXPENSE_RELAY_"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The settings of one process. A field is called like its variable, in small letters."""

    development: bool
    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    embedded_redis: bool
    secret_key: str = field(repr=False)
    encryption_keys: tuple[str, ...] = field(repr=False)
    public_url: str
    xero_client_id: str | None
    xero_client_secret: str | None = field(repr=False)
    xero_api_url: str
    xero_identity_url: str
    xero_login_url: str
    qbo_client_id: str | None
    qbo_client_secret: str | None = field(repr=False)
    qbo_api_url: str
    qbo_oauth_url: str
    qbo_login_url: str
    sweep_interval: int
    retry_schedule: tuple[int, ...]
    lease_seconds: int
    max_body_bytes: int
    smtp_url: str | None = field(repr=False)
    alert_from: str | None
    alert_webhook_url: str | None = field(repr=False)
    sentry_dsn: str | None = field(repr=False)
    log_level: str
    log_format: str
    port: int
    web_concurrency: int
    worker_concurrency: int


def read_settings(environ: Mapping[str, str], *, root: Path = ROOT) -> Settings:
    """Returns the settings that `environ` asks for; an empty value counts as unset.

    Relative SQLite paths, the embedded Redis's socket and the secrets made up for development live under
    `root`. Raises Problems that names every bad, missing and unknown name together.
    """
    reader = _Reader(environ)
    settings = _read(reader, root)
    reader.problems += _unknown_names(environ, known=reader.names)
    if reader.problems:
        raise Problems("The settings cannot be used. Correct these and start again:", reader.problems)
    return Settings(**settings)


def _read(reader: _Reader, root: Path) -> dict[str, Any]:
    development = reader.read("EXPENSE_RELAY_ENV", "production", values.one_of("production", "development"))
    development = development == "development"
    redis_url = reader.read("REDIS_URL", None, values.redis_url)
    return {
        "development": development,
        "database_url": reader.read(
            "DATABASE_URL", "sqlite:///instance/expense-relay.db", values.database_url(root)
        ),
        "redis_url": redis_url or reader.attempt("REDIS_URL", lambda: values.embedded_redis_url(root)),
        "embedded_redis": redis_url is None,
        **_read_secrets(reader, root, development=development),
        **_read_origins(reader, development=development),
        **_read_apps(reader),
        **_read_rhythm(reader),
        **_read_alerts(reader, development=development),
        "log_level": reader.read("LOG_LEVEL", "INFO", values.log_level),
        "log_format": reader.read(
            "LOG_FORMAT", "text" if sys.stdout.isatty() else "json", values.one_of("json", "text")
        ),
        "port": reader.read("PORT", "8000", values.whole_number(1, 65535)),
        "web_concurrency": reader.read("WEB_CONCURRENCY", "2", values.whole_number(1, 256)),
        "worker_concurrency": reader.read("WORKER_CONCURRENCY", "2", values.whole_number(1, 256)),
    }


def _read_secrets(reader: _Reader, root: Path, *, development: bool) -> dict[str, Any]:
    secret_key = reader.read("SECRET_KEY", None, values.secret_key if not development else str)
    keys = reader.read("ENCRYPTION_KEYS", None, values.fernet_keys)
    if development and not (secret_key and keys):
        made_up = reader.attempt("SECRET_KEY", lambda: _development_secrets(root / "instance")) or {}
        secret_key = secret_key or made_up.get("secret_key")
        keys = keys or (made_up.get("encryption_key"),)
    if not development:
        reader.require("SECRET_KEY", "any long random text, for example from `openssl rand -hex 32`")
        reader.require("ENCRYPTION_KEYS", "Fernet keys, newest first; " + values.NEW_FERNET_KEY)
    return {"secret_key": secret_key, "encryption_keys": keys}


def _read_origins(reader: _Reader, *, development: bool) -> dict[str, Any]:
    provider = values.origin(http_allowed=development, loopback_allowed=development)
    defaults = {
        "XERO_API_URL": "https://api.xero.com",
        "XERO_IDENTITY_URL": "https://identity.xero.com",
        "XERO_LOGIN_URL": "https://login.xero.com",
        "QBO_API_URL": "https://quickbooks.api.intuit.com",
        "QBO_OAUTH_URL": "https://oauth.platform.intuit.com",
        "QBO_LOGIN_URL": "https://appcenter.intuit.com",
    }
    origins = {name.lower(): reader.read(name, default, provider) for name, default in defaults.items()}
    public = values.origin(http_allowed=development, loopback_allowed=True)
    return {"public_url": reader.read("PUBLIC_URL", "http://localhost:8000", public), **origins}


def _read_apps(reader: _Reader) -> dict[str, Any]:
    names = ("XERO_CLIENT_ID", "XERO_CLIENT_SECRET", "QBO_CLIENT_ID", "QBO_CLIENT_SECRET")
    reader.require_together("XERO_CLIENT_ID", "XERO_CLIENT_SECRET")
    reader.require_together("QBO_CLIENT_ID", "QBO_CLIENT_SECRET")
    return {name.lower(): reader.read(name, None, str) for name in names}


def _read_rhythm(reader: _Reader) -> dict[str, Any]:
    return {
        "sweep_interval": reader.read("SWEEP_INTERVAL", "300", values.whole_number(1, 86_400)),
        "retry_schedule": reader.read("RETRY_SCHEDULE", "30,120,600,3600,14400", values.seconds_list),
        "lease_seconds": reader.read("LEASE_SECONDS", "60", values.whole_number(1, 3600)),
        "max_body_bytes": reader.read("MAX_BODY_BYTES", "262144", values.whole_number(1, 104_857_600)),
    }


def _read_alerts(reader: _Reader, *, development: bool) -> dict[str, Any]:
    web = values.web_address(http_allowed=development)
    reader.require_together("SMTP_URL", "ALERT_FROM")
    return {
        "smtp_url": reader.read("SMTP_URL", None, values.smtp_url),
        "alert_from": reader.read("ALERT_FROM", None, values.mail_address),
        "alert_webhook_url": reader.read("ALERT_WEBHOOK_URL", None, web),
        "sentry_dsn": reader.read("SENTRY_DSN", None, values.web_address(http_allowed=True)),
    }


class _Reader:
    """Takes values by name and notes every fault instead of stopping at the first."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.given = {name: value.strip() for name, value in environ.items() if value.strip()}
        self.names: set[str] = set()
        self.problems: list[str] = []

    def read(self, name: str, default: str | None, parse: values.Parser) -> Any:
        self.names.add(name)
        text = self.given.get(name, default)
        return None if text is None else self.attempt(name, lambda: parse(text))

    def attempt(self, name: str, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except ValueError as fault:
            self.problems.append(f"{name} {fault}")
            return None

    def require(self, name: str, what: str) -> None:
        if name not in self.given:
            self.problems.append(f"{name} is missing: set it to {what}")

    def require_together(self, *names: str) -> None:
        missing = [name for name in names if name not in self.given]
        if missing and len(missing) < len(names):
            there = ", ".join(sorted(set(names) - set(missing)))
            self.problems.append(f"{', '.join(missing)} is missing, but {there} is set: they go together")


def _unknown_names(environ: Mapping[str, str], *, known: set[str]) -> list[str]:
    problems = []
    for name in sorted(set(environ) - known):
        meant = next((ours for ours in sorted(known) if _is_slip(name, ours)), None)
        if meant is not None:
            problems.append(f"{name} is not a setting: did you mean {meant}?")
        elif name.startswith(OUR_PREFIX):
            problems.append(f"{name} is not a setting: remove it, or correct its name")
    return problems


def _is_slip(name: str, ours: str) -> bool:
    """Whether `name` is `ours` with one letter left out, doubled, changed or swapped with its neighbour.

    Something added at an end (DATABASE_URLS, MY_REDIS_URL) is a name of its own, and short names
    such as PORT are near too many others.
    """
    if len(ours) < 8 or abs(len(name) - len(ours)) > 1 or name[0] != ours[0]:
        return False
    if len(name) == len(ours):
        odd = [place for place in range(len(ours)) if name[place] != ours[place]]
        if len(odd) == 1:
            return not name[odd[0]].isdigit()
        return (
            len(odd) == 2
            and odd[1] == odd[0] + 1
            and name[odd[0]] + name[odd[1]] == ours[odd[1]] + ours[odd[0]]
        )
    shorter, longer = sorted((name, ours), key=len)
    left_out = {longer[:place] + longer[place + 1 :] for place in range(len(longer))}
    return shorter in left_out and not name.startswith(ours)


def _development_secrets(folder: Path) -> dict[str, str]:
    """Returns `secret_key` and `encryption_key`: made once per checkout, then the same for every process."""
    path = folder / "development-secrets.json"
    try:
        if not path.exists():
            _write_once(
                path, {"secret_key": secrets.token_hex(32), "encryption_key": Fernet.generate_key().decode()}
            )
        found: dict[str, str] = json.loads(path.read_text())
        return {
            "secret_key": str(found["secret_key"]),
            "encryption_key": values.fernet_keys(found["encryption_key"])[0],
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as trouble:
        raise ValueError(
            f"could not be made up for development, because {path} cannot be read or written ({trouble}): "
            "delete that file, or set SECRET_KEY and ENCRYPTION_KEYS"
        ) from trouble


def _write_once(path: Path, content: dict[str, str]) -> None:
    """Processes that start at the same moment all end up with the file of whoever came first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent)  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(content, file)
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        os.unlink(draft)  # noqa: PTH108
