"""Whose an incident is, and what those may do with it who only report: add a remark, agree to its end, or object to it.

A choice after ITIL 4's service desk practice: the user confirms that the service works, or says that it does not.
"""

from rules.decision import Asker, Command, Verb
from rules.draft import Draft
from rules.incident import Incident
from rules.refused import Forbidden, Refused
from rules.roster import Roster
from rules.words import span

OWN_VERBS = frozenset({Verb.NOTE, Verb.CLOSE, Verb.REOPEN})
"""What may be done with one's own incident without the permission to work on incidents."""


def is_own(incident: Incident, who: str, roster: Roster) -> bool:
    """Whether the incident is of the user of that name: they registered it, or the contact's mail address is theirs.

    Theirs are the user's name where it is an address, and the addresses of the person of `people` whose id it is. Case
    does not matter; whoever has no name owns nothing.
    """
    name = who.strip().lower()
    person = roster.people.get(name)
    mails = {name, *(person.mail_addresses if person is not None else ())}
    mail = incident.contact.mail.strip().lower()
    return bool(name) and (incident.registered_by.strip().lower() == name or ("@" in mail and mail in mails))


def check_asker(draft: Draft, incident: Incident, command: Command) -> None:
    """Forbidden where the asker may not do this to this incident; Refused where the time to object is over."""
    if command.asker is Asker.STAFF:
        return
    if command.verb not in OWN_VERBS:
        raise Forbidden(f"{command.actor} may not {command.verb} an incident; allowed: {', '.join(sorted(OWN_VERBS))}")
    policy = draft.situation.policy
    if command.asker is Asker.REPORTER and not is_own(incident, command.actor, policy.roster):
        raise Forbidden(
            f"{incident.key} is not {command.actor}'s, who neither registered it nor is its contact; "
            "allowed: one's own incidents, or the permission write"
        )
    ended = incident.resolved_at
    if command.verb is Verb.REOPEN and ended is not None and draft.now - ended >= policy.close_after:
        raise Refused(
            f"{incident.key} was resolved more than {span(policy.close_after)} ago, so it is reopened no more; "
            "allowed: a report of its own, or somebody who works on incidents"
        )
