"""The OpenAPI 3.1 document: paths from the routes, shapes of answers from the documents themselves."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import APIRouter, Depends, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from daemon.api.access import anyone, declared
from daemon.api.problems import MEDIA_TYPE, ProblemDocument
from daemon.api.repeats import HEADER, LONGEST_KEY, REPEATABLE

_IDEMPOTENCY_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "The same request with the same key is carried out once; again it gets the first answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
}
_SCHEMAS = "#/components/schemas/"
_shapes: dict[str, type] = {ProblemDocument.__name__: ProblemDocument}


def answers(shape: Any, *others: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """What a route's documentation says of its answer; `others` are further statuses worth naming."""
    named: dict[int | str, dict[str, Any]] = {200: _answer("Done.", "application/json", _reference(shape))}
    for status in others:
        is_error = status >= HTTPStatus.BAD_REQUEST
        schema = _reference(ProblemDocument if is_error else shape)
        named[int(status)] = _answer(f"{status.phrase}.", MEDIA_TYPE if is_error else "application/json", schema)
    return named


def json_body(shape: Any, description: str) -> dict[str, Any]:
    """What a route's documentation says of a body that the route decodes by itself."""
    content = {"application/json": {"schema": _reference(shape)}}
    return {"requestBody": {"required": True, "description": description, "content": content}}


def openapi_routes(app: FastAPI) -> APIRouter:
    """Where the application's description of itself is; it holds nothing but the shape of things."""
    router = APIRouter()

    @router.get("/api/openapi.json", include_in_schema=False, dependencies=[Depends(anyone)])
    def describe() -> JSONResponse:
        return JSONResponse(app.openapi())

    return router


def add_openapi(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Make the application describe itself with our shapes and our errors; `routes` say who may use them."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app, routes)
        return app.openapi_schema

    setattr(app, "openapi", describe)  # noqa: B010  FastAPI's own way to replace it, which mypy does not know


def _described(app: FastAPI, routes: Sequence[BaseRoute]) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for made_by_framework in ("HTTPValidationError", "ValidationError"):
        schemas.pop(made_by_framework, None)
    _, ours = msgspec.json.schema_components(_shapes.values(), ref_template=_SCHEMAS + "{name}")
    schemas.update(ours)
    problem = _answer("Refused or failed; RFC 9457.", MEDIA_TYPE, _reference(ProblemDocument))
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = problem
    _say_who_may(document["paths"], routes)
    return document


def _say_who_may(paths: dict[str, Any], routes: Sequence[BaseRoute]) -> None:
    for route in routes:
        if not isinstance(route, APIRoute) or not route.include_in_schema:
            continue
        needed = declared(route)
        for method in route.methods or ():
            operation = paths[route.path_format][method.lower()]
            operation["x-permission"] = needed
            if method == "POST" and needed != "anyone" and route.path.startswith(REPEATABLE):
                operation.setdefault("parameters", []).append(_IDEMPOTENCY_KEY)


def _answer(description: str, media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": schema}}}


def _reference(shape: Any) -> dict[str, Any]:
    """A reference to the shape, which is then part of the document; lists refer to their items."""
    if getattr(shape, "__origin__", None) is list:
        return {"type": "array", "items": _reference(shape.__args__[0])}
    _shapes[shape.__name__] = shape
    return {"$ref": _SCHEMAS + shape.__name__}
