"""Our documents as QuickBooks Online's wire, frozen into calls; its neighbours know the rest of its names.

qbo_entities.py makes the entities, qbo_answers.py reads what QuickBooks says of them, qbo_books.py its lists;
all are offered here.
https://developer.intuit.com/app/developer/qbo/docs/learn/explore-the-quickbooks-online-api/batch
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mappers.documents import BILL, CONTACT, CREDIT_NOTE, JOURNAL, Call, Document
from mappers.exact import parse, to_bytes
from mappers.qbo_answers import to_found, to_results
from mappers.qbo_books import deep_link, to_books, to_contacts
from mappers.qbo_entities import entity_of, path_of, to_entity

__all__ = [
    "BATCH",
    "LONGEST_KEY",
    "deep_link",
    "entity_of",
    "parse",
    "path_of",
    "to_books",
    "to_calls",
    "to_contacts",
    "to_found",
    "to_results",
]

BATCH = "batch"
BATCH_SIZE = 30
LONGEST_KEY = 36  # of a batch's requestid


def to_calls(documents: Iterable[Document], *, size: int = BATCH_SIZE) -> list[Call]:
    """Frozen bodies of at most `size` documents each, in sending order: contacts, claims, journals, money.

    The items of a batch can't see each other, so no call holds two of these. One document alone goes to its
    own endpoint, which spares the few batches that a minute has. Raises ValueError for a payment that does
    not know yet what it settles."""
    stages: list[list[Document]] = [[], [], [], []]
    for document in documents:
        stages[_stage(document)].append(document)
    groups = [some[at : at + size] for some in stages for at in range(0, len(some), size)]
    return [_call(group) for group in groups]


def _stage(document: Document) -> int:
    return {CONTACT: 0, BILL: 1, CREDIT_NOTE: 1, JOURNAL: 2}.get(document.kind, 3)


def _call(documents: Sequence[Document]) -> Call:
    markers = tuple(document.marker for document in documents)
    if len(documents) == 1:
        (alone,) = documents
        return Call(operation=path_of(entity_of(alone)), body=to_bytes(to_entity(alone)), markers=markers)
    items = [
        {"bId": f"{place}", "operation": "create", entity_of(document): to_entity(document)}
        for place, document in enumerate(documents, start=1)
    ]
    return Call(operation=BATCH, body=to_bytes({"BatchItemRequest": items}), markers=markers)
