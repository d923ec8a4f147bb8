"""Known errors: which open incidents are of one, and what helps until it is mended."""

import re
from collections.abc import Iterable, Sequence

from rules.alert import Alert
from rules.assess import categories_of
from rules.draft import Draft
from rules.incident import Incident, KnownError
from rules.linking import tie, untie
from rules.record import Problem, ProblemStatus

_WORD = re.compile(r"\w+")
_SAID = ("summary", "description", "message")


def note_known_errors(draft: Draft) -> None:
    """Keep with each open incident the known errors that match it; a new one goes onto its history once."""
    problems_changed = any(isinstance(r, Problem) for r in draft.changed_records())
    known = [r for r in draft.all_records() if isinstance(r, Problem) and r.status is ProblemStatus.KNOWN_ERROR]
    if not known and not problems_changed:
        return
    for incident in draft.all_incidents() if problems_changed else draft.touched():
        if incident.is_active:
            _keep(draft, incident, matching(known, incident, draft.member_alerts(incident.number)))


def _keep(draft: Draft, incident: Incident, found: tuple[KnownError, ...]) -> None:
    if found == incident.known_errors:
        return
    before = {(e.problem, e.workaround) for e in incident.known_errors}
    draft.change_incident(incident, known_errors=found)
    for error in found:
        if (error.problem, error.workaround) not in before:
            text = f"known error {error.key} ({error.why}); workaround: {error.workaround}"
            draft.note(incident.number, "known_error", text, new=error.key)
    for error in found:
        if not any(link.key == error.key for link in incident.links):
            tie(draft, incident.key, "of known error", error.key)
    for gone in sorted({e.key for e in incident.known_errors} - {e.key for e in found}):
        untie(draft, incident.key, "of known error", gone)
        draft.note(incident.number, "known_error", f"{gone} is no longer a known error of it", old=gone)


def matching(known: Iterable[Problem], incident: Incident, alerts: Sequence[Alert]) -> tuple[KnownError, ...]:
    """The known errors of an incident, by number, each with the reason why."""
    found = []
    for problem in known:
        why = _why(problem, incident, alerts)
        if why:
            found.append(
                KnownError(problem=problem.number, title=problem.title, workaround=problem.workaround, why=why)
            )
    return tuple(sorted(found, key=lambda e: e.problem))


def _why(problem: Problem, incident: Incident, alerts: Sequence[Alert]) -> str:
    """Why the incident is of the known error, in words; empty where it is not.

    A link that a person made is reason enough. Else every criterion that the problem has must hold, each by one of its
    words, but for `words`, of which all must stand somewhere in what the incident and its alerts say.
    """
    if any(link.key == problem.key and link.kind == "caused by" for link in incident.links):
        return "linked to it"
    reasons = []
    for what, wanted, there in (
        ("category", problem.categories, categories_of(incident, alerts)),
        ("root", problem.cis, {incident.root.ci or ""}),
        ("service", problem.services, {s.ci for s in incident.services}),
        ("alert", problem.alerts, {a.name for a in alerts}),
    ):
        if wanted:
            both = sorted(set(wanted) & there)
            if not both:
                return ""
            reasons.append(f"{what} {', '.join(both)}")
    if problem.words:
        said = _said(incident, alerts)
        if not all(set(_WORD.findall(w.casefold())) <= said for w in problem.words):
            return ""
        reasons.append(f"it says {', '.join(problem.words)}")
    return "; ".join(reasons)


def _said(incident: Incident, alerts: Sequence[Alert]) -> set[str]:
    texts = [incident.title, *(a.name for a in alerts), *(a.annotations.get(k, "") for a in alerts for k in _SAID)]
    return {word for text in texts for word in _WORD.findall(text.casefold())}
