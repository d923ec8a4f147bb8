"""A page whose forms lead back to itself: shown by a GET, acted on by a POST, a few at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from daemon.api.access import Caller
from daemon.api.problems import Problem
from daemon.console.forms import Form, form_of
from daemon.console.pages import Pages
from daemon.console.visitor import Visit
from rules.errors import IncidentdError

AT_ONCE = 4
"""Orders wait for a decision, passwords are slow to hash: whoever sends many must not hold the threads of others."""

Outcome = Response | Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPage:
    """The page at `path`, for those who `may`. `values` is what its template names beside `wrong` and `typed`.

    `act` does what a form asks for. It gives None to lead back to the page, values to show it with at once, or another
    answer; what it raises in words for people (ValueError, Problem and our own errors) is shown on the page.
    """

    pages: Pages
    path: str
    template: str
    may: Visit
    values: Callable[[], Mapping[str, Any]]
    act: Callable[[Request, Caller, Form], Outcome]

    def add_to(self, router: APIRouter) -> None:
        """Serve it."""
        room = anyio.CapacityLimiter(AT_ONCE)

        @router.get(self.path)
        def shown(request: Request, caller: Annotated[Caller, Depends(self.may)]) -> Response:
            return self._shown(request, caller, {})

        @router.post(self.path)
        async def acted_on(request: Request, caller: Annotated[Caller, Depends(self.may)]) -> Response:
            form = await form_of(request)
            return await anyio.to_thread.run_sync(self._acted_on, request, caller, form, limiter=room)

    def _acted_on(self, request: Request, caller: Caller, form: Form) -> Response:
        try:
            outcome = self.act(request, caller, form)
        except Problem as problem:
            return self._refused(request, caller, form, str(problem.detail), HTTPStatus(problem.status_code))
        except (ValueError, IncidentdError) as error:
            return self._refused(request, caller, form, str(error), HTTPStatus.BAD_REQUEST)
        if isinstance(outcome, Response):
            return outcome
        if outcome is None:
            return RedirectResponse(self.path, HTTPStatus.SEE_OTHER)
        return self._shown(request, caller, outcome)

    def _refused(self, request: Request, caller: Caller, form: Form, wrong: str, status: HTTPStatus) -> Response:
        return self._shown(request, caller, {"wrong": wrong, "typed": form.rest()}, status)

    def _shown(
        self, request: Request, caller: Caller, said: Mapping[str, Any], status: HTTPStatus = HTTPStatus.OK
    ) -> Response:
        values = {"wrong": "", "typed": {}, **self.values(), **said}
        return self.pages.page(request, caller, self.template, status=status, **values)
