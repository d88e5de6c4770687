"""A package, so that tests can share `tests.services` and the samples beside them."""
