"""The states of expenses, documents and requests, and every move between them (docs/states.md draws them).

A move is written by an UPDATE that names the states it may start from, so that an illegal one changes no row;
what is written through an object is checked when it is set. What moves nothing is not a move: a worker that
looks again at what is `held` or `done` leaves it so meanwhile, and a callback only makes an expense due.
"""

from __future__ import annotations

from collections.abc import Mapping

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

# A worker will look at these by itself: they are always due at some time.
MOVING = (QUEUED, POSTING, RETRYING, UNCERTAIN)

PLANNED, SENT, POSTED, DRAFTED = "planned", "sent", "posted", "draft"
FAILED, REVERSED = "failed", "reversed"
DOCUMENT_STATES = (PLANNED, SENT, UNCERTAIN, POSTED, DRAFTED, FAILED, REVERSED)
LOOSE = (PLANNED, FAILED)  # it is not at the ledger: it may be planned otherwise, and sent
OPEN = (SENT, UNCERTAIN)  # it may exist at the ledger
MADE = (POSTED, DRAFTED)  # it does

SETTLED = "done"  # of a request: nobody needs to take it up again
REQUEST_STATES = (SENT, UNCERTAIN, SETTLED)

Moves = Mapping[str, tuple[str, ...]]  # a state to those that it may be reached from

# A worker that holds an expense finds it in one of these, and leaves it by one of ENDINGS. What is posted or
# was changed after the posting can't become something of which nothing stands at the ledger.
_HELD_BY_WORKER = (
    POSTING,
    HELD,
    UNCERTAIN,
    NEEDS_ATTENTION,
    AWAITING_APPROVAL,
    BROKEN,
    DONE,
    SKIPPED,
    CHANGED,
)
_NOT_POSTED = tuple(state for state in _HELD_BY_WORKER if state not in (DONE, CHANGED))
CLAIM: Moves = {POSTING: (QUEUED, RETRYING)}
ENDINGS: Moves = {
    QUEUED: _HELD_BY_WORKER,
    RETRYING: _HELD_BY_WORKER,
    NEEDS_ATTENTION: _HELD_BY_WORKER,
    BROKEN: _HELD_BY_WORKER,
    DONE: _HELD_BY_WORKER,
    CHANGED: _HELD_BY_WORKER,
    HELD: (*_NOT_POSTED, CHANGED),
    UNCERTAIN: (*_NOT_POSTED, CHANGED),
    SKIPPED: _NOT_POSTED,
    AWAITING_APPROVAL: _NOT_POSTED,
}
RETRY: Moves = {QUEUED: RETRIABLE}
APPROVE: Moves = {QUEUED: (AWAITING_APPROVAL,)}
IGNORE: Moves = {IGNORED: tuple(state for state in EXPENSE_STATES if state not in (DONE, UNDONE))}
# A person made its bill in the ledger. From `changed` only when what stands there was a person's already.
HANDLE: Moves = {DONE: tuple(state for state in EXPENSE_STATES if state not in (DONE, UNDONE))}
EXPENSE_MOVES = {
    "claim": CLAIM,
    "end": ENDINGS,
    "retry": RETRY,
    "approve": APPROVE,
    "ignore": IGNORE,
    "handle": HANDLE,
}

PLAN: Moves = {PLANNED: LOOSE}
FREEZE: Moves = {SENT: LOOSE}
LAND: Moves = {POSTED: OPEN, DRAFTED: OPEN, FAILED: OPEN, PLANNED: OPEN}
DOUBT: Moves = {UNCERTAIN: (SENT,)}
# A receipt that a slow worker filed, or may have, is so even when another planned it anew meanwhile.
FILE: Moves = {
    SENT: (PLANNED,),
    UNCERTAIN: (PLANNED, SENT),
    FAILED: (PLANNED, SENT),
    PLANNED: OPEN,
    POSTED: (PLANNED, *OPEN),
}
# A contact found at the ledger is remembered, and forgotten when it is refused later (archived, merged).
KNOW: Moves = {POSTED: LOOSE, PLANNED: (POSTED,)}
KNOW_A_CONTACT = "know a contact"
DOCUMENT_MOVES = {
    "plan": PLAN,
    "freeze": FREEZE,
    "land": LAND,
    "doubt": DOUBT,
    "file a receipt": FILE,
    KNOW_A_CONTACT: KNOW,
}

REOPEN: Moves = {UNCERTAIN: OPEN}
CLOSE: Moves = {SETTLED: OPEN}
REQUEST_MOVES = {"doubt": REOPEN, "close": CLOSE}


class IllegalMove(Exception):
    """A bug of ours: a state was to be written that does not follow the present one. Nothing was written."""


def sources(moves: Moves, target: str) -> tuple[str, ...]:
    """The states from which these moves lead to `target`; raises IllegalMove when none does."""
    if target not in moves:
        raise IllegalMove(f"No such move leads to {target!r}, only to {sorted(moves)} (models/states.py).")
    return moves[target]


def check_move(acts: Mapping[str, Moves], source: str, target: str) -> None:
    """Raises IllegalMove unless one of the acts leads from `source` to `target`, or nothing moves."""
    if source != target and not any(source in moves.get(target, ()) for moves in acts.values()):
        raise IllegalMove(f"No move leads from {source!r} to {target!r} (models/states.py).")
