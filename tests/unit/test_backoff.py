"""When it is tried again, and when a channel rests."""

import random
from datetime import datetime, timedelta

from daemon.backoff import Lane, RetryPolicy
from notifiers.settings import Rate
from tests.builders import T0, at


def test_waits_are_drawn_below_a_doubling_bound() -> None:
    policy, rng = RetryPolicy(), random.Random(7)
    bounds = [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]
    for attempt, bound in enumerate(bounds, start=1):
        drawn = [policy.wait(attempt, rng).total_seconds() for _ in range(200)]
        assert min(drawn) >= 1
        assert bound * 0.8 <= max(drawn) <= bound
    assert policy.wait(10**6, rng) <= timedelta(minutes=15)
    assert policy.wait(1, rng, wish_s=3600.0) == timedelta(hours=1)


def test_a_channel_rests_longer_each_time_and_not_for_ever() -> None:
    lane, now = Lane(), T0
    rests: list[float] = []
    for _ in range(12):
        lane.failed(now)
        until: datetime = lane.rests_until or now
        rests.append((until - now).total_seconds())
        now = until
        assert not lane.is_full(now, 2)
    assert rests == [0, 0, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60]
    lane.in_flight = 1
    assert lane.is_full(now, 2), "one at a time while it is not known to work"
    lane.succeeded()
    assert not lane.is_full(now, 2)


def test_so_many_leave_in_any_time_of_that_length() -> None:
    lane, rate = Lane(), Rate(notices=2, within=timedelta(minutes=1))
    for seconds in (0, 10):
        assert lane.open_at(at(seconds), rate) is None
        lane.begins(at(seconds), rate)
    assert lane.open_at(at(59), rate) == at(60)
    assert lane.open_at(at(60), rate) is None
    lane.begins(at(60), rate)
    assert lane.open_at(at(61), rate) == at(70)
    assert lane.open_at(at(61), None) is None


def test_who_has_to_wait_gets_a_turn_of_their_own() -> None:
    lane, rate = Lane(), Rate(notices=2, within=timedelta(minutes=1))
    for _ in range(5):
        lane.begins(T0, rate)
    assert len(lane.left_at) == 2, "what is remembered is bounded"
    opens = lane.open_at(T0, rate)
    assert opens == at(60)
    assert [lane.turn_of_next(at(60), rate) for _ in range(5)] == [at(60), at(60), at(120), at(120), at(180)]
    lane.begins(at(60), rate)
    assert lane.turn_of_next(at(60), rate) == at(60)
