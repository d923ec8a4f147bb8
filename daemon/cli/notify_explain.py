"""`incidentd notify explain`: why somebody is told of an incident, or is not."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from daemon.cli.orders import Number, read_number
from daemon.cli.place import AsJson, open_store, read_config, read_estate

if TYPE_CHECKING:
    from daemon.config.config import Config
    from daemon.store.rows import NoticeRow
    from daemon.store.store import Store
    from rules.decision import TimelineEntry
    from rules.explain import Explanation
    from rules.incident import Incident
    from rules.situation import Situation

MOST_NOTICES = 10_000
_SAID = frozenset({"notice", "notice_waits", "called"})


def explain(
    context: typer.Context,
    number: Number,
    *,
    to: Annotated[str, typer.Option("--to", metavar="WHO", help="A person's id or name, or a notifier.")],
    as_json: AsJson = False,
) -> None:
    """Why somebody is told of an incident, or why not, and what they were sent."""
    from daemon.cli.out import emit
    from daemon.clock import SystemClock
    from rules.draft import Draft
    from rules.explain import explain as find_grounds
    from rules.telling import person_of

    config = read_config(context)
    key = _key_of(config, to)
    with open_store(config) as store:
        incident = _incident(store, number)
        situation = _situation(context, config, store, incident)
        found = find_grounds(Draft(situation, SystemClock().now()), incident, key)
        said = [e for e in store.timeline(incident.number) if e.kind in _SAID and e.new in (key, person_of(key))]
        sent = [row for row in store.notices(incident=incident.number, limit=MOST_NOTICES) if _is_to(row, key)]
    if as_json:
        emit(_document(incident, found, said, sent))
    else:
        _show(config, incident, found, said, sent)


def _key_of(config: "Config", who: str) -> str:
    from daemon.cli.refusal import Refusal
    from daemon.config.fields import suggestion
    from rules.telling import key_of

    people = config.policy.roster.people.values()
    found = next((p.id for p in people if who in (p.id, p.name) or who.lower() in p.mail_addresses), None)
    if found is not None:
        return key_of(found)
    notifiers = [n.name for n in config.notifiers]
    if who in notifiers:
        return who
    raise Refusal(
        f'nobody and no notifier is known as "{who}"; {suggestion(who, [*(p.id for p in people), *notifiers])}'
    )


def _incident(store: "Store", number: str) -> "Incident":
    from daemon.cli.refusal import Refusal

    incident = store.incident(read_number(number))
    if incident is None:
        raise Refusal(f"there is no incident {number}")
    return incident


def _situation(context: typer.Context, config: "Config", store: "Store", incident: "Incident") -> "Situation":
    """As much of the daemon's situation as the question needs."""
    from daemon.clock import SystemClock
    from rules.situation import Situation, rebuild

    situation = Situation(read_estate(context, None), config.policy, config.notify)
    alerts = store.alerts_of(incident.number)
    rebuild(situation, [incident], alerts, (), SystemClock().now(), mailboxes=store.mailboxes())
    return situation


def _is_to(row: "NoticeRow", key: str) -> bool:
    from rules.telling import person_of

    return row.person == person_of(key) if person_of(key) else row.to == key and not row.person


def _document(
    incident: "Incident", found: "Explanation", said: "list[TimelineEntry]", sent: list["NoticeRow"]
) -> dict[str, Any]:
    from daemon.cli.notices import notice_fields
    from rules.document import rfc3339
    from rules.telling import person_of

    waiting = found.waiting
    return {
        "incident": incident.key,
        "to": person_of(found.to) or found.to,
        "wanted": found.is_wanted,
        "grounds": [{"subscription": g.subscription, "fits": g.fits, "words": g.words} for g in found.grounds],
        "obstacles": list(found.obstacles),
        "waiting": None
        if waiting is None
        else {"event": waiting.word.event, "kept": waiting.kept, "due_at": rfc3339(waiting.due_at)},
        "decided": [{"at": rfc3339(entry.at), "text": entry.text} for entry in said],
        "notices": [notice_fields(row) for row in sent],
    }


def _show(
    config: "Config",
    incident: "Incident",
    found: "Explanation",
    said: "list[TimelineEntry]",
    sent: "list[NoticeRow]",
) -> None:
    from daemon.cli.notices import notice_table
    from daemon.cli.out import instant, safe, say, table
    from rules.telling import person_of

    name = config.policy.roster.name(person_of(found.to)) if person_of(found.to) else found.to
    verdict = "is told" if found.is_wanted else "is not told"
    say(safe(f"{name} {verdict} of {incident.key} ({incident.priority}, {incident.status}): {incident.title}", 400))
    grounds = [["yes" if g.fits else "no", safe(g.subscription, 120), safe(g.words, 300)] for g in found.grounds]
    if grounds:
        say(table(["told", "by", "why"], grounds, wide="why"))
    else:
        say("No subscription means them, nobody has called them, and they do not watch it.")
    for obstacle in found.obstacles:
        say(safe(f"But {obstacle}.", 400))
    if found.waiting is not None:
        say(f"“{found.waiting.word.event}” waits until {instant(found.waiting.due_at)} ({found.waiting.kept}).")
    if said:
        say(
            table(
                ["at", "what was decided"], [[instant(e.at), safe(e.text, 300)] for e in said], wide="what was decided"
            )
        )
    if sent:
        say(notice_table(sent))
