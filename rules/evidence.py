"""Why this root: the evidence for and against it, in words for an operator."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from cmdb.graph import Estate
from cmdb.impact import Hit
from cmdb.model import State
from rules.likelihood import Sign
from rules.maintenance import Window
from rules.words import span

_NAMED = 4


def evidence_lines(
    estate: Estate, root: str, explained: Collection[str], signs: Mapping[str, Sign], hits: Mapping[str, Hit]
) -> tuple[str, ...]:
    """What the root says itself, what it explains, what was expected of it and stayed silent."""
    lines = [_own_line(root, signs, explained), *_kind_lines(root, signs, explained)]
    others = sorted(ci for ci in explained if ci in hits and ci != root)
    beyond = sorted(ci for ci in explained if ci not in hits and ci != root)
    expected = [h.ci for h in hits.values() if h.ci != root and h.state is State.DOWN]
    if others:
        shown = ", ".join(f"{ci} ({'/'.join(sorted(signs[ci].names)[:2])})" for ci in others[:_NAMED])
        lines.append(f"explains {len(others)} alerting CIs that need it: {shown}{_more(len(others) - _NAMED)}")
    if beyond:
        lines.append(f"works badly with it, though it does not need it: {_listed(beyond)}")
    if others or beyond:
        onsets = [signs[ci].onset for ci in explained if ci in signs]
        apart = max(max(onsets) - min(onsets), timedelta(seconds=1))
        lines.append(f"they began within {span(apart)} of each other")
    silent = [ci for ci in expected if ci not in signs]
    if expected and others:
        lines.append(f"{len(expected) - len(silent)} of the {len(expected)} CIs that its failure takes down alert")
    if silent:
        lines.append(f"expected but silent: {_listed(silent)}")
    providers = [p for p in estate.providers(root) if p not in signs]
    if providers and root in signs:
        lines.append(f"what it needs itself is quiet: {_listed(providers)}")
    return tuple(lines)


def change_line(work: Window, first: datetime) -> str:
    """That the root was worked on before its first symptom, which showed at `first`."""
    verb, edge = ("began", work.starts_at) if first < work.ends_at else ("ended", work.ends_at)
    return f'announced maintenance "{work.name}" {verb} {span(first - edge)} before'


def _own_line(root: str, signs: Mapping[str, Sign], explained: Collection[str]) -> str:
    sign = signs.get(root)
    if sign is None:
        callees = [ci for ci in explained if root in signs[ci].callers]
        if callees:
            return f"{root} has no alert of its own, but its calls to {_listed(callees)} are slow or fail"
        return f"{root} has no alert of its own, but it is what the alerting CIs have in common"
    verb = "fires" if sign.is_firing else "fired"
    return f"{', '.join(sorted(sign.names)[:_NAMED])} {verb} on {root} itself since {sign.onset:%H:%M:%S} UTC"


def _kind_lines(root: str, signs: Mapping[str, Sign], explained: Collection[str]) -> list[str]:
    """What its alerts say of the root itself: strain on its own resources, and those who complain of it."""
    sign = signs.get(root)
    lines = []
    if sign is not None and sign.strained:
        rare = sorted(s for s in sign.strained if not any(s in signs[ci].strained for ci in explained if ci != root))
        told = f"only {root} shows {_listed(rare)}" if rare else f"others show the same as {_listed(sign.strained)}"
        lines.append(
            f"{len(sign.strained)} of its alerts speak of its own resources, which no other CI can strain; {told}"
        )
    if sign is not None and sign.callers:
        lines.append(f"calls to it are slow or fail for {_listed(sign.callers)}")
    return lines


def _listed(names: Collection[str]) -> str:
    return f"{', '.join(sorted(names)[:_NAMED])}{_more(len(names) - _NAMED)}"


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""
