"""Who administered users and tokens, for those who run incidentd."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from daemon.api.access import require
from daemon.api.documents import json_response
from daemon.api.openapi import answers
from daemon.api.ports import Ports
from daemon.store.rows import Act
from rules.document import rfc3339


class ActDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One act: who did what to which user or token, when, where from, and what came of it."""

    at: str
    actor: str
    via: str
    action: str
    subject: str
    details: str


class AuditDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Acts, the newest first; `next` is the offset of the next page, null on the last."""

    acts: tuple[ActDocument, ...]
    next: int | None


def act_document(act: Act) -> ActDocument:
    """One line."""
    return ActDocument(
        at=rfc3339(act.at),
        actor=act.by.name,
        via=act.by.via,
        action=act.action,
        subject=act.subject,
        details=act.details,
    )


def audit_routes(ports: Ports) -> APIRouter:
    """/api/v1/audit."""
    router = APIRouter(tags=["access"])

    @router.get(
        "/api/v1/audit",
        summary="Who administered users and tokens",
        responses=answers(AuditDocument),
        dependencies=[Depends(require(ports, "administer"))],
    )
    def tell(
        subject: Annotated[str, Query(max_length=100, description="One user or token only, by its name.")] = "",
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
        offset: Annotated[int, Query(ge=0, le=1_000_000_000)] = 0,
    ) -> Response:
        found = ports.store.audit.latest(limit + 1, offset, subject)
        after = offset + limit if len(found) > limit else None
        return json_response(AuditDocument(acts=tuple(map(act_document, found[:limit])), next=after))

    return router
