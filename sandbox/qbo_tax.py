"""Purchase tax as QuickBooks works it out: per rate, on the sum of the lines
(https://developer.intuit.com/app/developer/qbo/docs/develop/tutorials/manage-sales-tax-for-non-us-locales).

`Line.Amount` is always net. A gross amount sent there alone is taken for net and bears tax on top; with
`TaxInclusive` the gross one belongs into `TaxInclusiveAmt`. A tax line with `PercentBased` false overrides.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.qbo_company import Company
from sandbox.qbo_wire import ZERO, Fault, business, cents, given, reference, to_money, unsupported
from sandbox.web import Json

WORDS = ("TaxExcluded", "TaxInclusive", "NotApplicable")
PSEUDO_CODES = ("TAX", "NON")


@dataclass(frozen=True)
class Taxable:
    """One line as far as tax goes; `gross` only when it was sent."""

    net: Decimal
    gross: Decimal | None
    code: Json | None


def calculation(company: Company, body: Json) -> str | None:
    """How the document bears tax, None where no tax is tracked. A word that got lost means TaxExcluded.

    Raises Fault 2010 for a word that is none, as reading the JSON already fails.
    """
    word = given(body, "GlobalTaxCalculation")
    if word is not None and word not in WORDS:
        detail = f"Can not construct instance of GlobalTaxCalculationEnum from String value '{word}'"
        raise unsupported(f"{detail}: value not one of declared Enum instance names: {list(WORDS)}")
    if not company.taxed or not company.preferences["UsingSalesTax"]:
        return None
    return str(word or "TaxExcluded")


def tax_code(company: Company, detail: Json, *, word: str | None) -> Json | None:
    """The code of a line; raises Fault 6000 when it must have one, 6100 for a real code in the US."""
    identity = reference(detail, "TaxCodeRef")
    if not company.taxed:
        if identity not in (None, *PSEUDO_CODES):
            raise Fault("6100", "Invalid Line TaxCode", f"TaxCode {identity}: only TAX and NON are supported")
        return None
    if word in (None, "NotApplicable"):
        return company.use("TaxCode", identity) if identity else None
    if identity is None:
        tax = "VAT" if company.country == "GB" else "GST"
        raise business(f"Make sure all your transactions have a {tax} rate before you save.")
    return company.use("TaxCode", identity)


def tax_detail(company: Company, body: Json, lines: list[Taxable], *, word: str | None) -> Json | None:
    """`TxnTaxDetail` with `TotalTax` of the document, None where no tax is tracked."""
    sent = (given(body, "TxnTaxDetail") or {}).get("TaxLine") or []
    if word in (None, "NotApplicable"):
        if sent and word == "NotApplicable":
            text = "TxnTaxDetail is not allowed when GlobalTaxCalculation is NotApplicable"
            raise Fault("6170", "Invalid tax detail", text)
        return None
    overrides = _overrides(sent)
    rates = _rates(company, lines)
    stray = set(overrides) - set(rates)
    if stray:
        raise business(f"Tax rate {', '.join(sorted(stray))} is on no line of this transaction.")
    made = [_tax_line(company, rate, parts, overrides.get(rate), word) for rate, parts in rates.items()]
    return {"TotalTax": sum((line["Amount"] for line in made), ZERO), "TaxLine": made}


def _overrides(sent: list[Json]) -> dict[str, Decimal]:
    """Exact tax by rate; raises Fault 6000 when a rate is listed twice."""
    found: dict[str, Decimal] = {}
    seen: set[str] = set()
    for line in sent:
        detail: Json = line.get("TaxLineDetail") or {}
        rate = reference(detail, "TaxRateRef") or ""
        if rate in seen:
            raise business(f"Tax rate {rate} may be listed only once.")
        seen.add(rate)
        if detail.get("PercentBased") is False:
            found[rate] = cents(to_money(line.get("Amount")))
    return found


def _rates(company: Company, lines: list[Taxable]) -> dict[str, list[Taxable]]:
    found: dict[str, list[Taxable]] = {}
    for line in lines:
        if line.code is not None:
            for detail in line.code["PurchaseTaxRateList"]["TaxRateDetail"]:
                found.setdefault(detail["TaxRateRef"]["value"], []).append(line)
    return found


def _tax_line(
    company: Company, identity: str, lines: list[Taxable], override: Decimal | None, word: str
) -> Json:
    rate = company.tables["TaxRate"][identity]
    percent = Decimal(rate["RateValue"])
    inclusive = word == "TaxInclusive" and all(line.gross is not None for line in lines)
    net = sum((line.net for line in lines), ZERO)
    amount = cents(net * percent / 100)
    if inclusive:
        shares = [(line.gross or ZERO) * percent / (100 + _percent(company, line)) for line in lines]
        amount = cents(sum(shares, ZERO))
    detail: Json = {
        "TaxRateRef": {"value": identity, "name": rate["Name"]},
        "PercentBased": override is None,
        "TaxPercent": percent,
        "NetAmountTaxable": net,
    }
    shown = amount if override is None else override
    return {"Amount": shown, "DetailType": "TaxLineDetail", "TaxLineDetail": detail}


def _percent(company: Company, line: Taxable) -> Decimal:
    details: list[Any] = (line.code or {})["PurchaseTaxRateList"]["TaxRateDetail"]
    rates = company.tables["TaxRate"]
    return sum((Decimal(rates[row["TaxRateRef"]["value"]]["RateValue"]) for row in details), Decimal(0))
