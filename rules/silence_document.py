"""The shape in which silences leave the daemon, which is Alertmanager's: the CLI and the API show this."""

from datetime import datetime

import msgspec

from rules.document import rfc3339
from rules.silence import Silence


class MatcherDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One condition on a label; without `isEqual` it is met by what matches."""

    name: str
    value: str
    isRegex: bool  # noqa: N815  Alertmanager's spelling
    isEqual: bool = True  # noqa: N815


class SilenceStatus(msgspec.Struct, frozen=True):
    """`pending`, `active` or `expired`."""

    state: str


class GettableSilence(msgspec.Struct, frozen=True, kw_only=True):
    """A silence in Alertmanager's shape."""

    id: str
    status: SilenceStatus
    updatedAt: str  # noqa: N815
    matchers: tuple[MatcherDocument, ...]
    startsAt: str  # noqa: N815
    endsAt: str  # noqa: N815
    createdBy: str  # noqa: N815
    comment: str


def silence_document(silence: Silence, now: datetime) -> GettableSilence:
    """The silence as programs see it at this moment."""
    return GettableSilence(
        id=silence.id,
        status=SilenceStatus(str(silence.state_at(now))),
        updatedAt=rfc3339(silence.updated_at),
        matchers=tuple(
            MatcherDocument(name=m.name, value=m.value, isRegex=m.is_regex, isEqual=m.is_equal)
            for m in silence.matchers
        ),
        startsAt=rfc3339(silence.starts_at),
        endsAt=rfc3339(silence.ends_at),
        createdBy=silence.created_by,
        comment=silence.comment,
    )
