"""The CMDB, as the past sees it, to read."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from daemon.api.access import require
from daemon.api.documents import json_response
from daemon.api.openapi import answers
from daemon.api.ports import Ports
from rules.document import DoubtList, doubts_document
from rules.doubts import doubts


def cmdb_routes(ports: Ports) -> APIRouter:
    """Everything under /api/v1/cmdb."""
    router = APIRouter(dependencies=[Depends(require(ports, "read"))], tags=["cmdb"])

    @router.get("/api/v1/cmdb/doubts", summary="Dependencies that past incidents doubt", responses=answers(DoubtList))
    def list_doubts(
        days: Annotated[int, Query(ge=1, le=365, description="How far to look back.")] = 30,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> Response:
        now = ports.clock.now()
        past = ports.store.history(now - timedelta(days=days), now)
        return json_response(doubts_document(doubts(ports.estate(), past), past, limit))

    return router
