"""What comes in and what was decided: durable, whole, and the same after a restart."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cmdb.model import State
from daemon.clock import ManualClock
from daemon.errors import StoreError
from daemon.store.engine import open_database
from daemon.store.inbox import Inbox
from daemon.store.records import encode, incident_of
from daemon.store.rows import InboxRow, RecordSearch, Search
from daemon.store.store import Store
from daemon.store.upgrade import upgrade
from rules.alert import Alert, Hold, SeenBy
from rules.clock import Goal, Pause
from rules.decision import Reply
from rules.incident import Candidate, HitService, Incident, Link, Priority, RootCause, Status, Told
from rules.record import Change, Kind, Problem, RequestStatus, ServiceRequest
from rules.rotation import OVERRIDES_KEPT
from rules.silence import KEPT
from tests.builders import T0, alert, at, clock, decision, entry, incident, notice, silence, source_state
from tests.contract.stores import OpenStore, child, everything, restarted, together
from tests.rosters import override

Commit = Callable[..., None]

LINK = Link(kind="converted from", number=3)

PUT_FOR_EVER = """
import sys, threading
from daemon.clock import SystemClock
from daemon.store.store import Store
store = Store.open(sys.argv[1], SystemClock())
def put():
    while True:
        sys.stdout.write(f"{store.put('push', 'child', b'x' * 1000)}\\n")
        sys.stdout.flush()
for _ in range(8):
    threading.Thread(target=put).start()
