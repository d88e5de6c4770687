"""What a person or a token may do: each role may do what those before it may."""

from __future__ import annotations

VIEWER, OPERATOR, ADMIN = "viewer", "operator", "admin"
ROLES = (VIEWER, OPERATOR, ADMIN)
EVERYWHERE = "*"  # stands for all companies, those to come too


def higher(one: str | None, other: str | None) -> str | None:
    """The role of the two that may do more; None counts as no role."""
    return max(one, other, key=lambda role: ROLES.index(role) if role in ROLES else -1)
