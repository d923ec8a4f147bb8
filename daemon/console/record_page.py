"""The page of one service request, problem or change, and every order about it."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import RedirectResponse

from daemon.api.access import Caller
from daemon.api.orders import Order
from daemon.api.ports import Ports
from daemon.api.problems import Problem
from daemon.api.record_orders import NEEDED, body_type, known_record, order_about, outcome_of
from daemon.api.records import outlook_of
from daemon.console import incident_shown
from daemon.console.forms import Form, Trouble, checked_body, done_of, form_of, plain_address, told, trouble_of
from daemon.console.incident_shown import record_address
from daemon.console.pages import Pages
from daemon.console.record_fields import FIELDS, body_fields, changed_fields, seen_mark, shown_fields
from daemon.console.record_shown import allowed_words, incident_count, is_known_error, linked_of, steps_for
from daemon.console.unseen import HIDDEN, Stale, carried_unseen
from daemon.console.visitor import PageRefused, visit
from notifiers.wording import web_link
from rules.linking import BY_HAND, USUAL
from rules.record import Change, Kind, Record

_WAITING = 8
Key = Annotated[str, Path(max_length=32)]


class RecordPage:
    """The page of every record of one kind."""

    def __init__(self, ports: Ports, pages: Pages, kind: Kind, waiting: anyio.CapacityLimiter) -> None:
        self._ports = ports
        self._pages = pages
        self._kind = kind
        self._waiting = waiting

    def add_to(self, router: APIRouter) -> None:
        """Serve it, and its orders, as they are called in the API."""

        @router.get(f"/{self._kind}s/{{number}}")
        def show(request: Request, number: Key, caller: Annotated[Caller, Depends(visit(self._ports))]) -> Response:
            return self._page(request, caller, self._found(number))

        for word in NEEDED:
            path = f"/{self._kind}s/{{number}}/{word}"
            router.add_api_route(path, self._endpoint(word), methods=["POST"], name=f"{word}_{self._kind}")

    def _endpoint(self, word: str) -> Callable[..., Awaitable[Response]]:
        allowed = Depends(visit(self._ports, NEEDED[word]))

        async def give(request: Request, number: Key, caller: Annotated[Caller, allowed]) -> Response:
            form = await form_of(request)
            return await anyio.to_thread.run_sync(
                self._give, request, number, word, caller, form, limiter=self._waiting
            )

        return give

    def _give(self, request: Request, number: str, word: str, caller: Caller, form: Form) -> Response:
        record = self._found(number)
        # Each step has a form of its own.
        action = form.get("step") if word == "step" else word
        typed = changed_fields(self._kind, form) if word == "edit" else form.rest(*HIDDEN)
        try:
            order_id = self._carry_out(
                record, word, caller, form, Trouble(action=action, status=0, words=_CHANGED, typed=typed)
            )
        except Stale as stale:
            return self._page(request, caller, self._found(number), stale.trouble)
        except Problem as problem:
            return self._page(request, caller, self._found(number), trouble_of(problem, action, typed))
        return RedirectResponse(told(record_address(record.key), action, order_id), HTTPStatus.SEE_OTHER)

    def _carry_out(self, record: Record, word: str, caller: Caller, form: Form, trouble: Trouble) -> str:
        fields = body_fields(self._kind, trouble.typed) if word == "edit" else trouble.typed
        body: Order = checked_body(body_type(self._kind, word), fields)

        def give(expects: int | None) -> str:
            return outcome_of(self._ports, order_about(self._ports, record, word, caller, body, expects)).command

        return carried_unseen(
            give,
            form,
            trouble,
            lambda: self._ports.store.timeline_of_record(record.key),
            lambda: self._found(record.key).version,
        )

    def _found(self, number: str) -> Record:
        try:
            return known_record(self._ports, self._kind, number)
        except Problem as problem:
            raise PageRefused(problem) from None

    def _page(self, request: Request, caller: Caller, record: Record, trouble: Trouble | None = None) -> Response:
        timeline = self._ports.store.timeline_of_record(record.key)
        fields = shown_fields(record)
        return self._pages.page(
            request,
            caller,
            "record.html",
            status=HTTPStatus.OK if trouble is None else HTTPStatus(trouble.status),
            record=record,
            kind=self._kind,
            here_is=record_address(record.key),
            live_address=plain_address(request, record_address(record.key)),
            trouble=trouble,
            done=None if trouble is not None else done_of(self._ports, request),
            version=record.version,
            lines=len(timeline),
            may=allowed_words(record, caller),
            steps=steps_for(record, caller),
            linked=linked_of(self._ports, record),
            relations=BY_HAND,
            usual=USUAL[self._kind],
            incidents=incident_count(record),
            is_known_error=is_known_error(record),
            fields=FIELDS[self._kind],
            field_values=fields,
            marks={name: seen_mark(text) for name, text in fields.items()},
            **incident_shown.history_of(timeline, request),
            **names_to_choose(self._ports),
            **self._of_change(record),
        )

    def _of_change(self, record: Record) -> dict[str, Any]:
        """What only changes have: their risk, what else goes on at their time, and who was told."""
        if not isinstance(record, Change):
            return {"outlook": None, "notices": [], "has_more_notices": False, "url": ""}
        outlook = outlook_of(self._ports, record)
        rows = outlook.notices[: incident_shown.MOST_NOTICES]
        return {
            "outlook": outlook,
            "notices": incident_shown.notices_shown(self._ports, rows),
            "has_more_notices": len(outlook.notices) > len(rows),
            "url": web_link(record.url),
        }


_CHANGED = "somebody has changed it since you opened the form"


def names_to_choose(ports: Ports) -> dict[str, Any]:
    """Groups and people that a field may suggest."""
    roster = ports.roster()
    people = sorted((p.id, p.name) for p in roster.people.values())[:500]
    return {"groups": sorted(roster.groups), "people": people}
