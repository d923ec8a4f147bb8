"""What people send about service requests, problems and changes."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from daemon.api.incidents import utc_of
from daemon.api.orders import Order, Prose, Word
from daemon.api.problems import wrong_field
from rules.incident import incident_number
from rules.record import MAX_CIS, MAX_WORDS, Given, Kind

Title = Annotated[str, Field(min_length=1, max_length=400)]
Ids = Annotated[list[Word], Field(max_length=MAX_CIS)]
Words = Annotated[list[Word], Field(max_length=MAX_WORDS)]
IncidentKeys = Annotated[
    list[Annotated[str, Field(pattern=r"^(?i:INC-)?[0-9]{1,9}$", description="`INC-42` or `42`.")]],
    Field(max_length=1000),
]
_NOT_GIVEN = frozenset({"actor", "incidents", "status"})


class Sent(Order):
    """What is said of a record; a field that is left out stays as it is. CIs and services are ids or aliases."""

    title: Title | None = None
    description: Prose | None = None
    group: Annotated[str, Field(max_length=256)] | None = None
    assignee: Annotated[str, Field(max_length=256)] | None = None
    cis: Ids | None = None
    services: Ids | None = None

    def given(self) -> Given:
        """The same for the decision; a 400 for an instant that cannot be."""
        found: dict[str, Any] = {}
        for name in type(self).model_fields.keys() - _NOT_GIVEN:
            value = getattr(self, name)
            value = utc_of(name, value) if isinstance(value, datetime) else value
            found[name] = tuple(value) if isinstance(value, list) else value
        return Given(**found)


class ProblemSent(Sent):
    """What is said of a problem. `categories`, `cis`, `services`, `alerts` and `words` say which incidents are of a
    known error."""

    cause: Prose | None = None
    workaround: Prose | None = None
    categories: Words | None = None
    alerts: Words | None = None
    words: Words | None = None


class ChangeSent(Sent):
    """What is said of a change. `uid` is what another system calls it: a known one stands for that change."""

    starts_at: datetime | None = None
    ends_at: datetime | None = None
    url: Annotated[str, Field(max_length=2000, pattern=r"^(https?://\S+)?$")] | None = None
    uid: Annotated[str, Field(max_length=400)] | None = None


class RequestNew(Sent):
    """A new service request; made from incidents it takes title and CI of the first, unless it has its own."""

    incidents: IncidentKeys = Field(default_factory=list)


class ProblemNew(ProblemSent):
    """A new problem, of these incidents; with a workaround it is a known error."""

    incidents: IncidentKeys = Field(default_factory=list)


class ChangeNew(ChangeSent):
    """A new change. One that is under way or over already, as CI/CD tells of it, begins so."""

    incidents: IncidentKeys = Field(default_factory=list)
    status: Literal["planned", "in_progress", "done", "failed"] = "planned"


class Step(Order):
    """A step of the lifecycle. `text` says how it ended, why not, or, to document a known error, its workaround."""

    step: Annotated[str, Field(min_length=1, max_length=32)]
    text: Prose = ""


class Link(Order):
    """A link to another record; `relation` is what it is called from here, the usual one where it is left out."""

    to: Annotated[str, Field(min_length=1, max_length=32, description="As in `INC-7` or `PRB-3`.")]
    relation: Literal["", "cause of", "caused by", "led to", "comes from", "related to"] = ""
    remove: bool = False


NEW: dict[Kind, type[RequestNew] | type[ProblemNew] | type[ChangeNew]] = {
    Kind.REQUEST: RequestNew,
    Kind.PROBLEM: ProblemNew,
    Kind.CHANGE: ChangeNew,
}
EDITED: dict[Kind, type[Sent]] = {Kind.REQUEST: Sent, Kind.PROBLEM: ProblemSent, Kind.CHANGE: ChangeSent}


def incidents_of(body: RequestNew | ProblemNew | ChangeNew) -> tuple[int, ...]:
    """The numbers of the incidents that a new record is made from."""
    numbers = tuple(dict.fromkeys(map(incident_number, body.incidents)))
    if 0 in numbers:
        raise wrong_field("incidents", "there is no incident 0")
    return numbers
