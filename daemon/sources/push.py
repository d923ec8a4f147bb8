"""Alerts that are sent to us: Alertmanager's API v2 and its webhook, version 4."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from daemon.sources.settings import DEFAULT_IGNORED_LABELS
from daemon.sources.texts import clean_labels, clean_link, clean_text, decode_json, decode_leniently, parse_instant
from rules.alert import Sighting
from rules.errors import IncidentdError

MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_ALERTS = 10_000
MAX_LABELS = 64
MAX_NAME = 256
MAX_VALUE = 4096
MAX_ANNOTATION = 16 * 1024

T = TypeVar("T")


class BadPush(IncidentdError):
    """A push that cannot be taken. `field` is where it is wrong, as in `[3].labels.alertname`; `message` says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.message = message


class PostedAlert(msgspec.Struct, frozen=True, gc=False):
    """One alert as Prometheus and amtool post it, and as the webhook carries it."""

    labels: dict[str, str]
    annotations: dict[str, str] | None = None
    startsAt: str | None = None  # noqa: N815  Alertmanager's spelling
    endsAt: str | None = None  # noqa: N815
    generatorURL: str | None = None  # noqa: N815
    status: Any = None


class WebhookBody(msgspec.Struct, frozen=True, gc=False):
    """The webhook's body; what is not named here (groups, receivers, counts) decides nothing."""

    version: str
    alerts: list[PostedAlert]


def decode_alerts(body: bytes, now: datetime, ignore: Collection[str] = DEFAULT_IGNORED_LABELS) -> tuple[Sighting, ...]:
    """The body of `POST /api/v2/alerts`, with Alertmanager's own defaults: no start means now.

    Raises BadPush; nothing of a bad request is kept. An alert whose `endsAt` is past has ended; one whose `endsAt`
    is to come fires until then. One without `endsAt` stays until its end is sent: Alertmanager would resolve it
    after its `resolve_timeout`, but silence is no proof that a failure is mended.
    """
    return tuple(
        _sighting(alert, f"[{index}]", now, ignore) for index, alert in enumerate(_bounded(body, list[PostedAlert]))
    )


def decode_webhook(
    body: bytes, now: datetime, ignore: Collection[str] = DEFAULT_IGNORED_LABELS
) -> tuple[Sighting, ...]:
    """The body of Alertmanager's webhook, version 4. Raises BadPush; nothing of a bad request is kept."""
    hook = decode_posted(body, WebhookBody)
    if hook.version != "4":
        raise BadPush("version", 'must be "4"')
    _check_count(len(hook.alerts), "alerts")
    return tuple(_webhook_sighting(alert, f"alerts[{index}]", now, ignore) for index, alert in enumerate(hook.alerts))


def _bounded(body: bytes, shape: type[list[PostedAlert]]) -> list[PostedAlert]:
    alerts = decode_posted(body, shape)
    _check_count(len(alerts), "")
    return alerts


def _check_count(count: int, field: str) -> None:
    if count > MAX_ALERTS:
        raise BadPush(field, f"holds {count} alerts; at most {MAX_ALERTS} a request are taken")


def _sighting(alert: PostedAlert, field: str, now: datetime, ignore: Collection[str]) -> Sighting:
    starts, ends = _instant(alert.startsAt, f"{field}.startsAt"), _instant(alert.endsAt, f"{field}.endsAt")
    if starts and ends and ends < starts:
        raise BadPush(f"{field}.endsAt", "is before startsAt")
    return Sighting(
        labels=_labels(alert.labels, field, ignore),
        annotations=_annotations(alert.annotations or {}),
        starts_at=starts or min(ends or now, now),
        is_start_known=starts is not None,
        ends_at=ends,
        firing=ends is None or ends > now,
        generator_url=clean_link(alert.generatorURL),
    )


def _webhook_sighting(alert: PostedAlert, field: str, now: datetime, ignore: Collection[str]) -> Sighting:
    if alert.status not in ("firing", "resolved"):
        raise BadPush(f"{field}.status", 'must be "firing" or "resolved"')
    starts, ends = _instant(alert.startsAt, f"{field}.startsAt"), _instant(alert.endsAt, f"{field}.endsAt")
    is_firing = alert.status == "firing"
    return Sighting(
        labels=_labels(alert.labels, field, ignore),
        annotations=_annotations(alert.annotations or {}),
        starts_at=starts or min(ends or now, now),
        is_start_known=starts is not None,
        # A webhook comes once at the start and once at the end: a firing one has no end yet, whatever it carries.
        ends_at=None if is_firing else ends or now,
        firing=is_firing,
        generator_url=clean_link(alert.generatorURL),
    )


def _instant(text: str | None, field: str) -> datetime | None:
    try:
        return parse_instant(text)
    except ValueError as error:
        raise BadPush(field, str(error)) from None


def _labels(labels: Mapping[str, str], field: str, ignore: Collection[str]) -> dict[str, str]:
    if len(labels) > MAX_LABELS:
        raise BadPush(f"{field}.labels", f"holds {len(labels)} labels; at most {MAX_LABELS} are taken")
    for name, value in labels.items():
        if not name.strip() or len(name) > MAX_NAME:
            raise BadPush(f"{field}.labels", f"a label's name must have 1 to {MAX_NAME} characters")
        if len(value) > MAX_VALUE:
            raise BadPush(f"{field}.labels.{name}", f"is longer than {MAX_VALUE} characters")
    cleaned = clean_labels(labels, ignore)
    if not cleaned:
        raise BadPush(f"{field}.labels", "must hold at least one label with a value")
    return cleaned


def _annotations(annotations: Mapping[str, str]) -> dict[str, str]:
    """Annotations are prose for people: what is too long is cut, so that it never costs the alert."""
    kept = list(annotations.items())[:MAX_LABELS]
    return {clean_text(name)[:MAX_NAME]: _shortened(clean_text(text)) for name, text in kept if name}


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_ANNOTATION else f"{text[: MAX_ANNOTATION - 1]}…"


def decode_posted(body: bytes, shape: type[T]) -> T:
    """A posted JSON body as `shape`; BadPush that names the field where it is something else."""
    if len(body) > MAX_BODY_BYTES:
        raise BadPush("", f"the body is larger than {MAX_BODY_BYTES // 1024**2} MiB")
    try:
        return decode_json(body, shape)
    except msgspec.ValidationError as error:
        raise _bad_shape(str(error), body) from None
    except msgspec.DecodeError:
        raise BadPush("", "the body is not JSON") from None


def _bad_shape(message: str, body: bytes) -> BadPush:
    what, _, path = message.partition(" - at `$")
    path = path.rstrip("`")
    if path.endswith("[...]"):
        path = _offender(path.removesuffix("[...]"), decode_leniently(body))
    if missing := re.fullmatch(r"Object missing required field `(\w+)`", what):
        path, what = f"{path}.{missing[1]}", "is missing"
    return BadPush(path.removeprefix("."), f"{what[0].lower()}{what[1:].replace('`', '')}")


def _offender(path: str, value: Any) -> str:
    """Name the first entry of the map at `path` that is no text, which the decoder leaves unnamed."""
    for index, name in re.findall(r"\[(\d+)\]|\.(\w+)", path):
        value = value[int(index)] if index else value[name]
    wrong = next((name for name, item in value.items() if not isinstance(item, str)), "")
    return f"{path}.{wrong}"[: MAX_NAME + 64]
