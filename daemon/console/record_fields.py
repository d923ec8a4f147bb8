"""What the forms of service requests, problems and changes ask for, and what is read from them."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from daemon.console.forms import Form
from rules.record import Kind, Record

_NAIVE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?")
_DIGEST_CHARS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a form: its name as in the API, what people call it, and how it is typed.

    `names` is the list of suggestions it has, `most` how many characters it takes.
    """

    name: str
    label: str
    sort: Literal["line", "prose", "list", "moment", "url"] = "line"
    hint: str = ""
    is_needed: bool = False
    names: str = ""
    most: int = 256


_TITLE = Field(name="title", label="Title", is_needed=True, most=400)
_DESCRIPTION = Field(name="description", label="Description", sort="prose", most=4000)
_COMMON = (
    Field(name="group", label="Group that has it", names="groups"),
    Field(name="assignee", label="Who works on it", names="people"),
    Field(name="cis", label="Configuration items", sort="list", hint="Ids or aliases, one in each line."),
    Field(name="services", label="Services", sort="list", hint="Ids or aliases, one in each line."),
)
FIELDS: dict[Kind, tuple[Field, ...]] = {
    Kind.REQUEST: (_TITLE, _DESCRIPTION, *_COMMON),
    Kind.PROBLEM: (
        _TITLE,
        _DESCRIPTION,
        *_COMMON,
        Field(name="cause", label="Cause", sort="prose", most=4000),
        Field(
            name="workaround",
            label="Workaround",
            sort="prose",
            hint="What helps until it is mended. With one it is a known error.",
            most=4000,
        ),
        Field(name="categories", label="Categories it matches", sort="list", hint="One in each line."),
        Field(name="alerts", label="Alerts it matches", sort="list", hint="Names, one in each line."),
        Field(name="words", label="Words it matches", sort="list", hint="All of them must occur; one in each line."),
    ),
    Kind.CHANGE: (
        _TITLE,
        Field(name="starts_at", label="Begins, in UTC", sort="moment", is_needed=True),
        Field(name="ends_at", label="Ends, in UTC", sort="moment", is_needed=True),
        _DESCRIPTION,
        *_COMMON,
        Field(name="url", label="Address of it elsewhere", sort="url", hint="As in https://…", most=2000),
    ),
}
"""The fields of `rules.record.Given` that people type, in the order in which forms have them."""


def shown_fields(record: Record) -> dict[str, str]:
    """What a form has for the record as it is, by field."""
    return {field.name: _text(getattr(record, field.name)) for field in FIELDS[record.kind]}


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return "\n".join(value)
    return _moment(value) if isinstance(value, datetime) else str(value)


def _moment(at: datetime) -> str:
    # Fields for a moment leave zero seconds out; whatever else there is must come back as it went.
    return f"{at:%Y-%m-%dT%H:%M:%S}" if at.second else f"{at:%Y-%m-%dT%H:%M}"


def seen_mark(text: str) -> str:
    """What stands for a field's value in the form that shows it: by this it is known later whether it was changed."""
    return hashlib.sha256(text.strip().encode("utf-8", "replace")).hexdigest()[:_DIGEST_CHARS]


def typed_fields(kind: Kind, form: Form) -> dict[str, str]:
    """Every field of the kind that was sent, blank ones too."""
    return {field.name: form.get(field.name) for field in FIELDS[kind] if form.has(field.name)}


def changed_fields(kind: Kind, form: Form) -> dict[str, str]:
    """Those of them that say something else than the form did when it was opened."""
    typed = typed_fields(kind, form)
    return {name: text for name, text in typed.items() if form.get(f"was-{name}") != seen_mark(text)}


def body_fields(kind: Kind, typed: Mapping[str, str], *, is_new: bool = False) -> dict[str, Any]:
    """The same as the API takes it. In a new record what is blank is not said."""
    found: dict[str, Any] = {}
    for field in FIELDS[kind]:
        text = typed.get(field.name)
        if text is None or (is_new and not text):
            continue
        if field.sort == "list":
            found[field.name] = [line.strip() for line in text.splitlines() if line.strip()]
        elif field.sort == "moment" and _NAIVE.fullmatch(text):
            # A page's field for a moment knows no zone; its label says UTC.
            found[field.name] = f"{text}Z"
        else:
            found[field.name] = text
    return found
