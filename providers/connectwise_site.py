"""Where a ConnectWise site's API is: its host by a rule, its codebase (which moves at upgrades) by asking.

Developer guide: https://developer.connectwise.com/Best_Practices/PSA_Cloud_URL_Formatting
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import requests

from errors import Paused, Problems
from providers.http import exchange, read_json, refuse_trouble

PROVIDER = "ConnectWise"
_API = "api-"
_PREFIXED_HOSTS = frozenset(
    {f"{region}.myconnectwise.net" for region in ("na", "eu", "au", "aus", "za")}
    | {"staging.connectwisedev.com"}
)


@dataclass(frozen=True, kw_only=True)
class Codebase:
    """`path` is the first part of every API address, with its slash: `v2026_1/`."""

    path: str
    is_cloud: bool


def site_origin(site: str, *, allow_http: bool = False) -> str:
    """The site's own origin, `https://na.myconnectwise.net`, from what a person wrote. Raises `Problems`.

    `allow_http` is for development, where a site may be a program on this machine.
    """
    parts = urlsplit(site.strip() if "//" in site else f"https://{site.strip()}")
    schemes = ("https", "http") if allow_http else ("https",)
    problems = []
    if parts.scheme not in schemes:
        problems.append(f"it must begin with https:// (it begins with {parts.scheme}://)")
    if not parts.hostname or parts.username or parts.query or parts.fragment or parts.path.strip("/"):
        problems.append("it must be a plain address such as https://na.myconnectwise.net, nothing after it")
    if problems:
        raise Problems(f"The ConnectWise site {site!r} can't be used:", problems)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def login_origin(site: str, *, allow_http: bool = False) -> str:
    """The origin that people log in to; the company information is read there."""
    scheme, host = site_origin(site, allow_http=allow_http).split("://", 1)
    if host.removeprefix(_API) in _PREFIXED_HOSTS:
        host = host.removeprefix(_API)
    return f"{scheme}://{host}"


def api_origin(site: str, *, allow_http: bool = False) -> str:
    """The origin of the API. The cloud's regions want `api-` before the host (else "SSL is required.");
    the cloud's sandboxes and sites on their own premises don't."""
    scheme, host = site_origin(site, allow_http=allow_http).split("://", 1)
    return f"{scheme}://{_API}{host}" if host in _PREFIXED_HOSTS else f"{scheme}://{host}"


def discover(session: requests.Session, *, login: str, company_id: str) -> Codebase:
    """Asks the site (without credentials) where its API is now.

    Raises `Paused` when the site doesn't know the company, `Retryable` when it gives no usable answer.
    """
    answer = exchange(
        session,
        "GET",
        f"{login}/login/companyinfo/{quote(company_id, safe='')}",
        provider=PROVIDER,
        headers={"Accept": "application/json"},
        max_bytes=64 * 1024,
    )
    refuse_trouble(answer, provider=PROVIDER)
    info = read_json(answer, provider=PROVIDER) if answer.is_good else None
    path = info.get("Codebase") if isinstance(info, dict) else None
    if not isinstance(path, str) or not path.strip("/"):
        raise Paused(
            f"{login} doesn't know the login company {company_id!r}. "
            "Check `site` and `company_id` in the company's [connectwise] settings."
        )
    assert isinstance(info, dict)
    return Codebase(path=_clean(path), is_cloud=str(info.get("IsCloud", "")).lower() == "true")


def _clean(path: str) -> str:
    """One plain path step: a codebase can't lead to another host or folder."""
    step = path.strip("/")
    if not all(letter.isalnum() or letter in "._-" for letter in step) or ".." in step:
        raise Paused(
            f"ConnectWise gave a codebase that is no plain name ({path[:40]!r}); nothing was sent there."
        )
    return f"{step}/"
