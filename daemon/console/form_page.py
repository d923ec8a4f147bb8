"""A page whose forms lead back to itself: shown by a GET, acted on by a POST, a few at a time."""

from collections.abc import Callable
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends, Request, Response

from daemon.api.access import Caller
from daemon.console.forms import Form, form_of
from daemon.console.visitor import Visit

AT_ONCE = 4
"""Orders wait for a decision, passwords are slow to hash: whoever sends many must not hold the threads of others."""


def add_form_page(
    router: APIRouter,
    path: str,
    may: Visit,
    show: Callable[[Request, Caller], Response],
    act: Callable[[Request, Caller, Form], Response],
) -> None:
    """Serve it at `path` to those who `may`; `act` answers with another page, or with this one and what is wrong."""
    room = anyio.CapacityLimiter(AT_ONCE)

    @router.get(path)
    def shown(request: Request, caller: Annotated[Caller, Depends(may)]) -> Response:
        return show(request, caller)

    @router.post(path)
    async def acted_on(request: Request, caller: Annotated[Caller, Depends(may)]) -> Response:
        form = await form_of(request)
        return await anyio.to_thread.run_sync(act, request, caller, form, limiter=room)
