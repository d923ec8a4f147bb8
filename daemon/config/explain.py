"""pydantic's findings in words for the owner of the file."""

import re
import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from daemon.config.document import Document, Loc
from daemon.config.fields import Refused, kind_of, shown, suggestion
from daemon.config.schema import Section

_KINDS = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_BOUNDS = {
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "less_than": "less than {lt}",
    "less_than_equal": "{le} or less",
}
_QUOTED = re.compile(r"'([^']*)'")


def explain(error: ValidationError, document: Document, loc: Loc, model: type[Section]) -> None:
    """Put every finding about the value at `loc`, which should be a `model`, into the document's problems."""
    for detail in error.errors(include_url=False):
        place = tuple(part for part in detail["loc"] if part != "[key]")
        what, allowed = _words(detail, place, model)
        document.problem((*loc, *place), what, allowed)


def keys_of(model: type[Section]) -> tuple[str, ...]:
    """The keys that people write, in the model's order."""
    return tuple(f.alias or name for name, f in model.model_fields.items())


def _words(detail: ErrorDetails, place: Loc, model: type[Section]) -> tuple[str, str]:
    kind, context = detail["type"], detail.get("ctx", {})
    key = _key(place)
    if kind == "extra_forbidden":
        keys = keys_of(_model_at(model, place[:-1]))
        return f"unknown key {shown(place[-1])}", suggestion(str(place[-1]), keys)
    if kind == "missing":
        return f"{key} is missing", ""
    refused = context.get("error")
    if isinstance(refused, Refused):
        return f"{key}: {refused.what}", refused.allowed
    if kind == "literal_error":
        return _not_a_word(detail, key, _QUOTED.findall(str(context["expected"])))
    if kind in _KINDS:
        wanted = _KINDS[kind]
        return f"{key} must be {wanted}, not {kind_of(detail['input'])}", "put it in quotes" if wanted == "text" else ""
    if kind in _BOUNDS:
        return f"{key} is out of range", f"allowed: {_BOUNDS[kind].format(**context)}"
    if kind == "too_short":
        return f"{key} is empty", "allowed: one or more"
    return f"{key}: {detail['msg'][:1].lower()}{detail['msg'][1:]}", ""


def _not_a_word(detail: ErrorDetails, key: str, words: list[str]) -> tuple[str, str]:
    given = detail["input"]
    wrong = f"{shown(given)} is not allowed" if isinstance(given, str) else f"must be text, not {kind_of(given)}"
    return f"{key}: {wrong}", suggestion(str(given), words)


def _key(place: Loc) -> str:
    return next((str(part) for part in reversed(place) if isinstance(part, str)), "this")


def model_of(model: type[Section], key: str | int) -> type[Section] | None:
    """The section that stands under `key`, where one does."""
    field = next((f for name, f in model.model_fields.items() if key in (name, f.alias)), None)
    return next(_models(field.annotation), None) if field else None


def _model_at(model: type[Section], place: Loc) -> type[Section]:
    for part in place:
        model = model_of(model, part) or model
    return model


def _models(annotation: Any) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    elif get_origin(annotation) in (Union, types.UnionType, Annotated):
        for part in get_args(annotation):
            yield from _models(part)
