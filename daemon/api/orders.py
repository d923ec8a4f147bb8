"""What people may ask of an incident: each order is decided by the daemon, and refused where its state forbids it."""

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Literal

import anyio
from fastapi import APIRouter, Depends, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from daemon.api.access import MAX_ACTOR, Caller, note_refusal, require
from daemon.api.documents import OrderDocument, json_response
from daemon.api.etags import IfMatch, expected_version
from daemon.api.incidents import Number, known_incident, utc_of
from daemon.api.openapi import answers
from daemon.api.ports import Ports
from daemon.api.problems import Problem, wrong_field
from daemon.api.sight import may_see
from rules.access import Permission
from rules.decision import Asker, Command, Resolving, Verb
from rules.decision import Order as AnyOrder
from rules.incident import Incident, Restoration, incident_key, incident_number
from rules.near import unknown_ci

_OUTCOMES = (HTTPStatus.ACCEPTED, HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED)
# Orders wait for a decision; more of them at once would only hold threads that others need.
_WAITING_ORDERS = 16

Prose = Annotated[str, Field(max_length=4000)]
Word = Annotated[str, Field(min_length=1, max_length=256)]


class Order(BaseModel):
    """What every order may carry. `actor` counts only where nobody has logged in; else it is the user or the token."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)
    actor: Annotated[str, Field(max_length=MAX_ACTOR)] = ""


class Remark(Order):
    """An order that may say why."""

    reason: Prose = ""


class Hold(Order):
    """What is waited for."""

    reason: Annotated[str, Field(min_length=1, max_length=4000)]


class Assign(Remark):
    """Whom to give it to."""

    assignee: Word


class Note(Order):
    """A line for the timeline."""

    text: Annotated[str, Field(min_length=1, max_length=4000)]


class Resolve(Remark):
    """What mended it. `root` is the CI that failed: it confirms the one that the incident names, or corrects it.

    `code` is one of the organisation's resolution codes. Where steps are required and not done, `force` resolves it all
    the same, for the `reason`.
    """

    resolution: Prose = ""
    root: Word | None = None
    code: Word | None = None
    restored_at: Annotated[AwareDatetime | None, Field(description="When the service was back.")] = None
    restoration: Annotated[Literal["fix", "workaround", "itself"] | None, Field(description="How it came back.")] = None
    force: bool = False


class SetField(Remark):
    """Another value for a field; empty takes away what may be missing."""

    field: Annotated[Word, Field(description="`title`, `contact.mail`, `sign.error`, …; docs/incident-record.md.")]
    value: Annotated[str, Field(max_length=4000)]


class CheckStep(Remark):
    """A step that is done, or is open again."""

    step: Annotated[int, Field(ge=1, le=1000)]
    done: bool = True


class Duplicate(Order):
    """The incident that it is a duplicate of."""

    of: Annotated[str | int, Field(description="`INC-7` or 7.")]


class Child(Order):
    """The major incident that it is a child of."""

    of: Annotated[str | int, Field(description="`INC-7` or 7.")]


class Unlink(Order):
    """The record that it is linked to no more."""

    to: Annotated[str, Field(min_length=1, max_length=32, description="As in `INC-7` or `PRB-3`.")]


class Merge(Remark):
    """The incident that it is a part of."""

    into: Annotated[str | int, Field(description="`INC-7` or 7.")]


class Split(Remark):
    """The CI whose alerts leave into an incident of their own."""

    ci: Word


class SetPriority(Remark):
    """The priority that a person gives it."""

    priority: Literal["P1", "P2", "P3", "P4", "P5"]


class SetRoot(Remark):
    """The CI that a person knows to have failed."""

    ci: Word


class Route(Remark):
    """The group that is to have it."""

    group: Word


class Watch(Order):
    """The person who is told of everything about it, or no more."""

    person: Annotated[str, Field(min_length=1, max_length=63, description="The id of one of `people`.")]


class SnoozeUntil(Remark):
    """Until when nobody is called."""

    until: AwareDatetime


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of order: its word in the address, its body, what of the body is the command's value, and who may."""

    word: str
    verb: Verb
    body: type[Order]
    value: str
    is_required: bool = False
    permission: Permission = "write"


