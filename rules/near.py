"""What somebody may have meant by a name that the estate does not know."""

import difflib
from collections.abc import Iterator

from cmdb.graph import Estate

MOST_COMPARED = 2_000
"""So many names are compared letter by letter: some milliseconds, whatever the size of the estate."""


def near_names(estate: Estate, name: str, most: int = 3) -> tuple[str, ...]:
    """Ids or aliases of CIs that are spelt nearly so, the nearest first."""
    wanted = name.strip().casefold()
    return tuple(difflib.get_close_matches(wanted, list(_alike(estate, wanted)), n=most, cutoff=0.6))


def unknown_ci(estate: Estate, name: str) -> str:
    """That the estate does not know a CI, and what may have been meant, in words."""
    near = near_names(estate, name)
    return f"the CMDB has no CI called {name[:100]!r}" + (f"; did you mean {' or '.join(near)}?" if near else "")


def _alike(estate: Estate, wanted: str) -> Iterator[str]:
    count = 0
    for ci in estate:
        for name in (ci.id, *ci.aliases):
            folded = name.casefold()
            if abs(len(folded) - len(wanted)) <= 3 and (folded[:2] == wanted[:2] or folded[-2:] == wanted[-2:]):
                yield name
                count += 1
                if count >= MOST_COMPARED:
                    return
