"""What becomes of kept alerts when a daemon takes them up again."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from rules.alert import Alert
from rules.intake import RENEWAL
from rules.situation import Situation


def mapped(alert: Alert, situation: Situation) -> Alert:
    """The alert as the present CMDB sees it, where the CI it was on is gone."""
    if alert.ci is None or alert.ci in situation.estate:
        return alert
    return msgspec.structs.replace(alert, ci=None, mapped_by=f"the CMDB has no {alert.ci} any more")


def graced(alert: Alert, now: datetime) -> Alert:
    """The alert with a chance to be pushed again, where its time ran out or is about to."""
    end = now + RENEWAL
    late = {
        source: msgspec.structs.replace(seen, expires_at=end)
        for source, seen in alert.seen_by.items()
        if alert.is_firing and seen.firing and seen.expires_at is not None and seen.expires_at < end
    }
    return msgspec.structs.replace(alert, seen_by={**alert.seen_by, **late}) if late else alert


def polled_no_more(alerts: Sequence[Alert], sources: frozenset[str]) -> set[str]:
    """Sources whose word never runs out, that nobody asks any more: their alerts would never end."""
    return {
        source
        for alert in alerts
        if alert.is_firing
        for source, seen in alert.seen_by.items()
        if seen.firing and seen.expires_at is None and source not in sources
    }
