"""The shapes of what the record of an incident holds beside its diagnosis, and of what else notices tell of;
`rules.document` and `rules.record_document` fill them."""

import msgspec

from rules.incident_shapes import ServiceDocument


class FindingDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One structured fact: a sign of the failure, or a result of diagnosis."""

    name: str
    value: str


class StepDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that handling requires; `done_by` is empty and `done_at` null while it is not done."""

    number: int
    text: str
    done_by: str
    done_at: str | None


class ContactDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Whom to turn to about an incident."""

    name: str
    organisation: str
    mail: str
    phone: str


class RatingDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One answer to how content somebody is: 1 (not at all) to 5 (very)."""

    incident: str
    by: str
    score: int
    remark: str
    at: str


class FiguresDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What answers say together since some moment: `scores` counts them by score; mean and share are null where there
    are none. `latest` holds the newest answers."""

    since: str
    answers: int
    mean: float | None
    content_share: float | None
    scores: dict[str, int]
    latest: tuple[RatingDocument, ...]


class PhaseDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One phase of an incident: detection, response, diagnosis, repair or closure. `length_s` is null while it lasts or
    where its beginning is not known."""

    name: str
    begins_at: str | None
    ends_at: str | None
    length_s: float | None


class ActorDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did, in the words of the timeline."""

    actor: str
    kind: str
    actions: tuple[str, ...]


class ReviewDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A draft of a post-incident review, to be completed by people. `text` says all of it in prose."""

    incident: str
    title: str
    what_happened: tuple[str, ...]
    impact: tuple[str, ...]
    phases: tuple[PhaseDocument, ...]
    who_did_what: tuple[ActorDocument, ...]
    still_open: tuple[str, ...]
    text: str


class SuspectDocument(msgspec.Struct, frozen=True, kw_only=True):
    """Work that may have broken it: what, when as seen from the first sign, on which CI, how many dependencies from the
    root cause, and how far that is in words. `change` is its number, null for announced maintenance."""

    change: str | None
    what: str
    when: str
    ci: str
    hops: int
    where: str


class RiskDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What a change risks now: `level` is high, medium, low or none; `owners` are groups that must be told. `basis`
    says what it was worked out from, so how sure it is."""

    level: str
    reason: str
    services: tuple[ServiceDocument, ...]
    reached: int
    owners: tuple[str, ...]
    together: tuple[str, ...]
    basis: str


class ChangeDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A change as notices tell of it; times are RFC 3339 in UTC."""

    number: str
    title: str
    description: str
    status: str
    starts_at: str
    ends_at: str
    opened_at: str
    cis: tuple[str, ...]
    group: str
    assignee: str
    outcome: str
    url: str
    risk: RiskDocument
