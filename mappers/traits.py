"""Where ledgers differ in ways that a plan must know. The defaults are Xero's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LedgerTraits:
    """`decimals`: no amount or tax is kept finer than this, whatever the currency. `no_tax_codes`: codes or
    names of codes that take a line out of tax, best first. `spend_needs_bank`: money spent or received
    without a claim must be on an account with a bank feed.

    `has_drafts`: False keeps drafts here until a person approves them. `longest_number`: characters of a
    number. `one_document_refunds`: money back onto a bank account or card is one document coded to the cost,
    because no credit note can be linked with it. `offset_by_journal`: an account that can't pay is reached by
    a journal and a payment of nothing. `payable_type`: Account.type of accounts payable. `taxless_books`:
    books without tax codes take amounts with their tax in them. `offset_may_be_bank`: a line may go to an
    offset account that is a bank account."""

    name: str = "Xero"
    decimals: int = 2
    no_tax_codes: tuple[str, ...] = ("BASEXCLUDED", "NONE")
    spend_needs_bank: bool = True
    has_drafts: bool = True
    longest_number: int = 255
    one_document_refunds: bool = False
    offset_by_journal: bool = False
    payable_type: str = ""
    taxless_books: bool = False
    offset_may_be_bank: bool = False


XERO = LedgerTraits()

# The names that QuickBooks Online gives its codes without tax: Australia, the United Kingdom, Canada, others.
QBO = LedgerTraits(
    name="QuickBooks Online",
    no_tax_codes=("BAS Excluded", "Out of Scope", "NOTREPORTABLE", "No VAT", "Out of scope of tax", "Exempt"),
    has_drafts=False,
    longest_number=21,
    one_document_refunds=True,
    offset_by_journal=True,
    payable_type="Accounts Payable",
    taxless_books=True,
    offset_may_be_bank=True,
)

TRAITS = {"xero": XERO, "qbo": QBO}  # by the provider's word in the company file
