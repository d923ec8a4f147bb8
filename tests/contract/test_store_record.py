"""What the store keeps of an incident's past: a history that is only added to, and answers that are given once."""

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from daemon.store.store import Store
from rules.decision import Reply
from rules.satisfaction import Rating
from tests.builders import T0, at, decision, entry, incident
from tests.contract.stores import TTL, OpenStore, together


def rating(link: str = "n1", score: int = 4, **fields: object) -> Rating:
    known = {"incident": 1, "by": "noc", "remark": "", "at": T0, **fields}
    return Rating(link=link, score=score, **known)  # type: ignore[arg-type]


def test_a_line_of_history_is_kept_with_who_and_why(store: Store) -> None:
    line = entry(actor="anna", actor_kind="person", field="status", old="open", new="closed", reason="it is over")
    ruled = entry(actor="template x", actor_kind="rule")
    store.commit(decision(incidents=(incident(1),), timeline=(line, ruled)), epoch=store.acquire("x", TTL))
    assert store.timeline(1) == [line, ruled]


@pytest.mark.parametrize("statement", ["UPDATE timeline SET text = 'nothing'", "DELETE FROM timeline"])
def test_no_statement_rewrites_history(url: str, store: Store, statement: str) -> None:
    store.commit(decision(incidents=(incident(1),), timeline=(entry(),)), epoch=store.acquire("x", TTL))
    engine = create_engine(url)
    with pytest.raises(DBAPIError, match="only ever added to"), engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
    assert store.timeline(1) == [entry()]


def test_lines_of_older_versions_say_who_acted(url: str, store: Store) -> None:
    engine = create_engine(url)
    columns = "incident, at, kind, text, actor, old, new"
    with engine.begin() as connection:
        for actor in ("anna", "incidentd"):
            values = f"1, '2026-11-24 08:00:00.000000', 'note', 'x', '{actor}', '', ''"
            connection.execute(text(f"INSERT INTO timeline ({columns}) VALUES ({values})"))  # noqa: S608
    engine.dispose()
    assert [(e.actor, e.actor_kind, e.field, e.reason) for e in store.timeline(1)] == [
        ("anna", "person", "", ""),
        ("incidentd", "daemon", "", ""),
    ]


def test_a_link_is_answered_once(store: Store) -> None:
    first = rating(remark="quick \x00 indeed", by="carla")
    assert store.ratings.add(first)
    assert not store.ratings.add(rating(score=1))
    (kept,) = store.ratings.of_incident(1)
    assert (kept.score, kept.remark, kept.by) == (4, "quick  indeed", "carla")
    assert store.ratings.of_link("n1") == kept
    assert store.ratings.of_link("n2") is None
    (line,) = store.timeline(1)
    assert (line.kind, line.actor, line.actor_kind, line.new) == ("rated", "carla", "person", "4")


def test_two_answers_at_once_are_one(store: Store) -> None:
    scores: list[bool] = []
    together(*(lambda score=score: scores.append(store.ratings.add(rating(score=score))) for score in (1, 5)))
    assert sorted(scores) == [False, True]
    assert len(store.ratings.of_incident(1)) == len(store.timeline(1)) == 1


def test_answers_are_read_newest_first(store: Store) -> None:
    for number in range(3):
        store.ratings.add(rating(f"n{number}", at=at(number * 60)))
    assert [r.link for r in store.ratings.since(at(60))] == ["n2", "n1"]


def test_every_daemon_signs_with_the_same_key(open_store: OpenStore, store: Store) -> None:
    key = store.links.key()
    assert len(key) == 32
    assert open_store().links.key() == store.links.key() == key


def test_a_reply_names_what_was_opened(store: Store) -> None:
    reply = Reply(command="r1", done=True, message="INC-7 is open", incident=7)
    store.commit(decision(replies=(reply,)), epoch=store.acquire("x", TTL))
    assert store.reply("r1") == reply
