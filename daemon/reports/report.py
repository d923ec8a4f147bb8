"""A report: every figure of a period, made of the record."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from cmdb.graph import Estate
from daemon.store.figures import AlertSeen
from daemon.store.store import Store
from rules.availability import availability
from rules.document import rfc3339
from rules.figures import DIMENSIONS, MOST_PARTS, WHICH, Asked, Line, Tally
from rules.figures_shapes import AlertRuleFigures, AvailabilityFigures, PartFigures, ReportDocument, SatisfactionFigures
from rules.recurrence import SuggestAfter
from rules.satisfaction import figures

MOST_RULES = 50


def make_report(
    store: Store, asked: Asked, services: Mapping[str, str], after: SuggestAfter, now: datetime
) -> ReportDocument:
    """All figures. `services` are the business services, id to name; `after` says what recurs often enough."""
    tally = Tally(asked)
    available = _availability(store, asked, services, now, tally)
    suggested = {s.ci for s in store.suggestions(after, now)}
    kept = {name: tally.parts(name) for name in DIMENSIONS}
    shown = {name: parts if name == "day" else parts[:MOST_PARTS] for name, parts in kept.items()}
    return ReportDocument(
        since=rfc3339(asked.since),
        until=rfc3339(asked.until),
        services=tuple(asked.services),
        cis=tuple(asked.cis),
        priorities=tuple(map(str, asked.priorities)),
        groups=tuple(asked.groups),
        incidents=tally.whole.incidents,
        open=tally.whole.open,
        merged=tally.merged,
        converted=tally.converted,
        acknowledge=tally.whole.figures("").acknowledge,
        resolve=tally.whole.figures("").resolve,
        promises=tally.promises(),
        by=shown,
        left_out={name: len(kept[name]) - len(parts) for name, parts in shown.items()},
        availability=available,
        recurring=tally.recurring(after.times, suggested),
        alert_rules=_alert_rules(store.readings.alerts(asked.since, asked.until, _only(asked, tally))),
        diagnosis=tally.diagnosis(),
        satisfaction=_satisfaction(store, asked, tally),
    )


def service_names(estate: Estate) -> dict[str, str]:
    """Every business service with its name, by id."""
    cis = [estate.ci(ci) for ci in sorted(estate.business_services)]
    return {ci.id: ci.name or ci.id for ci in cis}


def days_and_whole(store: Store, asked: Asked) -> tuple[PartFigures, tuple[PartFigures, ...]]:
    """The figures of the whole and of each day only: quick, for a page that shows a trend."""
    tally = Tally(asked)
    for line in store.readings.lines(asked.since, asked.until):
        tally.add(line)
    return tally.whole.figures("all"), tally.parts("day")


def counted(store: Store, asked: Asked, which: str) -> Iterator[Line]:
    """The incidents behind a figure, by number; `which` is one of `rules.figures.WHICH`."""
    is_one = WHICH[which]
    return (line for line in store.readings.lines(asked.since, asked.until) if asked.wants(line) and is_one(line))


def _availability(
    store: Store, asked: Asked, services: Mapping[str, str], now: datetime, tally: Tally
) -> tuple[AvailabilityFigures, ...]:
    """Of every service, or those that are asked for; on the way each line goes into the tally, so all is read once."""
    wanted = {ci: name for ci, name in services.items() if not asked.services or ci in asked.services}
    changes = store.readings.services_changed(asked.since, asked.until)
    lines = _through(store.readings.lines(asked.since, asked.until), tally)
    return availability(lines, changes, wanted, asked.since, asked.until, now)


def _through(lines: Iterable[Line], tally: Tally) -> Iterator[Line]:
    for line in lines:
        tally.add(line)
        yield line


def _only(asked: Asked, tally: Tally) -> set[int] | None:
    """Filters are about incidents; so with one only the alerts of those count."""
    return tally.numbers if asked.has_filters else None


def _alert_rules(seen: Iterable[AlertSeen]) -> tuple[AlertRuleFigures, ...]:
    """The noisiest rules first: those with the most episodes that were part of no incident, then with the most."""
    episodes: dict[str, int] = {}
    lone: dict[str, int] = {}
    of: dict[str, set[int]] = {}
    for each in seen:
        episodes[each.name] = episodes.get(each.name, 0) + 1
        if each.incident is None:
            lone[each.name] = lone.get(each.name, 0) + 1
        else:
            of.setdefault(each.name, set()).add(each.incident)
    found = [
        AlertRuleFigures(
            alert=name, episodes=count, without_incident=lone.get(name, 0), incidents=len(of.get(name, ()))
        )
        for name, count in episodes.items()
    ]
    return tuple(sorted(found, key=lambda r: (-r.without_incident, -r.episodes, r.alert))[:MOST_RULES])


def _satisfaction(store: Store, asked: Asked, tally: Tally) -> SatisfactionFigures:
    found = figures([r for r in store.ratings.since(asked.since) if r.incident in tally.numbers])
    return SatisfactionFigures(answers=found.answers, mean=found.mean, content_share=found.content_share)
