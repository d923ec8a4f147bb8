"""The values an estate is made of: configuration items and what they need."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Criticality(enum.IntEnum):
    """How much the organisation minds when a CI is lost, in the owner's judgement."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4


class Strength(enum.StrEnum):
    """What the loss of a dependency does: `hard` takes the dependent down, `soft` only degrades it."""

    HARD = "hard"
    SOFT = "soft"


class State(enum.IntEnum):
    """How well a CI can do its work; worse is greater.

    `AT_RISK` still works in full but stands on something that has lost its redundancy. `REDUCED` has itself lost
    a member of a redundancy group and is called degraded in front of people. `DEGRADED` has lost part of its
    function. `DOWN` does not work.
    """

    UP = 0
    AT_RISK = 1
    REDUCED = 2
    DEGRADED = 3
    DOWN = 4

    @property
    def word(self) -> str:
        """The word people are shown: up, at risk, degraded or down."""
        return _WORDS[self]


_WORDS = {
    State.UP: "up",
    State.AT_RISK: "at risk",
    State.REDUCED: "degraded",
    State.DEGRADED: "degraded",
    State.DOWN: "down",
}

BUSINESS_SERVICE = "business-service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """One thing a CI needs: at least `need` of `providers` must work.

    A plain dependency has one provider and `need` 1; a redundancy group has several.
    """

    providers: tuple[str, ...]
    need: int = 1
    strength: Strength = Strength.HARD

    @property
    def is_group(self) -> bool:
        """Whether losing one provider can leave the dependent working."""
        return len(self.providers) > self.need


@dataclass(frozen=True, slots=True, kw_only=True)
class Users:
    """Who uses a CI: how many, and what they are in a word of the owner's (`class` in the file), or empty."""

    count: int
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CI:
    """A configuration item. `match` holds label sets; an alert that carries all pairs of one is about this CI."""

    id: str
    type: str = "unknown"
    name: str = ""
    criticality: Criticality | None = None
    owner: str = ""
    aliases: tuple[str, ...] = ()
    match: tuple[tuple[tuple[str, str], ...], ...] = ()
    depends_on: tuple[Dependency, ...] = ()
    users: Users | None = None

    @property
    def title(self) -> str:
        """The name people know it by."""
        return self.name or self.id


def provider_ids(dependencies: Iterable[Dependency]) -> tuple[str, ...]:
    """Every provider named, once each, in the order of first mention."""
    return tuple(dict.fromkeys(p for d in dependencies for p in d.providers))
