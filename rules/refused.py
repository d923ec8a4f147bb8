"""What an order needs to make sense, and the refusal where it does not."""

from rules.decision import Command
from rules.errors import IncidentdError


class Refused(IncidentdError):
    """The order makes no sense as things are; the text says why and what is allowed."""


class Stale(Refused):
    """Whoever gave the order had seen an older version of what was to be changed."""


class Forbidden(Refused):
    """Whoever gave the order may not do this, or not to this incident."""


def required(command: Command, what: str) -> str:
    """The command's value without white space around it; Refused where it is empty."""
    if not command.value.strip():
        raise Refused(f"{command.verb} needs {what}")
    return command.value.strip()


def refuse_stale(key: str, version: int, expects: int | None) -> None:
    """Stale where the order was given for another version than there is; None was given for any."""
    if expects is not None and expects != version:
        versions = f"version {expects} then, {version} now"
        raise Stale(f"{key} has been changed since it was read ({versions}); read it again")
