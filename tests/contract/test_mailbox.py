"""The mailbox that is read, against a real IMAP server."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.clock import ManualClock
from daemon.config.inbound import ImapSettings
from daemon.errors import MailboxDown, StoreError
from daemon.inbound.imap import MOST_AT_ONCE, Mailbox
from daemon.inbound.taking import Taken
from daemon.store.store import Store
from notifiers.secret import Secret
from tests.builders import T0
from tests.dovecot import PASSWORD, USER, Dovecot, dovecot
from tests.fakes import free_port, odd_peer, silent
from tests.mails import MailDesk, letter


@pytest.fixture(scope="module")
def server(certificate: Path) -> Iterator[Dovecot]:
    with dovecot(certificate) as running:
        yield running


@pytest.fixture
def box(server: Dovecot) -> Dovecot:
    server.empty()
    return server


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[MailDesk]:
    clock = ManualClock(T0)
    with Store.open(f"sqlite:///{tmp_path / 'incidentd.db'}", clock) as store:
        yield MailDesk(store, clock)


def settings(server: Dovecot, **fields: Any) -> ImapSettings:
    known = {"host": "127.0.0.1", "port": server.port, "username": USER, "password": Secret(PASSWORD), "tls": "none"}
    return ImapSettings(**{**known, **fields})


def test_what_is_new_is_taken_once_and_marked_as_read(box: Dovecot, desk: MailDesk) -> None:
    mailbox = Mailbox(settings(box), desk.taker.take)
    for n in range(2):
        box.deliver(letter(f"mail {n}", Subject=f"Mail {n}").as_bytes())
    box.deliver(letter("hello", "eve@evil.example").as_bytes())
    assert (mailbox.read(), mailbox.read()) == (3, 0)
    assert [i.title for i in desk.opened()] == ["Mail 0", "Mail 1"]
    assert (box.found("SEEN"), box.found("FLAGGED")) == (3, 0)


def test_a_mail_that_cannot_be_read_is_flagged_and_holds_up_nothing(box: Dovecot, desk: MailDesk) -> None:
    nested = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(2000))
    box.deliver(nested)
    box.deliver(letter().as_bytes())
    mailbox = Mailbox(settings(box), desk.taker.take)
    assert (mailbox.read(), mailbox.read()) == (2, 0)
    assert desk.fates == ["aside", "accepted"]
    assert box.found("FLAGGED SEEN") == 1


def test_what_was_not_stored_stays_unread_and_comes_again(box: Dovecot, desk: MailDesk) -> None:
    def broken(_: bytes) -> Taken:
        raise StoreError("the disk is full")

    box.deliver(letter().as_bytes())
    with pytest.raises(StoreError, match="disk is full"):
        Mailbox(settings(box), broken).read()
    assert box.found("UNSEEN") == 1
    assert Mailbox(settings(box), desk.taker.take).read() == 1
    assert len(desk.opened()) == 1


def test_a_crash_before_it_was_marked_does_not_take_it_twice(box: Dovecot, desk: MailDesk) -> None:
    class Crash(BaseException):
        pass

    def crashing(raw: bytes) -> Taken:
        desk.taker.take(raw)
        raise Crash

    box.deliver(letter().as_bytes())
    with pytest.raises(Crash):
        Mailbox(settings(box), crashing).read()
    assert box.found("UNSEEN") == 1
    assert Mailbox(settings(box), desk.made().take).read() == 1
    assert desk.fates == ["accepted", "dropped"]
    assert len(desk.opened()) == 1


def test_so_many_at_once_and_what_others_have_deleted_stays(box: Dovecot) -> None:
    for n in range(MOST_AT_ONCE + 1):
        box.deliver(letter(f"mail {n}").as_bytes())
    with box.box() as client:
        client.store("1", "+FLAGS", r"(\Deleted)")
    taken: list[bytes] = []

    def take(raw: bytes) -> Taken:
        taken.append(raw)
        return Taken(fate="dropped", why="")

    assert Mailbox(settings(box), take).read() == MOST_AT_ONCE
    assert b"mail 0\r\n" not in taken[0]
    assert box.found("ALL") == MOST_AT_ONCE + 1


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_over_tls_that_is_verified(box: Dovecot, desk: MailDesk, certificate: Path, tls: Any) -> None:
    port = box.tls_port if tls == "implicit" else box.port
    box.deliver(letter().as_bytes())
    with pytest.raises(MailboxDown, match="offers no TLS that can be trusted"):
        Mailbox(settings(box, tls=tls, port=port), desk.taker.take).read()
    assert Mailbox(settings(box, tls=tls, port=port, ca_file=certificate), desk.taker.take).read() == 1


def test_what_keeps_it_from_being_read_is_said_without_the_password(box: Dovecot, desk: MailDesk) -> None:
    soon = timedelta(milliseconds=300)
    wrong = settings(box, password=Secret("wrong-pass-word"))
    with odd_peer(silent) as port:
        for other, words in (
            (wrong, "refuses the login"),
            (settings(box, folder="nowhere"), "does not do what it is asked"),
            (settings(box, port=free_port()), "cannot be reached"),
            (settings(box, port=port, timeout=soon), "did not answer within 0.3 s"),
        ):
            with pytest.raises(MailboxDown, match=words) as caught:
                Mailbox(other, desk.taker.take).read()
            assert "word" not in str(caught.value)
            assert str(caught.value).startswith(f"mailbox {USER} on 127.0.0.1:")
