"""Fixtures of the unit tests of the command line."""

from tests.cli_site import incidentd, recorded, site

__all__ = ["incidentd", "recorded", "site"]
