"""Alertmanager's API v2: Prometheus sends here, and amtool, Grafana and karma read here."""

from collections.abc import Collection
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated

import anyio
import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from daemon.api.access import require
from daemon.api.documents import json_response
from daemon.api.openapi import answers, json_body
from daemon.api.ports import Ports
from daemon.api.problems import wrong_field
from daemon.api.version import VERSION
from daemon.sources.push import PostedAlert, WebhookBody, decode_alerts, decode_webhook
from rules.alert import Alert, Sighting
from rules.document import rfc3339
from rules.matchers import Matches, all_of, parse_matchers

RECEIVER = "incidentd"
# An alert without an end fires on; readers want one, and by Alertmanager's own rule it lies ahead.
_FIRES_ON = timedelta(minutes=5)
_AT_ONCE = 24


class ReceiverDocument(msgspec.Struct, frozen=True):
    """Alertmanager's receiver; there is one, and it is us."""

    name: str = RECEIVER


class AlertState(msgspec.Struct, frozen=True, kw_only=True):
    """Whether an alert calls people.

    `silencedBy` has the ids of silences, or the names of sources that say it is silenced there; `inhibitedBy` names
    sources, `mutedBy` maintenance windows and sources.
    """

    state: str
    silencedBy: tuple[str, ...] = ()  # noqa: N815  Alertmanager's spelling
    inhibitedBy: tuple[str, ...] = ()  # noqa: N815
    mutedBy: tuple[str, ...] = ()  # noqa: N815


class GettableAlert(msgspec.Struct, frozen=True, kw_only=True):
    """A firing alert in Alertmanager's shape."""

    labels: dict[str, str]
    annotations: dict[str, str]
    startsAt: str  # noqa: N815
    endsAt: str  # noqa: N815
    updatedAt: str  # noqa: N815
    generatorURL: str  # noqa: N815
    fingerprint: str
    receivers: tuple[ReceiverDocument, ...]
    status: AlertState


class AlertGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Alerts of one name."""

    labels: dict[str, str]
    receiver: ReceiverDocument
    alerts: tuple[GettableAlert, ...]


class ClusterStatus(msgspec.Struct, frozen=True):
    """Alertmanager's cluster, which is not used here."""

    status: str = "disabled"
    name: str = ""
    peers: tuple[str, ...] = ()


class VersionInfo(msgspec.Struct, frozen=True, rename="camel"):
    """What is running."""

    version: str = VERSION
    branch: str = ""
    build_date: str = ""
    build_user: str = ""
    go_version: str = ""
    revision: str = ""


class ConfigText(msgspec.Struct, frozen=True):
    """A configuration that readers can parse; ours is another and stays here."""

    original: str = f"route:\n  receiver: {RECEIVER}\nreceivers:\n- name: {RECEIVER}\n"


class StatusDocument(msgspec.Struct, frozen=True, rename="camel"):
    """Alertmanager's status; `uptime` is when we started."""

    uptime: str
    cluster: ClusterStatus = ClusterStatus()
    version_info: VersionInfo = VersionInfo()
    config: ConfigText = ConfigText()


async def raw_body(request: Request) -> bytes:
    """The body as it came; its bounds are kept before it gets here."""
    return await request.body()


Body = Annotated[bytes, Depends(raw_body)]


def push_routes(ports: Ports) -> APIRouter:
    """Where alerts are sent. Every answer of 2xx comes after what was sent is durable."""
    router = APIRouter(tags=["push"], dependencies=[Depends(require(ports, "push"))])
    pushing = anyio.CapacityLimiter(_AT_ONCE)

    def take(sightings: tuple[Sighting, ...]) -> None:
        if sightings:
            ports.accept(ports.push_source, msgspec.json.encode(sightings))

    def take_alerts(body: bytes) -> None:
        take(decode_alerts(body, ports.clock.now(), ports.ignore_labels))

    def take_webhook(body: bytes) -> None:
        take(decode_webhook(body, ports.clock.now(), ports.ignore_labels))

    @router.post(
        "/api/v2/alerts",
        summary="Send alerts, as Prometheus does",
        response_class=Response,
        openapi_extra=json_body(list[PostedAlert], "At most 10,000 alerts in 16 MiB."),
    )
    async def post_alerts(body: Body) -> Response:
        await anyio.to_thread.run_sync(take_alerts, body, limiter=pushing)
        return Response(status_code=HTTPStatus.OK)

    @router.post(
        "/hooks/alertmanager",
        summary="Alertmanager's webhook, version 4",
        response_class=Response,
        openapi_extra=json_body(WebhookBody, "At most 10,000 alerts in 16 MiB."),
    )
    async def post_webhook(body: Body) -> Response:
        await anyio.to_thread.run_sync(take_webhook, body, limiter=pushing)
        return Response(status_code=HTTPStatus.OK)

    return router


