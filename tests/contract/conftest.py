"""Fixtures of the contract suites."""

from tests.contract.api_world import guarded, http, password_hash, peopled, world
from tests.contract.certificates import certificate
from tests.contract.deliveries import deliver, results
from tests.contract.stores import clock, commit, open_store, store, url

__all__ = [
    "certificate",
    "clock",
    "commit",
    "deliver",
    "guarded",
    "http",
    "open_store",
    "password_hash",
    "peopled",
    "results",
    "store",
    "url",
    "world",
]
