"""Secrets at rest: sealed with Fernet, newest key first (cryptography's MultiFernet rotates them)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from errors import Trouble


class Sealer:
    """Seals text and small mappings; opens what any of its keys sealed."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

    def __repr__(self) -> str:
        return "<Sealer>"

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Raises Trouble when none of the keys fits: ENCRYPTION_KEYS lost the key that sealed it."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except InvalidToken:
            raise Trouble(
                "A stored secret can't be opened: none of ENCRYPTION_KEYS sealed it. "
                "Add the key that was in use when the secret was stored, after the newest one."
            ) from None

    def seal_mapping(self, secrets: Mapping[str, str]) -> str:
        return self.seal(json.dumps(dict(secrets), sort_keys=True))

    def open_mapping(self, sealed: str) -> dict[str, str]:
        opened: dict[str, str] = json.loads(self.open(sealed))
        return opened

    def rotate(self, sealed: str) -> str:
        """The same secret sealed with the newest key."""
        self.open(sealed)
        return self._fernet.rotate(sealed.encode()).decode()
