"""The shapes in which service requests, problems and changes leave the API."""

import msgspec

from daemon.api.documents import NoticeDocument
from rules.record_document import ChangeRecord, EntryDocument, ProblemRecord, RecordDocument
from rules.record_shapes import RiskDocument


class RecordDetail(RecordDocument, frozen=True, kw_only=True):
    """A service request with its history."""

    timeline: tuple[EntryDocument, ...]


class ProblemDetail(ProblemRecord, frozen=True, kw_only=True):
    """A problem with its history."""

    timeline: tuple[EntryDocument, ...]


class ChangeDetail(ChangeRecord, frozen=True, kw_only=True):
    """A change with its history, what it risks now, the changes at the same time, and who was told of it, newest
    first."""

    timeline: tuple[EntryDocument, ...]
    risk: RiskDocument
    overlapping: tuple[str, ...]
    notices: tuple[NoticeDocument, ...]


class RecordList(msgspec.Struct, frozen=True, kw_only=True):
    """Service requests, newest first; `next_offset` and `next` are null on the last page."""

    requests: tuple[RecordDocument, ...]
    next_offset: int | None
    next: str | None


class ProblemList(msgspec.Struct, frozen=True, kw_only=True):
    """Problems, newest first; `next_offset` and `next` are null on the last page."""

    problems: tuple[ProblemRecord, ...]
    next_offset: int | None
    next: str | None


class ChangeList(msgspec.Struct, frozen=True, kw_only=True):
    """Changes, newest first; `next_offset` and `next` are null on the last page."""

    changes: tuple[ChangeRecord, ...]
    next_offset: int | None
    next: str | None


class RecordOrderDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an order. `record` is the number of the record it was about or made. `done` is null where it is
    stored but was not decided on in time; then a new record has no number yet."""

    command: str
    record: str | None
    done: bool | None
    message: str
    status: str | None
    version: int | None
