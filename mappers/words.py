"""How names typed by people are compared: case, spaces around and Unicode form never matter."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable


def folded(name: str) -> str:
    """The form in which two spellings of one name are equal."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def stock_word(name: str) -> str:
    """Letters and digits only, so that "Non-Reimbursable" and "non reimbursable" are one word."""
    return re.sub(r"[\W_]+", "", folded(name))


def nearest(name: str, known: Iterable[str]) -> str:
    """` (did you mean X?)`, or nothing when no known name is near."""
    by_folded = {folded(one): one for one in known if one}
    close = difflib.get_close_matches(folded(name), by_folded, n=1, cutoff=0.7)
    return f' (did you mean "{by_folded[close[0]]}"?)' if close else ""


def one_line(text: str, *, most: int) -> str:
    """Text on one line without control characters, shortened to `most` characters with an ellipsis."""
    plain = text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
    shown = " ".join(plain.split())
    return shown if len(shown) <= most else shown[: most - 1].rstrip() + "…"
