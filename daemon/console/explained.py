"""Why somebody was told of an incident, or was not, for the question on its page."""

from collections.abc import Sequence
from dataclasses import dataclass

from daemon.api.ports import Ports
from rules.alert import Alert
from rules.draft import Draft
from rules.explain import Explanation, explain
from rules.incident import Incident
from rules.roster import Roster
from rules.situation import Situation, rebuild
from rules.telling import key_of, person_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Who was meant, by name, and what is known; without `found` nobody is known by that name."""

    who: str
    found: Explanation | None = None


def why(ports: Ports, incident: Incident, alerts: Sequence[Alert], who: str) -> Answer | None:
    """The answer about a person (id, name or mail address) or a notifier; None where nobody is asked about."""
    wanted = who.strip()
    if not wanted:
        return None
    key = _key(ports, wanted)
    if key is None:
        return Answer(who=wanted)
    situation = Situation(ports.estate(), ports.policy(), ports.subscriptions())
    rebuild(situation, [incident], alerts, (), ports.clock.now(), mailboxes=ports.store.mailboxes())
    name = ports.roster().name(person_of(key)) if person_of(key) else key
    return Answer(who=name, found=explain(Draft(situation, ports.clock.now()), incident, key))


def asked_about(roster: Roster, notifiers: Sequence[str]) -> list[tuple[str, str]]:
    """Whom one may ask about, as (what is sent, name): people, then notifiers."""
    people = sorted((p.id, p.name) for p in roster.people.values())
    return [*people, *((n, f"{n} (notifier)") for n in sorted(notifiers))]


def _key(ports: Ports, who: str) -> str | None:
    people = ports.roster().people.values()
    found = next((p.id for p in people if who in (p.id, p.name) or who.lower() in p.mail_addresses), None)
    if found is not None:
        return key_of(found)
    return who if who in ports.notifiers() else None
