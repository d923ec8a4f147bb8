"""A doubt about the CMDB: a dependency that seems to be missing, or one that does not seem to be there."""

import enum
from dataclasses import dataclass
from math import exp, log

WORTH_TELLING = log(3)
"""Log-odds from which a doubt is shown: three to one. It is a hint to look, not a verdict."""

HIGHEST_ODDS = 1_000_000.0


class DoubtKind(enum.StrEnum):
    """`missing`: the CMDB lacks the dependency; `false`: it has one that the past speaks against."""

    MISSING = "missing"
    FALSE = "false"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Something the CMDB says, or does not say, of which the past tells otherwise.

    It is about the dependency of `ci` on `needs`. `odds` to one speak for the doubt (at most a million). Of `possible`
    failures of `needs`, `seen` speak for it; `proof` are the numbers of the incidents to look at. `services` are the
    business services that `ci` takes down, by id, the most critical first; `words` is a sentence for people.
    """

    kind: DoubtKind
    ci: str
    needs: str
    odds: float
    seen: int
    possible: int
    proof: tuple[int, ...]
    services: tuple[str, ...]
    words: str

    @property
    def probability(self) -> float:
        """How likely the doubt is right, 0 to 1."""
        return self.odds / (1 + self.odds)


def odds_of(score: float) -> float:
    """Odds to one for log-odds, as they are shown."""
    return round(min(HIGHEST_ODDS, exp(min(score, log(HIGHEST_ODDS)))), 1)
