"""What every polled source has in common."""

from typing import Protocol

from rules.decision import Listing, Push


class Source(Protocol):
    """A server that can be asked for its alerts."""

    name: str

    def poll(self) -> Listing | Push:
        """All alerts that it knows at this moment. Raises SourceDown where it cannot be read or trusted.

        A `Push` comes from a server that has just started and does not know everything yet: what it does not name
        has not ended.
        """
        ...
