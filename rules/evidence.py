"""Why this root: the evidence for and against it, in words for an operator."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from cmdb.graph import Estate
from cmdb.impact import Hit
from cmdb.model import State
from rules.likelihood import Sign
from rules.maintenance import Window
from rules.words import TELL_APART, span

_NAMED = 4

RIVAL = 0.5
"""A candidate at least half as likely as the root is said to be hard to tell from it."""


def evidence_lines(
    estate: Estate, root: str, explained: Collection[str], signs: Mapping[str, Sign], hits: Mapping[str, Hit]
) -> tuple[str, ...]:
    """What the root says itself, what it explains, what was expected of it and stayed silent."""
    lines = [_own_line(root, signs, explained), *_kind_lines(root, signs, explained)]
    others = sorted(ci for ci in explained if ci in hits and ci != root)
    instances = sorted(ci for ci in explained if ci not in hits and estate.dependents(ci) == (root,))
    beyond = sorted(ci for ci in explained if ci not in hits and ci != root and ci not in instances)
    expected = [h.ci for h in hits.values() if h.ci != root and h.state is State.DOWN]
    if others:
        shown = ", ".join(f"{ci} ({'/'.join(sorted(signs[ci].names)[:2])})" for ci in others[:_NAMED])
        lines.append(f"explains {len(others)} alerting CIs that need it: {shown}{_more(len(others) - _NAMED)}")
    if instances:
        lines.append(f"{len(instances)} of the CIs that only {root} needs fail with it: {_listed(instances)}")
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
    return f"{work.label} {verb} {span(first - edge)} before"


def joint_line(root: str, beside: Sequence[str]) -> str:
    """Why one failure is not enough: what else must have failed."""
    return f"redundancy would bear the loss of {root} alone: {_listed(beside)} must have failed too"


def beside_line(root: str) -> str:
    """That a candidate is no rival of the root."""
    return f"may have failed beside {root}, not in its place"


def doubt_lines(
    ranked: Sequence[tuple[str, float]], explained: Collection[str], signs: Mapping[str, Sign]
) -> list[str]:
    """Where others are about as likely as the root: that they are, and which look would tell."""
    (root, sure), *others = ranked
    rivals = [ci for ci, confidence in others if confidence >= sure * RIVAL][:_NAMED]
    if not rivals:
        return []
    if len(explained) == 1:
        why = f"only {next(iter(explained))} alerts"
    else:
        why = f"each could explain what the {len(explained)} CIs say"
    silent = [ci for ci in (root, *rivals) if ci not in signs]
    look = silent[0] if silent and silent[0] != root else root
    other = f"it is {root}" if look != root else f"it is {_either(rivals)}"
    return [f"{_either([root, *rivals])}: {why}", f"{TELL_APART}check {look}; if it works, {other}"]


def weighed_lines(
    ci: str, explained: Collection[str], signs: Mapping[str, Sign], hits: Mapping[str, Hit]
) -> tuple[str, ...]:
    """What speaks for and against one candidate, in short."""
    would = [other for other in explained if other in hits]
    down = [h.ci for h in hits.values() if h.state is State.DOWN and h.ci != ci]
    silent = [other for other in down if other not in signs]
    lines = [f"would explain {len(would)} of the {len(explained)} alerting CIs"]
    if ci not in signs:
        lines.append("has no alert of its own")
    if silent:
        lines.append(f"{len(silent)} of the {len(down)} CIs that it would take down say nothing: {_listed(silent)}")
    return tuple(lines)


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
        kinds = "one kind" if len(sign.strained) == 1 else f"{len(sign.strained)} kinds"
        lines.append(f"alerts of {kinds} speak of its own resources or log, seldom another CI's doing; {told}")
    if sign is not None and sign.callers:
        lines.append(f"calls to it are slow or fail for {_listed(sign.callers)}")
    return lines


def _either(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _listed(names: Collection[str]) -> str:
    return f"{', '.join(sorted(names)[:_NAMED])}{_more(len(names) - _NAMED)}"


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""
