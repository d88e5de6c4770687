"""The demo's view of Expense Relay itself: nothing but its JSON API (docs at /api/v1/docs)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import requests


@dataclass
class Relay:
    """One company, seen through the API with a bearer token."""

    url: str
    token: str
    company: str = "acme"

    def __post_init__(self) -> None:
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {self.token}"

    def is_ready(self) -> bool:
        """Whether web, database and Redis answer."""
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def expenses(self) -> dict[int, dict[str, Any]]:
        """Every expense by entry id."""
        found: dict[int, dict[str, Any]] = {}
        cursor: str | None = None
        while True:
            page = self._get("expenses", limit=200, cursor=cursor)
            found |= {expense["entry_id"]: expense for expense in page["expenses"]}
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def causes(self) -> list[dict[str, Any]]:
        """What waits, grouped by cause, with count and money."""
        causes: list[dict[str, Any]] = self._get("causes")
        return causes

    def retry(self, *, cause: str) -> int:
        """Retries everything with this cause; how many expenses go on."""
        answer = self._http.post(
            f"{self.url}/api/v1/companies/{self.company}/retry", json={"cause": cause}, timeout=10
        )
        return int(_good(answer)["queued"])

    def _get(self, path: str, **query: Any) -> Any:
        answer = self._http.get(
            f"{self.url}/api/v1/companies/{self.company}/{path}", params=query, timeout=10
        )
        return _good(answer)


def _good(answer: requests.Response) -> Any:
    if not answer.ok:
        said = f"HTTP {answer.status_code} {answer.text[:300]}"
        raise RuntimeError(f"Our API refused {answer.request.path_url}: {said}")
    return answer.json()
