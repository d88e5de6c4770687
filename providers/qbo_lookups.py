"""Finding at QuickBooks what is there already: lost answers by number or tag, vendors by number or name.

Only some fields can be queried (not a private note, not a vendor's number), so tags and vendors' numbers are
matched here. https://developer.intuit.com/app/developer/qbo/docs/develop/explore-the-quickbooks-online-api
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mappers import qbo as mapper
from mappers.books import Contact
from mappers.documents import BILL, CREDIT_NOTE, JOURNAL, PAYMENT, REFUND, SPEND, Document, Found
from mappers.qbo_answers import CLASH, name_of
from mappers.qbo_books import to_contact
from mappers.qbo_entities import display_name
from mappers.words import folded
from providers.qbo_wire import Raw, Wire, any_of, text

ACTIVE_OR_NOT = "Active IN (true, false)"
_GROUP = 100  # numbers in one statement
_ENTITIES = {
    BILL: "Bill",
    CREDIT_NOTE: "VendorCredit",
    JOURNAL: "JournalEntry",
    PAYMENT: "BillPayment",
    SPEND: "Purchase",
}


class LookUps:
    """Reads only, and few of them: they are metered."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def documents(self, documents: Sequence[Document]) -> dict[str, Sequence[Found]]:
        """What carries these documents' numbers now, by marker; one query for each entity. A payment that
        knows no bill yet can't have been sent."""
        by_entity: dict[str, list[Document]] = {}
        for document in documents:
            if document.settles is None or document.settles_id or document.kind == JOURNAL:
                by_entity.setdefault(mapper.entity_of(document), []).append(document)
        found: dict[str, Sequence[Found]] = {}
        for entity, some in by_entity.items():
            found.update(mapper.to_found(entity, self._rows(entity, some), some))
        return found

    def contacts(self, wanted: Sequence[Document]) -> Mapping[str, Sequence[Contact]]:
        """Candidates by marker. All vendors are listed: their numbers can't be queried."""
        return mapper.to_contacts(self._wire.rows("Vendor", ACTIVE_OR_NOT), wanted) if wanted else {}

    def contact(self, contact_id: str) -> Contact | None:
        """The vendor with this id."""
        if not contact_id.isdigit():
            return None
        rows = self._wire.rows("Vendor", f"Id = {text(contact_id)} AND {ACTIVE_OR_NOT}")
        return to_contact(rows[0]) if rows else None

    def named(self, name: str) -> tuple[list[Raw], list[Raw]]:
        """The vendors of this name, as it is or with the mark of a clash: (active ones, inactive ones)."""
        rows = self._wire.rows("Vendor", f"{any_of('DisplayName', _spellings(name))} AND {ACTIVE_OR_NOT}")
        exact = [row for row in rows if name_of(row) == folded(name)]
        marked = [row for row in rows if row not in exact]
        some = exact + marked
        active = [row for row in some if row.get("Active") is not False]
        return active, [row for row in some if row not in active]

    def numbered(self, entity: str, number: str) -> list[Raw]:
        """The transactions of one entity with this number."""
        return self._wire.rows(entity, any_of("DocNumber", [number]))

    def entity_at(self, kind: str, remote_id: str) -> str:
        """The entity of a posted document. Money back is a purchase or a deposit; one id is never both."""
        if kind != REFUND:
            return _ENTITIES[kind]
        return "Purchase" if self._wire.rows("Purchase", f"Id = {text(remote_id)}") else "Deposit"

    def with_id(self, entities: Sequence[str], remote_id: str) -> dict[str, list[Raw]]:
        """What has this id, by entity, in one call: nothing tells from an id which entity it is of."""
        return self._wire.lists(dict.fromkeys(entities, f"Id = {text(remote_id)}"))

    def files(self, entity: str, remote_id: str) -> list[Raw]:
        """The attachables of one transaction."""
        at = f"AttachableRef.EntityRef.Type = {text(entity.lower())}"
        return self._wire.rows("Attachable", f"{at} AND AttachableRef.EntityRef.value = {text(remote_id)}")

    def _rows(self, entity: str, documents: Sequence[Document]) -> list[Raw]:
        if entity == "Deposit":  # people see no number on it, and nobody says that it can be queried
            days = sorted(document.date.isoformat() for document in documents)
            return self._wire.rows(entity, f"TxnDate >= {text(days[0])} AND TxnDate <= {text(days[-1])}")
        if entity == "Vendor":
            name, values = "DisplayName", [s for each in documents for s in _spellings(display_name(each))]
        else:
            name, values = "DocNumber", [document.number for document in documents]
        values = sorted(set(values))
        groups = [values[at : at + _GROUP] for at in range(0, len(values), _GROUP)]
        return [row for group in groups for row in self._wire.rows(entity, any_of(name, group))]


def _spellings(name: str) -> list[str]:
    return [name, f"{name}{CLASH}"]
