"""The picture in a mail: put together as mail programs expect, left out where it cannot be, against a real server."""

from collections.abc import Iterator
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from cmdb.graph import Estate
from cmdb.model import BUSINESS_SERVICE, CI
from daemon.lab.estate import lab_estate
from notifiers.base import Extras, Message
from notifiers.drawing.illustration import MOST_BYTES, is_pictured
from notifiers.registry import build_channel
from notifiers.render import Renderer
from notifiers.samples import SAMPLED
from rules.incident_shapes import ServiceDocument
from tests.builders import T0
from tests.channels import SAMPLES, email_settings, message
from tests.desk import needs
from tests.fakes import PostOffice, post_office
from tests.images import image_of, ink

LAB = Estate.of(lab_estate())
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>\x00\u202e'


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with post_office() as opened:
        yield opened


def pictured(event: str = "opened", estate: Estate = LAB, **fields: Any) -> Message:
    return message(event, extras=Extras(estate=estate), **fields)


def received(office: PostOffice, sent: Message) -> EmailMessage:
    build_channel(email_settings(office.port)).send(sent)
    return office.letters[-1]


def shape(part: EmailMessage) -> list[Any] | str:
    if not part.is_multipart():
        return part.get_content_type()
    return [part.get_content_type(), *(shape(p) for p in part.iter_parts() if isinstance(p, EmailMessage))]


def content_of(mail: EmailMessage, kind: str) -> Any:
    part = mail.get_body((kind,))
    assert part is not None
    return part.get_content()


