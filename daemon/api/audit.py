"""Who administered users and tokens, for those who run incidentd."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from daemon.api.access import require
from daemon.api.openapi import answers
from daemon.api.paging import Limit, Offset, page_of, page_response
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
    """Acts, the newest first; `next_offset` is where the next page begins and `next` its address, null on the last."""

    acts: tuple[ActDocument, ...]
    next_offset: int | None
    next: str | None


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
        request: Request,
        subject: Annotated[str, Query(max_length=100, description="One user or token only, by its name.")] = "",
        limit: Limit = 100,
        offset: Offset = 0,
    ) -> Response:
        found = ports.store.audit.latest(limit + 1, offset, subject)
        page, after = page_of(request, found, limit, offset)
        acts = tuple(map(act_document, page))
        return page_response(AuditDocument(acts=acts, next_offset=after.offset, next=after.address))

    return router
