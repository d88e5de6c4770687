"""The known world, for the tests of the worker's parts."""

from tests.world import company, database

__all__ = ["company", "database"]
