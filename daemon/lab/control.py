"""The data centre as it stands now: the one place that breaks and mends things. Safe to use from many threads."""

import difflib
import threading
from collections.abc import Callable, Iterable
from typing import Any

from cmdb.graph import Estate
from daemon.clock import Clock
from daemon.lab.errors import UnknownCi
from daemon.lab.metrics import JOBS, Sample, is_watched, samples
from daemon.lab.world import Fault, View, World, consequences, view
from rules.document import rfc3339


class Control:
    """Holds the `World` and shows it. `pace` stretches or shortens how late symptoms come; `say` hears of changes."""

    def __init__(
        self, estate: Estate, clock: Clock, *, pace: float = 1.0, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self.estate = estate
        self._clock = clock
        self._pace = pace
        self._say = say
        self._lock = threading.Lock()
        self._world = World()

    def break_(self, names: Iterable[str], fault: Fault = Fault.DOWN) -> tuple[str, ...]:
        """Break what is named by id or alias; either all of it or, where one is unknown (UnknownCi), none."""
        ids = self._ids(names)
        with self._lock:
            for ci in ids:
                self._world = self._world.breaking(ci, fault, self._clock.now())
        for ci in ids:
            self._say(f"breaking {self.describe(ci)}{_MANNER[fault]}")
        return ids

    def mend(self, names: Iterable[str]) -> tuple[str, ...]:
        """Mend what is named and was broken; returns what that was. Raises UnknownCi, changing nothing."""
        ids = self._ids(names)
        with self._lock:
            mended = tuple(ci for ci in ids if ci in self._world.broken)
            if mended:
                self._world = self._world.mending(frozenset(mended), self._clock.now())
        for ci in mended:
            self._say(f"mending {self.describe(ci)}")
        return mended

    def mend_all(self) -> tuple[str, ...]:
        """Mend everything; returns what was broken."""
        with self._lock:
            broken = tuple(self._world.broken)
        return self.mend(broken)

    def describe(self, ci_id: str) -> str:
        """The CI in words: its id, its name, and whether monitoring looks at it."""
        ci = self.estate.ci(ci_id)
        silent = "" if is_watched(ci) else "; it has no alert of its own"
        return f"{ci.id} ({ci.title}{silent})"

    def seen(self) -> View:
        """What monitoring can see at this moment."""
        with self._lock:
            world = self._world
        return view(self.estate, world, self._clock.now(), pace=self._pace)

    def samples(self, jobs: Iterable[str] = JOBS) -> list[Sample]:
        """What these scrape jobs find now. KeyError for a job that is not in `JOBS`."""
        seen = self.seen()
        return [sample for job in jobs for sample in samples(self.estate, seen, job)]

    def status(self) -> dict[str, Any]:
        """What is broken since when, and what that means by the CMDB, as JSON."""
        with self._lock:
            world = self._world
        meaning = consequences(self.estate, world.broken)
        since: dict[str, str] = {}
        for era in world.eras:
            for ci, fault in era.broken.items():
                if world.broken.get(ci) is fault:
                    since.setdefault(ci, rfc3339(era.since))
        return {
            "broken": [
                {"ci": ci, "name": self.estate.ci(ci).title, "fault": str(fault), "since": since[ci]}
                for ci, fault in world.broken.items()
            ],
            "means": [
                {"ci": ci, "name": self.estate.ci(ci).title, "type": self.estate.ci(ci).type, "state": state.word}
                for ci, state in sorted(meaning.items(), key=lambda pair: (-pair[1], pair[0]))
            ],
        }

    def catalogue(self) -> list[dict[str, Any]]:
        """Everything that can be broken, as JSON."""
        with self._lock:
            broken = self._world.broken
        return [
            {
                "id": ci.id,
                "type": ci.type,
                "name": ci.title,
                "owner": ci.owner,
                "watched": is_watched(ci),
                "fault": str(broken.get(ci.id, "")),
            }
            for ci in map(self.estate.ci, self.estate.ids())
        ]

    def _ids(self, names: Iterable[str]) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for name in names:
            ci = self.estate.find(name)
            if ci is None:
                near = difflib.get_close_matches(name.lower(), self.estate.ids(), n=3, cutoff=0.5)
                raise UnknownCi(name, tuple(near))
            found[ci] = None
        return tuple(found)


_MANNER = {Fault.DOWN: "", Fault.SLOW: ": it works badly", Fault.DISK: ": its disk fills up"}
