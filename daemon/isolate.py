"""Finding the one alert among many that no decision can be made on."""

from dataclasses import replace
from datetime import datetime

from rules.alert import Sighting
from rules.decide import decide
from rules.decision import Listing, Push
from rules.situation import Situation

Bad = tuple[dict[str, str], str]


def without_bad_sightings(
    situation: Situation, change: Listing | Push, now: datetime
) -> tuple[Listing | Push, list[Bad]]:
    """The change without the alerts that make `decide` fail, and those with the error each makes.

    Deciding changes nothing, so it can be tried: on halves, then quarters, down to the alerts at fault.
    """
    bad: list[Bad] = []
    good = _good(situation, Push(source=change.source, at=change.at, sightings=change.sightings), now, bad)
    return replace(change, sightings=good), bad


def _good(situation: Situation, push: Push, now: datetime, bad: list[Bad]) -> tuple[Sighting, ...]:
    sightings = push.sightings
    try:
        decide(situation, (push,), now)
    except Exception as error:  # noqa: BLE001  whatever it is, it is looked for
        if len(sightings) < 2:
            bad.extend((s.labels, f"{type(error).__name__}: {error}"[:500]) for s in sightings)
            return ()
    else:
        return sightings
    middle = len(sightings) // 2
    halves = (replace(push, sightings=part) for part in (sightings[:middle], sightings[middle:]))
    return tuple(s for half in halves for s in _good(situation, half, now, bad))
