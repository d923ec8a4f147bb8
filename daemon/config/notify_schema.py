"""The sections about who hears of what, and in which manner."""

from typing import Annotated, Any

from pydantic import Field

from daemon.config.fields import Duration, Names, Number, OneOrMany, Texts, one_of
from daemon.config.hours import ClockTime
from daemon.config.schema import PriorityWord, Section
from rules.subscriptions import EVENTS, KINDS_OF_CHANGE, ROLES
from rules.telling import AUDIENCES

Audience = Annotated[str, one_of(AUDIENCES)]
Times = Annotated[list[ClockTime], OneOrMany, Field(max_length=24)]


class When(Section):
    """What a recipient wants to hear of; a key left out asks for nothing in particular."""

    priority: Annotated[list[PriorityWord], OneOrMany] = Field(default_factory=list)
    event: Annotated[list[Annotated[str, one_of((*EVENTS, *KINDS_OF_CHANGE))]], OneOrMany] = Field(default_factory=list)
    service: Texts = Field(default_factory=list)
    group: Texts = Field(default_factory=list)
    category: Texts = Field(default_factory=list)
    ci: Texts = Field(default_factory=list)
    under: Texts = Field(default_factory=list)
    hours: Any = None


class OwnNotify(Section):
    """What one person wants to hear of."""

    name: Annotated[str, Field(max_length=120)] = ""
    when: When = Field(default_factory=When)
    via: Names = Field(default_factory=list)
    audience: Audience | None = None
    digest: Times = Field(default_factory=list)


class Notify(OwnNotify):
    """Who hears of what."""

    to: Names = Field(default_factory=list)
    person: Names = Field(default_factory=list)
    group: Texts = Field(default_factory=list)
    role: Annotated[list[Annotated[str, one_of(ROLES)]], OneOrMany] = Field(default_factory=list)
    batch: bool | None = None


class Gather(Section):
    """How long word for an audience waits for more."""

    operator: Duration | None = None
    manager: Duration | None = None
    customer: Duration | None = None


class Limit(Section):
    """How many messages a person gets in how long."""

    messages: Annotated[Number, Field(ge=1, le=10_000)]
    within: Duration


class TellingSection(Section):
    """How people are told, so that nobody drowns; what is left out keeps the default of `rules.telling.Manners`."""

    urgent: Annotated[list[PriorityWord], OneOrMany] | None = None
    gather: Gather = Field(default_factory=Gather)
    burst: Annotated[Number, Field(ge=2, le=1000)] | None = None
    summary_every: Duration | None = None
    call_again: Duration | None = None
    limit: Limit | None = None
    updates: dict[PriorityWord, Duration] | None = None
