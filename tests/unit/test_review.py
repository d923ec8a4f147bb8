"""The draft of a review, made of the record alone."""

from rules.decision import Command, Resolving, Verb
from rules.incident import Restoration
from rules.report import Contact
from rules.review import review_of
from rules.satisfaction import Rating, figures
from tests.builders import T0, at
from tests.desk import Desk, down
from tests.unit.test_registering import give, register

RACK = ("host-1", "host-2", "host-3", "host-4")


def handled() -> Desk:
    """A switch is reported, found by monitoring, worked on, got round, and closed."""
    desk = Desk()
    register(desk, ci="tor-3a", contact=Contact(name="Carla", organisation="Shop"), observed_at=at(-600))
    desk.wait(60)
    desk.hear(*down(*RACK))
    desk.wait(60)
    give(desk, Verb.ACKNOWLEDGE)
    desk.wait(180)
    give(desk, Verb.SET, field="finding.console", value="no power")
    desk.decide(
        Command(
            id="c",
            at=desk.now,
            actor="anna",
            verb=Verb.RESOLVE,
            number=1,
            value="moved to the other switch",
            root="tor-3a",
            resolving=Resolving(code="workaround", restored_at=at(240)),
        )
    )
    desk.wait(600)
    give(desk, Verb.CLOSE)
    return desk


def lengths(desk: Desk) -> dict[str, float | None]:
    found = review_of(desk.incidents[1], desk.timeline, list(desk.alerts.values()), (), desk.now)
    return {phase.name: phase.length_s for phase in found.phases}


def test_a_review_tells_the_whole_story() -> None:
    desk = handled()
    said = Rating(link="n", incident=1, by="Carla", score=3, remark="slow", at=desk.now)
    found = review_of(desk.incidents[1], desk.timeline, list(desk.alerts.values()), [said], desk.now)
    assert "Carla (Shop) reported it by portal; bert registered it" in found.what_happened
    assert "tor-3a failed (confirmed by a person)" in found.what_happened
    assert "console: no power" in found.what_happened
    assert "got round, workaround, by anna: moved to the other switch" in found.what_happened
    assert found.impact[0] == "Checkout was down for 4 min"
    assert {(a.actor, a.kind) for a in found.who_did_what} == {("anna", "person"), ("bert", "person")}
    assert "only a workaround is in place: the cause has to be mended" in found.still_open
    for part in (
        "WHAT HAPPENED",
        "- detection: 10 min, 2026-11-24 07:50:00 to 2026-11-24 08:00:00",
        "- Carla: 3 of 5: slow",
        "- 2026-11-24 08:02:00 anna: acknowledged",
    ):
        assert f"\n{part}\n" in found.text


def test_the_phases_are_those_of_the_record() -> None:
    assert lengths(handled()) == {
        "detection": 600.0,
        "response": 120.0,
        # The root was confirmed once the service was back: it stood on the record from the beginning.
        "diagnosis": 0.0,
        "repair": 240.0,
        "closure": 660.0,
    }


def test_what_is_not_over_has_no_length() -> None:
    desk = Desk()
    desk.hear(*down(*RACK))
    found = lengths(desk)
    assert (found["response"], found["repair"], found["closure"]) == (None, None, None)
    review = review_of(desk.incidents[1], desk.timeline, list(desk.alerts.values()), (), desk.now)
    assert {"it is open", "nobody has confirmed that tor-3a failed", "it has no category"} <= set(review.still_open)
    assert "- repair: no end on record\n- closure: not begun\n" in review.text


def test_a_review_is_plain_lines_whatever_people_wrote() -> None:
    desk = Desk()
    register(desk, description="first\n\nTIMELINE\n- forged")
    review = review_of(desk.incidents[1], desk.timeline, (), (), desk.now)
    assert "- first TIMELINE - forged\n" in review.text


def test_a_restoration_follows_from_the_code() -> None:
    assert handled().incidents[1].restoration is Restoration.WORKAROUND


def test_figures_count_answers() -> None:
    ratings = [Rating(link=str(n), incident=1, by="a", score=s, remark="", at=T0) for n, s in enumerate((5, 4, 1, 5))]
    found = figures(ratings)
    assert (found.answers, found.mean, found.content_share) == (4, 3.75, 0.75)
    assert dict(found.scores) == {1: 1, 2: 0, 3: 0, 4: 1, 5: 2}
    assert figures([]).mean is None
