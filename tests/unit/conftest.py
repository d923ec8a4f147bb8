"""Fixtures of the unit tests: the command line, and a clerk who keeps records."""

import pytest

from tests.clerk import Clerk
from tests.cli_site import incidentd, recorded, site
from tests.desk import Desk

__all__ = ["incidentd", "recorded", "site"]


@pytest.fixture
def clerk() -> Clerk:
    """A clerk at a desk at which nothing has happened yet."""
    return Clerk(Desk())
