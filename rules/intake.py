"""From what sources say to what fired, changed or ended.

An alert is one however many sources see it, and it has ended only when every source that saw it fire has said so:
a source that cannot be heard ends nothing.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import msgspec

from rules.alert import Alert, SeenBy, Sighting, alert_id
from rules.decision import Listing, Push, SourceFailed, SourceState
from rules.draft import Draft
from rules.resolve import resolve

ALREADY_OVER = "was already over when first heard of"

RENEWAL = timedelta(minutes=5)
"""An alert pushed anew for no longer than this is not stored again. After a restart all that runs out sooner is given
this time to be pushed again: more than Prometheus leaves between two pushes of one alert, by default a minute.
"""


def take_listing(draft: Draft, listing: Listing) -> None:
    """Everything a polled source sees; what it no longer names has ended, unless its rule could not be evaluated.

    Where a slow cycle takes several listings of one source, that goes for what an earlier one of them named, too.
    """
    _source_answers(draft, listing.source, listing.at)
    named = set()
    for sighting in listing.sightings:
        fingerprint = sighting.fingerprint
        named.add(fingerprint)
        _take_sighting(draft, listing.source, sighting, fingerprint)
    held = draft.situation.by_source.get(listing.source, set()) | draft.listed.get(listing.source, set())
    draft.listed[listing.source] = named
    for fingerprint in sorted(held - named):
        alert = draft.current(fingerprint)
        if alert is not None and alert.name not in listing.held:
            _end(draft, listing.source, alert, draft.now)


def take_push(draft: Draft, push: Push) -> None:
    """Some alerts that a source sent; nothing is said of any other."""
    _source_answers(draft, push.source, push.at)
    for sighting in push.sightings:
        _take_sighting(draft, push.source, sighting, sighting.fingerprint)


def take_failure(draft: Draft, failed: SourceFailed) -> None:
    """A source could not be heard."""
    before = draft.source(failed.source)
    if before is None:
        before = SourceState(name=failed.source, is_up=True, since=failed.at)
    draft.put_source(
        replace(
            before,
            is_up=False,
            since=failed.at if before.is_up else before.since,
            failures=before.failures + 1,
            error=failed.error,
        )
    )


def end_expired(draft: Draft) -> None:
    """End what a source had given an end that has passed."""
    for expired in draft.situation.expiring(draft.now):
        alert = draft.alert(expired)
        if alert is None or not alert.is_firing:
            continue
        for source, seen in sorted(alert.seen_by.items()):
            if seen.firing and seen.expires_at is not None and seen.expires_at <= draft.now:
                alert = _end(draft, source, alert, seen.expires_at)


def _source_answers(draft: Draft, name: str, at: datetime) -> None:
    before = draft.source(name)
    if before is None or not before.is_up:
        since = at
        told = before.told if before is not None else False
        draft.put_source(SourceState(name=name, is_up=True, since=since, last_ok_at=at, told=told))


def _take_sighting(draft: Draft, source: str, sighting: Sighting, fingerprint: str) -> None:
    alert = draft.current(fingerprint)
    over = sighting.ends_at is not None and sighting.ends_at <= draft.now
    if not sighting.firing or over:
        if alert is not None:
            _end(draft, source, alert, sighting.ends_at or draft.now)
        elif draft.alert(alert_id(fingerprint, sighting.starts_at)) is None:
            _begin(draft, source, sighting, fingerprint, ended=True)
        return
    if alert is None:
        _begin(draft, source, sighting, fingerprint, ended=False)
        return
    before = alert.seen_by.get(source)
    if sighting.is_start_known and before is not None and before.firing and sighting.starts_at > before.starts_at:
        _end_for_all(draft, alert, sighting.starts_at)
        _begin(draft, source, sighting, fingerprint, ended=False, sightings=alert.seen_by)
        return
    _see_again(draft, source, sighting, alert)


def _see_again(draft: Draft, source: str, sighting: Sighting, alert: Alert) -> None:
    before = alert.seen_by.get(source)
    starts_at = before.starts_at if before is not None and before.firing else sighting.starts_at
    seen = SeenBy(starts_at=starts_at, firing=True, expires_at=sighting.ends_at, suppressed=sighting.suppressed)
    if seen == before:
        return
    changed = msgspec.structs.replace(alert, seen_by={**alert.seen_by, source: seen})
    if before is not None and before.firing and before.suppressed == seen.suppressed:
        if _is_renewal(before, seen):
            draft.refresh_alert(changed)
        else:
            draft.put_alert(changed)
        return
    changed = msgspec.structs.replace(changed, annotations=sighting.annotations or changed.annotations)
    draft.put_alert(changed)
    if alert.suppressed and not changed.suppressed:
        draft.called.add(alert.id)


def _is_renewal(before: SeenBy, seen: SeenBy) -> bool:
    """Whether only the time at which a source's word runs out has moved, and not far."""
    if before.expires_at is None or seen.expires_at is None:
        return before.expires_at == seen.expires_at
    return abs(seen.expires_at - before.expires_at) <= RENEWAL


