"""Who is told what, and when. What each recipient was last told is part of the incident, so nothing is said twice."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from cmdb.model import State
from rules.audience import recipients_of
from rules.contact_letters import tell_contact
from rules.decision import SourceState
from rules.document import NoticeContent, SourceDocument, rfc3339
from rules.draft import Draft
from rules.incident import Incident, Told
from rules.interest import Interest, audience_of, interest, person_known, telling, why_words
from rules.outgoing import add_notice, notice_key, ways_of
from rules.subscriptions import CLOCK_EVENTS, Facts, Subscription, miss
from rules.telling import OPERATOR, OVER, Telling, person_of


def tell(draft: Draft) -> None:
    """Decide on the word of this cycle about incidents; what of it leaves now is decided by `rules.post`."""
    news: dict[int, list[tuple[str, str]]] = {}
    for number, event, reason in draft.news:
        news.setdefault(number, []).append((event, reason))
    for number in sorted({*news, *_in_question(draft)}):
        incident = draft.incident(number)
        if incident is not None:
            _Teller(draft, incident).tell(news.get(number, []))


def _in_question(draft: Draft) -> Iterator[int]:
    """Incidents of which somebody may have to be told something: an idle one costs nothing."""
    yield from draft.situation.telling.due(draft.now)
    yield from (i.number for i in draft.touched())
    yield from (a.incident for a in draft.changed_alerts() if a.incident is not None)


class _Teller:
    """Decides what is told of one incident in this cycle."""

    def __init__(self, draft: Draft, incident: Incident) -> None:
        self._draft = draft
        self._incident = incident
        self._interest: Interest = interest(draft, incident)
        self._manners = draft.situation.policy.manners
        self._looks: list[datetime] = []

    def tell(self, news: Iterable[tuple[str, str]]) -> None:
        for event, reason in news:
            if event in CLOCK_EVENTS or event == "nobody_reached":
                self._tell_all(event, reason)
            else:
                self._tell_those_told(event, reason)
                if event == "resolved":
                    tell_contact(self._draft, self._incident, event, reason)
        if self._incident.is_active and may_call(self._draft, self._incident):
            self._tell_state()
            self._tell_known()
        self._draft.look_again(self._incident.number, min(self._looks, default=None))

    def _tell_those_told(self, event: str, reason: str) -> None:
        """News of a step: to those who know of the incident."""
        for told in self._incident.told:
            if event == "closed" and told.event == "resolved":
                continue
            if event == "acknowledged" and self._incident.assignee in _names(self._draft, told.to):
                continue  # nobody is told what they did themselves
            subs = self._interest.wanting(told.to, event)
            if subs or event in OVER:
                self._say(told.to, event, reason, subs or self._interest.by_key.get(told.to, ()))

    def _tell_all(self, event: str, reason: str) -> None:
        """News of a promise, or that nobody could be reached: to all who want it. Where all that fires is silenced,
        only to those who know."""
        is_hushed = not may_call(self._draft, self._incident) and _is_firing(self._draft, self._incident)
        for key in self._interest.by_key:
            subs = self._interest.wanting(key, event)
            if subs and not (is_hushed and self._told(key) is None):
                self._say(key, event, reason, subs)

    def _tell_state(self) -> None:
        """Compare what each recipient was told with how things are."""
        for key in self._interest.by_key:
            told = self._told(key)
            if told is None:
                self._tell_first(key)
            elif reason := needs_update(told, self._incident):
                self._tell_change(key, told, reason)
            self._tell_again(key)

    def _tell_first(self, key: str) -> None:
        subs = self._interest.wanting(key, "opened")
        settled_at = self._incident.opened_at + self._draft.situation.policy.settle
        if self._draft.now < settled_at:
            self._looks.append(settled_at)
        elif subs:
            self._say(key, "opened", self._incident.priority_reason, subs)
        elif self._interest.has_hours:
            self._looks.append(self._draft.now)

    def _tell_change(self, key: str, told: Told, reason: str) -> None:
        incident = self._incident
        kinds = [
            *(["priority_changed"] if incident.priority != told.priority else []),
            *(["root_changed"] if incident.root.ci != told.root else []),
        ]
        subs = self._interest.wanting(key, "changed", was=str(told.priority), kinds=kinds)
        due_at = told.at + self._draft.situation.policy.update_every
        if subs and (str(incident.priority) < str(told.priority) or self._draft.now >= due_at):
            self._say(key, "changed", reason, subs)
        elif subs:
            self._looks.append(due_at)

    def _tell_again(self, key: str) -> None:
        """A word from time to time, although nothing has changed: to people of the business, and who asks for it."""
        every, told = self._manners.updates.get(str(self._incident.priority)), self._told(key)
        if every is None or told is None:
            return
        subs = tuple(s for s in self._interest.wanting(key, "update") if self._hears_updates(key, s))
        if not subs:
            return
        due_at = told.at + every
        if self._draft.now >= due_at:
            self._say(key, "update", "nothing has changed since the last word", subs)
            due_at = self._draft.now + every
        self._looks.append(due_at)

    def _hears_updates(self, key: str, sub: Subscription) -> bool:
        audience = audience_of(person_known(self._draft, key), sub.audience)
        return audience != OPERATOR or "update" in sub.when.event

    def _tell_known(self) -> None:
        """Say once that the error is known, also to whoever reported it; who hears of the incident in this very cycle
        hears it with that."""
        incident, draft = self._incident, self._draft
        if not incident.known_errors or incident.known_told:
            return
        if draft.now < (settled_at := incident.opened_at + draft.situation.policy.settle):
            self._looks.append(settled_at)
            return
        reason = "; ".join(
            f"it is known as {e.key}, {e.why}; until it is mended: {e.workaround}" for e in incident.known_errors
        )
        self._incident = draft.change_incident(incident, known_told=True)
        for key in self._interest.by_key:
            subs = self._interest.wanting(key, "known_error")
            if subs and (incident.number, key, "opened") not in draft.said:
                self._say(key, "known_error", reason, subs)
        tell_contact(draft, self._incident, "known_error", reason)

    def _told(self, key: str) -> Told | None:
        return next((t for t in self._incident.told if t.to == key), None)

    def _say(self, key: str, event: str, reason: str, subs: tuple[Subscription, ...]) -> None:
        # Whoever is called in this cycle, or told as one who was, is not told the same by a subscription.
        if (self._incident.number, key, event) not in self._draft.said:
            word = telling(self._incident, key, event, reason, subs)
            self._incident = say(self._draft, self._incident, word)


def say(draft: Draft, incident: Incident, word: Telling) -> Incident:
    """Have it told, and remember on the incident what its recipient knows now."""
    is_new = all(t.to != word.to for t in incident.told)
    said = Told(
        to=word.to,
        event=word.event,
        at=draft.now,
        priority=incident.priority,
        root=incident.root.ci,
        services=_services(incident),
    )
    others = tuple(t for t in incident.told if t.to != word.to)
    incident = draft.change_incident(incident, told=tuple(sorted((*others, said), key=lambda t: t.to)))
    draft.said.add((word.incident, word.to, word.event))
    draft.tellings.append(replace(word, is_new=is_new))
    return incident


def tell_sources(draft: Draft) -> None:
    """Say once that monitoring is blind, and once that it sees again."""
    policy = draft.situation.policy
    for source in draft.all_sources():
        if not source.is_up and not source.told and draft.now - source.since >= policy.blind_after:
            reason = f"no word from {source.name} since {source.since:%H:%M:%S} UTC; nothing resolves by its silence"
            _tell_source(draft, source, "source_down", reason)
            draft.put_source(replace(source, told=True))
        elif source.is_up and source.told:
            _tell_source(draft, source, "source_up", f"{source.name} can be heard again")
            draft.put_source(replace(source, told=False))


def needs_update(told: Told, incident: Incident) -> str:
    """What has changed since the recipient was last told, in words; empty where nothing material has."""
    found = []
    if incident.priority != told.priority:
        found.append(f"priority {told.priority} is now {incident.priority}: {incident.priority_reason}")
    if incident.root.ci != told.root:
        found.append(f"the root cause is now {incident.root.ci or 'unknown'}, not {told.root or 'unknown'}")
    if _services(incident) != told.services:
        found.append("other business services are hit, or otherwise than before")
    return "; ".join(found)


def may_call(draft: Draft, incident: Incident) -> bool:
    """Whether anything still fires that nobody has silenced, or a person has registered it."""
    if incident.is_by_hand:
        return True
    # Unsorted, and no further than the first: this is asked of every open incident in every cycle.
    return any(
        a is not None and a.is_firing and not a.suppressed for a in map(draft.alert, draft.members(incident.number))
    )


def _is_firing(draft: Draft, incident: Incident) -> bool:
    return any(a is not None and a.is_firing for a in map(draft.alert, draft.members(incident.number)))


def _services(incident: Incident) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((s.ci, int(s.state)) for s in incident.services if s.state > State.UP))


def _names(draft: Draft, key: str) -> tuple[str, ...]:
    person = person_known(draft, key)
    return () if person is None else (person.id, person.name)


def _tell_source(draft: Draft, source: SourceState, event: str, reason: str) -> None:
    document = SourceDocument(name=source.name, is_up=source.is_up, since=rfc3339(source.since), error=source.error)
    for key, sub in wanting_at_large(draft, event):
        for way in ways_of(draft, key, sub.via)[:1]:
            content = NoticeContent(
                event=event,
                reason=reason,
                at=rfc3339(draft.now),
                idempotency_key=notice_key(source.name, rfc3339(source.since), event, way.via, way.address),
                source=document,
                recipient=way.recipient,
                why=(why_words(sub),) if way.recipient is not None else (),
            )
            add_notice(draft, way.via, content, None, is_urgent=True)


def wanting_at_large(draft: Draft, event: str) -> Iterator[tuple[str, Subscription]]:
    """Who wants to hear of what belongs to no incident, once each. People of the business hear only what they name."""
    seen = set()
    for sub in draft.situation.subscriptions:
        if miss(sub.when, Facts(event=event)):
            continue
        for key in recipients_of(sub, draft.situation.policy.roster, "", ()):
            person = person_known(draft, key)
            is_asked = event in sub.when.event or not person_of(key)
            if key not in seen and (is_asked or (person is not None and person.audience == OPERATOR)):
                seen.add(key)
                yield key, sub
