"""Settings: what is taken, what is refused, and that all faults are named together."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from errors import Problems
from settings import Settings, read_settings

KEY = "b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHMtMTI="  # the same in every test process
PRODUCTION = {"SECRET_KEY": "0123456789abcdef", "ENCRYPTION_KEYS": KEY}
DEVELOPMENT = {"EXPENSE_RELAY_ENV": "development"}


def read(tmp_path: Path, **changes: str) -> Settings:
    return read_settings({**PRODUCTION, **changes}, root=tmp_path)


def faults(tmp_path: Path, **changes: str) -> list[str]:
    with pytest.raises(Problems) as raised:
        read(tmp_path, **changes)
    return raised.value.problems


def test_production_needs_only_its_two_secrets(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.development is False
    assert settings.public_url == "http://localhost:8000"
    assert settings.xero_api_url == "https://api.xero.com"
    assert settings.retry_schedule == (30, 120, 600, 3600, 14400)
    assert (settings.port, settings.web_concurrency, settings.worker_concurrency) == (8000, 2, 2)
    assert (settings.sweep_interval, settings.lease_seconds, settings.max_body_bytes) == (300, 60, 262_144)


def test_all_faults_are_named_together(tmp_path: Path) -> None:
    environ = {"PORT": "http", "EXPENSE_RELAY_COLOUR": "red", "XERO_CLIENT_ID": "x", "LOG_LEVEL": "loud"}
    with pytest.raises(Problems) as raised:
        read_settings(environ, root=tmp_path)
    named = [problem.split()[0] for problem in raised.value.problems]
    assert sorted(named) == [
        "ENCRYPTION_KEYS",
        "EXPENSE_RELAY_COLOUR",
        "LOG_LEVEL",
        "PORT",
        "SECRET_KEY",
        "XERO_CLIENT_SECRET",
    ]
    assert all(name in str(raised.value) for name in named)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("XERO_CLINET_ID", "XERO_CLIENT_ID"),
        ("DATABSE_URL", "DATABASE_URL"),
        ("SENTRY_DNS", "SENTRY_DSN"),
        ("SWEEP_INTTERVAL", "SWEEP_INTERVAL"),
        ("EXPENSE_RELAY_EVN", "EXPENSE_RELAY_ENV"),
    ],
)
def test_a_slip_of_the_pen_in_a_name_is_refused_with_the_right_name(
    tmp_path: Path, wrong: str, meant: str
) -> None:
    assert faults(tmp_path, **{wrong: "1"}) == [f"{wrong} is not a setting: did you mean {meant}?"]


@pytest.mark.parametrize(
    "name", ["DATABASE_URL_OLD", "MY_REDIS_URL", "SPORT", "XERO_CLIENT_ID2", "ACME_XERO_REFRESH"]
)
def test_other_programs_variables_are_left_alone(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, **{name: "anything"}).port == 8000


def test_an_empty_value_counts_as_unset(tmp_path: Path) -> None:
    assert read(tmp_path, PORT="", REDIS_URL=" ").port == 8000


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ("postgres://u:p%40@db/relay", "postgresql+psycopg://u:p%40@db/relay"),
        ("postgresql://u@db/relay?sslmode=require", "postgresql+psycopg://u@db/relay?sslmode=require"),
        ("postgresql+psycopg:///relay?host=/tmp", "postgresql+psycopg:///relay?host=/tmp"),
        ("sqlite:////var/lib/relay.db", "sqlite:////var/lib/relay.db"),
    ],
)
def test_database_addresses_are_understood(tmp_path: Path, given: str, understood: str) -> None:
    assert read(tmp_path, DATABASE_URL=given).database_url == understood


def test_a_relative_sqlite_path_starts_at_the_project(tmp_path: Path) -> None:
    assert read(tmp_path).database_url == f"sqlite:///{tmp_path}/instance/expense-relay.db"


@pytest.mark.parametrize(
    "address",
    ["mysql://u:hunter2@db/relay", "sqlite://", "sqlite:///:memory:", "relay.db", "sqlite://relay.db"],
)
def test_a_database_that_cannot_serve_is_refused_without_repeating_its_password(
    tmp_path: Path, address: str
) -> None:
    (fault,) = faults(tmp_path, DATABASE_URL=address)
    assert fault.startswith("DATABASE_URL must") and "hunter2" not in fault


@pytest.mark.parametrize(
    "address",
    [
        "redis://localhost",
        "redis://:secret@cache:6379/1",
        "rediss://cache:6380/0?ssl_cert_reqs=none",
        "unix:///run/redis.sock?db=2",
        "redis+sentinel://one:26379,two:26379/mymaster/0",
    ],
)
def test_a_redis_address_is_kept_as_it_is(tmp_path: Path, address: str) -> None:
    settings = read(tmp_path, REDIS_URL=address)
    assert (settings.redis_url, settings.embedded_redis) == (address, False)


@pytest.mark.parametrize(
    "address", ["http://cache", "redis://", "cache:6379", "redis+sentinel://one/mymaster"]
)
def test_another_kind_of_redis_address_is_refused(tmp_path: Path, address: str) -> None:
    assert faults(tmp_path, REDIS_URL=address)[0].startswith("REDIS_URL must be redis://")


def test_without_a_redis_address_the_embedded_one_is_meant(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.embedded_redis
    assert settings.redis_url == f"unix://{tmp_path}/instance/redis.sock"


def test_a_folder_too_deep_for_a_socket_is_named_before_redis_fails(tmp_path: Path) -> None:
    with pytest.raises(Problems, match="too long for a socket"):
        read_settings(PRODUCTION, root=tmp_path / ("deep" * 30))


@pytest.mark.parametrize("name", ["XERO_API_URL", "XERO_IDENTITY_URL", "XERO_LOGIN_URL", "QBO_API_URL"])
@pytest.mark.parametrize(
    "address",
    [
        "http://api.example.com",
        "https://localhost:9",
        "https://127.0.0.1",
        "https://[::1]:8443",
        "https://user:pass@api.example.com",
        "https://api.example.com/v2",
        "https://api.example.com?x=1",
        "ftp://api.example.com",
        "https://api.example.com:port",
        "api.example.com",
    ],
)
def test_production_takes_only_https_origins_elsewhere_for_providers(
    tmp_path: Path, name: str, address: str
) -> None:
    (fault,) = faults(tmp_path, **{name: address})
    assert fault.startswith(f"{name} ") and "pass" not in fault


def test_development_allows_http_and_this_machine(tmp_path: Path) -> None:
    settings = read(
        tmp_path, **DEVELOPMENT, XERO_API_URL="http://127.0.0.1:9100/", QBO_API_URL="http://box:1"
    )
    assert settings.xero_api_url == "http://127.0.0.1:9100"
    assert settings.qbo_api_url == "http://box:1"


def test_the_public_address_is_https_unless_it_is_this_machine(tmp_path: Path) -> None:
    assert read(tmp_path, PUBLIC_URL="https://Relay.Example.com/").public_url == "https://relay.example.com"
    assert read(tmp_path, PUBLIC_URL="http://localhost:8123").public_url == "http://localhost:8123"
    assert "https://" in faults(tmp_path, PUBLIC_URL="http://relay.example.com")[0]


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("EXPENSE_RELAY_ENV", "prod"),
        ("SWEEP_INTERVAL", "0"),
        ("RETRY_SCHEDULE", "30,soon"),
        ("RETRY_SCHEDULE", "-1"),
        ("LEASE_SECONDS", "1.5"),
        ("MAX_BODY_BYTES", "256k"),
        ("PORT", "65536"),
        ("WEB_CONCURRENCY", "-1"),
        ("WORKER_CONCURRENCY", "٣"),
        ("LOG_FORMAT", "xml"),
        ("SECRET_KEY", "short"),
        ("ENCRYPTION_KEYS", f"{KEY},not-a-key"),
        ("ENCRYPTION_KEYS", ","),
        ("ALERT_WEBHOOK_URL", "http://hooks.example.com"),
        ("SENTRY_DSN", "sentry"),
    ],
)
def test_a_bad_value_is_named(tmp_path: Path, name: str, bad: str) -> None:
    (fault,) = faults(tmp_path, **{name: bad})
    assert fault.startswith(f"{name} ")


def test_mail_needs_its_sender_and_a_sender_needs_mail(tmp_path: Path) -> None:
    assert faults(tmp_path, SMTP_URL="smtp://mail:587")[0].startswith("ALERT_FROM is missing")
    assert faults(tmp_path, ALERT_FROM="a@example.com")[0].startswith("SMTP_URL is missing")


def test_the_repr_shows_no_secret(tmp_path: Path) -> None:
    secrets: dict[str, Any] = {
        "DATABASE_URL": "postgresql://u:hush-1@db/relay",
        "REDIS_URL": "redis://:hush-2@cache",
        "SECRET_KEY": "hush-3-0123456789",
        "XERO_CLIENT_ID": "id",
        "XERO_CLIENT_SECRET": "hush-4",
        "SMTP_URL": "smtp://u:hush-5@mail",
        "ALERT_FROM": "a@example.com",
        "ALERT_WEBHOOK_URL": "https://hooks.example.com/hush-6",
        "SENTRY_DSN": "https://hush-7@sentry.example.com/1",
    }
    shown = repr(read(tmp_path, **secrets))
    assert "hush" not in shown and KEY not in shown


def test_development_makes_up_secrets_that_stay_the_same(tmp_path: Path) -> None:
    first = read_settings(DEVELOPMENT, root=tmp_path)
    second = read_settings(DEVELOPMENT, root=tmp_path)
    assert first.secret_key == second.secret_key and len(first.secret_key) >= 32
    assert first.encryption_keys == second.encryption_keys
    file = tmp_path / "instance" / "development-secrets.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in file.parent.iterdir()) == ["development-secrets.json"]


def test_processes_that_start_together_agree_on_the_secrets(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: read_settings(DEVELOPMENT, root=tmp_path), range(16)))
    assert len({settings.secret_key for settings in found}) == 1


def test_a_broken_file_of_made_up_secrets_is_named(tmp_path: Path) -> None:
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "development-secrets.json").write_text(json.dumps(["not", "ours"]))
    with pytest.raises(Problems, match=r"development-secrets\.json"):
        read_settings(DEVELOPMENT, root=tmp_path)
