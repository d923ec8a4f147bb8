"""New service requests, problems and changes: a plain form, and problems accepted as they are suggested."""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated

import anyio
from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from daemon.api.access import Caller
from daemon.api.ports import Ports
from daemon.api.problem_records import Accept, acceptance
from daemon.api.problems import Problem
from daemon.api.record_bodies import NEW
from daemon.api.record_orders import creation, needed_to_make, outcome_of
from daemon.console.forms import Form, checked_body, form_of, told
from daemon.console.incident_shown import record_address
from daemon.console.once import Once, form_id
from daemon.console.pages import Pages
from daemon.console.record_fields import FIELDS, body_fields, typed_fields
from daemon.console.record_page import names_to_choose
from daemon.console.visitor import PageRefused, visit
from rules.decision import RecordOrder
from rules.record import Kind

STATES = (
    ("planned", "planned"),
    ("in_progress", "under way"),
    ("done", "done"),
    ("failed", "tried, and failed"),
)
"""How a change that is told of begins, as in the API."""
_LONGEST_PREFILL = 4000
_MOST_INCIDENTS_CHARS = 20_000
_GAPS = re.compile(r"[\s,;]+")


class NewRecords:
    """The forms for new records of one kind."""

    def __init__(self, ports: Ports, pages: Pages, kind: Kind, once: Once, waiting: anyio.CapacityLimiter) -> None:
        self._ports = ports
        self._pages = pages
        self._kind = kind
        self._once = once
        self._waiting = waiting

    def add_to(self, router: APIRouter) -> None:
        """Serve /requests/new and the like, and /problems/accept."""
        allowed = Depends(visit(self._ports, needed_to_make(self._kind)))

        @router.get(f"/{self._kind}s/new", name=f"new_{self._kind}")
        def show(request: Request, caller: Annotated[Caller, allowed]) -> Response:
            asked = {name: text[:_LONGEST_PREFILL] for name, text in request.query_params.items()}
            return self._form(request, caller, asked, form_id())

        @router.post(f"/{self._kind}s/new", name=f"make_{self._kind}")
        async def make(request: Request, caller: Annotated[Caller, allowed]) -> Response:
            form = await form_of(request)
            return await anyio.to_thread.run_sync(self._make, request, caller, form, limiter=self._waiting)

        if self._kind is Kind.PROBLEM:
            self._add_accept(router)

    def _add_accept(self, router: APIRouter) -> None:
        def take(caller: Caller, form: Form) -> Response:
            body = checked_body(Accept, {"ci": form.get("ci")})
            order_id = form_id(form.get("id"))
            return self._made(order_id, lambda: acceptance(self._ports, body, caller, order_id))

        @router.post("/problems/accept")
        async def accept(request: Request, caller: Annotated[Caller, Depends(visit(self._ports, "write"))]) -> Response:
            form = await form_of(request)
            try:
                return await anyio.to_thread.run_sync(take, caller, form, limiter=self._waiting)
            except Problem as problem:
                raise PageRefused(problem) from None

    def _make(self, request: Request, caller: Caller, form: Form) -> Response:
        order_id = form_id(form.get("id"))
        typed = {**typed_fields(self._kind, form), **form.rest(*(f.name for f in FIELDS[self._kind]), "id")}
        try:
            return self._made(order_id, lambda: self._creation(caller, typed, order_id))
        except Problem as problem:
            status = HTTPStatus(problem.status_code)
            return self._form(request, caller, typed, order_id, status=status, wrong=str(problem.detail))

    def _creation(self, caller: Caller, typed: Mapping[str, str], order_id: str) -> RecordOrder:
        fields = body_fields(self._kind, typed, is_new=True)
        fields["incidents"] = list(filter(None, _GAPS.split(typed.get("incidents", "")[:_MOST_INCIDENTS_CHARS])))
        if self._kind is Kind.CHANGE and typed.get("status"):
            fields["status"] = typed["status"]
        return creation(self._ports, self._kind, caller, checked_body(NEW[self._kind], fields), order_id)

    def _made(self, order_id: str, order: Callable[[], RecordOrder]) -> Response:
        """Leads to the record that was made; to the list where that is not decided yet."""
        key = self._once.made(order_id, lambda: outcome_of(self._ports, order()).record or "")
        address = told(record_address(key), "create", order_id) if key else f"/{self._kind}s?did=late"
        return RedirectResponse(address, HTTPStatus.SEE_OTHER)

    def _form(
        self,
        request: Request,
        caller: Caller,
        typed: Mapping[str, str],
        order_id: str,
        *,
        status: HTTPStatus = HTTPStatus.OK,
        wrong: str = "",
    ) -> Response:
        return self._pages.page(
            request,
            caller,
            "record_new.html",
            status=status,
            kind=self._kind,
            fields=FIELDS[self._kind],
            typed=typed,
            wrong=wrong,
            form_id=order_id,
            states=STATES if self._kind is Kind.CHANGE else (),
            **names_to_choose(self._ports),
        )
