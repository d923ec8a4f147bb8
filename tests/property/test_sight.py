"""What somebody sees who is limited to business services."""

from hypothesis import given
from hypothesis import strategies as st

from cmdb.model import State
from rules.incident import HitService, Incident
from rules.report import Contact
from rules.roster import Roster
from rules.sight import sees
from tests.builders import incident

WORDS = st.sampled_from(["shop", "pay", "mail", "carla", "anna", ""])


@st.composite
def incidents(draw: st.DrawFn) -> Incident:
    """An incident of somebody that hits some services."""
    hit = draw(st.sets(WORDS.filter(bool)))
    return incident(
        services=tuple(HitService(ci=ci, name=ci, state=State.DOWN) for ci in sorted(hit)),
        registered_by=draw(WORDS),
        contact=Contact(mail=draw(WORDS)),
    )


@given(incidents(), st.frozensets(WORDS.filter(bool)), st.frozensets(WORDS.filter(bool)), WORDS)
def test_a_wider_limit_never_hides_what_a_narrower_one_shows(
    record: Incident, some: frozenset[str], more: frozenset[str], who: str
) -> None:
    assert sees(record, frozenset(), who, Roster())
    if some and sees(record, some, who, Roster()):
        assert sees(record, some | more, who, Roster())


@given(incidents(), st.frozensets(WORDS.filter(bool), min_size=1), WORDS)
def test_what_hits_none_of_theirs_is_seen_by_nobody_else(record: Incident, limit: frozenset[str], who: str) -> None:
    hits = {service.ci for service in record.services}
    seen = sees(record, limit, who, Roster())
    assert seen is (bool(hits & limit) or (bool(who) and record.registered_by == who))
