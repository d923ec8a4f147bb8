"""What leaves now and what waits: bursts become summaries, quiet hours and digests are kept, nobody gets too many.

What waits is in the recipient's mailbox, part of the record, so a restart loses nothing and says nothing twice.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from rules.contact_letters import asks_those_told
from rules.document import NoticeContent, incident_document, rfc3339
from rules.draft import Draft
from rules.for_reader import for_reader
from rules.incident import Incident
from rules.interest import audience_of, person_known, zone_of
from rules.outgoing import Route, add_notice, later_than, notice_key, ways_of
from rules.roster import Person
from rules.summary import summary_of
from rules.telling import OPERATOR, OVER, URGENT_EVENTS, Mailbox, Manners, Telling, Waiting, person_of

_COLLECTED = ("digest", "quiet", "limit")
_CAME_AND_WENT = frozenset({"gather", "burst", "limit"})
"""What waits for one of these is not told where it is over before it was: nobody can do anything about it."""

_WHY_KEPT = {
    "quiet": "their quiet hours end",
    "digest": "their digest is due",
    "limit": "they have had enough messages for now",
    "burst": "more of the burst can be told with it",
    "gather": "more of a burst can be told with it",
}
_MOST_WHYS = 5


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
        if is_due or any(item.word.incident in changed for item in box.waiting):
            yield box.to


class _Postman:
    """Serves one recipient in one cycle."""

    def __init__(self, draft: Draft, key: str) -> None:
        self._draft = draft
        self._key = key
        self._person: Person | None = person_known(draft, key)
        self._manners: Manners = draft.situation.policy.manners
        self._box: Mailbox = draft.situation.mailboxes.get(key, Mailbox(to=key))
        self._sent = later_than(self._box.sent, draft.now - self._manners.within)
        self._summed_at = self._box.summed_at

    def carry(self, words: Sequence[Telling]) -> None:
        if not ways_of(self._draft, self._key):
            for word in words:
                self._note(word, "notice", f"{self._name()} cannot be told of “{word.event}”: no contact is known")
            return
        waiting = {item.word.incident: item for item in self._box.waiting}
        for word in words:
            item = self._place(word)
            if not word.batches and item.kept != "digest":
                self._send(word)
                continue
            before = waiting.pop(word.incident, None)
            merged = item if before is None else together(before, item)
            if merged is not None:
                waiting[word.incident] = merged
        self._deliver(list(waiting.values()))

    def _place(self, word: Telling) -> Waiting:
        """When it may leave, and what it waits for until then."""
        now = self._draft.now
        due_at, kept = (now, "") if self._is_urgent(word) else self._wait(word)
        return Waiting(word=word, at=now, due_at=due_at, kept=kept)

    def _wait(self, word: Telling) -> tuple[datetime, str]:
        now, manners = self._draft.now, self._manners
        quiet_until = None if self._person is None or word.is_call else self._person.quiet_until(now)
        if word.digest is not None:
            return word.digest.next_at(now, zone_of(self._person)), "digest"
        if quiet_until is not None:
            return quiet_until, "quiet"
        if len(self._sent) >= manners.limit:
            return self._sent[-manners.limit] + manners.within, "limit"
        if len(recent := later_than(self._sent, now - manners.call_again)) >= manners.burst:
            return recent[-manners.burst] + manners.call_again, "burst"
        pause = manners.call_again if word.is_call else manners.summary_every
        if self._summed_at is not None and now < self._summed_at + pause:
            return self._summed_at + pause, "burst"
        gather = manners.gather_of("" if word.is_call else self._audience(word))
        return now + gather, "gather" if gather else ""

    def _deliver(self, items: list[Waiting]) -> None:
        now = self._draft.now
        urgent = [i for i in items if self._is_urgent(i.word)]
        rest = [i for i in items if i not in urgent]
        is_due = any(i.due_at <= now for i in rest)
        # What is about to leave anyhow leaves with what is due: one message says it all.
        due = [i for i in rest if is_due and (i.due_at <= now or i.kept in _CAME_AND_WENT)]
        staying = [i for i in rest if i not in due]
        self._leave(urgent)
        self._leave(due)
        for item in staying:
            if item.at == now:
                until = f"{item.due_at:%Y-%m-%d %H:%M:%S} UTC, when {_WHY_KEPT[item.kept]}"
                words = f"{self._name()} is to be told: {item.word.event}, {item.word.reason}; it waits until {until}"
                self._note(item.word, "notice_waits", words)
        box = Mailbox(to=self._key, waiting=tuple(staying), sent=self._sent, summed_at=self._summed_at)
        if box != self._box:
            self._draft.put_mailbox(box)

    def _leave(self, items: list[Waiting]) -> None:
        """One message for all where they were collected, or would be too many one by one."""
        is_collected = any(i.kept in _COLLECTED for i in items)
        lately = len(later_than(self._sent, self._draft.now - self._manners.call_again))
        if len(items) > 1 and (is_collected or len(items) + lately >= self._manners.burst):
            self._sum_up(items)
            return
        for item in items:
            self._send(item.word)

    def _sum_up(self, items: list[Waiting]) -> None:
        draft, words = self._draft, [item.word for item in items]
        kind = next((k for k in _COLLECTED if any(item.kept == k for item in items)), "burst")
        found = [(i, incident) for i in items if (incident := draft.incident(i.word.incident))]
        number, summary = f"{len(items)} incidents", summary_of(kind, found)

        def content(route: Route) -> NoticeContent:
            return NoticeContent(
                event="summary",
                reason=f"{number} at once" if kind == "burst" else f"{number} together ({kind})",
                at=rfc3339(draft.now),
                idempotency_key=notice_key("summary", self._key, route.via, route.address, rfc3339(draft.now), kind),
                recipient=route.recipient,
                summary=summary,
                audience=self._audience(words[0]),
                language=self._language(),
                why=tuple(dict.fromkeys(why for word in words for why in word.why))[:_MOST_WHYS],
            )

        self._hand_over(words[0].via, content, None, words)
        for word in words:
            said = f"telling {self._name()} in a summary of {number}: {word.event}, {word.reason}"
            self._note(word, "notice", said)
        self._summed_at = draft.now

    def _send(self, word: Telling) -> None:
        incident = self._draft.incident(word.incident)
        if incident is None:
            return
        self._hand_over(word.via, partial(self._content, word, incident), incident.number, (word,))
        if not word.is_call:  # a call has its line
            self._note(word, "notice", f"telling {self._name()}: {word.event}, {word.reason}")

    def _hand_over(
        self,
        via: tuple[str, ...],
        content: Callable[[Route], NoticeContent],
        number: int | None,
        words: Sequence[Telling],
    ) -> None:
        """A call goes by all ways at once, other word by the first, and by the next where that fails."""
        routes, is_call = ways_of(self._draft, self._key, via), any(word.is_call for word in words)
        for route in routes if is_call else routes[:1]:
            add_notice(
                self._draft,
                route.via,
                for_reader(content(route), self._draft, self._person),
                number,
                others=() if is_call else routes[1:],
                is_call=is_call,
                is_urgent=any(map(self._is_urgent, words)),
            )
        self._sent = (*self._sent, self._draft.now)

    def _content(self, word: Telling, incident: Incident, route: Route) -> NoticeContent:
        audience = self._audience(word)
        parts = (word.event, route.via, route.address, self._key, word.reason, rfc3339(self._draft.now))
        return NoticeContent(
            event=word.event,
            reason=word.reason,
            at=rfc3339(self._draft.now),
            idempotency_key=notice_key(incident.key, rfc3339(incident.opened_at), *parts),
            incident=incident_document(incident, ()),
            recipient=route.recipient,
            asks_rating=asks_those_told(self._draft, incident, word.event),
            audience=audience,
            language=self._language(),
            why=word.why,
            next_word_at=self._next_word(incident, audience),
        )

    def _next_word(self, incident: Incident, audience: str) -> str:
        every = self._manners.updates.get(str(incident.priority))
        if audience == OPERATOR or every is None or not incident.is_active:
            return ""
        return rfc3339(self._draft.now + every)

    def _is_urgent(self, word: Telling) -> bool:
        incident = self._draft.incident(word.incident)
        return word.event in URGENT_EVENTS or (incident is not None and str(incident.priority) in self._manners.urgent)

    def _note(self, word: Telling, kind: str, words: str) -> None:
        self._draft.note(word.incident, kind, words, new=person_of(self._key) or self._key)

    def _name(self) -> str:
        return self._key if self._person is None else self._person.name

    def _audience(self, word: Telling) -> str:
        return audience_of(self._person, word.audience)

    def _language(self) -> str:
        return "" if self._person is None else self._person.language


def together(before: Waiting, after: Waiting) -> Waiting | None:
    """What is told of both, where the first has not left yet; None where nothing is worth telling any more."""
    old, new = before.word, after.word
    is_over = new.event in OVER
    is_late_call = old.is_call and new.event == "acknowledged"
    if old.is_new and (is_late_call or (is_over and before.kept in _CAME_AND_WENT)):
        return None
    said = new if is_over or new.is_call or not old.is_new else old
    word = replace(
        new,
        event=said.event,
        reason=said.reason,
        is_new=old.is_new,
        why=tuple(dict.fromkeys((*old.why, *new.why))),
        is_call=old.is_call or new.is_call,
    )
    first = min(before, after, key=lambda item: item.due_at)
    return Waiting(word=word, at=before.at, due_at=first.due_at, kept=first.kept)
