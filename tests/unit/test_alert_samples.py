"""From samples of Prometheus's alert series to what was heard and when. Times are seconds; a step is 15."""

from collections.abc import Sequence

import pytest

from daemon.sources.alert_samples import MARGIN_S, Episodes, Hearing, Sample, instant_of
from daemon.sources.recording import Event

STEPS = range(0, 1500, 15)
DOWN = {"alertname": "Down", "ci": "db1"}


def firing(begin: int, end: int, active: float | None = None) -> list[Sample]:
    """A sample at each step from `begin` to `end`, both included."""
    return [(float(at), active) for at in range(begin, end + 1, 15)]


def heard_of(*stretches: Sequence[Sample], heard: Sequence[int] = STEPS, steps: Sequence[int] = STEPS) -> list[str]:
    """What is heard of one alert whose samples come in these stretches."""
    episodes = Episodes(Hearing(steps, heard))
    for samples in stretches:
        episodes.take([(DOWN, samples)])
    return [told(event) for event in episodes.events()]


def told(event: Event) -> str:
    word = "fires" if event.sighting.firing else "ended"
    since = event.sighting.starts_at - instant_of(0)
    at = event.at - instant_of(0)
    return f"{at.total_seconds():g} {word}, since {since.total_seconds():g}"


def test_it_fires_at_the_first_sample_and_has_ended_a_step_after_the_last() -> None:
    assert heard_of(firing(60, 120, active=42)) == ["60 fires, since 42", "135 ended, since 42"]


def test_what_fires_at_the_end_goes_on() -> None:
    assert heard_of(firing(60, STEPS[-1], active=42)) == ["60 fires, since 42"]


def test_what_fired_before_the_beginning_keeps_its_start() -> None:
    assert heard_of(firing(0, 15, active=-5000)) == ["0 fires, since -5000", "30 ended, since -5000"]


def test_without_a_known_start_it_began_when_it_was_first_seen() -> None:
    episodes = Episodes(Hearing(STEPS, STEPS))
    episodes.take([(DOWN, firing(60, 75))])
    first, last = episodes.events()
    assert (first.sighting.starts_at, first.sighting.is_start_known) == (instant_of(60), False)
    assert last.sighting.ends_at == instant_of(90)


def test_a_start_after_the_sample_is_not_believed() -> None:
    assert heard_of(firing(60, 75, active=500))[0] == "60 fires, since 60"


def test_a_gap_is_an_end_where_the_start_is_not_known() -> None:
    assert heard_of(firing(60, 75), firing(120, 120)) == [
        "60 fires, since 60",
        "90 ended, since 60",
        "120 fires, since 120",
        "135 ended, since 120",
    ]


def test_a_gap_is_none_where_it_was_active_all_along() -> None:
    assert heard_of(firing(60, 75, active=42), firing(300, 315, active=42)) == [
        "60 fires, since 42",
        "330 ended, since 42",
    ]


def test_another_start_is_another_episode_even_without_a_gap() -> None:
    assert heard_of(firing(60, 75, active=42), firing(90, 105, active=80)) == [
        "60 fires, since 42",
        "90 ended, since 42",
        "90 fires, since 80",
        "120 ended, since 80",
    ]


def test_stretches_join_seamlessly() -> None:
    whole = firing(60, 600, active=42)
    for cut in (1, 7, len(whole) - 1):
        assert heard_of(whole[:cut], whole[cut:]) == heard_of(whole)


def test_replicas_are_one_alert_with_the_earliest_start() -> None:
    episodes = Episodes(Hearing(STEPS, STEPS))
    episodes.take([(DOWN, firing(60, 120, active=50)), (dict(DOWN), firing(75, 150, active=42))])
    assert [told(e) for e in episodes.events()] == ["60 fires, since 50", "165 ended, since 50"]


def test_alerts_are_told_apart_by_labels_and_ordered_by_time() -> None:
    episodes = Episodes(Hearing(STEPS, STEPS))
    episodes.take([({"alertname": "B"}, firing(60, 75)), ({"alertname": "A"}, firing(30, 75))])
    events = episodes.events()
    assert [(e.sighting.labels["alertname"], e.sighting.firing) for e in events[:2]] == [("A", True), ("B", True)]
    assert {e.at for e in events[2:]} == {instant_of(90)}


SILENT = range(600, 900, 15)
HEARD = [at for at in STEPS if at not in SILENT]
BACK = SILENT[-1] + MARGIN_S + 15
"""The first step at which something missing is missed again."""


@pytest.mark.parametrize("last", [480, 585])
def test_silence_of_prometheus_ends_nothing(last: int) -> None:
    """Its last samples come a little before its last signs of life, so that what ends just then may not have."""
    assert heard_of(firing(60, last, active=42), heard=HEARD)[1:] == [f"{BACK} ended, since 42"]


def test_what_ended_well_before_a_silence_or_began_after_it_ends_at_once() -> None:
    assert heard_of(firing(60, 450, active=42), heard=HEARD)[1:] == ["465 ended, since 42"]
    assert heard_of(firing(900, 930, active=895), heard=HEARD)[1:] == ["945 ended, since 895"]


def test_what_is_back_after_a_silence_never_ended() -> None:
    for active in (42, None):
        found = heard_of(firing(60, 585, active=active), firing(930, 1485, active=active), heard=HEARD)
        assert len(found) == 1


def test_a_new_start_after_a_silence_is_a_new_episode_without_a_pause() -> None:
    assert heard_of(firing(60, 585, active=42), firing(930, 1485, active=910), heard=HEARD)[1:] == [
        "930 ended, since 42",
        "930 fires, since 910",
    ]


def test_what_fired_when_prometheus_fell_silent_for_good_fires_on() -> None:
    assert len(heard_of(firing(60, 585, active=42), heard=range(0, 600, 15))) == 1


def test_a_server_that_watches_nothing_says_nothing_of_silence() -> None:
    assert heard_of(firing(60, 120, active=42), heard=[]) == heard_of(firing(60, 120, active=42))


def test_a_wide_step_is_taken_into_account() -> None:
    wide = range(0, 36000, 600)
    samples = [(600.0, 42.0), (1200.0, 42.0)]
    assert heard_of(samples, heard=wide, steps=wide) == ["600 fires, since 42", "1800 ended, since 42"]
