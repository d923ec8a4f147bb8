"""What is taken from a push, and what is refused by name."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daemon.sources.push import MAX_ALERTS, MAX_ANNOTATION, BadPush, decode_alerts, decode_webhook
from rules.alert import Sighting

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)


def alerts(*posted: Any) -> tuple[Sighting, ...]:
    return decode_alerts(json.dumps(posted).encode(), NOW)


def one(**fields: Any) -> Sighting:
    (sighting,) = alerts({"labels": {"alertname": "Down"}, **fields})
    return sighting


def test_without_times_it_fires_from_now_until_its_end_is_sent() -> None:
    assert one() == Sighting(labels={"alertname": "Down"}, starts_at=NOW, is_start_known=False)
    assert one(startsAt="0001-01-01T00:00:00Z", endsAt="0001-01-01T00:00:00.000Z", annotations=None) == one()


def test_an_end_to_come_is_when_it_runs_out_and_a_past_one_is_its_end() -> None:
    later = one(startsAt="2026-11-24T07:00:00.123456789Z", endsAt="2026-11-24T09:05:00+01:00")
    assert later.firing
    assert later.starts_at == datetime(2026, 11, 24, 7, 0, 0, 123456, UTC)
    assert later.ends_at == NOW + timedelta(minutes=5)
    past = one(endsAt="2026-11-24T07:59:60Z")
    assert not past.firing
    assert past.starts_at == past.ends_at == datetime(2026, 11, 24, 7, 59, 59, tzinfo=UTC)


def test_labels_lose_what_is_empty_ignored_or_cannot_be_stored() -> None:
    (sighting,) = alerts({"labels": {"alertname": "A\0B", "replica": "1", "empty": "", "odd": "\ud800!"}})
    assert sighting.labels == {"alertname": "AB", "odd": "\ufffd!"}


def test_long_annotations_are_cut_and_odd_links_dropped() -> None:
    sighting = one(annotations={"text": "x" * 20_000}, generatorURL="javascript:alert(1)")
    assert len(sighting.annotations["text"]) == MAX_ANNOTATION
    assert sighting.generator_url == ""
    assert one(generatorURL="http://prom/graph").generator_url == "http://prom/graph"


GOOD = {"labels": {"alertname": "Down"}}


@pytest.mark.parametrize(
    ("posted", "field", "message"),
    [
        ([GOOD, {"labels": {"a": "b", "alertname": 5}}], "[1].labels.alertname", "expected str, got int"),
        ([GOOD, {"annotations": {}}], "[1].labels", "is missing"),
        ([{"labels": {}}], "[0].labels", "must hold at least one label with a value"),
        ([{"labels": {"replica": "a"}}], "[0].labels", "must hold at least one label with a value"),
        ([{"labels": {" ": "x"}}], "[0].labels", "a label's name must have 1 to 256 characters"),
        ([{"labels": {"n" * 257: "x"}}], "[0].labels", "a label's name must have 1 to 256 characters"),
        ([{"labels": {"a": "x" * 4097}}], "[0].labels.a", "is longer than 4096 characters"),
        ([{"labels": {str(n): "x" for n in range(65)}}], "[0].labels", "holds 65 labels; at most 64 are taken"),
        ([{"labels": {"a": "b"}, "startsAt": "yesterday"}], "[0].startsAt", "is not an RFC 3339 time"),
        ([{"labels": {"a": "b"}, "startsAt": "1700000000"}], "[0].startsAt", "is not an RFC 3339 time"),
        ([{"labels": {"a": "b"}, "endsAt": "2026-13-01T00:00:00Z"}], "[0].endsAt", "is not a time of the calendar"),
        ([{"labels": {"a": "b"}, "endsAt": 5}], "[0].endsAt", "expected str | null, got int"),
        (
            [{"labels": {"a": "b"}, "startsAt": "2026-11-24T08:00:00Z", "endsAt": "2026-11-24T07:00:00Z"}],
            "[0].endsAt",
            "is before startsAt",
        ),
        ([{"labels": {"a": "b"}, "annotations": {"x": []}}], "[0].annotations.x", "expected str, got array"),
        ({"alerts": []}, "", "expected array, got object"),
        ([GOOD] * (MAX_ALERTS + 1), "", "holds 10001 alerts; at most 10000"),
    ],
)
def test_a_bad_push_names_the_field(posted: Any, field: str, message: str) -> None:
    with pytest.raises(BadPush) as caught:
        decode_alerts(json.dumps(posted).encode(), NOW)
    assert caught.value.field == field
    assert message in caught.value.message


@pytest.mark.parametrize("body", [b"", b"[", b"{}{}", b"\xff\xfe", b"[" * 100_000, b"NaN"])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(BadPush):
        decode_alerts(body, NOW)


def hook(*carried: Any, version: Any = "4") -> tuple[Sighting, ...]:
    return decode_webhook(json.dumps({"version": version, "status": "firing", "alerts": carried}).encode(), NOW)


def test_a_webhook_says_by_status_what_fires() -> None:
    times = {"startsAt": "2026-11-24T07:00:00Z", "endsAt": "2026-11-24T07:30:00Z"}
    fires, ended, unsaid = hook(
        {**GOOD, **times, "status": "firing"},
        {**GOOD, **times, "status": "resolved"},
        {**GOOD, "status": "resolved"},
    )
    assert (fires.firing, fires.ends_at) == (True, None)
    assert (ended.firing, ended.ends_at) == (False, datetime(2026, 11, 24, 7, 30, tzinfo=UTC))
    assert (unsaid.firing, unsaid.ends_at) == (False, NOW)


def test_a_bad_webhook_names_the_field() -> None:
    for posted, field in (
        ({**GOOD, "status": "odd"}, "alerts[0].status"),
        ({"labels": {"a": 1}, "status": "firing"}, "alerts[0].labels.a"),
    ):
        with pytest.raises(BadPush) as caught:
            hook(posted)
        assert caught.value.field == field
    for version in ("3", 4, None):
        with pytest.raises(BadPush) as caught:
            hook(version=version)
        assert caught.value.field == "version"