def _begin(
    draft: Draft,
    source: str,
    sighting: Sighting,
    fingerprint: str,
    *,
    ended: bool,
    sightings: dict[str, SeenBy] | None = None,
) -> None:
    """A new episode, or one that a source had wrongly ended and that goes on."""
    identity = alert_id(fingerprint, sighting.starts_at)
    seen = SeenBy(
        starts_at=sighting.starts_at,
        firing=not ended,
        expires_at=None if ended else sighting.ends_at,
        suppressed=sighting.suppressed,
    )
    known = draft.alert(identity)
    if known is not None:
        alert = msgspec.structs.replace(known, cleared_at=None, seen_by={**known.seen_by, source: seen})
    else:
        alert = _new_alert(draft, source, sighting, identity, fingerprint, {**(sightings or {}), source: seen})
    if ended:
        ends_at = min(sighting.ends_at or draft.now, draft.now)
        alert = msgspec.structs.replace(alert, cleared_at=ends_at, reason=ALREADY_OVER)
    else:
        draft.fired.add(identity)
    draft.put_alert(alert)


def _new_alert(
    draft: Draft, source: str, sighting: Sighting, identity: str, fingerprint: str, seen_by: dict[str, SeenBy]
) -> Alert:
    mapped = resolve(draft.situation.estate, sighting.labels, draft.situation.policy.mapping_labels)
    return Alert(
        id=identity,
        fingerprint=fingerprint,
        labels=sighting.labels,
        annotations=sighting.annotations,
        starts_at=sighting.starts_at,
        first_seen_at=draft.now,
        seen_by=seen_by,
        ci=mapped.ci,
        mapped_by=mapped.how,
        generator_url=sighting.generator_url,
    )


def _end(draft: Draft, source: str, alert: Alert, at: datetime) -> Alert:
    """Note that one source says it has ended; it has once no source says otherwise."""
    before = alert.seen_by.get(source)
    if before is None:
        before = SeenBy(starts_at=alert.starts_at, firing=False)
    seen_by = {**alert.seen_by, source: msgspec.structs.replace(before, firing=False, expires_at=None)}
    ended = not any(seen.firing for seen in seen_by.values())
    if ended:
        draft.cleared.add(alert.id)
    cleared_at = max(alert.starts_at, min(at, draft.now)) if ended else None
    return draft.change_alert(alert, seen_by=seen_by, cleared_at=cleared_at)


def _end_for_all(draft: Draft, alert: Alert, at: datetime) -> None:
    """The source reports a later start: this episode is over and another has begun."""
    seen_by = {name: msgspec.structs.replace(seen, firing=False) for name, seen in alert.seen_by.items()}
    draft.cleared.add(alert.id)
    draft.change_alert(alert, seen_by=seen_by, cleared_at=max(alert.starts_at, min(at, draft.now)))
