"""Is a callback genuine: the signature over the raw bytes, and whose key may have made it.

Vendor page: ConnectWise developer guide, "Callbacks", "Verifying callback authenticity":
key = SHA-256 of the signing key's text; signature = Base64 of HMAC-SHA-256 over the body as received.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

CLOUD = ".myconnectwise.net"
KEY_PATH = re.compile(r"(?:/+(?!\.)[\w.-]+)*/+system/callbackkey/index\.rails")
NAME = "companyname"
DEFAULT_PORTS = {"https": 443, "http": 80}


def sign(body: bytes, signing_key: str) -> str:
    """The value of `x-content-signature` for these bytes."""
    key = hashlib.sha256(signing_key.encode()).digest()
    made = hmac.new(key, body, hashlib.sha256)  # hmac.digest() would hand the interpreter to another thread
    return base64.b64encode(made.digest()).decode()


def is_signed(body: bytes, signing_key: str, signature: str) -> bool:
    """Whether `signature` was made over exactly these bytes with this key; compared in constant time."""
    return hmac.compare_digest(sign(body, signing_key).encode(), signature.strip().encode())


def is_cloud(site: str) -> bool:
    """Whether a site is ConnectWise's own cloud, where an address must never be a private one."""
    return (urlsplit(site).hostname or "").endswith(CLOUD)


@lru_cache(maxsize=256)  # a burst of callbacks names one address
def is_own_key_url(key_url: str, *, site: str, company_id: str) -> bool:
    """Whether a signing-key address (taken from an unverified body) is the company's own.

    Host and port must be the site's, for a cloud site in both its forms (`na.` and `api-na.`), the scheme
    the site's, no user part and no fragment, and `companyName` (once, however it is spelled) the site's login
    company: otherwise any other ConnectWise customer could have his own site sign messages for ours.
    """
    try:
        address, own = urlsplit(key_url), urlsplit(site)
        port = DEFAULT_PORTS.get(address.scheme) if address.port is None else address.port
        own_port = DEFAULT_PORTS.get(own.scheme) if own.port is None else own.port
        query = parse_qsl(address.query, keep_blank_values=True, strict_parsing=True)
    except ValueError:
        return False
    plain = key_url.isascii() and key_url.isprintable() and "\\" not in key_url and " " not in key_url
    return (
        plain
        and address.scheme == own.scheme
        and "@" not in address.netloc
        and not address.fragment
        and (address.hostname or "") in _own_hosts(own.hostname or "")
        and port == own_port
        and KEY_PATH.fullmatch(address.path) is not None
        and [value.casefold() for name, value in query if name.casefold().startswith(NAME)]
        == [company_id.casefold()]
    )


def _own_hosts(host: str) -> frozenset[str]:
    if not host.endswith(CLOUD):
        return frozenset((host,))
    bare = host.removeprefix("api-")
    return frozenset((bare, f"api-{bare}"))
