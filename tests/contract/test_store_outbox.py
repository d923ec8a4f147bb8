"""Notices leave at least once, in order, and nobody sends the same one at the same time as another."""

from collections.abc import Callable
from datetime import timedelta

from daemon.store.rows import NoticeRow
from daemon.store.store import Store
from tests.builders import at, entry, incident, notice
from tests.contract.stores import OpenStore, restarted, together

Commit = Callable[..., None]
MINUTE = timedelta(minutes=1)


def keys(rows: list[NoticeRow]) -> list[str]:
    """The keys of notices, in their order."""
    return [row.key for row in rows]


def claim(store: Store, seconds: float = 0, **options: object) -> list[str]:
    """Claim for a minute at that point of the story; the keys."""
    return keys(store.claim(at(seconds), MINUTE, **{"limit": 100, **options}))  # type: ignore[arg-type]


def test_what_a_dead_daemon_was_sending_goes_again_at_once(store: Store, commit: Commit) -> None:
    commit(notices=(notice("a"), notice("b", incident=2)))
    assert claim(store, limit=1) == ["a"]
    assert store.free_claims() == 1
    assert [(row.key, row.attempts) for row in store.claim(at(0), MINUTE, 10)] == [("a", 2), ("b", 1)]


def test_a_notice_is_claimed_as_it_was_committed(store: Store, commit: Commit) -> None:
    told = notice("k", to="noc", event="resolved", reason="all clear", incident=7, content=b'{"\x00\xff"}', at=at(3))
    commit(notices=(told,))
    assert store.next_due() == at(3)
    assert store.claim(at(2), MINUTE, 10) == []
    row = NoticeRow(
        key="k",
        to="noc",
        event="resolved",
        reason="all clear",
        incident=7,
        content=b'{"\x00\xff"}',
        at=at(3),
        state="sending",
        attempts=1,
        due_at=at(3),
        lease_until=at(64),
    )
    assert store.claim(at(4), MINUTE, 10) == [row]
    assert store.notices() == [row]
    assert claim(store, 5) == []
    assert store.next_due() == at(64)


def test_delivered_is_the_end(store: Store, commit: Commit) -> None:
    commit(notices=(notice("k"),))
    claim(store)
    store.delivered("k", at(2), 0.5)
    store.retry_at("k", at(3), "too late to say so")
    store.bury("k", at(3), "too late to say so")
    assert claim(store, 1000) == []
    assert store.next_due() is None
    (row,) = store.notices()
    assert (row.state, row.delivered_at, row.lease_until, row.last_error) == ("delivered", at(2), None, "")
    assert store.timeline(1) == []


def test_the_same_key_is_told_once_for_ever(store: Store, commit: Commit) -> None:
    commit(notices=(notice("k"), notice("k", reason="twice in one decision")))
    claim(store)
    store.delivered("k", at(2), 0.5)
    commit(notices=(notice("k", reason="again"), notice("k2")))
    assert claim(store, 1000) == ["k2"]
    assert [row.reason for row in store.notices(states=["delivered"])] == ["opened"]


def test_retry_waits_until_its_time(store: Store, commit: Commit, open_store: OpenStore) -> None:
    commit(notices=(notice("k"),))
    claim(store)
    store.retry_at("k", at(50), "the channel answered 503")
    store = restarted(open_store, store)
    assert store.next_due() == at(50)
    assert claim(store, 49) == []
    (row,) = store.claim(at(50), MINUTE, 1)
    assert (row.attempts, row.last_error) == (2, "the channel answered 503")


def test_a_sender_that_died_loses_its_claim(store: Store, commit: Commit, open_store: OpenStore) -> None:
    commit(notices=(notice("k"),))
    claim(store)
    store = restarted(open_store, store)
    assert store.next_due() == at(60)
    assert claim(store, 59) == []
    (row,) = store.claim(at(60), MINUTE, 10)
    assert (row.key, row.attempts) == ("k", 2)


def test_a_dead_letter_is_told_on_the_timeline_and_can_be_revived(store: Store, commit: Commit) -> None:
    commit(incidents=(incident(1),), timeline=(entry(1),), notices=(notice("k"), notice("source", incident=None)))
    claim(store)
    store.bury("k", at(9), "no such mailbox")
    store.bury("k", at(10), "no such mailbox")
    store.bury("source", at(9), "no such mailbox")
    first, obituary = store.timeline(1)
    assert first == entry(1)
    assert (obituary.at, obituary.kind) == (at(9), "notice_failed")
    assert "noc" in obituary.text
    assert "no such mailbox" in obituary.text
    assert claim(store, 1000) == []
    assert keys(store.notices(states=["dead"], incident=1)) == ["k"]
    assert store.revive(["k", "unknown"]) == 1
    assert store.revive(["k"]) == 0
    (row,) = store.claim(at(1000), MINUTE, 10)
    assert (row.key, row.attempts, row.last_error) == ("k", 1, "no such mailbox")