KINDS = (
    Kind("acknowledge", Verb.ACKNOWLEDGE, Remark, "reason"),
    Kind("start", Verb.START, Remark, "reason"),
    Kind("hold", Verb.HOLD, Hold, "reason", is_required=True),
    Kind("resume", Verb.RESUME, Remark, "reason"),
    Kind("assign", Verb.ASSIGN, Assign, "assignee", is_required=True),
    Kind("note", Verb.NOTE, Note, "text", is_required=True, permission="own"),
    Kind("resolve", Verb.RESOLVE, Resolve, "resolution"),
    Kind("close", Verb.CLOSE, Remark, "reason", permission="own"),
    Kind("reopen", Verb.REOPEN, Remark, "reason", permission="own"),
    Kind("merge", Verb.MERGE, Merge, "into", is_required=True),
    Kind("split", Verb.SPLIT, Split, "ci", is_required=True),
    Kind("duplicate", Verb.DUPLICATE, Duplicate, "of", is_required=True),
    Kind("child", Verb.CHILD, Child, "of", is_required=True),
    Kind("unlink", Verb.UNLINK, Unlink, "to", is_required=True),
    Kind("convert", Verb.CONVERT, Remark, "reason"),
    Kind("priority", Verb.SET_PRIORITY, SetPriority, "priority", is_required=True, permission="manage"),
    Kind("root", Verb.SET_ROOT, SetRoot, "ci", is_required=True),
    Kind("set", Verb.SET, SetField, "value", is_required=True),
    Kind("step", Verb.STEP, CheckStep, "done", is_required=True),
    Kind("route", Verb.ROUTE, Route, "group", is_required=True),
    Kind("escalate", Verb.ESCALATE, Remark, "reason"),
    Kind("snooze", Verb.SNOOZE, SnoozeUntil, "until", is_required=True),
    Kind("unsnooze", Verb.UNSNOOZE, Remark, "reason"),
    Kind("watch", Verb.WATCH, Watch, "person", is_required=True),
    Kind("unwatch", Verb.UNWATCH, Watch, "person", is_required=True),
)


def order_routes(ports: Ports) -> APIRouter:
    """Everything under /api/v1 that changes an incident."""
    router = APIRouter(tags=["orders"])
    waiting = anyio.CapacityLimiter(_WAITING_ORDERS)
    for kind in KINDS:
        router.add_api_route(
            f"/api/v1/incidents/{{number}}/{kind.word}",
            _endpoint(ports, kind, waiting),
            methods=["POST"],
            summary=f"{kind.word.capitalize()} an incident",
            operation_id=f"{kind.word}_incident",
            responses=answers(OrderDocument, *_OUTCOMES),
        )
    return router


def _endpoint(ports: Ports, kind: Kind, waiting: anyio.CapacityLimiter) -> Callable[..., Any]:
    allowed = Depends(require(ports, kind.permission, by_service=True))

    async def give(number: Number, caller: Annotated[Caller, allowed], body: Any, if_match: IfMatch = None) -> Response:
        sent = body if body is not None else kind.body()
        return await anyio.to_thread.run_sync(_give, ports, kind, number, caller, sent, if_match, limiter=waiting)

    # The type of the body is the kind's own; it is optional where nothing in it is needed.
    give.__annotations__["body"] = kind.body if kind.is_required else kind.body | None
    if not kind.is_required:
        give.__defaults__ = (None, None)
    return give


def _give(ports: Ports, kind: Kind, key: str, caller: Caller, body: Order, if_match: str | None) -> Response:
    incident = known_incident(ports, key, caller)
    command = command_of(ports, kind, incident, caller, body, expected_version(if_match, incident.version))
    done = carried_out(ports, incident, command, caller)
    return json_response(done, HTTPStatus.ACCEPTED if done.done is None else HTTPStatus.OK)


