"""The OpenAPI 3.1 document: paths from the routes, shapes of answers from the documents themselves."""

from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from daemon.api.problems import MEDIA_TYPE, ProblemDocument

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


def add_openapi(app: FastAPI) -> None:
    """Make the application describe itself with our shapes and our errors."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    setattr(app, "openapi", describe)  # noqa: B010  FastAPI's own way to replace it, which mypy does not know


def _described(app: FastAPI) -> dict[str, Any]:
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
    return document


def _answer(description: str, media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": schema}}}


def _reference(shape: Any) -> dict[str, Any]:
    """A reference to the shape, which is then part of the document; lists refer to their items."""
    if getattr(shape, "__origin__", None) is list:
        return {"type": "array", "items": _reference(shape.__args__[0])}
    _shapes[shape.__name__] = shape
    return {"$ref": _SCHEMAS + shape.__name__}
