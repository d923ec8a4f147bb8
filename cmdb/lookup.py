"""Finding CIs by what others call them: names and aliases, and label sets."""

from collections import Counter
from collections.abc import Collection, Mapping

from cmdb.model import CI


class NameIndex:
    """Names people and monitoring use for CIs, to ids. Where two CIs claim a name, the first in file order has it."""

    def __init__(self, cis: Mapping[str, CI]) -> None:
        """Index ids and aliases of the CIs, which are keyed by their ids."""
        self._cis = cis
        self._aliases: dict[str, str] = {}
        # Only names that folding changes are kept a second time: in most estates that is nearly none.
        self._folded_ids: dict[str, str] = {}
        self._folded_aliases: dict[str, str] = {}
        for ci in cis.values():
            if not ci.id.islower() and (folded := ci.id.casefold()) != ci.id:
                self._folded_ids.setdefault(folded, ci.id)
            for alias in ci.aliases:
                self._aliases.setdefault(alias, ci.id)
                self._folded_aliases.setdefault(alias.casefold(), ci.id)

    def find(self, name: str) -> str | None:
        """The id behind a name: exact id, exact alias, then id and alias without regard to case."""
        if name in self._cis:
            return name
        if name in self._aliases:
            return self._aliases[name]
        folded = name.casefold()
        if folded in self._cis:
            return folded
        return self._folded_ids.get(folded) or self._folded_aliases.get(folded)


class LabelIndex:
    """The `match` label sets of all CIs, each filed under its rarest pair, so that few are looked at in vain."""

    def __init__(self, cis: Collection[CI]) -> None:
        """Index every `match` set; an empty one matches nothing."""
        sets = [(place, ci.id, labels) for place, ci in enumerate(cis) for labels in ci.match if labels]
        frequency = Counter(pair for _, _, labels in sets for pair in labels)
        self._by_pair: dict[tuple[str, str], list[tuple[int, str, tuple[tuple[str, str], ...]]]] = {}
        for entry in sets:
            rarest = min(entry[2], key=lambda pair: (frequency[pair], pair))
            self._by_pair.setdefault(rarest, []).append(entry)

    def matching(self, labels: Mapping[str, str]) -> tuple[str, ...]:
        """The ids of the CIs one of whose sets is wholly in the labels, in file order."""
        if not self._by_pair:
            return ()
        pairs = labels.items()
        found = {
            (place, ci_id)
            for pair in pairs
            for place, ci_id, wanted in self._by_pair.get(pair, ())
            if all(part in pairs for part in wanted)
        }
        return tuple([ci_id for _, ci_id in sorted(found)])
