"""Changing single fields of an incident, each with its line of history: old value, new value, who and why."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from rules.assess import reassess
from rules.decision import Command
from rules.draft import Draft
from rules.incident import Incident, Restoration, RootCause
from rules.refused import Refused
from rules.registered import TITLE
from rules.registering import REPORTED, known_category, known_ci, known_service, named_template, past, use_template
from rules.report import (
    DISRUPTIONS,
    MAX_FINDINGS,
    MAX_TEXT,
    MAX_TITLE,
    Channel,
    Finding,
    ReportSource,
    with_finding,
    wrong_contact,
    wrong_finding,
    wrong_line,
)
from rules.words import one_of

Parse = Callable[[Draft, str], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """A field that people may set: what it is on the incident, and what makes a value of a text (Refused else)."""

    attribute: str
    parse: Parse
    is_of_resolution: bool = False


def set_field(draft: Draft, incident: Incident, command: Command) -> str:
    """Give one field another value; an empty one takes away what may be missing."""
    name, text = command.field.strip(), command.value.strip()
    if name == "template":
        use_template(draft, incident, named_template(draft, text), actor=command.actor)
        return f"{incident.key} is by template {text}"
    path, old, changed = _changed(draft, incident, name, text)
    new = _said(changed, path)
    if old == new:
        return f"{name} of {incident.key} is so already"
    draft.change_incident(changed)
    draft.note(
        incident.number,
        "field_set",
        f"{name.replace('_', ' ')} is now {new[:200] or 'empty'}" + (f": {command.reason}" if command.reason else ""),
        actor=command.actor,
        old=old,
        new=new,
        field=path,
        reason=command.reason,
    )
    if path in _ASSESSED:
        reassess(draft, draft.incident(incident.number) or changed)
    return f"{name} of {incident.key} is set"


def _changed(draft: Draft, incident: Incident, name: str, text: str) -> tuple[str, str, Incident]:
    """The path of the field, its old value in words, and the incident with the new one."""
    kind, dot, part = name.partition(".")
    if dot and kind in ("sign", "finding"):
        return _with_finding(incident, f"{kind}s", part, text)
    if dot and kind == "contact" and part in ("name", "organisation", "mail", "phone"):
        contact = replace(incident.contact, **{part: text})
        if wrong := wrong_contact(contact):
            raise Refused(f"{wrong[0]}: {wrong[1]}")
        return name, _said(incident, name), replace(incident, contact=contact)
    field = FIELDS.get(name)
    if field is None:
        raise Refused(f"field: {one_of(name, FIELD_NAMES)}")
    if field.is_of_resolution and incident.resolved_at is None:
        raise Refused(f"{name}: {incident.key} is not resolved; allowed: once it is")
    value = field.parse(draft, text)
    changed = replace(incident, **{field.attribute: value})
    return field.attribute, _said(incident, field.attribute), _follow_up(changed, name)


def _with_finding(incident: Incident, attribute: str, name: str, text: str) -> tuple[str, str, Incident]:
    finding = Finding(name=name, value=text)
    if wrong := wrong_finding(finding):
        raise Refused(f"{attribute}: {wrong}")
    found = with_finding(getattr(incident, attribute), name, text)
    if len(found) > MAX_FINDINGS:
        raise Refused(f"{attribute}: allowed are {MAX_FINDINGS} at most")
    path = f"{attribute}.{name}"
    changed: dict[str, Any] = {attribute: found}
    return path, _said(incident, path), replace(incident, **changed)


def _follow_up(incident: Incident, name: str) -> Incident:
    """What goes with a field: a title stays as it is set, and what was only reported as failed follows the report."""
    if name == "title":
        return replace(incident, pinned=incident.pinned | {TITLE})
    reported = incident.affected_ci or incident.affected_service
    is_only_reported = incident.is_by_hand and not incident.root.candidates and "root" not in incident.pinned
    if name in ("ci", "service") and is_only_reported and reported != incident.root.ci:
        root = RootCause(ci=reported, confidence=REPORTED if reported else 0.0, evidence=incident.root.evidence)
        return replace(incident, root=root)
    return incident


def _said(incident: Incident, path: str) -> str:
    """The value of a field in words, as it stands on the timeline."""
    attribute, _, part = path.partition(".")
    value: Any = getattr(incident, attribute)
    if part and attribute == "contact":
        value = getattr(value, part)
    elif part:
        value = next((f.value for f in value if f.name == part), "")
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    word = getattr(value, "word", value)
    return "" if word is None or word == "up" else str(word)


def _line(most: int) -> Parse:
    def parse(_: Draft, text: str) -> str:
        if wrong := wrong_line(text, most):
            raise Refused(wrong)
        return text

    return parse


def _title(draft: Draft, text: str) -> str:
    if not text:
        raise Refused("title: is empty; allowed: some words")
    return str(_line(MAX_TITLE)(draft, text))


def _prose(_: Draft, text: str) -> str:
    if len(text) > MAX_TEXT:
        raise Refused(f"is longer than {MAX_TEXT} characters")
    return text


def _word(words: Any) -> Parse:
    def parse(_: Draft, text: str) -> Any:
        if text not in list(words):
            raise Refused(one_of(text, list(words)))
        return words[text] if isinstance(words, dict) else words(text)

    return parse


def moment(name: str) -> Parse:
    """What makes an aware instant that lies in the past of a text; empty is None."""

    def parse(draft: Draft, text: str) -> datetime | None:
        if not text:
            return None
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise Refused(f'{name}: "{text[:40]}" is no time with its zone; allowed: as in 2026-11-24T08:00:00Z')
        past(draft, name, at)
        return at.astimezone(draft.now.tzinfo)

    return parse


def known_code(draft: Draft, code: str) -> str:
    """The resolution code, where the organisation has it; Refused else."""
    codes = draft.situation.policy.resolution_codes
    if code not in codes:
        raise Refused(f"code: {one_of(code, list(codes))}")
    return code


FIELDS: dict[str, Field] = {
    "title": Field("title", _title),
    "description": Field("description", _prose),
    "category": Field("category", known_category),
    "ci": Field("affected_ci", known_ci),
    "service": Field("affected_service", known_service),
    "disruption": Field("disruption", _word(DISRUPTIONS)),
    "source": Field("source", _word(ReportSource)),
    "channel": Field("channel", _word(Channel)),
    "observed_at": Field("observed_at", moment("observed_at")),
    "detected_at": Field("detected_at", moment("detected_at")),
    "resolution": Field("resolution", _prose, is_of_resolution=True),
    "resolution_code": Field("resolution_code", known_code, is_of_resolution=True),
    "restored_at": Field("restored_at", moment("restored_at"), is_of_resolution=True),
    "restoration": Field("restoration", _word(Restoration), is_of_resolution=True),
}

FIELD_NAMES = (
    *FIELDS,
    "template",
    "contact.name",
    "contact.organisation",
    "contact.mail",
    "contact.phone",
    "sign.NAME",
    "finding.NAME",
)
"""Everything that `set` takes; the names of signs and findings are free (`rules.report.FINDING_RULE`)."""

_ASSESSED = frozenset({"affected_ci", "affected_service", "disruption", "category"})
