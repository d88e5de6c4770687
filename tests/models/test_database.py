"""What the database says aloud."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models.database import Database


def test_an_error_does_not_repeat_what_was_to_be_stored(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught, database.write() as session:
        session.execute(text("INSERT INTO nowhere VALUES (:token)"), {"token": "sealed-token"})
    assert "sealed-token" not in str(caught.value)
