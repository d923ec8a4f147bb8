"""What the owner says about services that Apprise knows."""

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass

from notifiers.secret import Secret
from notifiers.settings import NotifierSettings

MAX_URLS = 50
REFUSED_SCHEMES = frozenset(
    {"syslog", "dbus", "kde", "qt", "glib", "gio", "gnome", "macosx", "windows", "blink1", "file", "exec"}
)
"""What would write into this machine's own log, show on its own screen, use its devices or run programs on it."""

_SCHEME = re.compile(r"([a-z][a-z0-9]*)://\S+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppriseSettings(NotifierSettings):
    """Where Apprise sends to. Its addresses hold passwords and tokens, so that all of them are secret.

    `urls` are told together where no person is meant. A person's address is the name of one of `targets`: it stands in
    notices and is shown, which the real one must not be.
    """

    urls: tuple[Secret, ...]
    targets: tuple[tuple[str, Secret], ...] = ()

    def faults(self) -> Iterator[str]:
        """As in `NotifierSettings`."""
        if importlib.util.find_spec("apprise") is None:
            yield "type: Apprise is not installed; allowed after: pip install 'incidentd[many-channels]'"
        if not 0 < len(self.urls) <= MAX_URLS:
            yield f"url and urls must hold 1 to {MAX_URLS} addresses together"
        numbered = (("urls", f"address {n}", url) for n, url in enumerate(self.urls, start=1))
        named = (("targets", name, url) for name, url in self.targets)
        for key, which, url in (*numbered, *named):
            if fault := _fault(url.reveal()):
                yield f"{key}: {which} {fault}"

    def address_fault(self, address: str) -> str:
        """As in `NotifierSettings`."""
        names = sorted(name for name, _ in self.targets)
        if address in names:
            return ""
        allowed = ", ".join(names[:20]) or f"nothing, since {self.name} has no targets"
        if "://" in address:
            return f"an address of Apprise is secret and stands in targets of {self.name}; allowed: {allowed}"
        return f"{self.name} has no target of that name; allowed: {allowed}"


def scheme_of(url: str) -> str:
    """The kind of service, the only part of an address that is no secret."""
    return url.partition("://")[0].lower()


def _fault(url: str) -> str:
    found = _SCHEME.fullmatch(url)
    if not found:
        return "is no address as Apprise writes them; allowed: schema://… without spaces"
    if found[1].lower() in REFUSED_SCHEMES:
        refused = ", ".join(sorted(REFUSED_SCHEMES))
        return f"is of kind {found[1].lower()}, which acts on this machine itself; allowed: all kinds but {refused}"
    return ""