def command_of(
    ports: Ports, kind: Kind, incident: Incident, caller: Caller, body: Order, expects: int | None = None
) -> Command:
    """What the daemon is asked; a 400 that names the field where it makes no sense."""
    return Command(
        id=uuid.uuid4().hex,
        at=ports.clock.now(),
        actor=actor_of(caller, body),
        verb=kind.verb,
        number=incident.number,
        value=_value(ports, kind, incident, caller, body),
        reason=getattr(body, "reason", ""),
        root=_known_ci(ports, "root", body.root) if isinstance(body, Resolve) and body.root else "",
        expects=expects,
        field=_field(body),
        resolving=_resolving(body) if isinstance(body, Resolve) else Resolving(),
        asker=Asker.STAFF if caller.is_staff else Asker.REPORTER,
    )


def actor_of(caller: Caller, body: Order) -> str:
    """Whose word it is: of the user or token, and only where nobody is known of whom the request says."""
    return caller.name if caller.is_known else body.actor or caller.name


def _field(body: Order) -> str:
    if isinstance(body, SetField):
        return body.field
    return str(body.step) if isinstance(body, CheckStep) else ""


def _resolving(body: Resolve) -> Resolving:
    return Resolving(
        code=body.code or "",
        restored_at=utc_of("restored_at", body.restored_at),
        restoration=None if body.restoration is None else Restoration(body.restoration),
        force=body.force,
    )


def carried_out(ports: Ports, incident: Incident, command: Command, caller: Caller) -> OrderDocument:
    """Wait for the decision and say what came of it; a 409, a 412 where the asker had seen an older version, or a 403
    where it is not theirs to change."""
    try:
        reply = ports.order(command)
    except TimeoutError:
        message = "stored, but not decided on yet; it will be done as soon as it can"
        return _document(incident, command, None, message)
    if reply.forbidden:
        note_refusal(caller, incident=incident.key, why=reply.message)
        raise Problem(HTTPStatus.FORBIDDEN, reply.message)
    if not reply.done:
        raise Problem(HTTPStatus.PRECONDITION_FAILED if reply.stale else HTTPStatus.CONFLICT, reply.message)
    return _document(ports.store.incident(incident.number) or incident, command, True, reply.message)


def decided(ports: Ports, order: AnyOrder) -> None:
    """Wait for the decision; an answer that is an error where there is none in time, or it is a refusal."""
    try:
        reply = ports.order(order)
    except TimeoutError:
        detail = "stored, but not decided on yet; it will be done as soon as it can"
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail) from None
    if not reply.done:
        raise Problem(HTTPStatus.CONFLICT, reply.message)


def _document(incident: Incident, command: Command, done: bool | None, message: str) -> OrderDocument:
    return OrderDocument(
        command=command.id,
        incident=incident.key,
        done=done,
        message=message,
        status=str(incident.status),
        version=incident.version,
    )


def _value(ports: Ports, kind: Kind, incident: Incident, caller: Caller, body: Order) -> str:
    """The command's value, checked against what only the daemon knows."""
    if isinstance(body, CheckStep):
        return "done" if body.done else "open"
    value = str(getattr(body, kind.value))
    if kind.verb is Verb.MERGE:
        return _merge_target(ports, incident, caller, value)
    if caller.services and kind.verb in _NAMING_ANOTHER:
        known_incident(ports, value, caller)
    if kind.verb is Verb.SET_ROOT:
        return _known_ci(ports, kind.value, value)
    return value


def _known_ci(ports: Ports, field: str, name: str) -> str:
    found = ports.estate().find(name)
    if found is None:
        raise wrong_field(field, unknown_ci(ports.estate(), name))
    return found


_NAMING_ANOTHER = frozenset({Verb.DUPLICATE, Verb.CHILD})


def _merge_target(ports: Ports, incident: Incident, caller: Caller, key: str) -> str:
    number = incident_number(key) if re.fullmatch(r"(?i:INC-)?[0-9]{1,9}", key) else 0
    if number == incident.number:
        raise wrong_field("into", "an incident cannot be merged into itself")
    into = ports.store.incident(number)
    if into is None or not may_see(ports, caller, into):
        raise wrong_field("into", f"there is no incident {incident_key(number) if number else key}")
    return str(number)