Filters = Annotated[list[str] | None, Query(alias="filter", description='Matchers, as in alertname="DiskFull".')]
Flag = Annotated[bool, Query()]


def alertmanager_routes(ports: Ports) -> APIRouter:
    """What can be read in Alertmanager's own shapes."""
    router = APIRouter(tags=["alertmanager"], dependencies=[Depends(require(ports, "read"))])
    started_at = rfc3339(ports.clock.now())

    @router.get("/api/v2/alerts", summary="Alerts that fire", responses=answers(list[GettableAlert]))
    def get_alerts(
        filters: Filters = None, active: Flag = True, silenced: Flag = True, inhibited: Flag = True
    ) -> Response:
        return json_response(_firing(ports, filters or (), active, silenced, inhibited))

    @router.get("/api/v2/alerts/groups", summary="The same by name", responses=answers(list[AlertGroup]))
    def get_groups(
        filters: Filters = None, active: Flag = True, silenced: Flag = True, inhibited: Flag = True
    ) -> Response:
        groups: dict[str, list[GettableAlert]] = {}
        for alert in _firing(ports, filters or (), active, silenced, inhibited):
            groups.setdefault(alert.labels.get("alertname", ""), []).append(alert)
        return json_response(
            [
                AlertGroup(labels={"alertname": name}, receiver=ReceiverDocument(), alerts=tuple(groups[name]))
                for name in sorted(groups)
            ]
        )

    @router.get("/api/v2/status", summary="What runs here", responses=answers(StatusDocument))
    def get_status() -> Response:
        return json_response(StatusDocument(uptime=started_at))

    @router.get("/api/v2/receivers", summary="The one receiver", responses=answers(list[ReceiverDocument]))
    def get_receivers() -> Response:
        return json_response([ReceiverDocument()])

    return router


def _firing(
    ports: Ports, filters: Collection[str], active: bool, silenced: bool, inhibited: bool
) -> list[GettableAlert]:
    matches = filter_of(filters)
    now = ports.clock.now()
    firing = (a for a in ports.store.load(now).alerts if a.is_firing and matches(a.labels))
    found = [_gettable(a, now) for a in sorted(firing, key=lambda a: (a.starts_at, a.fingerprint))]
    return [a for a in found if _is_wanted(a.status, active, silenced, inhibited)]


def filter_of(texts: Collection[str]) -> Matches:
    """The matchers of a `filter` parameter together; a 400 that names it where one cannot be used."""
    try:
        return all_of(parse_matchers(texts))
    except ValueError as error:
        raise wrong_field("filter", str(error)) from None


def _is_wanted(status: AlertState, active: bool, silenced: bool, inhibited: bool) -> bool:
    if status.state == "active":
        return active
    is_silenced = bool(status.silencedBy or status.mutedBy)
    return (silenced or not is_silenced) and (inhibited or not status.inhibitedBy)


def _gettable(alert: Alert, now: datetime) -> GettableAlert:
    expiries = [seen.expires_at for seen in alert.seen_by.values() if seen.firing]
    ends = [at for at in expiries if at is not None]
    # The record keeps the end as it was first given; a sender that repeats an alert has moved it on since.
    is_bounded = bool(ends) and len(ends) == len(expiries) and max(ends) > now
    return GettableAlert(
        labels=alert.labels,
        annotations=alert.annotations,
        startsAt=rfc3339(alert.starts_at),
        endsAt=rfc3339(max(ends) if is_bounded else now + _FIRES_ON),
        updatedAt=rfc3339(alert.first_seen_at),
        generatorURL=alert.generator_url,
        fingerprint=alert.fingerprint,
        receivers=(ReceiverDocument(),),
        status=_state(alert),
    )


def _state(alert: Alert) -> AlertState:
    said = {(seen.suppressed, name) for name, seen in alert.seen_by.items() if seen.firing and seen.suppressed}
    inhibited = tuple(sorted(name for why, name in said if why == "inhibited"))
    muted = tuple(sorted(name for why, name in said if why == "muted"))
    silenced = tuple(sorted(name for why, name in said if why not in ("inhibited", "muted")))
    return AlertState(
        state="suppressed" if alert.suppressed else "active",
        silencedBy=(*(hold.id for hold in alert.holds if hold.kind == "silence"), *silenced),
        inhibitedBy=inhibited,
        mutedBy=(
            *(hold.text.removeprefix("silenced by ") for hold in alert.holds if hold.kind == "maintenance"),
            *muted,
        ),
    )
