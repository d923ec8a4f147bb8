"""What only mail promises, against a real server."""

from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import msgspec
import pytest

from notifiers.registry import build_channel
from notifiers.secret import Secret
from rules.document import RecipientDocument
from tests.builders import T0
from tests.channels import PASSWORD, SAMPLES, email_settings, failure, message
from tests.fakes import (
    PostOffice,
    post_office,
)


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with post_office() as opened:
        yield opened


def letters(office: PostOffice, *events: str, **fields: Any) -> list[EmailMessage]:
    channel = build_channel(email_settings(office.port, **fields))
    for event in events:
        channel.send(message(event))
    return office.letters


def test_a_mail_has_what_readers_and_programs_need(office: PostOffice) -> None:
    (letter,) = letters(office, "opened")
    assert letter["Subject"] == "[P1] INC-42 tor-3a is down: Payments and Online shop are down"
    assert letter["From"] == "incidentd <incidentd@example.net>"
    assert letter["To"] == "Zoë Noc <zoe@example.net>, bob@example.net"
    assert letter["Date"].datetime == T0
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["X-Incidentd-Incident"] == "INC-42"
    assert (letter["Importance"], letter["X-Priority"]) == ("high", "1")
    assert office.recipients == [("zoe@example.net", "bob@example.net")]
    text, page = letter.get_body(("plain",)), letter.get_body(("html",))
    assert text is not None
    assert page is not None
    assert text.get_content().startswith("P1  New incident: tor-3a is down")
    assert "<!doctype html>" in page.get_content()


def test_one_incident_is_one_thread(office: PostOffice) -> None:
    first, *others = letters(office, "opened", "changed", "resolved", "reopened")
    assert first["In-Reply-To"] is None
    assert {letter["In-Reply-To"] for letter in others} == {first["Message-ID"]}
    assert {letter["References"] for letter in others} == {first["Message-ID"]}
    assert len({letter["Message-ID"] for letter in office.letters}) == 4


def test_a_mail_that_goes_twice_has_the_same_id(office: PostOffice) -> None:
    first, second = letters(office, "changed", "changed")
    assert first["Message-ID"] == second["Message-ID"]


def test_two_incidents_are_two_threads(office: PostOffice) -> None:
    sample = SAMPLES["opened"].incident
    assert sample is not None
    channel = build_channel(email_settings(office.port))
    channel.send(message())
    channel.send(message(incident=msgspec.structs.replace(sample, number="INC-43")))
    assert len({letter["Message-ID"] for letter in office.letters}) == 2


def test_only_the_most_urgent_is_flagged(office: PostOffice) -> None:
    sample = SAMPLES["opened"].incident
    assert sample is not None
    channel = build_channel(email_settings(office.port))
    channel.send(message(incident=msgspec.structs.replace(sample, priority="P2")))
    assert office.letters[0]["Importance"] is None


def test_no_header_can_be_smuggled_in(office: PostOffice) -> None:
    sample = SAMPLES["opened"].incident
    assert sample is not None
    nasty = "down\r\nBcc: eve@example.net\r\n\r\nhello"
    record = msgspec.structs.replace(sample, title=nasty, number=nasty)
    build_channel(email_settings(office.port)).send(message(incident=record, event=nasty))
    (letter,) = office.letters
    assert letter["Bcc"] is None
    assert "down Bcc: eve@example.net hello" in letter["Subject"]
    assert office.recipients == [("zoe@example.net", "bob@example.net")]


def test_a_unicode_subject_arrives(office: PostOffice) -> None:
    sample = SAMPLES["opened"].incident
    assert sample is not None
    title = "Rückzahlungen stehen – 決済 ist aus 🚨 " + "ö" * 80
    build_channel(email_settings(office.port)).send(message(incident=msgspec.structs.replace(sample, title=title)))
    assert title in office.letters[0]["Subject"]


def test_who_has_it_already_does_not_get_it_again(office: PostOffice) -> None:
    office.refuses = {"bob@example.net": "450 greylisted"}
    channel = build_channel(email_settings(office.port))
    error = failure(channel)
    assert not error.permanent
    assert "bob@example.net: 450 greylisted; 1 of 2 have it" in str(error)
    assert not failure(channel).permanent
    office.refuses = {}
    channel.send(message())
    assert office.recipients == [("zoe@example.net",), ("bob@example.net",)]


@pytest.mark.parametrize(
    ("refusals", "permanent"),
    [(("550 unknown", ""), True), (("550 unknown", "550 unknown"), True), (("550 unknown", "450 later"), False)],
)
def test_refused_recipients_are_named(office: PostOffice, refusals: tuple[str, str], permanent: bool) -> None:
    named = zip(("bob@example.net", "zoe@example.net"), refusals, strict=True)
    office.refuses = {who: answer for who, answer in named if answer}
    error = failure(build_channel(email_settings(office.port)))
    assert error.permanent is permanent
    assert "bob@example.net: 550 unknown" in str(error)


def test_a_refused_login_is_final_and_says_nothing_more(office: PostOffice) -> None:
    office.accepts_login = False
    settings = email_settings(office.port, username="incidentd", password=Secret(PASSWORD))
    error = failure(build_channel(settings))
    assert error.permanent
    assert "refused the login with 535" in str(error)


def test_a_login_is_used(office: PostOffice) -> None:
    letters(office, "opened", username="incidentd", password=Secret("plain-words"))
    assert office.logins == [("incidentd", "plain-words")]


def test_a_server_without_starttls_gets_nothing(office: PostOffice) -> None:
    error = failure(build_channel(email_settings(office.port, tls="starttls")))
    assert error.permanent
    assert office.letters == []


def test_a_notice_that_calls_one_person_goes_to_their_own_address_only(office: PostOffice) -> None:
    person = RecipientDocument(id="anna", name="Anna", address="Anna Berg <anna@example.org>")
    channel = build_channel(email_settings(office.port))
    channel.send(message("escalated", recipient=person, reason="on call in dba (weekly)"))
    channel.send(message("escalated", recipient=msgspec.structs.replace(person, address="")))
    assert office.recipients == [("anna@example.org",), ("zoe@example.net", "bob@example.net")]
    assert office.letters[0]["To"] == "Anna Berg <anna@example.org>"
    text = office.letters[0].get_body(("plain",))
    assert text is not None
    assert "News:   on call in dba (weekly)" in text.get_content()


def test_a_contact_hears_of_the_end_at_their_own_address_and_of_nothing_inside(office: PostOffice) -> None:
    carla = RecipientDocument(id="contact", name="Carla", address="carla@example.org")
    url = "https://incidents.example.net/rate/token"
    build_channel(email_settings(office.port)).send(message("resolved", recipient=carla, rating_url=url))
    assert office.recipients == [("carla@example.org",)]
    (letter,) = office.letters
    assert letter["To"] == "carla@example.org"
    for kind in ("plain", "html"):
        part = letter.get_body((kind,))
        assert part is not None
        text = part.get_content()
        assert url in text
        assert "Your report INC-42: Solved after 12 min" in text
        assert "WHY WE THINK" not in text.upper()
