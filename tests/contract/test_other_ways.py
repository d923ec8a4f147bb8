"""What cannot be delivered goes another way: a person's next contact, the fallback, and in the end a dead letter."""

from collections.abc import Callable
from datetime import timedelta

import msgspec

from daemon.clock import ManualClock
from daemon.deliver import Deliverer, Result
from daemon.inbox import change_of
from daemon.store.store import Store
from rules.decision import Undelivered, Way
from rules.document import NoticeContent, RecipientDocument
from tests.builders import incident, notice
from tests.contract.deliveries import BUSY, GONE, LONG, SAMPLES, Commit, row_of, states, told
from tests.fakes import ToldChannel


def test_the_fallback_hears_at_once_of_what_is_refused_for_good(
    store: Store, commit: Commit, deliver: Callable[..., Deliverer], results: list[Result]
) -> None:
    noc, spare = ToldChannel("noc", GONE), ToldChannel("spare")
    commit(incidents=(incident(1),), notices=(told("a"),))
    assert deliver(noc, spare, fallback="spare").drain(LONG)
    assert spare.keys == ["a~spare"]
    assert states(store) == {"a": "passed", "a~spare": "delivered"}
    assert row_of(store, "a").last_error == "no such room"
    words = "noc could not be told of “opened”, so spare is: no such room"
    assert [e.text for e in store.timeline(1) if e.kind == "notice_failed"] == [words]
    assert [r.outcome for r in results] == ["passed", "delivered"]


def test_the_fallback_hears_once_of_what_keeps_failing(
    store: Store, commit: Commit, clock: ManualClock, deliver: Callable[..., Deliverer]
) -> None:
    noc, spare = ToldChannel("noc", *[BUSY] * 6), ToldChannel("spare")
    commit(notices=(told("a"),))
    deliverer = deliver(noc, spare, fallback="spare")
    for expected in ([], [], [], ["a~spare"], ["a~spare"], ["a~spare"], ["a~spare"]):
        assert deliverer.drain(LONG)
        assert spare.keys == expected
        clock.advance(timedelta(minutes=15))
    assert noc.keys == []


def test_a_fallback_that_fails_too_ends_as_a_dead_letter_of_its_own(
    store: Store, commit: Commit, deliver: Callable[..., Deliverer]
) -> None:
    commit(incidents=(incident(1),), notices=(told("a"),))
    assert deliver(ToldChannel("noc", GONE), ToldChannel("spare", GONE), fallback="spare").drain(LONG)
    assert states(store) == {"a": "passed", "a~spare": "dead"}


def test_a_person_is_told_by_their_next_contact_before_the_fallback(
    store: Store, commit: Commit, deliver: Callable[..., Deliverer]
) -> None:
    anna = RecipientDocument(id="anna", name="Anna", address="@anna")
    content = msgspec.structs.replace(msgspec.json.decode(told("a").content, type=NoticeContent), recipient=anna)
    ways = (Way(via="mail", address="anna@x.net"), Way(via="pager", address="112"))
    commit(notices=(told("a", person="anna", others=ways, body=content),))
    channels = [ToldChannel(name, *faults) for name, faults in (("noc", [GONE]), ("mail", [GONE]), ("pager", [GONE]))]
    spare = ToldChannel("spare")
    assert deliver(*channels, spare, fallback="spare").drain(LONG)
    rows = {row.to: row for row in store.notices()}
    assert {to: row.state for to, row in rows.items()} == {
        "noc": "passed",
        "mail": "passed",
        "pager": "passed",
        "spare": "delivered",
    }
    addresses = [
        msgspec.json.decode(rows[to].content, type=NoticeContent).recipient for to in ("mail", "pager", "spare")
    ]
    assert [r.address for r in addresses if r is not None] == ["anna@x.net", "112", ""]
    assert {row.instead_of for row in rows.values()} == {"", "noc"}


def test_what_waits_for_a_dead_channel_does_not_wait_for_its_turn_to_fail(
    store: Store, commit: Commit, clock: ManualClock, deliver: Callable[..., Deliverer]
) -> None:
    noc, spare = ToldChannel("noc", *[BUSY] * 1000), ToldChannel("spare")
    commit(notices=tuple(told(f"k{n}", number=n) for n in range(50)))
    deliverer = deliver(noc, spare, fallback="spare", per_channel=1)
    began = clock.now()
    while len(spare.sent) < 50:
        assert deliverer.drain(LONG)
        clock.advance(timedelta(seconds=1))
        assert clock.now() - began < timedelta(seconds=30)
    assert sorted(states(store).values()) == ["delivered"] * 50 + ["passed"] * 50


def test_a_call_that_reaches_nobody_is_news_for_the_next_decision(
    store: Store, commit: Commit, deliver: Callable[..., Deliverer]
) -> None:
    commit(incidents=(incident(1),), notices=(told("a", person="anna", is_call=True), told("b", number=2)))
    assert deliver(ToldChannel("noc", GONE, GONE), ToldChannel("spare", GONE, GONE), fallback="spare").drain(LONG)
    (row,) = store.pending(10)
    failed = change_of(row)
    assert isinstance(failed, Undelivered)
    assert (failed.incident, failed.person, failed.via, failed.error) == (1, "anna", "noc", "no such room")


def test_a_persons_address_means_nothing_to_the_fallback(
    store: Store, commit: Commit, deliver: Callable[..., Deliverer]
) -> None:
    person = RecipientDocument(id="anna", name="Anna", address="+49 30 1234")
    content = msgspec.structs.replace(SAMPLES["escalated"], idempotency_key="k1", recipient=person)
    commit(notices=(notice("k1", to="noc", person="anna", content=msgspec.json.encode(content)),))
    noc, spare = ToldChannel("noc", GONE), ToldChannel("spare")
    assert deliver(noc, spare, fallback="spare").drain(LONG)
    (sent,) = spare.sent
    assert sent.content.recipient == msgspec.structs.replace(person, address="")


def test_what_asks_a_contact_asks_nobody_else_in_their_place(
    store: Store, commit: Commit, deliver: Callable[..., Deliverer]
) -> None:
    carla = RecipientDocument(id="contact", name="Carla", address="carla@example.net")
    asking = msgspec.structs.replace(SAMPLES["resolved"], recipient=carla, asks_rating=True)
    commit(notices=(notice("k1", event="resolved", content=msgspec.json.encode(asking)),))
    spare = ToldChannel("spare")
    assert deliver(ToldChannel("noc", GONE), spare, fallback="spare", rating_link=lambda *_: "https://x/rate/y").drain(
        LONG
    )
    (sent,) = spare.sent
    assert (sent.content.rating_url, sent.content.asks_rating) == ("", False)
    assert sent.content.recipient == msgspec.structs.replace(carla, address="")
