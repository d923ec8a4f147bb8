"""What the command line itself refuses."""

from rules.errors import IncidentdError


class Refusal(IncidentdError):
    """The command cannot be done; the text says why, and what to do instead."""
