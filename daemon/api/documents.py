"""The shapes of the API's own answers, and how values become them."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import Response

from daemon.store.rows import NoticeRow
from rules.decision import SourceState, TimelineEntry
from rules.document import EventDocument, IncidentDocument, rfc3339
from rules.record_document import SuggestionDocument
from rules.record_shapes import ContactDocument, RatingDocument


class TimelineDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an incident's history. `actor_kind` is person, rule or daemon; `field` names what was changed from
    `old` to `new`, where one thing was."""

    at: str
    kind: str
    text: str
    actor: str
    old: str = ""
    new: str = ""
    actor_kind: str = "daemon"
    field: str = ""
    reason: str = ""


class NoticeDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one recipient and how far it has come: pending, sending, delivered, passed (on by another way) or
    dead.

    `person` is the id of whom it is for, empty where that is everybody whom the notifier reaches. `instead_of` is the
    notifier that was to carry it and could not; `latency_s` how long the sending that succeeded took, in seconds.
    """

    idempotency_key: str
    to: str
    event: str
    reason: str
    at: str
    state: str
    attempts: int
    due_at: str
    delivered_at: str | None
    last_error: str
    person: str = ""
    instead_of: str = ""
    latency_s: float | None = None


class IncidentDetail(IncidentDocument, frozen=True, kw_only=True):
    """An incident with its whole history, whom to turn to, how content people were, and everything that was told about
    it. `version` grows with every change. `problem_suggestion` is set where it recurs so often that a problem should be
    made of it."""

    version: int
    contact: ContactDocument
    ratings: tuple[RatingDocument, ...]
    problem_suggestion: SuggestionDocument | None
    timeline: tuple[TimelineDocument, ...]
    notices: tuple[NoticeDocument, ...]


class IncidentList(msgspec.Struct, frozen=True, kw_only=True):
    """Incidents, in the order that was asked for; `next_offset` is where the next page begins and `next` its address,
    null on the last."""

    incidents: tuple[IncidentDocument, ...]
    next_offset: int | None
    next: str | None


class EventList(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts that opened nothing, newest first, each with its reason."""

    events: tuple[EventDocument, ...]


class SourceStateDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a source of alerts can be heard, since when, and else why not."""

    name: str
    is_up: bool
    since: str
    last_ok_at: str | None
    failures: int
    error: str


class SourceList(msgspec.Struct, frozen=True, kw_only=True):
    """Every source of alerts that has been asked, by name."""

    sources: tuple[SourceStateDocument, ...]


class OrderDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an order. `done` is null where it is stored but was not decided on in time. `version` is that of
    the incident afterwards, for the next order's `If-Match`."""

    command: str
    incident: str
    done: bool | None
    message: str
    status: str
    version: int


class BulkResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one order of many: `code` is the HTTP status that it would have been answered with alone."""

    incident: str
    code: int
    done: bool | None
    message: str


class BulkDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What became of many orders, in the order of the numbers."""

    results: tuple[BulkResult, ...]


def timeline_document(entry: TimelineEntry) -> TimelineDocument:
    """One line of an incident's history."""
    return TimelineDocument(
        at=rfc3339(entry.at),
        kind=entry.kind,
        text=entry.text,
        actor=entry.actor,
        old=entry.old,
        new=entry.new,
        actor_kind=entry.actor_kind,
        field=entry.field,
        reason=entry.reason,
    )


def notice_document(row: NoticeRow) -> NoticeDocument:
    """One notice, without its content."""
    return NoticeDocument(
        idempotency_key=row.key,
        to=row.to,
        event=row.event,
        reason=row.reason,
        at=rfc3339(row.at),
        state=row.state,
        attempts=row.attempts,
        due_at=rfc3339(row.due_at),
        delivered_at=None if row.delivered_at is None else rfc3339(row.delivered_at),
        last_error=row.last_error,
        person=row.person,
        instead_of=row.instead_of,
        latency_s=row.latency_s,
    )


def source_document(state: SourceState) -> SourceStateDocument:
    """One source."""
    return SourceStateDocument(
        name=state.name,
        is_up=state.is_up,
        since=rfc3339(state.since),
        last_ok_at=None if state.last_ok_at is None else rfc3339(state.last_ok_at),
        failures=state.failures,
        error=state.error,
    )


def json_response(document: Any, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None) -> Response:
    """The document as it is sent."""
    return Response(msgspec.json.encode(document), status, headers, media_type="application/json")
