"""Errors of the process; each says who must act."""

from collections.abc import Iterable

from cmdb.problems import Problem
from rules.errors import IncidentdError


class ConfigError(IncidentdError):
    """The owner's files hold mistakes; every one of them is in `problems`."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))


class SourceDown(IncidentdError):
    """A source of alerts could not be read, or what it said cannot be trusted."""


class StoreError(IncidentdError):
    """The database cannot be used as it is."""


class StoreBusy(StoreError):
    """Another daemon works on this database."""


class LeaseLost(StoreError):
    """This daemon is no longer the one that may decide."""


class BadLink(IncidentdError):
    """A link was not made here, or its time is over."""


class NotDone(IncidentdError):
    """What somebody asked for was refused; the text says why, for people."""


class MailboxDown(IncidentdError):
    """The mailbox from which mail is taken cannot be read."""


class DoorError(IncidentdError):
    """Mail cannot be taken at the address at which it is to come in."""
