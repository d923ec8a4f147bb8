"""How the difference of two replays looks in a terminal."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from daemon.cli.out import count, safe, say, table
from daemon.replay_difference import EVENTS, Change, Changed, Difference, Lone, Moved, Share
from rules.words import span

MOST_ROWS = 40
MOST_GROUPS = 20
MOST_ALERTS = 3
_WORDS = {"opened_at": "opened", "resolved_at": "resolved", "confidence": "sure"}


def show_difference(found: Difference, before: str, after: str) -> None:
    """Print what would change, and a summary in one line; `before` and `after` say what the two results are."""
    say(f"before: {safe(before)}", f"after:  {safe(after)}")
    _lone("Only before", found.only_before, "after")
    _lone("Only after", found.only_after, "before")
    _changed(found.changed)
    _moved(found.moved)
    for reason in found.reasons[:MOST_GROUPS]:
        what = f"“{safe(reason.before)}” is now “{safe(reason.after)}”"
        say("", f"{count(reason.alerts, 'alert')} still {_opens(reason.alerts)} nothing: {what}")
    if found.alerts_only_after or found.alerts_only_before:
        numbers = f"{found.alerts_only_before} only before, {found.alerts_only_after} only after"
        say("", f"The two are not about the same alerts: {numbers}.")
    say("", _summary(found))


def _summary(found: Difference) -> str:
    if found.is_equal:
        return "Nothing would change."
    parts = [
        (len(found.only_before), "incident gone", "incidents gone"),
        (len(found.only_after), "new incident", "new incidents"),
        (len(found.changed), "incident changed", "incidents changed"),
        (len(found.moved), "alert elsewhere", "alerts elsewhere"),
        (sum(r.alerts for r in found.reasons), "other reason for no incident", "other reasons for no incident"),
        (found.alerts_only_before, "alert missing after", "alerts missing after"),
        (found.alerts_only_after, "alert missing before", "alerts missing before"),
    ]
    said = [count(number, one, many) for number, one, many in parts if number]
    return f"Would change: {', '.join(said)}."


def _opens(number: int) -> str:
    return "opens" if number == 1 else "open"


def _lone(title: str, incidents: Sequence[Lone], other: str) -> None:
    if not incidents:
        return
    rows = [
        [i.number, i.priority, i.root or "unknown", _clock(i.opened_at), str(i.alerts), _elsewhere(i)]
        for i in incidents[:MOST_ROWS]
    ]
    headings = ["incident", "priority", "root cause", "opened", "alerts", f"where these are {other}"]
    say("", f"{title}:", table(headings, rows, wide=headings[-1]))
    _folded(len(incidents))


def _elsewhere(incident: Lone) -> str:
    if incident.merged_into:
        return f"merged into {incident.merged_into}"
    return ", ".join(f"{share.alerts} {_place(share)}" for share in incident.elsewhere) or "none"


def _place(share: Share) -> str:
    if share.place is None:
        return "unknown there"
    return "open nothing" if share.place == EVENTS else f"in {share.place}"


def _changed(incidents: Sequence[Changed]) -> None:
    if not incidents:
        return
    rows = [[i.before, i.after, "; ".join(_change(c) for c in i.changes), i.title] for i in incidents[:MOST_ROWS]]
    say("", "In both, otherwise:", table(["before", "after", "what changes", "incident"], rows, wide="what changes"))
    _folded(len(incidents))


def _change(change: Change) -> str:
    words = _WORDS.get(change.what, change.what)
    if change.before and change.after and change.what.endswith("_at"):
        return f"{words} {_later(change.before, change.after)}"
    values = [_clock(value) if change.what.endswith("_at") else value for value in (change.before, change.after)]
    return f"{words} {values[0] or 'unknown'} → {values[1] or 'unknown'}"


def _later(before: str, after: str) -> str:
    try:
        by = datetime.fromisoformat(after) - datetime.fromisoformat(before)
    except (ValueError, TypeError):
        return f"{before} → {after}"
    return f"{span(abs(by))} {'later' if by.total_seconds() > 0 else 'earlier'}"


def _clock(at: str | None) -> str:
    return "never" if at is None else at.replace("T", " ").partition(".")[0]


def _moved(alerts: Sequence[Moved]) -> None:
    groups: dict[tuple[str, str, str], list[Moved]] = {}
    for alert in alerts:
        groups.setdefault((alert.before, alert.after, alert.reason), []).append(alert)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    if ordered:
        say("", "Alerts elsewhere:")
    for (before, after, reason), members in ordered[:MOST_GROUPS]:
        why = f" ({safe(reason)})" if reason else ""
        say(f"  {safe(before)} → {safe(after)}{why}: {', '.join(_names(members))}")
    if len(ordered) > MOST_GROUPS:
        rest = sum(len(members) for _, members in ordered[MOST_GROUPS:])
        say(f"  … and {count(rest, 'more alert')}; --json names them all")


def _names(alerts: Sequence[Moved]) -> Iterator[str]:
    for alert in alerts[:MOST_ALERTS]:
        others = ", ".join(f"{k}={v}" for k, v in sorted(alert.labels.items()) if k != "alertname")
        yield safe(f"{alert.labels.get('alertname', 'alert')}{{{others}}}", 120)
    if len(alerts) > MOST_ALERTS:
        yield f"and {len(alerts) - MOST_ALERTS} more"


def _folded(number: int) -> None:
    if number > MOST_ROWS:
        say(f"… and {number - MOST_ROWS} more; --json shows them all")
