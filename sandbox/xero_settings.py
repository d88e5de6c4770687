"""What is set up in a pretend organisation: accounts, tax rates, tracking, currencies, itself."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.web import Json, Reply, Routes
from sandbox.xero_call import Call
from sandbox.xero_chart import CURRENCY_NAMES, new_id
from sandbox.xero_query import order, where
from sandbox.xero_wire import not_found

routes = Routes()
CREATED = datetime(2020, 1, 1, tzinfo=UTC)
ACTIONS = (
    "AttachFile",
    "CreateApprovedBill",
    "CreateApprovedInvoice",
    "CreateBankTransaction",
    "CreateDraftBill",
    "CreateInvoicePayment",
    "EditContact",
    "UseMulticurrency",
    "ApproveTransactionsBeforePeriodLockDate",
)


def _filtered(call: Call, rows: list[Json], *, noun: str) -> list[Json]:
    marked = [{**row, "_noun": noun} for row in rows]
    text = call.request.query.get("where")
    if text:
        test = where(text)
        marked = [row for row in marked if test(row)]
    if call.request.query.get("order"):
        marked = order(marked, call.request.query["order"])
    return marked


@routes.on("GET", "/Accounts")
def accounts(call: Call) -> Reply:
    """The chart of accounts."""
    rows = [_account(account) for account in call.org.accounts]
    return call.ok("Accounts", _filtered(call, rows, noun="Account"))


@routes.on("GET", "/Accounts/{named}")
def account(call: Call, named: str) -> Reply:
    """One account by its id."""
    found = call.org.find_account(account_id=named)
    if found is None:
        raise not_found()
    return call.ok("Accounts", [_account(found)])


def _account(account: Json) -> Json:
    shown = {name: value for name, value in account.items() if value not in (None, "")}
    shown.setdefault("UpdatedDateUTC", CREATED)
    return shown


@routes.on("GET", "/TaxRates")
def tax_rates(call: Call) -> Reply:
    """Every tax rate."""
    return call.ok("TaxRates", _filtered(call, call.org.tax_rates, noun="TaxRate"))


@routes.on("GET", "/TaxRates/{kind}")
def tax_rate(call: Call, kind: str) -> Reply:
    """One tax rate by its TaxType."""
    found = call.org.find_tax(kind)
    if found is None:
        raise not_found()
    return call.ok("TaxRates", [found])


@routes.on("GET", "/TrackingCategories")
def tracking(call: Call) -> Reply:
    """Active categories, archived ones too with `includeArchived=true`."""
    rows = [c for c in call.org.tracking if c["Status"] == "ACTIVE" or call.request.flag("includeArchived")]
    return call.ok("TrackingCategories", _filtered(call, rows, noun="TrackingCategory"))


@routes.on("GET", "/Currencies")
def currencies(call: Call) -> Reply:
    """The currencies the organisation has subscribed to."""
    rows = [{"Code": code, "Description": CURRENCY_NAMES.get(code, code)} for code in call.org.currencies]
    return call.ok("Currencies", rows)


@routes.on("GET", "/Organisation")
@routes.on("GET", "/Organisations")
def organisation(call: Call) -> Reply:
    """The organisation, with its lock dates when it has any."""
    org = call.org
    row: Json = {
        "Name": org.name,
        "LegalName": org.name,
        "PaysTax": True,
        "Version": org.country if org.country in ("AU", "NZ", "UK", "US") else "GLOBAL",
        "OrganisationType": "COMPANY",
        "BaseCurrency": org.base_currency,
        "CountryCode": org.country,
        "IsDemoCompany": org.is_demo_company,
        "OrganisationStatus": "ACTIVE",
        "TaxNumber": "101-2-303",
        "FinancialYearEndDay": 30,
        "FinancialYearEndMonth": 6,
        "SalesTaxBasis": "ACCRUALS",
        "SalesTaxPeriod": "QUARTERLY1",
        "DefaultSalesTax": "Tax Exclusive",
        "DefaultPurchasesTax": "Tax Inclusive",
        "PeriodLockDate": org.period_lock_date,
        "EndOfYearLockDate": org.end_of_year_lock_date,
        "CreatedDateUTC": org.created_at or CREATED,
        "OrganisationEntityType": "COMPANY",
        "Timezone": org.timezone,
        "ShortCode": "!" + new_id(org.tenant_id)[:5],
        "OrganisationID": org.tenant_id,
        "Edition": "BUSINESS",
        "Class": "DEMO" if org.is_demo_company else "STANDARD",
        "Addresses": [],
        "Phones": [],
        "ExternalLinks": [],
        "PaymentTerms": {},
    }
    return call.ok("Organisations", [row])


@routes.on("GET", "/Organisation/Actions")
@routes.on("GET", "/Organisations/Actions")
def actions(call: Call) -> Reply:
    """What the person who consented may do."""
    denied = set(call.org.denied_actions)
    if len(call.org.currencies) < 2:
        denied.add("UseMulticurrency")
    rows = [{"Name": name, "Status": "NOT-ALLOWED" if name in denied else "ALLOWED"} for name in ACTIONS]
    return call.ok("Actions", rows)
