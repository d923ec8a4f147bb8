"""What is allowed, but perhaps not meant."""

from collections.abc import Iterator

from cmdb.problems import Problem
from daemon.config.config import Config
from daemon.config.document import Document, Loc


def remarks(config: Config, document: Document) -> Iterator[Problem]:
    """Every such thing, with its line."""

    def remark(loc: Loc, what: str, hint: str = "") -> Problem:
        return Problem(file=document.file, line=document.line(loc) if loc else 0, what=what, allowed=hint)

    if not config.sources:
        yield remark((), "there are no sources, so no alert is ever heard", "add one under sources")
    if not config.cmdb:
        yield remark((), "there is no CMDB, so no alert finds its root cause", "add a file under cmdb")
    told = {subscription.to for subscription in config.notify} | {config.delivery.fallback}
    told |= {contact.via for person in config.policy.roster.people.values() for contact in person.contacts}
    for index, notifier in enumerate(config.notifiers):
        if notifier.name not in told:
            yield remark(
                ("notifiers", index),
                f"nothing is ever sent to {notifier.name}",
                "name it under notify, or as somebody's contact",
            )
    for index, source in enumerate(config.sources):
        if source.tls.insecure_skip_verify:
            loc = ("sources", index, "tls", "insecure_skip_verify")
            yield remark(loc, f"the certificate of {source.name} is not checked: anybody can answer in its place")
