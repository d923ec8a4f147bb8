"""Fixtures of the contract suites."""

from tests.contract.stores import clock, commit, open_store, store, url

__all__ = ["clock", "commit", "open_store", "store", "url"]
