"""The demo: a month-end of pretend expenses, watched until each stands in the books or before a person.

`month` (Xero) and `quickbooks` say what is entered and what must become of it, `pretend` speaks to the
sandbox, `books` reads what stands in a ledger, `relay` speaks to our own API, `story` goes through the month,
`watch` shows the progress, `verify` compares, `summary` tells. What must become of an expense is worked out
from what was entered, never by the program's own code.
"""
