"""Delivery against every real store: nothing is lost, nothing overtakes, and nobody waits for a stranger."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
from structlog.testing import capture_logs

from cmdb.graph import Estate
from cmdb.model import CI
from daemon.backoff import Limits, RetryPolicy
from daemon.clock import ManualClock
from daemon.deliver import Deliverer, Result
from daemon.store.rows import NoticeRow
from daemon.store.store import Store
from notifiers.base import Extras
from notifiers.errors import SendError
from notifiers.registry import build_channel
from notifiers.render import Renderer
from notifiers.secret import Secret
from notifiers.settings import Rate, WebhookSettings
from rules.document import NoticeContent, RecipientDocument
from tests.builders import T0, alert, incident, notice
from tests.contract.deliveries import BUSY, GONE, LONG, SAMPLES, Commit, Longest, held, row_of, states, told
from tests.contract.stores import OpenStore, restarted
from tests.fakes import WITHIN_S, ToldChannel, hook, odd_peer, resetting


def test_what_is_due_is_sent_and_recorded(
    store: Store, commit: Commit, deliver: Callable[..., Deliverer], results: list[Result]
) -> None:
    noc = ToldChannel("noc")
    commit(incidents=(incident(1),), notices=(told("a"), told("b", number=2)))
    assert deliver(noc).drain(LONG)
    assert sorted(noc.keys) == ["a", "b"]
    assert states(store) == {"a": "delivered", "b": "delivered"}
    assert [(r.to, r.outcome, r.attempt, r.waited_s) for r in results] == [("noc", "delivered", 1, 0.0)] * 2


def test_nothing_goes_twice(commit: Commit, deliver: Callable[..., Deliverer]) -> None:
    noc = ToldChannel("noc")
    commit(notices=(told("a"),))
    deliverer = deliver(noc)
    assert deliverer.drain(LONG)
    assert deliverer.drain(LONG)
    assert deliverer.run_once() == 0
    assert noc.keys == ["a"]


def test_the_alerts_are_filled_in_when_it_is_sent(commit: Commit, deliver: Callable[..., Deliverer]) -> None:
    noc = ToldChannel("noc")
    alerts = (alert("db1", incident=1), alert("web1", incident=1), alert("other", incident=2))
    commit(incidents=(incident(1), incident(2)), alerts=alerts, notices=(told("a"),))
    assert deliver(noc).drain(LONG)
    content = noc.sent[0].content
    assert content.incident is not None
    assert [a.ci for a in content.incident.alerts] == sorted(["db1", "web1"], key=lambda ci: alert(ci).id)
    assert "2 ALERTS" in noc.sent[0].text


def test_a_failure_is_tried_again_after_growing_waits(
    store: Store, commit: Commit, clock: ManualClock, deliver: Callable[..., Deliverer], results: list[Result]
) -> None:
    noc = ToldChannel("noc", BUSY, BUSY)
    commit(notices=(told("a"),))
    deliverer = deliver(noc)
    for seconds in (5, 10):
        assert deliverer.drain(LONG)
        row = row_of(store, "a")
        assert (row.state, row.last_error) == ("pending", "the server is busy")
        assert row.due_at == clock.now() + timedelta(seconds=seconds)
        clock.advance(timedelta(seconds=seconds) - timedelta(milliseconds=1))
        assert deliverer.run_once() == 0
        clock.advance(timedelta(milliseconds=1))
    assert deliverer.drain(LONG)
    assert (noc.keys, states(store)) == (["a"], {"a": "delivered"})
    assert [r.outcome for r in results] == ["retry", "retry", "delivered"]
    assert results[-1].waited_s == 15


def test_the_channels_wish_is_kept(
    store: Store, commit: Commit, clock: ManualClock, deliver: Callable[..., Deliverer]
) -> None:
    noc = ToldChannel("noc", SendError("slow down", permanent=False, retry_after_s=120))
    commit(notices=(told("a"),))
    assert deliver(noc).drain(LONG)
    assert row_of(store, "a").due_at == clock.now() + timedelta(seconds=120)


def test_a_refusal_for_good_is_a_dead_letter_on_the_timeline(
    store: Store, commit: Commit, deliver: Callable[..., Deliverer], results: list[Result]
) -> None:
    commit(incidents=(incident(1),), notices=(told("a"),))
    assert deliver(ToldChannel("noc", GONE)).drain(LONG)
    row = row_of(store, "a")
    assert (row.state, row.last_error, row.attempts) == ("dead", "no such room", 1)
    assert any("no such room" in entry.text for entry in store.timeline(1))
    assert [r.outcome for r in results] == ["dead"]


def test_a_notifier_that_is_gone_from_the_configuration_is_a_dead_letter(
    store: Store, commit: Commit, deliver: Callable[..., Deliverer]
) -> None:
    commit(incidents=(incident(1),), notices=(told("a", to="old"),))
    assert deliver(ToldChannel("noc")).drain(LONG)
    row = row_of(store, "a")
    assert (row.state, row.last_error) == ("dead", "no notifier named old is configured any more")


def test_content_that_cannot_be_read_is_a_dead_letter(
    store: Store, commit: Commit, deliver: Callable[..., Deliverer]
) -> None:
    commit(incidents=(incident(1),), notices=(notice("a", content=b"not json"),))
    assert deliver(ToldChannel("noc")).drain(LONG)
    assert states(store) == {"a": "dead"}


def test_it_is_given_up_after_a_day(
    store: Store, commit: Commit, clock: ManualClock, deliver: Callable[..., Deliverer]
) -> None:
    noc = ToldChannel("noc", *[BUSY] * 1000)
    commit(incidents=(incident(1),), notices=(told("a"),))
    deliverer = deliver(noc)
    while states(store) == {"a": "pending"}:
        assert deliverer.drain(LONG)
        clock.advance(timedelta(minutes=15))
    assert row_of(store, "a").state == "dead"
    assert timedelta(hours=24) <= clock.now() - T0 <= timedelta(hours=24, minutes=30)


def test_it_is_given_up_after_as_many_tries_as_the_owner_says(
    store: Store, commit: Commit, clock: ManualClock, deliver: Callable[..., Deliverer]
) -> None:
    commit(incidents=(incident(1),), notices=(told("a"),))
    deliverer = deliver(ToldChannel("noc", *[BUSY] * 9), retry=RetryPolicy(attempts=3))
    for _ in range(3):
        assert states(store) == {"a": "pending"}
        assert deliverer.drain(LONG)
        clock.advance(timedelta(minutes=15))
    assert states(store) == {"a": "dead"}


def test_an_old_notice_is_still_tried_after_a_long_absence(
    store: Store, commit: Commit, clock: ManualClock, deliver: Callable[..., Deliverer]
) -> None:
    commit(notices=(told("a"),))
    clock.advance(timedelta(days=3))
    noc = ToldChannel("noc", BUSY)
    deliverer = deliver(noc)
    assert deliverer.drain(LONG)
    assert states(store) == {"a": "pending"}
    clock.advance(timedelta(seconds=5))
    assert deliverer.drain(LONG)
    assert noc.keys == ["a"]


def test_a_revived_dead_letter_goes_out(store: Store, commit: Commit, deliver: Callable[..., Deliverer]) -> None:
    commit(incidents=(incident(1),), notices=(told("a"),))
    noc = ToldChannel("noc", GONE)
    deliverer = deliver(noc)
    assert deliverer.drain(LONG)
    assert store.revive(["a"]) == 1
    assert deliverer.drain(LONG)
    assert (noc.keys, states(store)) == (["a"], {"a": "delivered"})


def test_a_channel_that_hangs_delays_no_other(store: Store, commit: Commit, deliver: Callable[..., Deliverer]) -> None:
    stuck, noc = ToldChannel("stuck"), ToldChannel("noc")
    waiting = [told(f"s{n}", number=n, to="stuck") for n in range(1, 30)]
    commit(notices=(*waiting, *(told(f"n{n}", number=n) for n in range(1, 30))))
    deliverer = deliver(stuck, noc, workers=4, per_channel=2)
    with held(stuck):
        deliverer.run_once()
        for _ in range(29):
            assert noc.entered.get(timeout=WITHIN_S)
        assert not deliverer.drain(timedelta(0))
        assert stuck.sent == []
        assert stuck.entered.qsize() == 2
    assert deliverer.drain(LONG)
    assert len(stuck.sent) == 29
    assert set(states(store).values()) == {"delivered"}


def test_no_more_than_the_workers_are_busy(commit: Commit, deliver: Callable[..., Deliverer]) -> None:
    channels = [ToldChannel(f"c{n}") for n in range(6)]
    commit(notices=tuple(told(f"k{n}", number=n, to=f"c{n}") for n in range(6)))
    deliverer = deliver(*channels, workers=3)
    with held(*channels):
        assert deliverer.run_once() == 3
        assert deliverer.in_flight == 3
        assert deliverer.run_once() == 0
    assert deliverer.drain(LONG)
    assert sum(len(channel.sent) for channel in channels) == 6


def test_one_incidents_notices_keep_their_order(
    commit: Commit, clock: ManualClock, deliver: Callable[..., Deliverer]
) -> None:
    noc = ToldChannel("noc", BUSY)
    story = ("opened", "changed", "resolved")
    commit(notices=tuple(told(event, event=event) for event in story))
    deliverer = deliver(noc)
    assert deliverer.drain(LONG)
    assert noc.keys == []
    clock.advance(timedelta(seconds=5))
    assert deliverer.drain(LONG)
    assert noc.keys == list(story)


def test_a_notice_of_a_daemon_that_died_goes_again_under_the_same_key(
    open_store: OpenStore, store: Store, commit: Commit, clock: ManualClock
) -> None:
    commit(notices=(told("a"),))
    assert [row.key for row in store.claim(clock.now(), timedelta(seconds=60), 1)] == ["a"]
    again = restarted(open_store, store)
    noc = ToldChannel("noc")
    deliverer = Deliverer(again, {"noc": noc}, clock)
    assert deliverer.run_once() == 0
    clock.advance(timedelta(seconds=60))
    assert deliverer.drain(LONG)
    assert [message.content.idempotency_key for message in noc.sent] == ["a"]
    assert row_of(again, "a").attempts == 2


def test_the_claim_outlasts_the_slowest_channel(
    store: Store, commit: Commit, clock: ManualClock, deliver: Callable[..., Deliverer]
) -> None:
    slow = ToldChannel("noc", longest_s=300)
    commit(notices=(told("a"),))
    deliverer = deliver(slow)
    with held(slow):
        assert deliverer.run_once() == 1
        until = row_of(store, "a").lease_until
        assert until is not None
        assert until >= clock.now() + timedelta(seconds=300)
    assert deliverer.drain(LONG)


def test_stopping_takes_nothing_more_and_waits_for_what_is_under_way(
    store: Store, commit: Commit, deliver: Callable[..., Deliverer]
) -> None:
    noc = ToldChannel("noc")
    commit(notices=tuple(told(f"k{n}", number=n) for n in range(5)))
    deliverer = deliver(noc, per_channel=1)
    with held(noc):
        assert deliverer.run_once() == 1
        assert not deliverer.stop(timedelta(0))
    assert deliverer.stop(LONG)
    assert deliverer.run_once() == 0
    assert sorted(states(store).values()) == ["delivered", "pending", "pending", "pending", "pending"]


def test_a_dead_server_rests_and_costs_the_others_no_tries(
    store: Store, commit: Commit, clock: ManualClock, deliver: Callable[..., Deliverer]
) -> None:
    noc = ToldChannel("noc", *[BUSY] * 1000)
    commit(notices=tuple(told(f"k{n}", number=n) for n in range(50)))
    deliverer = deliver(noc, per_channel=1)
    assert deliverer.drain(LONG)
    assert deliverer.resting() == ("noc",)
    assert sum(row.attempts for row in store.notices()) == 3
    clock.advance(timedelta(minutes=10))
    assert deliverer.resting() == ()
    assert deliverer.drain(LONG)
    assert sum(row.attempts for row in store.notices()) == 4


def test_a_mended_server_gets_everything(
    store: Store, commit: Commit, clock: ManualClock, deliver: Callable[..., Deliverer]
) -> None:
    noc = ToldChannel("noc", *[BUSY] * 4)
    commit(notices=tuple(told(f"k{n}", number=n) for n in range(20)))
    deliverer = deliver(noc)
    for _ in range(8):
        assert deliverer.drain(LONG)
        clock.advance(timedelta(minutes=1))
    assert set(states(store).values()) == {"delivered"}
    assert len(noc.sent) == 20


def test_no_more_leaves_than_a_rate_allows_but_what_is_urgent_never_waits(
    store: Store, commit: Commit, clock: ManualClock, deliver: Callable[..., Deliverer]
) -> None:
    commit(notices=tuple(told(f"k{n}", number=n) for n in range(1, 6)))
    noc = ToldChannel("noc")
    limits = {"noc": Limits(rate=Rate(notices=2, within=timedelta(minutes=1)))}
    deliverer = deliver(noc, limits=limits, per_channel=1)
    assert deliverer.drain(LONG)
    assert noc.keys == ["k1", "k2"]
    commit(notices=(told("worst", number=9, is_urgent=True),))
    assert deliverer.drain(LONG)
    assert noc.keys == ["k1", "k2", "worst"]
    assert {row.attempts for row in store.notices(states=("pending",))} == {0}
    for _ in range(4):
        clock.advance(timedelta(minutes=1))
        assert deliverer.drain(LONG)
    assert sorted(noc.keys) == ["k1", "k2", "k3", "k4", "k5", "worst"]


def test_a_channel_may_have_a_width_of_its_own(commit: Commit, deliver: Callable[..., Deliverer]) -> None:
    noc = ToldChannel("noc")
    noc.gate.clear()
    commit(notices=tuple(told(f"k{n}", number=n) for n in range(1, 6)))
    deliverer = deliver(noc, limits={"noc": Limits(concurrency=3)}, per_channel=1)
    assert deliverer.run_once() == 3
    noc.gate.set()
    assert deliverer.drain(LONG)


def test_a_conversation_that_began_anew_is_remembered_instead(
    store: Store, commit: Commit, deliver: Callable[..., Deliverer]
) -> None:
    noc = ToldChannel("noc")
    commit(notices=(told("a"),))
    assert deliver(noc).drain(LONG)
    (thread,) = {m.thread for m in noc.sent}
    store.threads.keep("noc", "", thread, "later-1")
    assert store.threads.ref("noc", "", thread) == "later-1"


def test_a_conversation_is_remembered_for_the_messages_after_the_first(
    store: Store, commit: Commit, deliver: Callable[..., Deliverer]
) -> None:
    noc = ToldChannel("noc")
    commit(notices=(told("a"), told("b", event="resolved")))
    assert deliver(noc, per_channel=1).drain(LONG)
    assert [m.anchor for m in noc.sent] == ["", "noc-1"]
    assert store.threads.thread_of("noc", "noc-1") == noc.sent[0].thread


def test_a_channel_that_breaks_in_an_unknown_way_is_tried_again_without_its_words(
    store: Store, commit: Commit, deliver: Callable[..., Deliverer]
) -> None:
    noc = ToldChannel("noc", RuntimeError("the password is hunter2"))
    commit(notices=(told("a"),))
    with capture_logs() as logs:
        assert deliver(noc).drain(LONG)
    row = row_of(store, "a")
    assert (row.state, row.last_error) == ("pending", "noc failed unexpectedly (RuntimeError)")
    assert "hunter2" not in str(logs)


def test_one_delivery_that_cannot_be_recorded_ends_no_other(store: Store, commit: Commit, clock: ManualClock) -> None:
    noc = ToldChannel("noc")
    commit(notices=(told("a"), told("b", number=2)))

    def breaks(result: Result) -> None:
        raise RuntimeError("metrics are broken")

    deliverer = Deliverer(store, {"noc": noc}, clock, on_result=breaks, per_channel=1)
    with capture_logs() as logs:
        assert deliverer.drain(LONG)
    assert states(store) == {"a": "delivered", "b": "delivered"}
    assert [entry["event"] for entry in logs].count("delivery_failed") == 2


def test_new_channels_are_used_from_the_next_notice_on(commit: Commit, deliver: Callable[..., Deliverer]) -> None:
    old, new = ToldChannel("noc"), ToldChannel("noc")
    commit(notices=(told("a"),))
    deliverer = deliver(old)
    assert deliverer.drain(LONG)
    deliverer.reconfigure({"noc": new}, renderer=Renderer(link_base="https://noc.example.net"))
    commit(notices=(told("b", number=2),))
    assert deliverer.drain(LONG)
    assert (old.keys, new.keys) == (["a"], ["b"])
    assert "https://noc.example.net/incidents/INC-2" in new.sent[0].text


def test_the_log_tells_the_diary(commit: Commit, deliver: Callable[..., Deliverer]) -> None:
    commit(incidents=(incident(1),), notices=(told("a"), told("b", number=2), told("c", number=3)))
    with capture_logs() as logs:
        assert deliver(ToldChannel("noc", GONE, BUSY), per_channel=1).drain(LONG)
    assert {(entry["event"], entry["log_level"]) for entry in logs} == {
        ("notice_dead", "error"),
        ("notice_retry", "warning"),
        ("notice_delivered", "info"),
    }


def test_a_picture_that_cannot_be_made_stops_no_notice_and_is_said_once(
    store: Store, commit: Commit, clock: ManualClock
) -> None:
    commit(incidents=(incident(1),), notices=(told("a"),))
    elsewhere = Extras(estate=Estate.of([CI(id="other", type="host")]))
    noc = ToldChannel("noc", BUSY)
    deliverer = Deliverer(store, {"noc": noc}, clock, extras=lambda row, content: elsewhere)
    with capture_logs() as logs:
        assert deliverer.drain(LONG)
        clock.advance(timedelta(seconds=60))
        assert deliverer.drain(LONG)
    assert states(store) == {"a": "delivered"}
    said = [entry for entry in logs if entry["event"] == "picture_left_out"]
    assert [(entry["key"], entry["log_level"]) for entry in said] == [("a", "warning")]
    assert "is not in the CMDB" in said[0]["why"]


def test_word_about_a_source_goes_out(commit: Commit, deliver: Callable[..., Deliverer]) -> None:
    noc = ToldChannel("noc")
    body = msgspec.json.encode(SAMPLES["source_down"])
    commit(notices=(notice("a", incident=None, event="source_down", content=body),))
    assert deliver(noc).drain(LONG)
    assert noc.sent[0].subject == "[blind] Source main cannot be read"


def test_a_real_webhook_gets_the_same_key_after_a_reset(store: Store, commit: Commit, clock: ManualClock) -> None:
    commit(notices=(told("a"),))

    def channels(url: str) -> dict[str, Any]:
        return {"noc": build_channel(WebhookSettings(name="noc", url=Secret(url)))}

    with odd_peer(resetting) as port:
        deliverer = Deliverer(store, channels(f"http://127.0.0.1:{port}/"), clock, rng=Longest())
        assert deliverer.drain(LONG)
    assert states(store) == {"a": "pending"}
    clock.advance(timedelta(seconds=5))
    with hook() as server:
        deliverer.reconfigure(channels(server.url), renderer=Renderer())
        assert deliverer.drain(LONG)
    assert [post.headers["idempotency-key"] for post in server.posts] == ["a"]
    assert states(store) == {"a": "delivered"}


def test_who_is_asked_gets_the_same_link_at_every_attempt(
    store: Store, clock: ManualClock, commit: Commit, deliver: Callable[..., Deliverer]
) -> None:
    def link(row: NoticeRow, content: NoticeContent) -> str:
        assert content.recipient is not None
        return f"https://incidents.example.net/rate/{row.key}-{content.recipient.name}"

    carla = RecipientDocument(id="contact", name="Carla", address="carla@example.net")
    asking = msgspec.structs.replace(SAMPLES["resolved"], idempotency_key="k1", recipient=carla, asks_rating=True)
    commit(notices=(notice("k1", event="resolved", content=msgspec.json.encode(asking)), told("k2", number=2)))
    noc = ToldChannel("noc", BUSY)
    deliverer = deliver(noc, rating_link=link, workers=1)
    deliverer.drain(LONG)
    clock.advance(timedelta(minutes=1))
    deliverer.drain(LONG)
    urls = {m.key: (m.content.rating_url, m.text.count("https://incidents.example.net/rate/")) for m in noc.sent}
    assert urls == {"k1": ("https://incidents.example.net/rate/k1-Carla", 1), "k2": ("", 0)}
