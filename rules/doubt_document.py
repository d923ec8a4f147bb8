"""The shape in which doubts about the CMDB leave the daemon: the CLI and the API show this."""

from collections.abc import Sequence

import msgspec

from rules.document import rfc3339
from rules.doubt import Doubt
from rules.incident import incident_key
from rules.past import History


class DoubtDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A doubt about the CMDB: `kind` is missing or false; `odds` to one speak for it."""

    kind: str
    ci: str
    needs: str
    odds: float
    seen: int
    possible: int
    incidents: tuple[str, ...]
    services: tuple[str, ...]
    words: str


class DoubtList(msgspec.Struct, frozen=True, kw_only=True):
    """The worst of `total` doubts, and the stretch of the record that was looked at."""

    doubts: tuple[DoubtDocument, ...]
    total: int
    since: str
    until: str
    incidents: int
    alerts: int


def doubts_document(found: Sequence[Doubt], history: History, limit: int) -> DoubtList:
    """The first doubts, with what was looked at."""
    return DoubtList(
        doubts=tuple(_doubt_document(d) for d in found[:limit]),
        total=len(found),
        since=rfc3339(history.since),
        until=rfc3339(history.until),
        incidents=len(history.incidents),
        alerts=len(history.alerts),
    )


def _doubt_document(doubt: Doubt) -> DoubtDocument:
    return DoubtDocument(
        kind=str(doubt.kind),
        ci=doubt.ci,
        needs=doubt.needs,
        odds=doubt.odds,
        seen=doubt.seen,
        possible=doubt.possible,
        incidents=tuple(map(incident_key, doubt.proof)),
        services=doubt.services,
        words=doubt.words,
    )
