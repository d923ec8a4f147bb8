"""Mails and links on both databases: what was taken or done once is so for every daemon."""

from datetime import timedelta

from daemon.store.rows import LinkUse
from daemon.store.store import Store
from tests.builders import T0, at
from tests.contract.stores import OpenStore, together


def use(**fields: object) -> LinkUse:
    known = {"link": "n1", "verb": "acknowledge", "incident": 1, "by": "anna", "message": "done", "at": T0}
    return LinkUse(**{**known, **fields})  # type: ignore[arg-type]


def test_a_link_is_used_once_for_each_verb(open_store: OpenStore, store: Store) -> None:
    assert store.links.used("n1", "acknowledge") is None
    other = open_store()
    assert sorted(together(*(lambda s=s: s.links.use(use()) for s in (store, other)))) == [False, True]
    assert other.links.used("n1", "acknowledge") == use()
    assert store.links.use(use(verb="note"))


def test_a_mail_and_its_order_are_stored_together_and_once(open_store: OpenStore, store: Store) -> None:
    doors = (store, open_store())
    order = ("command", "anna", b"{}")
    assert sorted(together(*(lambda s=s: s.mails.take("d1", "a@x.net", T0, *order) for s in doors))) == [False, True]
    assert [(row.kind, row.source, row.body, row.at) for row in store.pending(10)] == [(*order, T0)]
    assert (store.mails.outcome("d1"), store.mails.outcome("d2")) == ("", None)
    store.mails.settle("d1", "INC-1 is open")
    assert doors[1].mails.outcome("d1") == "INC-1 is open"


def test_the_mails_of_one_sender_are_counted(store: Store) -> None:
    for n in range(3):
        store.mails.take(f"d{n}", "a@x.net", at(n * 60), "command", "anna", b"{}")
    store.mails.take("other", "b@x.net", at(60), "command", "ben", b"{}")
    assert store.mails.count("a@x.net", at(0)) == 2
    store.mails.take("late", "a@x.net", T0 + timedelta(days=91), "command", "anna", b"{}")
    assert store.mails.count("a@x.net", at(-1)) == 1
