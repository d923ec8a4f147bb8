"""The one stream by which pages hear that something has changed. It says only that; the page asks for what it shows."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import StreamingResponse

from daemon.api.access import Caller
from daemon.console.visitor import Visit
from daemon.news import News

BEAT_S = 15.0
"""So often something is sent although nothing happens: proxies close what is silent, and pages see that we live."""


def live_routes(news: News, reading: Visit) -> APIRouter:
    """/live, as server-sent events (HTML, section 9.2)."""
    router = APIRouter(include_in_schema=False)

    @router.get("/live")
    async def live(request: Request, _: Annotated[Caller, Depends(reading)]) -> Response:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_events(news, request), headers=headers, media_type="text/event-stream")

    return router


async def _events(news: News, request: Request) -> AsyncIterator[str]:
    seen = news.version
    yield f"retry: 3000\nid: {seen}\nevent: hello\ndata: \n\n"
    while not news.is_closed and not await request.is_disconnected():
        version = await news.wait(seen, BEAT_S)
        event = "changed" if version != seen else "beat"
        seen = version
        yield f"id: {seen}\nevent: {event}\ndata: \n\n"