def images_in(page: str) -> list[dict[str, str]]:
    """The attributes of every image; a page with a script of any kind fails."""
    found: list[dict[str, str]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag != "script"
            if tag == "img":
                found.append({name: value or "" for name, value in attrs})

    Reader().feed(page)
    return found


def test_the_picture_stands_beside_the_page_and_the_text_is_as_without(office: PostOffice) -> None:
    mail, plain = received(office, pictured()), received(office, message())
    assert shape(mail) == ["multipart/alternative", "text/plain", ["multipart/related", "text/html", "image/png"]]
    assert shape(plain) == ["multipart/alternative", "text/plain", "text/html"]
    assert content_of(mail, "plain") == content_of(plain, "plain")
    related = mail.get_payload(1)
    assert isinstance(related, EmailMessage)
    assert related.get_param("type") == "text/html"
    page, image = related.iter_parts()
    assert isinstance(image, EmailMessage)
    assert image.get_content_disposition() == "inline"
    assert image.get_filename() == "INC-42.png"
    assert f'src="cid:{image["Content-ID"][1:-1]}"' in page.get_content()
    assert "cid:" not in content_of(plain, "html")


def test_it_is_a_picture_of_what_is_hit_twice_as_sharp_as_shown(office: PostOffice) -> None:
    sent = pictured()
    assert sent.picture is not None
    mail = received(office, sent)
    image = image_of(next(p for p in mail.walk() if p.get_content_type() == "image/png").get_content())
    assert image.size == (2 * sent.picture.width, 2 * sent.picture.height)
    assert len(sent.picture.png) <= MOST_BYTES
    # Words and lines in the colour of what is down, and a white ground around.
    assert ink(image, 0, 0, sent.picture.width, sent.picture.height, 2) > 20_000
    colours = {colour for _, colour in image.getcolors(1 << 24) or ()}
    assert {(0xB3, 0x26, 0x1E), (255, 255, 255)} <= colours
    (shown,) = images_in(content_of(mail, "html"))
    for words in ("What Top-of-rack switch A of rack 3 hits", "rack 3: down, 1 alert", "Payments: down, "):
        assert words in shown["alt"]


def test_the_same_notice_is_the_same_mail_however_often_it_goes(office: PostOffice) -> None:
    first, second = received(office, pictured("changed")), received(office, pictured("changed"))
    ids = [[p["Content-ID"] for p in mail.walk() if p["Content-ID"]] for mail in (first, second)]
    assert (first["Message-ID"], ids[0]) == (second["Message-ID"], ids[1])


def test_names_from_outside_are_only_drawn(office: PostOffice) -> None:
    sample = SAMPLES["opened"].incident
    assert sample is not None
    shop = CI(id="shop", type=BUSINESS_SERVICE, name=HOSTILE, depends_on=(needs("tor-3a"),))
    estate = Estate.of([CI(id="tor-3a", type=HOSTILE, name=HOSTILE), shop])
    incident = msgspec.structs.replace(sample, services=(ServiceDocument(id="shop", name=HOSTILE, state="down"),))
    for audience in ("operator", "manager"):
        sent = pictured(estate=estate, incident=incident, audience=audience)
        assert (sent.fault, sent.picture_fault) == ("", "")
        images = images_in(content_of(received(office, sent), "html"))
        assert [sorted(image) for image in images] == [["alt", "class", "src", "style", "width"]]
        assert images[0]["src"].startswith("cid:")
        assert "<script>alert(1)</script>" in images[0]["alt"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [({"estate": Estate.of([CI(id="other", type="host")])}, "tor-3a is not in the CMDB"), ({}, "")],
)
def test_where_there_is_no_picture_the_mail_goes_without_and_says_why(
    office: PostOffice, fields: dict[str, Any], why: str
) -> None:
    sent = pictured(**fields)
    assert sent.picture_fault == why
    mail = received(office, sent)
    assert ("multipart/related" in str(shape(mail))) is (why == "")
    assert content_of(mail, "plain").startswith("P1  New incident: tor-3a is down")


def test_an_owners_page_without_the_picture_brings_none_along(office: PostOffice, tmp_path: Any) -> None:
    (tmp_path / "message.html").write_text("<p>{{ incident.title }}</p>")
    own = Renderer(templates_dir=tmp_path)
    sent = own.render(SAMPLES["opened"], sent_at=T0, extras=Extras(estate=LAB))
    assert sent.picture is None
    assert shape(received(office, sent)) == ["multipart/alternative", "text/plain", "text/html"]


def test_managers_get_business_services_customers_and_reporters_nothing() -> None:
    manager = pictured(audience="manager")
    assert manager.picture is not None
    assert manager.picture.alt.startswith("What the fault hits. A fault; ")
    assert "Payments: down" in manager.picture.alt
    assert "tor-3a" not in manager.picture.alt + manager.html
    assert pictured(audience="customer").picture is None
    contact = SAMPLES["resolved"].recipient
    assert contact is None or pictured("resolved", recipient=contact).picture is None


def test_of_many_services_the_worst_are_drawn_and_the_others_counted() -> None:
    sample = SAMPLES["opened"].incident
    assert sample is not None
    services = tuple(
        ServiceDocument(id=f"s{n}", name=f"Service {n:02}", state="down" if n == 29 else "at risk") for n in range(30)
    )
    sent = pictured(audience="manager", incident=msgspec.structs.replace(sample, services=services))
    assert sent.picture is not None
    assert sent.picture.alt.startswith("What the fault hits. A fault; Service 29: down; Service 00: at risk; ")
    assert sent.picture.alt.endswith("; Service 09: at risk; and 19 more: at risk")


def test_what_leads_to_no_service_is_counted_under_the_picture() -> None:
    hosts = [CI(id=f"host-{n}", type=f"type-{n}", depends_on=(needs("tor-3a"),)) for n in range(40)]
    shop = CI(id="shop", type=BUSINESS_SERVICE, name="Shop", depends_on=(needs("host-1"),))
    sent = pictured(estate=Estate.of([CI(id="tor-3a", type="switch"), *hosts, shop]))
    assert sent.picture is not None
    assert sent.picture.note == "39 more components are hit that lead to no business service."
    assert sent.picture.note in sent.html


def test_managers_who_see_components_read_which_one_failed() -> None:
    content = msgspec.structs.replace(SAMPLES["opened"], audience="manager")
    sent = Renderer(managers_see_cis=True).render(content, sent_at=T0, extras=Extras(estate=LAB))
    assert sent.picture is not None
    assert sent.picture.alt.startswith("What the fault hits. tor-3a; ")


def test_only_word_of_what_is_hit_has_a_picture() -> None:
    found = {event for event in SAMPLED if is_pictured(SAMPLES[event], is_call=False)}
    assert found == {"opened", "changed", "reopened", "escalated", "nobody_reached"}
    assert is_pictured(SAMPLES["assigned"], is_call=True)
    assert not is_pictured(SAMPLES["resolved"], is_call=True)
    assert not is_pictured(SAMPLES["summary"], is_call=True)
