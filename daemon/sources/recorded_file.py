"""Alerts recorded in a file: JSON lines, each an alert in Alertmanager's shape."""

from datetime import datetime
from pathlib import Path

import msgspec

from cmdb.problems import Problem
from daemon.errors import ConfigError
from daemon.sources.recording import Event, Recording
from rules.alert import Sighting, alert_id

_UNSET = datetime.fromisoformat("0001-01-01T00:00:00+00:00")


class _Line(msgspec.Struct, frozen=True):
    """One recorded event, in Alertmanager's shape."""

    receivedAt: str  # noqa: N815  Alertmanager's spelling
    labels: dict[str, str]
    startsAt: str  # noqa: N815
    status: str = "firing"
    annotations: dict[str, str] = {}
    endsAt: str = ""  # noqa: N815
    generatorURL: str = ""  # noqa: N815


def read_recording(path: Path) -> Recording:
    """The events in order of arrival, and each alert's start as it was spelled.

    Raises ConfigError, with every bad line, where the file is not what it should be.
    """
    decoder = msgspec.json.Decoder(_Line)
    events: list[Event] = []
    spellings: dict[str, str] = {}
    problems: list[Problem] = []
    for number, text in enumerate(_lines(path), 1):
        if not text.strip():
            continue
        try:
            line = decoder.decode(text)
            event = _event(line)
        except (msgspec.DecodeError, ValueError) as error:
            allowed = "a JSON object with receivedAt, status, labels, startsAt"
            problems.append(Problem(file=str(path), line=number, what=str(error), allowed=allowed))
            continue
        events.append(event)
        identity = alert_id(event.sighting.fingerprint, event.sighting.starts_at)
        spellings.setdefault(identity, line.startsAt)
    if problems:
        raise ConfigError(problems)
    return Recording(events=tuple(sorted(events, key=lambda e: e.at)), spellings=spellings)


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except OSError as error:
        what = f"cannot be read: {error.strerror}"
        raise ConfigError([Problem(file=str(path), line=0, what=what, allowed="a file of JSON lines")]) from error


def _event(line: _Line) -> Event:
    if line.status not in ("firing", "resolved"):
        raise ValueError(f'status is "{line.status}", not firing or resolved')
    at, starts_at = _instant(line.receivedAt), _instant(line.startsAt)
    ends_at = _instant(line.endsAt) if line.endsAt else _UNSET
    firing = line.status == "firing"
    return Event(
        at=at,
        sighting=Sighting(
            labels=line.labels,
            annotations=line.annotations,
            starts_at=starts_at,
            ends_at=(None if ends_at <= _UNSET else ends_at) if firing else (at if ends_at <= _UNSET else ends_at),
            firing=firing,
            generator_url=line.generatorURL,
        ),
    )


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f'"{text}" has no time zone')
    return at.astimezone(_UNSET.tzinfo)
