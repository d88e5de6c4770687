"""The kinds of trouble we expect, grouped by what happens next. Anything else that is raised is a bug.

One table turns them into an expense's state: workers/policy.py. See docs/architecture.md, "Trouble".
"""

from __future__ import annotations


class Trouble(Exception):
    """Something that we know can happen. Its text is written for a person: what, why, what to do."""


class Retryable(Trouble):
    """Time will fix it: no answer, 408, 425, 5xx on a read, a token being refreshed elsewhere.

    `after` is the least number of seconds to wait, when the other side said so.
    """

    def __init__(self, message: str, *, after: float | None = None) -> None:
        super().__init__(message)
        self.after = after


class RateLimited(Retryable):
    """The provider said 429, or our own limiter held the call back: it was certainly not processed.

    `scope` is "tenant" (only this company waits) or "app" (every company of this provider waits).
    """

    def __init__(self, message: str, *, after: float | None = None, scope: str = "tenant") -> None:
        super().__init__(message, after=after)
        self.scope = scope


class Wait(Retryable):
    """Another worker is at this very thing: our turn comes in `after` seconds; no attempt is counted."""


class Uncertain(Trouble):
    """A write left the house and its outcome is unknown: what it should make may or may not exist.

    `answered` tells whether the other side answered at all (a 5xx or unreadable answer, which may be a
    cached one) or not (time-out, connection cut).
    """

    def __init__(self, message: str, *, answered: bool = False, status: int | None = None) -> None:
        super().__init__(message)
        self.answered = answered
        self.status = status


class NeedsAttention(Trouble):
    """Time will not fix it, a person can. `cause` is a stable code, `to_do` one sentence for that person."""

    def __init__(self, cause: str, why: str, to_do: str) -> None:
        super().__init__(why)
        self.cause = cause
        self.why = why
        self.to_do = to_do


class Held(Trouble):
    """A gate is not met yet (not approved, books closed): looked at again on every callback and sweep."""

    def __init__(self, why: str, *, cause: str | None = None, to_do: str | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.cause = cause
        self.to_do = to_do


class Skipped(Trouble):
    """There is rightly nothing to post, and time cannot change it."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Unauthorised(Trouble):
    """401: the call was not processed, the access token is stale. Refresh once, then send the same again."""


class Paused(Trouble):
    """The connection is lost (invalid_grant, 403): the company pauses, its expenses stay queued."""


class GrantLost(Paused):
    """The consent itself is gone (invalid_grant): no later try can cure that, only a person's new consent."""


class Refused(Trouble):
    """The provider refused a whole call for good (4xx); `words` are its own, `status` its HTTP status."""

    def __init__(self, message: str, *, words: tuple[str, ...] = (), status: int = 400) -> None:
        super().__init__(message)
        self.words = words
        self.status = status


class NotFound(Trouble):
    """The thing asked for by a person (a company, an expense, an event, a job) is not here."""


class Problems(Trouble):
    """Several things are wrong at once (settings, a company file); all are named together."""

    def __init__(self, heading: str, problems: list[str]) -> None:
        super().__init__(heading + "\n" + "\n".join(f"  - {problem}" for problem in problems))
        self.heading = heading
        self.problems = problems
