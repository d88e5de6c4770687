"""Whose signature counts. The vector was made with OpenSSL, not with our code."""

from __future__ import annotations

import pytest

from webhooks.signature import is_own_key_url, is_signed, sign

VECTOR = (b'{"Action":"updated","Type":"expense","ID":1}', "test-signing-key")
SIGNATURE = "kTSBwdPAACLhS3m2k8XWjI8h/14R3RLjBb98dy6Xezc="
CLOUD, HOSTED = "https://na.myconnectwise.net", "https://psa.acme.example:8443"
PATH = "/v2025_1//system/callbackkey/index.rails"
QUERY = "?companyName=acme_f&id=e17e6674-42f6-4105-9cff-4cd6cb4e62e8"


def test_the_vendors_way_of_signing() -> None:
    assert sign(*VECTOR) == SIGNATURE
    assert is_signed(*VECTOR, SIGNATURE)
    assert is_signed(*VECTOR, f" {SIGNATURE}\r\n")


@pytest.mark.parametrize("wrong", ["", SIGNATURE[:-1], SIGNATURE.lower(), "k" + SIGNATURE, "\xff", "é"])
def test_anything_else_is_no_signature(wrong: str) -> None:
    assert not is_signed(*VECTOR, wrong)
    assert not is_signed(VECTOR[0] + b" ", VECTOR[1], SIGNATURE)


@pytest.mark.parametrize(
    ("site", "address"),
    [
        (CLOUD, CLOUD + PATH + QUERY),
        (CLOUD, "https://api-na.myconnectwise.net" + PATH + QUERY),
        ("https://api-na.myconnectwise.net", CLOUD + PATH + QUERY),
        (CLOUD, "https://na.myconnectwise.net:443" + PATH + QUERY),
        (CLOUD, "https://NA.MyConnectWise.net" + PATH + QUERY),
        (CLOUD, CLOUD + "/system/callbackkey/index.rails" + QUERY),
        (CLOUD, CLOUD + PATH + "?id=1&companyName=ACME_F"),
        (HOSTED, HOSTED + "/v4_6_release//system/callbackkey/index.rails" + QUERY),
    ],
)
def test_the_companys_own_addresses(site: str, address: str) -> None:
    assert is_own_key_url(address, site=site, company_id="acme_f")


@pytest.mark.parametrize(
    "host",
    [
        "https://eu.myconnectwise.net",
        "https://api-eu.myconnectwise.net",
        "https://api-api-na.myconnectwise.net",
        "https://na.myconnectwise.net.evil.example",
        "https://na.myconnectwise.net.",
        "https://evil.example",
        "https://xna.myconnectwise.net",
        "https://nа.myconnectwise.net",  # a Cyrillic а
        "https://na。myconnectwise.net",  # an ideographic full stop
        "https://na.myconnectwise.net\u200b",
        "https://na.myconnectwise.net%2eevil.example",
        "https://na.myconnectwise.net:8443",
        "https://na.myconnectwise.net:0",
        "https://na.myconnectwise.net:99999",
        "https://na.myconnectwise.net:x",
        "http://na.myconnectwise.net",
        "http://na.myconnectwise.net:443",
        "HTTPS+x://na.myconnectwise.net",
        "ftp://na.myconnectwise.net",
        "//na.myconnectwise.net",
        "na.myconnectwise.net",
        "https://user:pass@na.myconnectwise.net",
        "https://na.myconnectwise.net@evil.example",
        "https://evil.example@na.myconnectwise.net",
        "https://evil.example\\@na.myconnectwise.net",
        "https://evil.example\\.na.myconnectwise.net",
        "https://evil.example/na.myconnectwise.net",
        "https://evil.example#na.myconnectwise.net",
        "https://[::1]",
        "https://[na.myconnectwise.net]",
        "https://",
        " https://na.myconnectwise.net",
        "https://na.myconnectwise.net\t",
        "https://na.myconnectwise.net\r\nHost: evil.example",
    ],
)
def test_another_host_scheme_or_port_is_not_the_companys(host: str) -> None:
    assert not is_own_key_url(host + PATH + QUERY, site=CLOUD, company_id="acme_f")


@pytest.mark.parametrize(
    "rest",
    [
        PATH,
        PATH + "?",
        PATH + "?id=1",
        PATH + "?companyName=",
        PATH + "?companyName=other",
        PATH + "?companyName=acme_f2",
        PATH + "?companyName=%61cme_f%00",
        PATH + "?companyName=acme_f&companyName=other",
        PATH + "?companyName=other&companyName=acme_f",
        PATH + "?companyName=acme_f&companyName=",
        PATH + "?companyName=acme_f&CompanyName=other",
        PATH + "?companyName=acme_f&companyName%5B%5D=other",
        PATH + "?companyName=acme_f;companyName=other",
        PATH + "?x=companyName=acme_f",
        PATH + QUERY + "#fragment",
        PATH + QUERY + "&x=\u00e9",
        "/elsewhere" + QUERY,
        "/go?to=/system/callbackkey/index.rails&companyName=acme_f",
        "/files/../system/callbackkey/index.rails" + QUERY,
        "/%2e%2e/files/system/callbackkey/index.rails" + QUERY,
        "/login;x=/system/callbackkey/index.rails" + QUERY,
        PATH + "/more" + QUERY,
        PATH.upper() + QUERY,
        PATH + QUERY + "&x=a\\b",
        "",
    ],
)
def test_another_path_or_company_is_not_the_companys(rest: str) -> None:
    assert not is_own_key_url(CLOUD + rest, site=CLOUD, company_id="acme_f")


def test_a_hosted_site_has_one_address_only() -> None:
    for host in ("https://psa.acme.example", "https://api-psa.acme.example:8443", CLOUD):
        assert not is_own_key_url(host + PATH + QUERY, site=HOSTED, company_id="acme_f")
