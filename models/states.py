"""The states of expenses and documents: every name, in one place (docs/stuck.md explains each)."""

from __future__ import annotations

QUEUED, HELD, POSTING, RETRYING = "queued", "held", "posting", "retrying"
UNCERTAIN, NEEDS_ATTENTION, AWAITING_APPROVAL = "uncertain", "needs_attention", "awaiting_approval"
BROKEN, DONE, SKIPPED, IGNORED = "broken", "done", "skipped", "ignored"
CHANGED, UNDONE = "changed", "undone"

EXPENSE_STATES = (
    QUEUED,
    HELD,
    POSTING,
    RETRYING,
    UNCERTAIN,
    NEEDS_ATTENTION,
    AWAITING_APPROVAL,
    BROKEN,
    DONE,
    SKIPPED,
    IGNORED,
    CHANGED,
    UNDONE,
)

# A callback makes these due at once. Not `retrying` and `uncertain`, which wait as they were told;
# not `ignored` and `undone`, which a person decided.
WOKEN_BY_CALLBACK = (QUEUED, HELD, NEEDS_ATTENTION, AWAITING_APPROVAL, BROKEN, DONE, SKIPPED, CHANGED)

# What a person may retry. `done` is not among them: there is nothing to do again.
RETRIABLE = (QUEUED, HELD, RETRYING, NEEDS_ATTENTION, BROKEN, SKIPPED, IGNORED, UNCERTAIN, CHANGED)

# Most of the history ends in these.
ENDED = (DONE, SKIPPED, IGNORED, UNDONE)

# Money behind these is shown by cause.
STUCK = (NEEDS_ATTENTION, BROKEN, RETRYING, UNCERTAIN, HELD, CHANGED)

PLANNED, SENT, POSTED, DRAFTED = "planned", "sent", "posted", "draft"
FAILED, REVERSED = "failed", "reversed"
DOCUMENT_STATES = (PLANNED, SENT, UNCERTAIN, POSTED, DRAFTED, FAILED, REVERSED)
OPEN = (SENT, UNCERTAIN)  # it may exist at the ledger
MADE = (POSTED, DRAFTED)  # it does
