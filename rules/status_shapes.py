"""The shapes of a status page, as statuspage.io's API v2 has them: programs that read those read this."""

import msgspec


class PageDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The page itself."""

    id: str
    name: str
    url: str
    time_zone: str
    updated_at: str


class IndicatorDocument(msgspec.Struct, frozen=True, kw_only=True):
    """How things are as a whole: `none`, `minor`, `major` or `critical`, and the same in words."""

    indicator: str
    description: str


class ComponentDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A business service: `operational`, `degraded_performance` or `major_outage`."""

    id: str
    name: str
    status: str
    position: int


class UpdateDocument(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was said of an incident."""

    id: str
    incident_id: str
    status: str
    body: str
    created_at: str


class StatusIncidentDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An incident in business words: `investigating`, `identified` or `resolved`; its updates newest first."""

    id: str
    name: str
    status: str
    impact: str
    created_at: str
    updated_at: str
    resolved_at: str | None
    components: tuple[ComponentDocument, ...]
    incident_updates: tuple[UpdateDocument, ...]


class StatusPageDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The whole page; incidents that are not over come first, then the newest."""

    page: PageDocument
    status: IndicatorDocument
    components: tuple[ComponentDocument, ...]
    incidents: tuple[StatusIncidentDocument, ...]
