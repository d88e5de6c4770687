"""What the text of a setting may look like: each function here reads one kind of value, or makes its reader.

A reader returns the value, or raises ValueError with the rest of a sentence that begins with the setting's
name ("PORT is 'x': it must be …"). Text that may hold a password is never repeated in it.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from cryptography.fernet import Fernet

Parser = Callable[[str], Any]
NEW_FERNET_KEY = "`openssl rand -base64 32 | tr '+/' '-_'` prints one"
LONGEST_SOCKET_PATH = 100  # the kernel takes 107 bytes, and Redis adds to it while it starts


def one_of(*choices: str) -> Parser:
    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"is {text!r}: it must be {' or '.join(choices)}")
        return text.lower()

    return parse


def log_level(text: str) -> str:
    levels = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    if text.upper() not in levels:
        raise ValueError(f"is {text!r}: it must be one of {', '.join(levels)}")
    return text.upper()


def whole_number(least: int, most: int) -> Parser:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text) or not least <= int(text) <= most:
            raise ValueError(f"is {text!r}: it must be a whole number from {least} to {most}")
        return int(text)

    return parse


def seconds_list(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if not all(re.fullmatch(r"[0-9]{1,7}", part) for part in parts):
        raise ValueError(f"is {text!r}: it must be whole seconds with commas between, such as 30,120,600")
    return tuple(int(part) for part in parts)


def secret_key(text: str) -> str:
    if len(text) < 16:
        raise ValueError(
            "is too short to sign sessions: use at least 16 characters, such as `openssl rand -hex 32`"
        )
    return text


def fernet_keys(text: str) -> tuple[str, ...]:
    keys = tuple(part.strip() for part in text.split(",") if part.strip())
    for place, key in enumerate(keys, start=1):
        try:
            Fernet(key)
        except ValueError:
            raise ValueError(f"has no Fernet key at place {place}: {NEW_FERNET_KEY}") from None
    if not keys:
        raise ValueError("holds no key")
    return keys


def database_url(root: Path) -> Parser:
    def parse(text: str) -> str:
        scheme, separator, rest = text.partition("://")
        if separator and scheme in ("postgres", "postgresql", "postgresql+psycopg"):
            return f"postgresql+psycopg://{rest}"
        if not separator or scheme not in ("sqlite", "sqlite+pysqlite"):
            raise ValueError("must be a postgresql:// address, or sqlite:///path/to/file.db")
        path = rest.removeprefix("/")
        if not rest.startswith("/") or path.partition("?")[0] in ("", ":memory:"):
            raise ValueError(
                "must name a file (sqlite:///path/to/file.db): web and workers share the database"
            )
        return f"sqlite:///{root / path}"

    return parse


def redis_url(text: str) -> str:
    patterns = (
        r"rediss?://[^/?#\s]+(/[0-9]*)?(\?\S*)?",
        r"unix://[^/?#\s]*/[^?#\s]+(\?\S*)?",
        r"redis\+sentinel://[^/@:,\s]+:[0-9]+(,[^/@:,\s]+:[0-9]+)*/[^/\s]+(/[0-9]+)?",
    )
    if not any(re.fullmatch(pattern, text) for pattern in patterns):
        raise ValueError(
            "must be redis://host:port/0, rediss://host:port/0, unix:///path/to/socket, "
            "or redis+sentinel://host:port,host2:port/service/0"
        )
    return text


def embedded_redis_url(root: Path) -> str:
    """Returns where the embedded Redis listens, for a project in the folder `root`."""
    socket = root / "instance" / "redis.sock"
    if len(os.fsencode(socket)) > LONGEST_SOCKET_PATH:
        raise ValueError(
            f"is not set, and the path of the embedded Redis ({socket}) is too long for a socket: "
            "set it, or move the project to a folder with a shorter path"
        )
    return f"unix://{socket}"


def split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - read, because a bad port is only found out on reading
    except ValueError:
        raise ValueError("is not a web address: look at its brackets and its port") from None
    return parts


def origin(*, http_allowed: bool, loopback_allowed: bool) -> Parser:
    def parse(text: str) -> str:
        parts = split(text)
        extras = parts.username or parts.password or parts.query or parts.fragment or parts.path.strip("/")
        if parts.scheme not in ("http", "https") or not parts.hostname or extras or parts.port == 0:
            raise ValueError(
                "must be an origin such as https://relay.example.com, with nothing after the host"
            )
        loopback = _is_loopback(parts.hostname)
        if loopback and not loopback_allowed:
            raise ValueError("must not point at this machine, unless EXPENSE_RELAY_ENV is development")
        if parts.scheme == "http" and not (http_allowed or (loopback and loopback_allowed)):
            raise ValueError("must begin with https://, unless EXPENSE_RELAY_ENV is development")
        return f"{parts.scheme}://{parts.netloc.lower()}"

    return parse


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        return address.is_loopback or address.is_unspecified
    return False


def web_address(*, http_allowed: bool) -> Parser:
    def parse(text: str) -> str:
        parts = split(text)
        if parts.scheme not in (("http", "https") if http_allowed else ("https",)) or not parts.hostname:
            raise ValueError(f"must be an {'http or ' if http_allowed else ''}https address")
        return text

    return parse


def smtp_url(text: str) -> str:
    parts = split(text)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.port == 0:
        raise ValueError("must be smtp://user:password@host:587 or smtps://user:password@host:465")
    return text


def mail_address(text: str) -> str:
    if not re.fullmatch(r"[^@]+@[^@\s]+", text) or "\n" in text:
        raise ValueError(f"is {text!r}: it must be a mail address")
    return text