"""


def rich_alert() -> Alert:
    """An alert in which every field is set."""
    seen = {"main": SeenBy(starts_at=T0, firing=True, expires_at=at(300.000001), suppressed="silenced")}
    return alert(
        "db1",
        labels={"instance": "db1:9100", "wörd": "naïve ☃ 𝄞"},
        annotations={"summary": 'line\n"two"'},
        starts_at=at(0.000001),
        cleared_at=at(5.999999),
        seen_by=seen,
        mapped_by="label ci",
        generator_url="http://p/graph",
        incident=1,
        holds=(Hold(kind="silence", id="a", text="silence a by anna: known"),),
    )


def rich_incident() -> Incident:
    """An incident in which every field is set."""
    return incident(
        1,
        root=RootCause(
            ci="db1", confidence=1 / 3, evidence=("a", "b"), candidates=(Candidate(ci="db1", confidence=0.1),)
        ),
        impacted=("db1", "shop"),
        services=(HitService(ci="shop", name="The shop", state=State.REDUCED),),
        group="dba",
        assignee="Zoë",
        acknowledged_at=at(1),
        resolved_at=at(2),
        quiet_since=at(3),
        resolution="mended",
        links=(Link(kind="relapse of", number=7),),
        pinned=frozenset({"priority", "root"}),
        refired=2,
        told=(Told(to="noc", event="opened", at=at(1), priority=Priority.P3, root="db1", services=(("shop", 2),)),),
        hold_reason="spare parts",
        clocks=(
            clock(told=0.5, pauses=(Pause(since=at(1), until=at(2), reason="parts"),), late=timedelta(microseconds=1)),
            clock(Goal.RESPONSE, breached_at=at(9), ended_at=at(10.000001), used=timedelta(days=1000)),
        ),
        version=4,
    )


def test_put_is_pending_until_a_decision_takes_it(store: Store, commit: Commit, clock: ManualClock) -> None:
    first = store.put("push", "am", b"\x00\xff")
    clock.advance(timedelta(seconds=1))
    second = store.put("command", "", b"{}")
    assert store.pending(10) == [
        InboxRow(id=first, kind="push", source="am", body=b"\x00\xff", at=at(0)),
        InboxRow(id=second, kind="command", source="", body=b"{}", at=at(1)),
    ]
    assert [row.id for row in store.pending(1)] == [first]
    assert store.inbox_depth() == 2
    commit(inbox_ids=(first,))
    assert [row.id for row in store.pending(10)] == [second]


def test_ids_of_taken_rows_never_come_again(store: Store, commit: Commit) -> None:
    first = store.put("push", "am", b"")
    commit(inbox_ids=(first,))
    assert store.put("push", "am", b"") > first


def test_many_threads_put_while_decisions_are_committed(store: Store, commit: Commit) -> None:
    def put_some(name: str) -> list[int]:
        return [store.put("push", name, f"{name}/{number}".encode()) for number in range(25)]

    def commit_some() -> list[int]:
        for number in range(10):
            commit(alerts=tuple(alert(f"ci{number}-{i}") for i in range(50)), incidents=(incident(number + 1),))
        return []

    names = [f"thread{number}" for number in range(8)]
    results = together(*(lambda name=name: put_some(name) for name in names), commit_some)
    rows = store.pending(1000)
    assert sorted(row.id for row in rows) == sorted(id_ for ids in results for id_ in ids)
    for name in names:
        assert [row.body for row in rows if row.source == name] == [f"{name}/{n}".encode() for n in range(25)]
    assert len(store.load(at(0)).alerts) == 500


def test_what_was_acknowledged_survives_sigkill(url: str, store: Store) -> None:
    with child(PUT_FOR_EVER, url) as process:
        assert process.stdout is not None
        acknowledged = [int(process.stdout.readline()) for _ in range(200)]
        process.kill()
        acknowledged += [int(line) for line in process.stdout if line.endswith("\n")]
    assert set(acknowledged) <= {row.id for row in store.pending(1_000_000)}


def test_taking_many_rows_at_once(store: Store, commit: Commit) -> None:
    tasks = [lambda: [store.put("push", "am", b"x") for _ in range(150)] for _ in range(8)]
    ids = [id_ for ids in together(*tasks) for id_ in ids]
    commit(inbox_ids=tuple(ids))
    assert store.inbox_depth() == 0


def test_callers_do_not_wait_for_ever(tmp_path: Path, clock: ManualClock) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    upgrade(database)
    inbox = Inbox(database, clock, patience_s=0.05, max_waiting=1)
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            with pytest.raises(StoreError, match=r"nothing could be written for 0.05 s|1 requests wait"):
                inbox.put("push", "am", b"late")
        other.execute("ROLLBACK")
    inbox.close()
    patient = Inbox(database, clock)
    patient.put("push", "am", b"in time")
    assert patient.pending(9)[-1].body == b"in time"
    patient.close()
    database.close()


def test_an_error_reaches_every_caller(url: str, open_store: OpenStore) -> None:
    store = open_store()  # it has no tables

    def refused() -> bool:
        with pytest.raises(StoreError, match="db upgrade"):
            store.put("push", "am", b"")
        return True

    assert together(*[refused] * 8) == [True] * 8


def test_a_closed_store_refuses(store: Store) -> None:
    store.close()
    with pytest.raises(StoreError, match="being closed"):
        store.put("push", "am", b"")


def test_restart_brings_back_what_was_committed(store: Store, commit: Commit, open_store: OpenStore) -> None:
    written = decision(
        alerts=(alert("db1", incident=1, starts_at=at(-1)), rich_alert()),
        incidents=(rich_incident(), incident(2)),
        sources=(source_state("a", is_up=False, error="no answer", failures=3, told=True), source_state("b")),
        silences=(
            silence("ci=db1", 'alertname!~"D.*"', id="a"),
            silence("x=y", id="b", comment="wörd ☃", end=0.000001),
        ),
    )
    commit(alerts=written.alerts, incidents=written.incidents, sources=written.sources, silences=written.silences)
    store = restarted(open_store, store)
    assert everything(store) == written
    assert store.load(at(0)).next_number == 3
    assert store.sources() == list(written.sources)


def test_an_empty_database_begins_with_number_one(store: Store) -> None:
    loaded = store.load(at(0))
    assert (loaded.incidents, loaded.alerts, loaded.sources, loaded.next_number) == ((), (), (), 1)


def test_rows_replace_those_of_the_same_identity(store: Store, commit: Commit) -> None:
    commit(alerts=(alert(),), incidents=(incident(1),), sources=(source_state(),), silences=(silence("ci=db1"),))
    new = {
        "alerts": (alert(incident=1, cleared_at=at(9)),),
        "incidents": (incident(1, status=Status.RESOLVED, resolved_at=at(9)),),
        "sources": (source_state(is_up=False),),
        "silences": (silence("ci=db1", end=9),),
    }
    commit(**new)
    assert everything(store) == decision(**new)


def test_what_is_repeated_of_a_forgotten_episode_leaves_its_record_as_it_is(store: Store, commit: Commit) -> None:
    commit(alerts=(alert("db1", incident=1, cleared_at=at(60)), alert("db2", cleared_at=at(60), reason="alone")))
    ended = (alert("db1", cleared_at=at(60), reason="over"), alert("db2", cleared_at=at(60), reason="over"))
    commit(alerts=ended, begun=frozenset(a.id for a in ended))
    assert [(a.ci, a.incident, a.reason) for a in store.alerts_of(1) + store.events(9)] == [
        ("db1", 1, ""),
        ("db2", None, "alone"),
    ]
    firing = (alert("db1", incident=2), alert("db2", reason="waits"), alert("db3", reason="new"))
    commit(alerts=firing, begun=frozenset(a.id for a in firing))
    assert [(a.incident, a.cleared_at) for a in store.alerts_of(1) + store.alerts_of(2)] == [(1, at(60)), (2, None)]
    assert {(a.ci, a.reason) for a in store.events(9)} == {("db2", "waits"), ("db3", "new")}


def test_silences_are_found_by_id_and_forgotten_in_time(store: Store, commit: Commit) -> None:
    old, new = silence("ci=db1", id="old", end=60), silence("ci=db2", id="new", end=120)
    commit(silences=(old, new))
    assert store.silences() == [new, old]
    assert store.silence("old") == old
    assert store.silence("gone") is None
    commit(at=at(60) + KEPT, silences=(new,))
    assert store.silences() == [new, old]
    commit(at=at(61) + KEPT, silences=(new,))
    assert store.silences() == [new]


def test_load_leaves_settled_history_behind(store: Store, commit: Commit) -> None:
    settled = (
        incident(1, status=Status.CLOSED, resolved_at=at(1), closed_at=at(10)),
        incident(2, status=Status.CLOSED, resolved_at=at(2), closed_at=at(20)),
        incident(3, status=Status.MERGED, merged_into=5, updated_at=at(10)),
        incident(4, status=Status.MERGED, merged_into=5, updated_at=at(20)),
    )
    living = (incident(5), incident(6, status=Status.RESOLVED, resolved_at=at(1)))
    cleared = [alert(f"ci{n}", incident=n, cleared_at=at(1)) for n in range(1, 7)]
    firing = [alert("ci1", name="Slow", incident=1), alert("x"), alert(None)]
    event = alert("y", cleared_at=at(30), reason="info")
    commit(incidents=(*settled, *living), alerts=(*cleared, *firing, event))
    loaded = store.load(at(15))
    assert [i.number for i in loaded.incidents] == [1, 2, 4, 5, 6], "the first one holds an alert that still fires"
    wanted = [*(a for a in cleared if a.incident != 3), *firing]
    assert {a.id for a in loaded.alerts} == {a.id for a in wanted}
    assert loaded.next_number == 7


def test_incidents_are_listed_newest_first(store: Store, commit: Commit) -> None:
    ranks = [(Status.OPEN, "P1"), (Status.CLOSED, "P1"), (Status.OPEN, "P2"), (Status.RESOLVED, "P3")]
    commit(
        incidents=tuple(incident(n + 1, status=ranks[n % 4][0], priority=Priority(ranks[n % 4][1])) for n in range(8))
    )

    def numbers(limit: int = 200, offset: int = 0, **which: Any) -> list[int]:
        return [found.number for found in store.incidents(Search(**which), limit=limit, offset=offset)]

    assert numbers() == [8, 7, 6, 5, 4, 3, 2, 1]
    assert numbers(limit=3, offset=2) == [6, 5, 4]
    assert numbers(statuses=["open"]) == [7, 5, 3, 1]
    assert numbers(statuses={Status.OPEN, Status.RESOLVED}, limit=3, offset=1) == [7, 5, 4]
    assert numbers(priorities=("P1", "P2")) == [7, 6, 5, 3, 2, 1]
    assert numbers(statuses=["open", "closed"], priorities=[Priority.P1]) == [6, 5, 2, 1]
    assert numbers(statuses=["on_hold"]) == []
    assert store.incident(3) == store.incidents(limit=1, offset=5)[0]
    assert store.incident(99) is None


def test_alerts_are_found_by_incident_and_by_what_they_lack(store: Store, commit: Commit) -> None:
    mine = [alert("b", incident=1, starts_at=at(2)), alert("a", incident=1, starts_at=at(1), cleared_at=at(5))]
    loose = [alert("c", starts_at=at(n), reason="silenced") for n in (3, 4, 5)]
    nowhere = [alert(None, incident=2, starts_at=at(6)), alert(None, starts_at=at(7))]
    commit(alerts=(*mine, *loose, *nowhere))
    assert store.alerts_of(1) == [mine[1], mine[0]]
    assert store.events(3) == [nowhere[1], loose[2], loose[1]]
    assert store.unmapped(5) == [nowhere[1], nowhere[0]]


def test_the_timeline_only_grows_and_keeps_its_order(store: Store, commit: Commit) -> None:
    first = (entry(1, "b", at=at(5)), entry(2, "other"), entry(1, "a", at=at(5), actor="Zoë", old="P3", new="P1"))
    commit(timeline=first)
    commit(timeline=(entry(1, "earlier, told later", at=at(1)),))
    assert store.timeline(1) == [first[0], first[2], entry(1, "earlier, told later", at=at(1))]


def test_replies_are_kept_for_a_day(store: Store, commit: Commit) -> None:
    commit(replies=(Reply(command="c1", done=False, message="refused: it is closed"),))
    assert store.reply("c1") == Reply(command="c1", done=False, message="refused: it is closed")
    assert store.reply("c2") is None
    commit(at=at(86_401), replies=(Reply(command="c2", done=True, message="done"),))
    assert store.reply("c1") is None
    assert store.reply("c2") is not None


def test_characters_that_databases_refuse_lose_no_decision(store: Store, commit: Commit) -> None:
    bad = "a\x00b\ud800c"
    commit(
        alerts=(alert(bad, labels={bad: bad}, annotations={"x": bad}, incident=1), alert("db1", incident=1)),
        incidents=(replace(rich_incident(), title=bad, assignee=bad),),
        timeline=(entry(1, bad, actor=bad),),
        notices=(notice(bad, to=bad, reason=bad),),
        sources=(source_state(bad, error=bad),),
        replies=(Reply(command=bad, done=True, message=bad),),
    )
    store.put("push", bad, bad.encode("utf-8", "surrogatepass"))
    loaded = store.load(at(0))
    assert {a.ci for a in loaded.alerts} == {"ab?c", "db1"}
    assert loaded.incidents[0].title == "ab?c"
    assert store.timeline(1)[0].text == "ab?c"
    assert store.notices()[0].to == "ab?c"
    assert store.reply(bad) is not None


def test_a_big_decision_is_written_whole(store: Store, commit: Commit) -> None:
    many = tuple(alert(f"host{n}", incident=n % 100 + 1) for n in range(10_000))
    commit(alerts=many, incidents=tuple(incident(n + 1) for n in range(100)))
    loaded = store.load(at(0))
    assert set(map(msgspec.json.encode, loaded.alerts)) == set(map(msgspec.json.encode, many))
    assert len(loaded.incidents) == 100


def test_tokens(store: Store) -> None:
    store.add_token("ci", "ab" * 32, frozenset({"read", "push"}))
    store.add_token("amtool", "cd" * 32, frozenset())
    with pytest.raises(StoreError, match="'ci' already"):
        store.add_token("ci", "ef" * 32, frozenset())
    assert [(token.name, token.scopes, token.created_at) for token in store.tokens()] == [
        ("amtool", frozenset(), T0),
        ("ci", frozenset({"read", "push"}), T0),
    ]
    bearer = store.token_bearer("ab" * 32)
    assert bearer is not None
    assert bearer.token == store.tokens()[1]
    assert bearer.user is None
    assert store.revoke_token("ci")
    assert not store.revoke_token("ci")
    assert store.token_bearer("ab" * 32) is None


def test_records_are_kept_found_and_go_on_after_a_restart(store: Store, commit: Commit) -> None:
    base = {"opened_at": T0, "opened_by": "anna", "updated_at": T0}
    open_one = Problem(number=1, title="The Switch reboots", cis=("tor-3a", "db_1"), workaround="\x00ü", **base)
    settled = ServiceRequest(
        number=4, title="a laptop", status=RequestStatus.CLOSED, settled_at=at(-90_000), links=(LINK,), **base
    )
    change = Change(number=2, title="x", starts_at=at(0), ends_at=at(60), **base)
    commit(
        records=(open_one, settled, change),
        timeline=(entry(incident=0, subject="PRB-1", text="opened"), entry()),
        replies=(Reply(command="c", done=True, message="done", subject="PRB-1"),),
    )
    loaded = store.load(at(-3600))
    assert {r.key for r in loaded.records} == {"PRB-1", "CHG-2"}
    assert loaded.next_record == {Kind.PROBLEM: 2, Kind.REQUEST: 5, Kind.CHANGE: 3}
    assert store.record(Kind.REQUEST, 4) == settled
    assert store.record(Kind.PROBLEM, 1) == open_one
    assert store.record(Kind.PROBLEM, 9) is None
    assert [e.text for e in store.timeline_of_record("PRB-1")] == ["opened"]
    assert [e.key for e in store.timeline_of_record("PRB-1")] == ["PRB-1"]
    assert [e.key for e in store.timeline(1)] == ["INC-1"]
    assert store.reply("c") == Reply(command="c", done=True, message="done", subject="PRB-1")

    def found(kind: Kind, **fields: Any) -> list[str]:
        return [r.key for r in store.records(RecordSearch(kind=kind, **fields))]

    assert found(Kind.PROBLEM, cis=["db_1"]) == found(Kind.PROBLEM, text="switch REBOOTS") == ["PRB-1"]
    assert found(Kind.PROBLEM, cis=["db-1"]) == found(Kind.PROBLEM, statuses=["closed"]) == []
    assert found(Kind.CHANGE, since=at(60), until=at(61)) == ["CHG-2"]
    assert found(Kind.CHANGE, since=at(61)) == found(Kind.CHANGE, until=at(0)) == []


def test_records_are_found_by_group_and_service_counted_and_put_in_the_order_of_their_plan(
    store: Store, commit: Commit
) -> None:
    base = {"opened_at": T0, "opened_by": "anna", "updated_at": T0}
    sly = '"services":["shop"],"group":"net",'
    commit(
        records=(
            ServiceRequest(number=1, title=sly, group="net_1", services=("shop", 'a"b'), outcome="shop", **base),
            ServiceRequest(number=2, title="x", group="net-1", services=("shop%", "sho"), outcome="shop", **base),
            ServiceRequest(number=3, title="shop", group="", status=RequestStatus.CLOSED, **base),
            Change(number=1, title="later", starts_at=at(60), ends_at=at(90), **base),
            Change(number=2, title="sooner", starts_at=at(30), ends_at=at(99), **base),
            Change(number=3, title="between", starts_at=at(45), ends_at=at(99), **base),
        )
    )

    def found(kind: Kind = Kind.REQUEST, **fields: Any) -> list[int]:
        return [r.number for r in store.records(RecordSearch(kind=kind, **fields))]

    assert found(groups=["net_1"]) == found(services=["shop"]) == found(services=['a"b']) == [1]
    assert found(groups=["net-1"]) == found(services=["shop%"]) == [2]
    assert found(groups=["net"]) == found(services=["sh_p"]) == found(services=["sho", "x"], groups=["net_1"]) == []
    assert found(groups=["net_1", "net-1"]) == [2, 1]
    assert store.record_counts(RecordSearch(kind=Kind.REQUEST)) == {"submitted": 2, "closed": 1}
    assert store.record_counts(RecordSearch(kind=Kind.REQUEST, services=["shop"])) == {"submitted": 1}
    assert store.record_counts(RecordSearch(kind=Kind.PROBLEM)) == {}
    assert found(Kind.CHANGE) == [3, 2, 1]
    assert found(Kind.CHANGE, by_plan=True) == [2, 3, 1]


def test_links_written_before_there_were_other_records_lead_to_incidents() -> None:
    written = encode(incident(1, links=(Link(kind="relapse of", number=7),)))
    assert ',"series":"INC"' in written
    (link,) = incident_of(written.replace(',"series":"INC"', "")).links
    assert link.key == "INC-7"


def test_incidents_that_recur_are_found_with_the_alerts_on_their_root(store: Store, commit: Commit) -> None:
    numbers = range(1, 5)
    roots = [incident(n, root=RootCause(ci="db1"), opened_at=at(n)) for n in numbers]
    merged = incident(5, root=RootCause(ci="db1"), opened_at=at(5), status=Status.MERGED)
    commit(
        incidents=(*roots, merged, incident(6, root=RootCause(ci="db2"))),
        alerts=(alert("db1", incident=3), alert("db2", incident=3), alert("db1", name="Slow", incident=2)),
    )
    found = store.occurrences(at(2), 3)
    assert [(o.incident, o.ci, sorted(o.alerts)) for o in found] == [
        (4, "db1", []),
        (3, "db1", ["Down"]),
        (2, "db1", ["Slow"]),
    ]
    assert store.occurrences(at(2), 4) == store.occurrences(at(0), 2, "db2") == []


def test_overrides_come_back_whole_are_changed_and_forgotten_in_the_end(
    store: Store, commit: Commit, open_store: OpenStore
) -> None:
    first = override("anna", "bén", id="a", reason="dentist ☃")
    calendar = override("ben", id="b", is_imported=True, end=7200.000001)
    commit(overrides=(first, calendar))
    over, fresh = replace(first, ends_at=at(60)), override("ben", id="c", end=10**8)
    commit(overrides=(over,))
    assert store.overrides() == [over, calendar]
    commit(at=T0 + OVERRIDES_KEPT + timedelta(hours=1), overrides=(fresh,))
    assert restarted(open_store, store).load(at(0)).overrides == (calendar, fresh)
