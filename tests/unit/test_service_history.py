"""How a service was: day by day and as shares, by the incidents that hit it."""

from datetime import UTC, datetime, timedelta

import pytest

from cmdb.model import State
from rules.incident import HitService, Incident, Status
from rules.service_history import service_history
from tests.builders import incident

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def hit(number: int, state: State, since: datetime, until: datetime | None, **fields: object) -> Incident:
    services = (HitService(ci="pay", name="Payments", state=state),)
    status = Status.OPEN if until is None else Status.CLOSED
    return incident(number, services=services, opened_at=since, resolved_at=until, **{"status": status, **fields})


def ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def test_a_service_that_nothing_hit_worked_all_the_time() -> None:
    found = service_history("pay", [hit(1, State.AT_RISK, ago(2), None)], NOW)
    assert (len(found.days), found.works, found.whole) == (90, 1.0, 1.0)
    assert {d.state for d in found.days} == {State.UP}


def test_time_counts_once_however_many_incidents_hit_it() -> None:
    incidents = [
        hit(1, State.DOWN, ago(6), ago(4)),
        hit(2, State.DOWN, ago(5), ago(3)),
        hit(3, State.DEGRADED, ago(6), ago(2)),
    ]
    found = service_history("pay", incidents, NOW)
    today = found.days[-1]
    assert (today.state, today.down, today.degraded) == (State.DOWN, timedelta(hours=3), timedelta(hours=1))
    assert today.incidents == ("INC-1", "INC-2", "INC-3")
    assert found.works == pytest.approx(1 - 3 / (89 * 24 + 12))
    assert found.whole == pytest.approx(1 - 4 / (89 * 24 + 12))


def test_a_night_is_of_two_days_and_what_goes_on_reaches_to_now() -> None:
    found = service_history("pay", [hit(1, State.DOWN, ago(14), None)], NOW)
    assert [d.down for d in found.days[-3:]] == [timedelta(), timedelta(hours=2), timedelta(hours=12)]


def test_it_ends_when_the_service_was_back_and_merged_ones_say_nothing() -> None:
    back = hit(1, State.DOWN, ago(6), ago(1), restored_at=ago(5))
    merged = hit(2, State.DOWN, ago(6), None, status=Status.MERGED)
    assert service_history("pay", [back, merged], NOW).down == timedelta(hours=1)
    assert service_history("other", [back], NOW).down == timedelta()


def test_what_began_before_the_first_day_counts_from_its_midnight() -> None:
    found = service_history("pay", [hit(1, State.DEGRADED, ago(24 * 200), ago(24 * 89 + 6))], NOW)
    assert found.degraded == timedelta(hours=6)
    assert found.days[0].state is State.DEGRADED
