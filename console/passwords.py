"""Passwords: scrypt by Werkzeug, which is here already; with 32 MB a try it is what OWASP asks for."""

from __future__ import annotations

from functools import cache

from werkzeug.security import check_password_hash, generate_password_hash

from errors import Problems

SHORTEST, LONGEST = 12, 200  # characters
RULE = f"At least {SHORTEST} characters; a few words in a row are easiest to keep"


def hash_password(password: str, *, email: str) -> str:
    """Its hash, to be kept. Raises Problems when it would be too easy to guess."""
    if not SHORTEST <= len(password) <= LONGEST:
        fault = f"It has {len(password)} characters: choose one of {SHORTEST} to {LONGEST}."
    elif len(set(password)) < 5 or password.lower() in (email.lower(), email.lower().partition("@")[0]):
        fault = "It is too easy to guess: choose one that is not your address and not the same few letters."
    else:
        return generate_password_hash(password)
    raise Problems("The password was not taken:", [fault])


def is_password(password: str, kept: str | None) -> bool:
    """Whether it is the password of this hash; takes as long when there is none."""
    is_right = check_password_hash(kept or _nobodys(), password[: LONGEST + 1])
    return is_right and kept is not None


@cache
def _nobodys() -> str:
    return generate_password_hash("nobody has this password")
