"""Who calls, and what they may do where: the same for a program's token and for a person who is logged in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flask import g
from sqlalchemy.orm import Session

from errors import NotFound
from models.companies import find_company
from models.company import Company
from models.roles import EVERYWHERE, ROLES, higher

_KEY = re.compile(r"[a-z0-9-]{1,100}")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whoever makes this request. `actor` is how the history names them, `roles` their role by company key;
    under "*" the one in all companies."""

    name: str
    actor: str
    roles: Mapping[str, str]

    @property
    def companies(self) -> frozenset[str] | None:
        """The keys of the companies that they may see; None: all of them."""
        return None if EVERYWHERE in self.roles else frozenset(self.roles)

    def role_in(self, key: str) -> str | None:
        """What they are in this company."""
        return higher(self.roles.get(key), self.roles.get(EVERYWHERE))

    def may(self, role: str, *, company: str) -> bool:
        """Whether they may do in this company ("*": in all) what needs this role."""
        return _reaches(self.role_in(company), role)

    def may_anywhere(self, role: str) -> bool:
        """Whether there is a company where they may."""
        return any(_reaches(own, role) for own in self.roles.values())


def caller() -> Caller:
    """Whoever makes this request; a guard has let them through."""
    found: Caller = g.caller
    return found


def company_of(session: Session, key: str) -> Company:
    """The company, if the caller may see it. Raises NotFound, in the same words for one that isn't there."""
    companies = caller().companies
    if not _KEY.fullmatch(key) or (companies is not None and key not in companies):
        raise NotFound(unknown_company(key))
    try:
        return find_company(session, key)
    except NotFound:
        raise NotFound(unknown_company(key)) from None


def unknown_company(key: str) -> str:
    return f"There is no company {key!r} that you may see."


def _reaches(own: str | None, needed: str) -> bool:
    return own is not None and ROLES.index(own) >= ROLES.index(needed)
