"""The known world, for the tests of what we remember."""

from tests.world import company, database

__all__ = ["company", "database"]
