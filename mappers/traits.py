"""Where ledgers differ in ways that a plan must know. The defaults are Xero's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LedgerTraits:
    """`decimals`: no amount or tax is kept finer than this, whatever the currency. `no_tax_codes`: codes that
    take a line out of tax, best first. `spend_needs_bank`: money spent or received without a claim must
    be on an account with a bank feed."""

    name: str = "Xero"
    decimals: int = 2
    no_tax_codes: tuple[str, ...] = ("BASEXCLUDED", "NONE")
    spend_needs_bank: bool = True


XERO = LedgerTraits()
