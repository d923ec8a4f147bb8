"""Whether the daemon sees, decides and delivers: on every page, because blind monitoring must not be overlooked."""

from dataclasses import dataclass

from daemon.api.ports import Ports
from daemon.errors import StoreError


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`blind` are sources that cannot be heard, with why; `undelivered` is how many notices could not be delivered;
    `trouble` is why no decisions are made, empty where they are."""

    blind: tuple[tuple[str, str], ...]
    sources: int
    undelivered: int
    trouble: str

    @property
    def is_well(self) -> bool:
        """Whether there is nothing to worry about."""
        return not (self.blind or self.undelivered or self.trouble)


_MOST = 100


def health_of(ports: Ports) -> Health:
    """As things are now."""
    readiness = ports.readiness()
    try:
        sources, dead = ports.store.sources(), len(ports.store.notices(states=("dead",), limit=_MOST))
    except StoreError as error:
        return Health(blind=(), sources=0, undelivered=0, trouble=str(error))
    return Health(
        blind=tuple((s.name, s.error) for s in sources if not s.is_up),
        sources=len(sources),
        undelivered=dead,
        trouble="" if readiness.is_ready else readiness.reason or "not ready",
    )