def test_per_recipient_and_incident_the_order_holds(store: Store, commit: Commit) -> None:
    commit(notices=(notice("opened"), notice("mail", to="mail"), notice("other", incident=2)))
    commit(notices=(notice("resolved"), notice("mail2", to="mail")))
    assert claim(store, 1) == ["opened", "mail", "other"]
    store.delivered("mail", at(1), 0.1)
    store.retry_at("opened", at(100), "busy")
    assert claim(store, 2) == ["mail2"]
    assert store.next_due() == at(61)  # the claim of "other"; "resolved" is due, but not its turn
    assert claim(store, 100, exclude=["mail"]) == ["other", "opened"]
    store.delivered("opened", at(101), 0.1)
    assert claim(store, 101) == ["resolved", "mail2"]


def test_a_dead_letter_holds_nobody_up(store: Store, commit: Commit) -> None:
    commit(notices=(notice("opened"), notice("resolved")))
    assert claim(store) == ["opened"]
    store.bury("opened", at(1), "gone")
    assert claim(store, 1) == ["resolved"]


def test_word_about_sources_keeps_its_order_too(store: Store, commit: Commit) -> None:
    commit(notices=(notice("blind", incident=None), notice("sees again", incident=None)))
    assert claim(store) == ["blind"]


def test_claims_keep_to_limit_age_and_exclusions(store: Store, commit: Commit) -> None:
    commit(notices=tuple(notice(f"k{n}", to=f"to{n % 3}", incident=n, at=at(10 - n)) for n in range(9)))
    assert claim(store, 20, limit=2) == ["k8", "k7"]
    assert claim(store, 20, exclude=["to0", "to1"]) == ["k5", "k2"]
    assert claim(store, 20, exclude={"to2"}) == ["k6", "k4", "k3", "k1", "k0"]


def test_notices_are_listed_newest_first(store: Store, commit: Commit) -> None:
    commit(notices=(notice("a"), notice("b", incident=2), notice("c", to="mail")))
    claim(store, limit=1)
    assert keys(store.notices()) == ["c", "b", "a"]
    assert keys(store.notices(limit=2)) == ["c", "b"]
    assert keys(store.notices(states=["pending"])) == ["c", "b"]
    assert keys(store.notices(states=["pending", "sending"], incident=1)) == ["c", "a"]


def test_two_daemons_never_send_the_same_notice(store: Store, commit: Commit, open_store: OpenStore) -> None:
    commit(notices=tuple(notice(f"k{n}", incident=n // 2) for n in range(200)))
    other = open_store()

    def send_all(sender: Store) -> list[str]:
        sent: list[str] = []
        while rows := sender.claim(at(1), MINUTE, 3):
            sent += keys(rows)
            for row in rows:
                sender.delivered(row.key, at(2), 0.1)
        return sent

    results = together(*(lambda sender=sender: send_all(sender) for sender in (store, other, store, other)))
    sent = [key for result in results for key in result]
    # Somebody may stop while the second notice of a pair still waits for the first: the rest is his who comes last.
    sent += send_all(store)
    assert sorted(sent) == sorted(f"k{n}" for n in range(200))


def test_a_backlog_of_many_is_revived_and_claimed_at_once(store: Store, commit: Commit) -> None:
    commit(notices=tuple(notice(f"k{n}", incident=n) for n in range(1200)))
    assert len(claim(store, limit=2000)) == 1200
    for number in range(3):
        store.bury(f"k{number}", at(1), "gone")
    assert store.revive([f"k{n}" for n in range(1200)]) == 3


def test_people_who_are_called_through_one_notifier_do_not_wait_for_each_other(store: Store, commit: Commit) -> None:
    commit(
        notices=(
            notice("anna 1", person="anna"),
            notice("anna 2", person="anna"),
            notice("ben 1", person="ben"),
            notice("all 1"),
        )
    )
    assert claim(store) == ["anna 1", "ben 1", "all 1"]
    store.retry_at("anna 1", at(500), "busy")
    store.bury("ben 1", at(1), "no such mailbox")
    assert claim(store, 400) == ["all 1"]
    assert [e.text for e in store.timeline(1)] == ["ben by noc could not be told of “opened”: no such mailbox"]
