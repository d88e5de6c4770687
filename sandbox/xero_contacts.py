"""/Contacts of the pretend Xero (https://developer.xero.com/documentation/api/accounting/contacts)."""

from __future__ import annotations

from sandbox.web import Json, Reply, Routes
from sandbox.xero_call import Call, Elements, Invalid, process
from sandbox.xero_organisation import Organisation, new_contact
from sandbox.xero_query import list_of, select
from sandbox.xero_validation import name_trouble
from sandbox.xero_wire import not_found

routes = Routes()
BARE = {"Name", "ContactID", "ContactNumber", "ContactStatus"}
SETTABLE = {
    "Name": 255,
    "FirstName": 255,
    "LastName": 255,
    "EmailAddress": 255,
    "ContactNumber": 50,
    "AccountNumber": 50,
    "BankAccountDetails": 255,
    "TaxNumber": 50,
    "CompanyNumber": 50,
    "ContactStatus": 20,
    "DefaultCurrency": 3,
}
FIELDS = {*SETTABLE, "ContactID", "UpdatedDateUTC", "IsSupplier", "IsCustomer", "HasAttachments"}


def contact_view(_: Organisation, contact: Json) -> Json:
    """A contact as GET shows it."""
    return {name: value for name, value in contact.items() if value is not None}


ELEMENTS = Elements("Contacts", "ContactID", "HasValidationErrors", contact_view, day_strings=False)


def _same(call: Call, row: Json, name: str) -> Json | None:
    """The active contact (for names) or any contact (for numbers) that has this value."""
    text = str(row.get(name) or "").lower()
    for contact in call.org.contacts.values():
        counts = name != "Name" or contact["ContactStatus"] == "ACTIVE"
        if text and counts and contact.get(name, "").lower() == text:
            return contact
    return None


def _apply(call: Call, contact: Json, row: Json) -> Json:
    errors = []
    for name, longest in SETTABLE.items():
        if len(str(row.get(name) or "")) > longest:
            errors.append(f"{name} exceeds the maximum length of {longest} characters")  # our wording
    trouble = name_trouble(str(row["Name"])) if "Name" in row else None
    if trouble:
        errors.append(trouble)
    if row.get("ContactStatus", "ACTIVE") not in ("ACTIVE", "ARCHIVED"):
        errors.append(f"Invalid ContactStatus '{row['ContactStatus']}'")  # our wording
    for name in ("Name", "ContactNumber"):
        other = _same(call, row, name)
        if other is not None and other is not contact:
            errors.append(_taken(name, str(row[name])))
    if errors:
        raise Invalid(errors)
    contact.update({name: row[name] for name in SETTABLE if row.get(name) is not None})
    for name in ("Addresses", "Phones", "ContactPersons"):
        if isinstance(row.get(name), list):
            contact[name] = row[name]
    call.org.contacts[contact["ContactID"]] = contact
    call.org.touch(contact, now=call.now)
    return contact


def _taken(name: str, value: str) -> str:
    if name == "Name":
        return (
            f"The contact name {value} is already assigned to another contact. "
            "The contact name must be unique across all active contacts."
        )
    return f"The Contact Number {value} is already assigned to another contact."


def _create(call: Call, row: Json) -> Json:
    if not row.get("Name"):
        raise Invalid(["The contact name must be specified"])  # our wording
    return _apply(call, new_contact(str(row["Name"])), row)


def _upsert(call: Call, row: Json) -> Json:
    if row.get("ContactID"):
        contact = call.org.contacts.get(str(row["ContactID"]).lower())
        if contact is None:
            raise Invalid(["The Contact could not be found"])  # our wording
        return _apply(call, contact, row)
    known = _same(call, row, "ContactNumber") or _same(call, row, "Name")
    return _apply(call, known, row) if known else _create(call, row)


@routes.on("PUT", "/Contacts")
def put(call: Call) -> Reply:
    """Create only: a name or number that exists is refused."""
    rows = call.rows("Contacts", noun="Contact", bare=BARE)
    return process(call, ELEMENTS, rows, lambda row: _create(call, row))


@routes.on("POST", "/Contacts")
def post(call: Call) -> Reply:
    """Create, or change the one with this id, number or name."""
    rows = call.rows("Contacts", noun="Contact", bare=BARE)
    return process(call, ELEMENTS, rows, lambda row: _upsert(call, row))


@routes.on("POST", "/Contacts/{named}")
def post_one(call: Call, named: str) -> Reply:
    """Change one."""
    contact = _find(call, named)
    rows = call.rows("Contacts", noun="Contact", bare=BARE)
    return process(call, ELEMENTS, rows[:1], lambda row: _apply(call, contact, row))


def _find(call: Call, named: str) -> Json:
    contact = call.org.contacts.get(named.lower()) or _same(call, {"ContactNumber": named}, "ContactNumber")
    if contact is None:
        raise not_found()
    return contact


@routes.on("GET", "/Contacts/{named}")
def get_one(call: Call, named: str) -> Reply:
    """By id or contact number, archived ones too."""
    return call.ok("Contacts", [contact_view(call.org, _find(call, named))])


@routes.on("GET", "/Contacts")
def get(call: Call) -> Reply:
    """Active contacts, and archived ones with `includeArchived=true`."""
    records = list(call.org.contacts.values())
    wanted = list_of(call.request, "IDs")
    if wanted is not None:
        records = [contact for contact in records if contact["ContactID"] in wanted]
    if not call.request.flag("includeArchived") and "ContactStatus" not in call.request.query.get(
        "where", ""
    ):
        records = [contact for contact in records if contact["ContactStatus"] == "ACTIVE"]
    term = call.request.query.get("searchTerm", call.request.query.get("SearchTerm", "")).lower()
    if term:
        searched = ("Name", "FirstName", "LastName", "ContactNumber", "CompanyNumber", "EmailAddress")
        records = [c for c in records if any(term in str(c.get(name) or "").lower() for name in searched)]
    found = select(records, call.request, noun="Contact", fields=FIELDS)
    return call.ok(
        "Contacts",
        [contact_view(call.org, contact) for contact in found.records],
        pagination=found.pagination,
    )
