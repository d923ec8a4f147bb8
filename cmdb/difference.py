"""What two estates differ in: CIs that came, went and changed, and for whom a failure would be another one.

Usually one is the CMDB in force and the other what its files hold by now.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from cmdb.graph import Estate
from cmdb.impact import TooWide, states
from cmdb.model import CI, Dependency, State, Strength, provider_ids

MOST_TRIED = 300
"""So many failures are tried in both estates, and compared."""
_WIDEST = 200_000
_REPORT_EVERY = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A key of a CI's entry with its value before and after, as text; empty where it has none."""

    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A CI that is in both: `keys` that differ, and what it needs no more and needs now, in words."""

    ci: CI
    keys: tuple[Change, ...]
    needs_no_more: tuple[str, ...]
    needs_now: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """If `failed` fails alone, the business service is in the state `after`, no longer `before`."""

    failed: str
    service: str
    before: State
    after: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Everything, each in the order of the estates. `shifts` are of the first `tried` of `touched` CIs that the changed
    dependencies name, worst first."""

    added: tuple[CI, ...]
    removed: tuple[CI, ...]
    changed: tuple[Changed, ...]
    shifts: tuple[Shift, ...]
    touched: int
    tried: int

    @property
    def is_none(self) -> bool:
        """Whether the two say the same; the order of entries does not count."""
        return not (self.added or self.removed or self.changed)


def difference(before: Estate, after: Estate, *, on_progress: Callable[[int, int], None] | None = None) -> Difference:
    """Compare two estates CI by CI, known by their ids. `on_progress` is told now and then how many have been seen."""
    changed: list[Changed] = []
    for done, ci in enumerate(before):
        if on_progress is not None and done % _REPORT_EVERY == 0:
            on_progress(done, len(before))
        now = after.get(ci.id)
        if now is not None and now != ci:
            changed += _changed(ci, now)
    added = tuple([ci for ci in after if ci.id not in before])
    removed = tuple([ci for ci in before if ci.id not in after])
    touched = _touched(before, after, added, removed, changed)
    tried = touched[:MOST_TRIED]
    shifts = [shift for failed in tried for shift in _shifts(before, after, failed)]
    return Difference(
        added=added,
        removed=removed,
        changed=tuple(changed),
        shifts=tuple(sorted(shifts, key=lambda s: (-s.after, s.before, s.service, s.failed))),
        touched=len(touched),
        tried=len(tried),
    )


def _changed(before: CI, after: CI) -> Iterator[Changed]:
    was, now = _keys(before), _keys(after)
    keys = tuple(Change(what=key, before=was[key], after=now[key]) for key in was if was[key] != now[key])
    no_more = tuple(needs_words(d) for d in before.depends_on if d not in after.depends_on)
    needs = tuple(needs_words(d) for d in after.depends_on if d not in before.depends_on)
    if keys or no_more or needs:
        yield Changed(ci=after, keys=keys, needs_no_more=no_more, needs_now=needs)


def _keys(ci: CI) -> dict[str, str]:
    return {
        "type": ci.type,
        "name": ci.name,
        "criticality": "" if ci.criticality is None else ci.criticality.name.lower(),
        "owner": ci.owner,
        "aliases": ", ".join(sorted(ci.aliases)),
        "match": "; ".join(sorted(", ".join(f"{k}={v}" for k, v in sorted(labels)) for labels in ci.match)),
        "users": "" if ci.users is None else f"{ci.users.count} {ci.users.kind}".strip(),
    }


def needs_words(need: Dependency) -> str:
    """A dependency in words, as in `tor-3a`, `1 of db-1 | db-2` or `cache (soft)`."""
    names = " | ".join(need.providers)
    words = f"{need.need} of {names}" if len(need.providers) > 1 else names
    return f"{words} (soft)" if need.strength is Strength.SOFT else words


def _touched(
    before: Estate, after: Estate, added: tuple[CI, ...], removed: tuple[CI, ...], changed: list[Changed]
) -> list[str]:
    """The CIs that changed dependencies name: those whose failure may now be another one, nearest to the change."""
    found: dict[str, None] = {}
    for ci in (*removed, *added):
        found.update(dict.fromkeys(provider_ids(ci.depends_on)))
    for one in changed:
        was, now = before.dependencies(one.ci.id), after.dependencies(one.ci.id)
        found.update(dict.fromkeys(provider_ids(d for d in was if d not in now)))
        found.update(dict.fromkeys(provider_ids(d for d in now if d not in was)))
    return list(found)


def _shifts(before: Estate, after: Estate, failed: str) -> Iterator[Shift]:
    was, now = _services_without(before, failed), _services_without(after, failed)
    if was is None or now is None:
        return
    for service in dict.fromkeys((*was, *now)):
        if was.get(service, State.UP) != now.get(service, State.UP):
            yield Shift(
                failed=failed,
                service=service,
                before=was.get(service, State.UP),
                after=now.get(service, State.UP),
            )


def _services_without(estate: Estate, failed: str) -> Mapping[str, State] | None:
    """The business services that one failure hits; None where it hits more than can be looked at."""
    if failed not in estate:
        return {}
    try:
        hit = states(estate, {failed: State.DOWN}, limit=_WIDEST)
    except TooWide:
        return None
    return {ci: state for ci, state in hit.items() if ci in estate.business_services and ci != failed}
