"""What becomes of mails: which incident one is about, who may do what with it, what is never taken, and that each is
taken once."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import msgspec
import pytest

from daemon.clock import ManualClock
from daemon.inbound.mail import LARGEST_MAIL, Envelope
from daemon.passwords import hash_password
from daemon.store.store import Store
from notifiers.letter import compose, first_id, own_id
from notifiers.render import Renderer
from rules.access import Role
from rules.document import CONTACT, rfc3339
from rules.incident import Status
from rules.record import Kind
from rules.report import MAX_TEXT, Channel, Contact
from rules.roster import Roster
from tests.builders import T0, at, decision, notice
from tests.channels import SAMPLES
from tests.mails import ADDRESS, MAILER, REQUESTS, SETTINGS, MailDesk, letter
from tests.rosters import person

CARLA = Contact(name="Carla", mail="Carla@shop.example")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[MailDesk]:
    clock = ManualClock(T0)
    with Store.open(f"sqlite:///{tmp_path / 'incidentd.db'}", clock) as store:
        yield MailDesk(store, clock)


# Something new


def test_a_mail_opens_an_incident_with_its_sender_as_contact(desk: MailDesk) -> None:
    mail = letter("Since eight.\n\n-- \nCarla", "Carla <carla@example.com>", Subject="Re: Fwd: Nobody can\tpay")
    assert desk.take(mail).fate == "accepted"
    (opened,) = desk.opened()
    assert (opened.title, opened.description) == ("Nobody can pay", "Since eight.\n\n-- \nCarla")
    assert (opened.contact, opened.channel) == (Contact(name="Carla", mail="carla@example.com"), Channel.MAIL)
    assert (opened.registered_by, opened.group) == ("carla@example.com", "desk")


def test_a_person_of_the_roster_registers_under_their_own_name(desk: MailDesk) -> None:
    desk.take(letter(sender="A. Berg <Anna@X.net>", Subject=""))
    (opened,) = desk.opened()
    assert (opened.registered_by, opened.title) == ("anna", "Mail from Anna")
    assert opened.contact == Contact(name="Anna", mail="anna@x.net")


def test_a_mail_to_the_address_for_requests_makes_a_request(desk: MailDesk) -> None:
    assert desk.take(letter("Please.", To=REQUESTS, Subject="A laptop")).fate == "accepted"
    found = desk.store.record(Kind.REQUEST, 1)
    assert found is not None
    assert (found.title, found.opened_by) == ("A laptop", "anna")
    assert found.description == "From Anna <anna@x.net>\n\nPlease."
    assert desk.opened() == []


def test_what_is_long_or_attached_is_cut_and_counted(desk: MailDesk) -> None:
    mail = letter("x" * 9000, Subject="y" * 900)
    mail.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="a.png")
    mail.add_attachment("text", filename="b.txt")
    desk.take(mail)
    (opened,) = desk.opened()
    assert len(opened.title) == 200
    assert len(opened.description) == MAX_TEXT
    assert opened.description.endswith("… (cut)\n\n[2 attachments were left out]")


def test_html_only_and_foreign_charsets_are_read(desk: MailDesk) -> None:
    page = EmailMessage()
    page["From"], page["To"], page["Subject"] = "anna@x.net", ADDRESS, "Привет"
    page.set_content("<p>It is <b>down</b></p><script>x()</script>", subtype="html")
    desk.take(page)
    odd = b"From: anna@x.net\r\nTo: incidents@example.net\r\nSubject: =?koi8-r?B?8NLJ18XU?=\r\n"
    desk.take(odd + b"Content-Type: text/plain; charset=koi8-r\r\n\r\n" + "Привет".encode("koi8-r"))
    desk.take(odd + b"Content-Type: text/plain; charset=no-such\r\n\r\nplain \xff")
    found = [(i.title, i.description) for i in desk.opened()]
    assert found == [("Привет", "It is down"), ("Привет", "Привет"), ("Привет", "plain \N{REPLACEMENT CHARACTER}")]


# Answers


@pytest.mark.parametrize(
    ("text", "status", "line"),
    [
        ("ack, on my way", Status.ACKNOWLEDGED, ("acknowledge", "anna", "acknowledged: on my way")),
        ("Беру\n> quoted", Status.ACKNOWLEDGED, ("acknowledge", "anna", "acknowledged: by mail")),
        ("resolved: new disk", Status.RESOLVED, ("resolved", "anna", "resolved: new disk")),
        ("The disk is full.", Status.OPEN, ("note", "anna", "The disk is full.")),
    ],
)
def test_staff_answer_by_a_signed_address(
    desk: MailDesk, text: str, status: Status, line: tuple[str, str, str]
) -> None:
    desk.keep()
    mail = letter(
        f"{text}\n\nOn Tue, Nov 24, 2026 at 8:00 AM incidentd wrote:\n> resolve: all", To=desk.address().upper()
    )
    assert desk.take(mail).fate == "accepted"
    (kept,) = desk.opened()
    assert kept.status is status
    assert any(line[0] == kind and line[1] == who and line[2] in said for kind, who, said in desk.history())


def sent_id(desk: MailDesk, event: str = "opened") -> str:
    """The Message-ID of the mail about INC-42 that the notifier has really sent."""
    kept = desk.keep()
    sample = SAMPLES[event]
    assert sample.incident is not None
    document = msgspec.structs.replace(sample.incident, number=kept.key, opened_at=rfc3339(kept.opened_at))
    content = msgspec.structs.replace(sample, incident=document, idempotency_key="n1")
    desk.store.commit(decision(notices=(notice("n1", to="mail", incident=42),)), epoch=desk.epoch)
    return str(compose(Renderer().render(content, sent_at=T0), MAILER)["Message-ID"])


@pytest.mark.parametrize("event", ["opened", "resolved"])
@pytest.mark.parametrize("header", ["In_Reply_To", "References"])
def test_an_answer_to_a_mail_of_ours_is_about_its_incident(desk: MailDesk, event: str, header: str) -> None:
    ours = sent_id(desk, event)
    desk.take(letter("seen", Subject="Re: whatever", **{header: f"<other@x.net> {ours}"}))
    assert ("note", "anna", "seen") in desk.history()


def test_a_made_up_message_id_is_not_believed(desk: MailDesk) -> None:
    kept = desk.keep()
    false = first_id(MAILER, f"incident {kept.key} 2020-01-01T00:00:00.000Z", kept.key)
    desk.take(letter("seen", In_Reply_To=false, References=own_id(MAILER, "INC-42-000000000000", kept.key)))
    assert desk.history() == []
    assert len(desk.opened()) == 2


def test_a_number_in_the_subject_counts_for_who_may_work_on_it(desk: MailDesk) -> None:
    desk.keep(contact=CARLA)
    desk.take(letter("staff", Subject="about inc-42"))
    desk.take(letter("contact", "carla@shop.example", Subject="INC-42"))
    desk.take(letter("somebody", "joe@example.com", Subject="INC-42 is like mine"))
    assert [(who, text) for kind, who, text in desk.history() if kind == "note"] == [
        ("anna", "staff"),
        ("carla@shop.example", "contact"),
    ]
    assert [i.title for i in desk.opened()] == ["Incident 42", "INC-42 is like mine"]


def test_the_contact_may_object_and_add_but_not_resolve(desk: MailDesk) -> None:
    desk.keep(contact=CARLA, status=Status.RESOLVED, resolved_at=T0)
    ours = desk.address(CONTACT)
    assert desk.take(letter("Not solved: it is down again", "carla@shop.example", To=ours)).fate == "accepted"
    assert desk.opened()[0].status is Status.OPEN
    for text in ("resolved: by magic", "ack"):
        assert desk.take(letter(text, "carla@shop.example", To=ours)).fate == "refused"
    assert [who for who, _ in desk.answers] == ["carla@shop.example"] * 2
    assert "may not resolve an incident; allowed: close, note, reopen" in desk.answers[0][1]
    assert desk.opened()[0].status is Status.OPEN


def test_a_user_acts_by_their_role(desk: MailDesk) -> None:
    desk.keep()
    known = hash_password("correct horse battery")
    for name, role in (("olga@x.org", Role.OPERATOR), ("rita@x.org", Role.REPORTER), ("vera@x.org", Role.VIEWER)):
        desk.store.users.add(name, role, (), known)
    assert desk.take(letter("ack", "olga@x.org", Subject="INC-42")).fate == "accepted"
    assert desk.take(letter("mine", "rita@x.org")).fate == "accepted"
    assert desk.take(letter("theirs", "rita@x.org", To=desk.address())).fate == "refused"
    assert desk.take(letter("look", "vera@x.org")).fate == "dropped"
    desk.store.users.set_disabled("olga@x.org", disabled=True)
    assert desk.take(letter("me again", "olga@x.org", Subject="INC-42")).fate == "dropped"
    assert desk.opened()[0].assignee == "olga@x.org"


def test_a_customer_of_the_roster_reports_but_works_on_nothing(desk: MailDesk) -> None:
    desk.keep()
    desk.roster = Roster(people={"anna": person("anna", audience="customer")})
    assert desk.take(letter("ack", To=desk.address())).fate == "refused"
    assert desk.take(letter()).fate == "accepted"
    assert desk.opened()[1].registered_by == "anna"


def test_what_the_state_forbids_is_told_to_who_asked(desk: MailDesk) -> None:
    desk.keep(status=Status.CLOSED)
    assert desk.take(letter("ack", To=desk.address())).fate == "refused"
    assert desk.answers == [("anna@x.net", "cannot acknowledge an incident that is closed; allowed now: reopen")]


def test_an_answer_about_a_merged_incident_goes_to_the_one_that_is_left(desk: MailDesk) -> None:
    desk.keep(7)
    desk.keep(42, status=Status.MERGED, merged_into=7)
    desk.take(letter("seen", To=desk.address()))
    assert ("note", "anna", "seen") in desk.history(7)


# What is not taken


def test_strangers_open_nothing_and_are_told_nothing(desk: MailDesk) -> None:
    desk.keep(contact=CARLA)
    for mail in (
        letter("hello", "eve@evil.example"),
        letter("ack", "eve@evil.example", To=desk.address()),
        letter("ack", "eve@evil.example", To=desk.address(CONTACT)),
        letter("ack", "eve@evil.example", Subject="INC-42"),
        letter("ack", "eve@sub.example.com"),
        letter("ack", "anna@x.net, ben@x.net"),
        letter("ack", ""),
    ):
        assert desk.take(mail).fate == "dropped"
    assert (desk.history(), desk.answers, len(desk.opened())) == ([], [], 1)


def test_an_address_of_whoever_has_left_is_no_address(desk: MailDesk) -> None:
    desk.keep()
    ours = desk.address("ben")
    desk.roster = Roster(people={"anna": person("anna")})
    assert desk.take(letter("ack", "ben@x.net", To=ours)).fate == "dropped"


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Auto_Submitted": "auto-generated; x=1"},
        {"Precedence": "bulk"},
        {"Precedence": "List"},
        {"X_Auto_Response_Suppress": "DR, OOF, All"},
        {"X_Incidentd_Key": "INC-1-abc"},
        {"Return_Path": "<>"},
        {"From": "MAILER-DAEMON@x.net"},
        {"From": ADDRESS},
        {"From": "incidentd@example.net"},
    ],
)
def test_what_programs_send_is_never_taken(desk: MailDesk, headers: dict[str, str]) -> None:
    desk.settings = replace(SETTINGS, from_allowed=frozenset({"x.net", "example.net"}))
    assert desk.made().take(letter("I am away", **headers).as_bytes()).fate == "dropped"
    assert (desk.opened(), desk.answers) == ([], [])


def test_a_person_who_says_that_they_are_one_is_taken(desk: MailDesk) -> None:
    assert desk.take(letter(Auto_Submitted="no", Return_Path="<anna@x.net>")).fate == "accepted"


def test_a_bounce_is_known_by_its_envelope(desk: MailDesk) -> None:
    assert desk.take(letter(), Envelope(sender="", recipients=(ADDRESS,))).fate == "dropped"


def test_our_own_refusal_coming_back_is_dropped(desk: MailDesk) -> None:
    mail = letter("Nothing was done", Auto_Submitted="auto-replied", X_Auto_Response_Suppress="All")
    assert desk.take(mail).fate == "dropped"


def test_a_sender_who_does_not_stop_is_not_taken_until_an_hour_is_over(desk: MailDesk) -> None:
    desk.settings = replace(SETTINGS, per_hour=3)
    desk.taker = desk.made()
    fates = [desk.take(letter(f"mail {n}")).fate for n in range(5)]
    assert fates == ["accepted"] * 3 + ["dropped"] * 2
    assert desk.take(letter("other", "ben@x.net")).fate == "accepted"
    desk.clock.advance(timedelta(hours=1))
    assert desk.take(letter("later")).fate == "accepted"


@pytest.mark.parametrize(
    ("results", "fate"),
    [
        (["mx.example.net; dkim=pass header.d=x.net; dmarc=pass (p=none; x) header.from=x.net"], "accepted"),
        (["MX.example.net 1; dmarc=pass header.from=X.net"], "accepted"),
        ([], "dropped"),
        (["mx.example.net; dmarc=fail header.from=x.net"], "dropped"),
        (["mx.example.net; dmarc=pass header.from=evil.example"], "dropped"),
        (["mx.example.net; dmarc=none", "mx.example.net; dmarc=pass header.from=x.net"], "dropped"),
        (["elsewhere.example; dmarc=pass header.from=x.net"], "dropped"),
        (["elsewhere.example; dmarc=fail", "mx.example.net; dmarc=pass header.from=x.net"], "accepted"),
        (["mx.example.net; none (dmarc=pass header.from=x.net)"], "dropped"),
    ],
)
def test_only_ones_own_mail_server_is_believed_on_who_has_sent_it(
    desk: MailDesk, results: list[str], fate: str
) -> None:
    desk.settings = replace(SETTINGS, authserv_id="mx.example.net")
    mail = letter()
    for result in results:
        mail["Authentication-Results"] = result
    assert desk.made().take(mail.as_bytes()).fate == fate


# Once


def test_a_mail_that_comes_again_is_taken_once(desk: MailDesk) -> None:
    assert [desk.take(letter()).fate for _ in range(3)] == ["accepted", "dropped", "dropped"]
    assert len(desk.opened()) == 1
    assert desk.take(letter("other words", Message_ID=str(letter()["Message-ID"]))).fate == "dropped"
    assert desk.take(letter(sender="ben@x.net")).fate == "accepted"


def test_without_a_message_id_the_same_bytes_are_the_same_mail(desk: MailDesk) -> None:
    mail = letter(Message_ID="").as_bytes()
    assert [desk.take(mail).fate for _ in range(2)] == ["accepted", "dropped"]


def test_a_mail_that_was_stored_but_not_decided_on_is_finished_later(desk: MailDesk) -> None:
    desk.keep(status=Status.CLOSED)
    desk.deciding = False
    mail = letter("ack", To=desk.address())
    assert desk.take(mail).why == "it is stored, but not decided on yet"
    assert desk.take(mail).why == "it is stored, but not decided on yet"
    assert desk.answers == []
    desk.cycle.run_once()
    desk.taker = desk.made()
    assert desk.take(mail).fate == "refused"
    assert len(desk.answers) == 1
    assert desk.take(mail).fate == "dropped"
    assert desk.store.inbox_depth() == 0


def test_what_was_taken_is_forgotten_in_the_end(desk: MailDesk) -> None:
    desk.take(letter())
    desk.clock.advance(timedelta(days=91))
    desk.take(letter("another"))
    assert desk.store.mails.count("anna@x.net", at(-1)) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"x" * (LARGEST_MAIL + 1),
        # Nested deeper than the parser goes.
        b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(2000)),
    ],
    ids=["large", "nested"],
)
def test_what_cannot_be_read_is_put_aside(desk: MailDesk, raw: bytes) -> None:
    assert desk.take(raw).fate == "aside"
    assert desk.fates == ["aside"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"From: a@x.net\nFrom: anna@x.net\n\nack",
        b"From: =?utf-8?q?anna=40x=2Enet?= <\nSubject: x\n\nack",
        b"Content-Type: multipart/mixed; boundary=\n\n--\n",
        b"From: anna@x.net\nSubject: =?utf-8?b?!!!?=\nMessage-ID: <>\nDate: never\n" + b"References: <" * 500 + b"\n\n",
        b"From: anna@x.net\nContent-Type: text/html; charset=\xff\nContent-Transfer-Encoding: base64\n\n!!!!",
    ],
)
def test_odd_bytes_break_nothing(desk: MailDesk, raw: bytes) -> None:
    assert desk.take(raw).fate in ("dropped", "aside", "accepted")
