"""Which incident a conversation is about."""

import re

from daemon.store.store import Store

_THREAD = re.compile(r"incident INC-([0-9]{1,9})\b", re.ASCII)
_HEADLINE = re.compile(r"INC-([0-9]{1,9})\b", re.ASCII)


def incident_of(store: Store, notifier: str, ref: str) -> int:
    """The number of the incident whose conversation began with this message; 0 where it is none."""
    found = _THREAD.match(store.threads.thread_of(notifier, ref))
    return int(found[1]) if found else 0


def incident_named_in(headline: str) -> int:
    """The number that a notice of ours begins with; 0 where it begins with none."""
    found = _HEADLINE.match(headline)
    return int(found[1]) if found else 0
