"""Why people must not be called for an alert, decided anew where a silence or a maintenance window begins or ends.

What covers an alert is part of the alert (`Alert.holds`), so it outlives a restart, and what was held back is found
again when its reason ends: a cycle costs the alerts concerned, and one look at all of them only where a silence begins.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import msgspec

from rules.alert import Alert, Hold
from rules.decision import Reply, SilenceOrder
from rules.draft import Draft
from rules.incident import incident_key
from rules.linking import tie
from rules.record import MAX_EVIDENCE, Change, Evidence
from rules.silence import Silence, Silencer, SilenceState, can_change, ended

_NAMED = 5


def review(draft: Draft) -> None:
    """Note what covers each alert that is new or whose silences or windows changed; what is free again may call."""
    ids = sorted(_in_question(draft))
    if not ids:
        return
    silencer = Silencer(s for s in draft.all_silences() if s.state_at(draft.now) is SilenceState.ACTIVE)
    changed: Counter[tuple[int, str]] = Counter()
    for alert in map(draft.alert, ids):
        if alert is None or not alert.is_firing:
            continue
        holds = _holds(draft, silencer, alert)
        if holds != alert.holds:
            after = _hold(draft, alert, holds)
            if after.incident is not None and after.suppressed != alert.suppressed:
                changed[after.incident, _change_words(alert, after)] += 1
    for (number, words), count in sorted(changed.items()):
        draft.note(number, "suppressed", f"{count} of its alerts {words}")


def note_expected(draft: Draft) -> None:
    """Note on each change which alerts it was expected to cause, as they come: they are its evidence."""
    found: dict[str, list[Alert]] = {}
    for alert in draft.changed_alerts():
        before = draft.situation.alerts.get(alert.id)
        old = before.holds if before is not None else ()
        for hold in alert.holds:
            window = draft.situation.maintenance.window(hold.id) if hold.kind == "maintenance" else None
            if window is not None and window.change and hold not in old:
                found.setdefault(window.change, []).append(alert)
    for key, alerts in sorted(found.items()):
        names = ", ".join(f"{a.name} on {a.ci}" for a in sorted(alerts, key=lambda a: (a.ci or "", a.name))[:_NAMED])
        more = f" and {len(alerts) - _NAMED} more" if len(alerts) > _NAMED else ""
        draft.note_on(key, "evidence", f"expected under it: {names}{more}")
        _keep_evidence(draft, key, alerts)


def _keep_evidence(draft: Draft, key: str, alerts: Iterable[Alert]) -> None:
    """Say it on both sides: each alert names the change, and the change its alerts."""
    change = draft.record(key)
    if not isinstance(change, Change):
        return
    for alert in alerts:
        # As it is now: another change may just have named it, too.
        current = draft.alert(alert.id) or alert
        if key not in current.evidence_of:
            draft.change_alert(current, evidence_of=(*current.evidence_of, key))
    new = (Evidence(alert=a.name, ci=a.ci or "", at=a.onset) for a in alerts)
    kept = sorted({*change.evidence, *new}, key=lambda e: (e.at, e.ci, e.alert))
    draft.put_record(replace(change, evidence=tuple(kept[:MAX_EVIDENCE])))


def tie_evidence(draft: Draft) -> None:
    """Link the incidents that hold alerts which a change was expected to cause with that change."""
    shared = {(a.incident, key) for a in draft.changed_alerts() if a.incident is not None for key in a.evidence_of}
    for number, key in sorted(shared):
        tie(draft, incident_key(number), "shares alerts with", key)


def take_silence(draft: Draft, order: SilenceOrder) -> None:
    """Keep, change or end a silence, by Alertmanager's rules; the asker gets a `Reply`."""
    done, message = _kept(draft, order, order.silence) if order.silence is not None else _ended(draft, order)
    draft.replies.append(Reply(command=order.id, done=done, message=message))


def _kept(draft: Draft, order: SilenceOrder, wanted: Silence) -> tuple[bool, str]:
    before = draft.silence(wanted.id) if wanted.id else None
    if wanted.id and before is None:
        return False, f"there is no silence {wanted.id}"
    if wanted.ends_at <= draft.now:
        return False, "it would have ended already"
    if before is not None and can_change(before, wanted, draft.now):
        silence = msgspec.structs.replace(wanted, updated_at=draft.now)
    else:
        if before is not None:
            draft.put_silence(ended(before, draft.now))
        starts_at = max(wanted.starts_at, draft.now)
        silence = msgspec.structs.replace(wanted, id=order.id, starts_at=starts_at, updated_at=draft.now)
    draft.put_silence(silence)
    return True, f"silence {silence.id} is {silence.state_at(draft.now)}"


def _ended(draft: Draft, order: SilenceOrder) -> tuple[bool, str]:
    silence = draft.silence(order.ends)
    if silence is None:
        return False, f"there is no silence {order.ends}"
    if silence.state_at(draft.now) is SilenceState.EXPIRED:
        return True, f"silence {silence.id} had ended already"
    draft.put_silence(ended(silence, draft.now))
    return True, f"silence {silence.id} has ended"


def _in_question(draft: Draft) -> set[str]:
    """Ids of the alerts for which another answer is possible than at the last look."""
    situation = draft.situation
    if situation.decided_at is None:
        return {*situation.current.values(), *draft.fired}
    found = set(draft.fired)
    for hold, ids in situation.held.items():
        if not _is_in_force(draft, hold):
            found |= ids
    # A window that begins needs no look: it covers only what begins under it.
    begun = Silencer(_begun(draft))
    if begun:
        firing = (situation.alerts[i] for i in situation.current.values())
        found.update(a.id for a in firing if begun.matching(a.labels))
    return found


def _begun(draft: Draft) -> Iterator[Silence]:
    """Silences that are active and were not at the last look, or were otherwise."""
    changed = {s.id for s in draft.changed_silences()}
    last = draft.situation.decided_at
    for silence in draft.all_silences():
        is_new = silence.id in changed or (last is not None and silence.starts_at > last)
        if is_new and silence.state_at(draft.now) is SilenceState.ACTIVE:
            yield silence


def _is_in_force(draft: Draft, hold: Hold) -> bool:
    if hold.kind == "maintenance":
        return draft.situation.maintenance.is_in_force(hold.id, draft.now)
    silence = draft.silence(hold.id)
    return silence is not None and silence.state_at(draft.now) is SilenceState.ACTIVE


def _holds(draft: Draft, silencer: Silencer, alert: Alert) -> tuple[Hold, ...]:
    windows = draft.situation.maintenance.covering(alert, draft.now)
    return (
        *(Hold(kind="maintenance", id=w.key, text=w.words) for w in windows),
        *(Hold(kind="silence", id=s.id, text=s.words) for s in silencer.matching(alert.labels)),
    )


def _change_words(before: Alert, after: Alert) -> str:
    if after.suppressed:
        return f"no longer to be called for: {after.suppressed}"
    return f"to be called for again; it is over: {before.suppressed}"


def _hold(draft: Draft, alert: Alert, holds: Iterable[Hold]) -> Alert:
    after = draft.change_alert(alert, holds=tuple(holds))
    if alert.suppressed and after.suppressed and alert.incident is None and alert.reason == alert.suppressed:
        after = draft.change_alert(after, reason=after.suppressed)
    if alert.suppressed and not after.suppressed:
        draft.called.add(alert.id)
    return after
