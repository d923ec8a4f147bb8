"""What an order needs to make sense, and the refusal where it does not."""

from rules.decision import Command
from rules.errors import IncidentdError


class Refused(IncidentdError):
    """The order makes no sense as things are; the text says why and what is allowed."""


def required(command: Command, what: str) -> str:
    """The command's value without white space around it; Refused where it is empty."""
    if not command.value.strip():
        raise Refused(f"{command.verb} needs {what}")
    return command.value.strip()
