"""Which alerts ask for a service instead of telling of a failure."""

from dataclasses import dataclass

from rules.alert import Alert
from rules.matchers import Matcher, all_of


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRule:
    """Alerts whose labels meet all `matchers` are service requests.

    They get this `title` (empty for the alert's own words) and are for this `group` (empty for the CI's owner).
    """

    name: str
    matchers: tuple[Matcher, ...]
    title: str = ""
    group: str = ""

    def covers(self, alert: Alert) -> bool:
        """Whether the alert asks for a service."""
        return all_of(self.matchers)(alert.labels)
