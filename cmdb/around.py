"""What is around some CIs: the steps up and down from them, and the ways from there to business services."""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice

from cmdb.graph import Estate
from cmdb.model import State

MOST_WALKED = 10_000
"""So many CIs are looked at; where there are more, the nearest."""


def steps_from(
    estate: Estate, middle: Iterable[str], up: int, down: int, most: int = MOST_WALKED
) -> tuple[dict[str, int], bool]:
    """Every CI up to `up` steps above and `down` steps below those in the middle with its step, upward if positive,
    nearest first; and whether there are more than `most`.

    Raises `KeyError` for a CI in the middle that is not in the estate.
    """
    steps = {estate.ci(ci).id: 0 for ci in middle}
    below, above = _Side(estate.providers, steps), _Side(estate.dependents, steps)
    for distance in range(1, max(up, down) + 1):
        # What a CI needs is as a rule less than what needs it, so that a cut still shows both sides.
        if distance <= down:
            below.go_on(steps, -distance, most)
        if distance <= up:
            above.go_on(steps, distance, most)
        if len(steps) > most:
            return dict(islice(steps.items(), most)), True
    return steps, False


class _Side:
    """The walk to one side. In a cycle both sides come to the same CIs, and each goes on from them."""

    def __init__(self, near: Callable[[str], tuple[str, ...]], middle: Iterable[str]) -> None:
        self._near = near
        self._front = list(middle)
        self._seen = set(self._front)

    def go_on(self, steps: dict[str, int], step: int, most: int) -> None:
        """One step further; stops where the range gets too large."""
        found = []
        for ci in self._front:
            for other in self._near(ci):
                if other not in self._seen:
                    self._seen.add(other)
                    found.append(other)
                    steps.setdefault(other, step)
                    if len(steps) > most:
                        return
        self._front = found


def ways_to_services(
    estate: Estate, steps: Mapping[str, int], states: Mapping[str, State], failed: frozenset[str]
) -> frozenset[str]:
    """What failed and what is hit on its ways to business services; all that is hit where it reaches none."""
    hit = [ci for ci in steps if states.get(ci, State.UP) > State.UP]
    ways = [ci for ci in hit if ci in estate.business_services]
    seen = set(ways)
    for ci in ways:
        for provider in estate.providers(ci):
            if provider in steps and provider not in seen and states.get(provider, State.UP) > State.UP:
                seen.add(provider)
                ways.append(provider)
    return frozenset(seen.union(ci for ci in hit if ci in failed)) if seen else frozenset(hit)


def services_above(estate: Estate, steps: Mapping[str, int]) -> dict[str, int]:
    """For each CI in the range which business services in the range stand on it: a bit each, in the walk's order."""
    masks: dict[str, int] = {}
    for number, ci in enumerate(c for c in steps if c in estate.business_services):
        masks[ci] = 1 << number
    queue = list(masks)
    waiting = set(queue)
    for ci in queue:
        waiting.discard(ci)
        mask = masks[ci]
        for provider in estate.providers(ci):
            before = masks.get(provider, 0)
            if provider in steps and before | mask != before:
                masks[provider] = before | mask
                if provider not in waiting:
                    waiting.add(provider)
                    queue.append(provider)
    return masks
