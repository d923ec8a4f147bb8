"""Errors as RFC 9457 `application/problem+json`, the same for every path."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route

from daemon.errors import StoreError
from daemon.sources.push import BadPush

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER_S = "5"
# They keep browsers from doing anything with an answer but show it.
ANSWER_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


MakePage = Callable[["Problem"], Response]


class FieldError(msgspec.Struct, frozen=True):
    """One thing that is wrong: where, and how."""

    field: str
    message: str


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """What went wrong, for programs (`status`, `errors`) and people (`title`, `detail`). `needs` names a field without
    which a login goes no further."""

    title: str
    status: int
    detail: str = ""
    errors: tuple[FieldError, ...] = ()
    needs: str = ""


class Problem(HTTPException):
    """An answer that is an error; raised anywhere while a request is served."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: tuple[FieldError, ...] = (),
        headers: Mapping[str, str] | None = None,
        needs: str = "",
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.errors = errors
        self.needs = needs


def wrong_field(field: str, message: str) -> Problem:
    """A 400 about one field."""
    return Problem(HTTPStatus.BAD_REQUEST, f"{field}: {message}", errors=(FieldError(field, message),))


def problem_response(problem: Problem) -> Response:
    """The problem as it is sent."""
    status = problem.status_code
    document = ProblemDocument(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=problem.detail,
        errors=problem.errors,
        needs=problem.needs,
    )
    headers = {**ANSWER_HEADERS, **(problem.headers or {})}
    return Response(msgspec.json.encode(document), status, headers, MEDIA_TYPE)


def answered(request: Request, problem: Problem) -> Response:
    """The problem as whoever asked reads it: a person who has opened an address in a browser gets the page that
    `app.state.problem_page` makes of it, where there is one, everybody else the document."""
    make_page: MakePage | None = getattr(request.app.state, "problem_page", None)
    is_person = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")
    return make_page(problem) if make_page is not None and is_person else problem_response(problem)


def add_problem_handlers(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Make every error of this application a problem document. `routes` are those that a 405 speaks of."""

    @app.exception_handler(Problem)
    async def own(request: Request, error: Problem) -> Response:
        return answered(request, error)

    @app.exception_handler(HTTPException)
    async def framework(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            headers["Allow"] = ", ".join(_allowed_methods(routes, request.url.path))
        detail = _DETAILS.get(error.status_code, str(error.detail))
        return answered(request, Problem(error.status_code, detail, headers=headers))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        # What was sent is not repeated: it may hold secrets.
        errors = tuple(FieldError(_field(e), str(e["msg"])) for e in error.errors())
        detail = "; ".join(f"{e.field}: {e.message}" for e in errors)
        return answered(request, Problem(HTTPStatus.BAD_REQUEST, detail, errors=errors))

    @app.exception_handler(BadPush)
    async def bad_push(_: Request, error: BadPush) -> Response:
        return problem_response(
            Problem(HTTPStatus.BAD_REQUEST, str(error), errors=(FieldError(error.field, error.message),))
        )

    @app.exception_handler(StoreError)
    async def no_store(request: Request, error: StoreError) -> Response:
        detail = f"nothing was stored: {error}"
        return answered(
            request, Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers={"Retry-After": RETRY_AFTER_S})
        )

    @app.exception_handler(Exception)
    async def flaw(request: Request, error: Exception) -> Response:
        # The server logs the error and drops the connection afterwards; clients should know that it ends.
        headers = {"Connection": "close"}
        detail = "a flaw in incidentd; its log says more"
        return answered(request, Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, headers=headers))


_DETAILS: dict[int, str] = {
    HTTPStatus.NOT_FOUND: "there is nothing at this address",
    HTTPStatus.METHOD_NOT_ALLOWED: "this address does not take that method",
}


def _field(error: Mapping[str, Any]) -> str:
    where, *path = error["loc"]
    if where == "body" and error.get("type") == "json_invalid":
        return "body"
    return ".".join(map(str, path)) or str(where)


def _allowed_methods(routes: Sequence[BaseRoute], path: str) -> list[str]:
    """Every method that some route takes at this path; a router by itself names those of the first one only."""
    there = (route for route in routes if isinstance(route, Route) and route.path_regex.match(path))
    return sorted({method for route in there for method in route.methods or ()})
