"""What leaves now and what waits: bursts become summaries, quiet hours and digests are kept, nobody gets too many.

What waits is in the recipient's mailbox, part of the record, so a restart loses nothing and says nothing twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from rules.contact_letters import asks_those_told
from rules.document import NoticeContent, incident_document, rfc3339
from rules.draft import Draft
from rules.incident import Incident
from rules.interest import person_known, zone_of
from rules.outgoing import Route, add_notice, notice_key, spared, ways_of
from rules.roster import Person
from rules.summary import summary_of
from rules.telling import OPERATOR, OVER, URGENT_EVENTS, Mailbox, Manners, Telling, Waiting, person_of

_CAME_AND_WENT = frozenset({"gather", "burst", "limit"})
"""What waits for one of these is not told where it is over before it was: nobody can do anything about it."""


def post(draft: Draft) -> None:
    """Put what is due on its way, and keep the rest."""
    fresh: dict[str, list[Telling]] = {}
    for word in draft.tellings:
        fresh.setdefault(word.to, []).append(word)
    for key in sorted({*fresh, *_due(draft)}):
        _Postman(draft, key).carry(fresh.get(key, ()))


def _due(draft: Draft) -> Iterator[str]:
    """Recipients for whom something is due, or may have become urgent while it waits."""
    changed = {incident.number for incident in draft.touched()}
    for box in draft.situation.mailboxes.values():
        is_due = box.next_at is not None and box.next_at <= draft.now
        if is_due or any(item.incident in changed for item in box.waiting):
            yield box.to


class _Postman:
    """Serves one recipient in one cycle."""

    def __init__(self, draft: Draft, key: str) -> None:
        self._draft = draft
        self._key = key
        self._person: Person | None = person_known(draft, key)
        self._manners: Manners = draft.situation.policy.manners
        self._box: Mailbox = draft.situation.mailboxes.get(key, Mailbox(to=key))
        self._sent = spared(self._box.sent, draft.now - self._manners.within)
        self._summed_at = self._box.summed_at

    def carry(self, words: Sequence[Telling]) -> None:
        waiting = {item.incident: item for item in self._box.waiting}
        for word in words:
            if not word.batches and word.digest is None:
                self._send(self._item(word, self._draft.now, ""))
                continue
            item = self._place(word)
            before = waiting.get(word.incident)
            merged = item if before is None else together(before, item)
            waiting.pop(word.incident, None)
            if merged is not None:
                waiting[word.incident] = merged
        self._deliver(list(waiting.values()))

    def _place(self, word: Telling) -> Waiting:
        """When it may leave, and what it waits for until then."""
        now, manners = self._draft.now, self._manners
        if self._is_urgent(word.incident, word.event):
            return self._item(word, now, "")
        quiet_until = None if self._person is None or word.is_call else self._person.quiet_until(now)
        if word.digest is not None:
            return self._item(word, word.digest.next_at(now, zone_of(self._person)), "digest")
        if quiet_until is not None:
            return self._item(word, quiet_until, "quiet")
        if len(self._sent) >= manners.limit:
            return self._item(word, self._sent[-manners.limit] + manners.within, "limit")
        if len(recent := spared(self._sent, now - manners.call_again)) >= manners.burst:
            return self._item(word, recent[-manners.burst] + manners.call_again, "burst")
        pause = manners.call_again if word.is_call else manners.summary_every
        if self._summed_at is not None and now < self._summed_at + pause:
            return self._item(word, self._summed_at + pause, "burst")
        wait = manners.gather_of("" if word.is_call else self._audience(word.audience))
        return self._item(word, now + wait, "gather" if wait else "")

    def _deliver(self, items: list[Waiting]) -> None:
        now = self._draft.now
        urgent = [i for i in items if self._is_urgent(i.incident, i.event)]
        due = [i for i in items if i.due_at <= now and i not in urgent]
        if due:
            # What is about to leave anyhow leaves with it: one message says it all.
            due = [i for i in items if i not in urgent and (i.due_at <= now or i.kept in _CAME_AND_WENT)]
        staying = [i for i in items if i not in urgent and i not in due]
        self._leave(urgent)
        self._leave(due)
        for item in staying:
            if item.at == now:
                self._note_kept(item)
        box = Mailbox(to=self._key, waiting=tuple(staying), sent=self._sent, summed_at=self._summed_at)
        if box != self._box:
            self._draft.put_mailbox(box)

    def _leave(self, items: list[Waiting]) -> None:
        """One message for all where they were collected, or would be too many one by one."""
        is_collected = any(i.kept in ("quiet", "digest", "limit") for i in items)
        lately = len(spared(self._sent, self._draft.now - self._manners.call_again))
        if len(items) > 1 and (is_collected or len(items) + lately >= self._manners.burst):
            self._sum_up(items)
            return
        for item in items:
            self._send(item)

    def _sum_up(self, items: list[Waiting]) -> None:
        draft = self._draft
        found = [(item, incident) for item in items if (incident := draft.incident(item.incident)) is not None]
        kept = [item.kept for item, _ in found]
        kind = next((k for k in ("digest", "quiet", "limit") if k in kept), "burst")
        routes = self._routes(items[0])
        number = f"{len(found)} incidents"
        for place, route in enumerate(routes):
            content = NoticeContent(
                event="summary",
                reason=f"{number} at once" if kind == "burst" else f"{number} together ({kind})",
                at=rfc3339(draft.now),
                idempotency_key=notice_key("summary", self._key, route.via, route.address, rfc3339(draft.now), kind),
                recipient=route.recipient,
                summary=summary_of(kind, found),
                audience=self._audience(items[0].audience),
                language=self._language(),
                why=tuple(dict.fromkeys(why for item, _ in found for why in item.why))[:5],
            )
            is_call = any(item.is_call for item in items)
            add_notice(draft, route.via, content, None, others=() if is_call else routes[place + 1 :], is_call=is_call)
            if not is_call:
                break
        for item, _ in found:
            words = f"telling {self._name()} in a summary of {number}: {item.event}, {item.reason}"
            draft.note(item.incident, "notice", words, new=self._key)
        self._sent, self._summed_at = (*self._sent, draft.now), draft.now

    def _send(self, item: Waiting) -> None:
        draft, incident = self._draft, self._draft.incident(item.incident)
        if incident is None:
            return
        routes = self._routes(item)
        if not routes:
            draft.note(incident.number, "notice", f"{self._name()} cannot be told: no contact is known")
            return
        for place, route in enumerate(routes):
            content = self._content(item, incident, route)
            others = () if item.is_call else routes[place + 1 :]
            add_notice(draft, route.via, content, incident.number, others=others, is_call=item.is_call)
            if not item.is_call:
                words = f"telling {self._name()}: {item.event}, {item.reason}"
                draft.note(incident.number, "notice", words, new=person_of(self._key) or self._key)
                break
        self._sent = (*self._sent, draft.now)

    def _content(self, item: Waiting, incident: Incident, route: Route) -> NoticeContent:
        audience = self._audience(item.audience)
        parts = (item.event, route.via, route.address, self._key, item.reason, rfc3339(self._draft.now))
        return NoticeContent(
            event=item.event,
            reason=item.reason,
            at=rfc3339(self._draft.now),
            idempotency_key=notice_key(incident.key, rfc3339(incident.opened_at), *parts),
            incident=incident_document(incident, ()),
            recipient=route.recipient,
            asks_rating=asks_those_told(self._draft, incident, item.event),
            audience=audience,
            language=self._language(),
            why=item.why,
            next_word_at=self._next_word(incident, audience),
        )

    def _next_word(self, incident: Incident, audience: str) -> str:
        every = self._manners.updates.get(str(incident.priority))
        if audience == OPERATOR or every is None or not incident.is_active:
            return ""
        return rfc3339(self._draft.now + every)

    def _routes(self, item: Waiting) -> tuple[Route, ...]:
        return ways_of(self._draft, self._key, item.via)

    def _is_urgent(self, number: int, event: str) -> bool:
        incident = self._draft.incident(number)
        return event in URGENT_EVENTS or (incident is not None and str(incident.priority) in self._manners.urgent)

    def _item(self, word: Telling, due_at: datetime, kept: str) -> Waiting:
        return Waiting(
            incident=word.incident,
            event=word.event,
            reason=word.reason,
            at=self._draft.now,
            due_at=due_at,
            kept=kept,
            is_new=word.is_new,
            why=word.why,
            is_call=word.is_call,
            via=word.via,
            audience=word.audience,
        )

    def _note_kept(self, item: Waiting) -> None:
        why = {
            "quiet": "their quiet hours end",
            "digest": "their digest is due",
            "limit": "they have had enough messages for now",
            "burst": "more of the burst can be told with it",
            "gather": "more of a burst can be told with it",
        }[item.kept]
        when = f"until {item.due_at:%Y-%m-%d %H:%M:%S} UTC"
        text = f"{self._name()} is to be told: {item.event}, {item.reason}; it waits {when}, when {why}"
        self._draft.note(item.incident, "notice_waits", text, new=person_of(self._key) or self._key)

    def _name(self) -> str:
        return self._key if self._person is None else self._person.name

    def _audience(self, audience: str) -> str:
        return audience or (self._person.audience if self._person is not None else OPERATOR)

    def _language(self) -> str:
        return "" if self._person is None else self._person.language


def together(before: Waiting, after: Waiting) -> Waiting | None:
    """What is told of both, where the first has not left yet; None where nothing is worth telling any more."""
    is_over = after.event in OVER
    is_late_call = before.is_call and after.event == "acknowledged"
    if before.is_new and (is_late_call or (is_over and before.kept in _CAME_AND_WENT)):
        return None
    takes_new = is_over or after.is_call or not before.is_new
    first = min(before, after, key=lambda item: item.due_at)
    return replace(
        after,
        event=after.event if takes_new else before.event,
        reason=after.reason if takes_new else before.reason,
        at=before.at,
        due_at=first.due_at,
        kept=first.kept,
        is_new=before.is_new,
        why=tuple(dict.fromkeys((*before.why, *after.why))),
        is_call=before.is_call or after.is_call,
    )
