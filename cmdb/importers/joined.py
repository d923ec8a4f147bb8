"""The CIs of several files as one estate, and what can only be wrong between them."""

from collections.abc import Iterator, Sequence, Set
from itertools import islice

from cmdb.graph import Estate
from cmdb.importers.file_entries import FileEntries
from cmdb.importers.nearest import NearestId
from cmdb.importers.remarks import MOST_PROBLEMS, shown
from cmdb.model import CI
from cmdb.problems import Problem

_MOST_SUGGESTIONS = 200


def join(files: Sequence[FileEntries]) -> Estate | None:
    """The estate of all CIs of all files, or None when something is wrong between them."""
    by_id: dict[str, CI] = {}
    count = 0
    for file in files:
        by_id.update((ci.id, ci) for ci in file.cis)
        count += len(file.cis)
    if len(by_id) < count or "" in by_id or next(_alias_problems(files, by_id.keys()), None) is not None:
        return None
    try:
        return Estate(by_id)
    except ValueError:
        return None


def problems_between(files: Sequence[FileEntries]) -> list[Problem]:
    """Ids and aliases given twice, and dependencies on CIs that do not exist; at most `MOST_PROBLEMS` of each."""
    ids = {ci.id: None for file in files for ci in file.cis if ci.id}
    found = (_duplicates(files), _alias_problems(files, ids.keys()), _dangling(files, ids))
    return [problem for problems in found for problem in islice(problems, MOST_PROBLEMS)]


def _duplicates(files: Sequence[FileEntries]) -> Iterator[Problem]:
    first: dict[str, tuple[str, int]] = {}
    for file in files:
        for ci, line in file.placed():
            if ci.id in first:
                place = "{}:{}".format(*first[ci.id])
                what = f"the id {shown(ci.id)} stands here twice; it first stands at {place}"
                yield Problem(file=file.file, line=line, what=what, allowed="allowed: each id once")
            elif ci.id:
                first[ci.id] = (file.file, line)


def _alias_problems(files: Sequence[FileEntries], ids: Set[str]) -> Iterator[Problem]:
    first: dict[str, tuple[str, str, int]] = {}
    for file in files:
        for ci, alias, line in file.aliases():
            if alias in ids and alias != ci.id:
                what = f"the alias {shown(alias)} is the id of another CI"
                yield Problem(file=file.file, line=line, what=what, allowed="allowed: a name that is no id")
            elif alias in first:
                owner, *place = first[alias]
                what = f"the alias {shown(alias)} is that of {shown(owner)} already, at {place[0]}:{place[1]}"
                yield Problem(file=file.file, line=line, what=what, allowed="allowed: each alias once")
            else:
                first[alias] = (ci.id, file.file, line)


def _dangling(files: Sequence[FileEntries], ids: dict[str, None]) -> Iterator[Problem]:
    nearest: NearestId | None = None
    aliases = {alias: ci.id for file in files for ci in file.cis for alias in ci.aliases}
    suggested = 0
    for file in files:
        for ci, provider, line in file.providers():
            if provider in ids:
                continue
            meant = aliases.get(provider)
            if meant is None and suggested < _MOST_SUGGESTIONS:
                suggested += 1
                nearest = nearest or NearestId(ids)
                meant = nearest.find(provider)
            what = f"{shown(ci.id) if ci.id else 'this CI'} depends on {shown(provider)}, which is not in the CMDB"
            allowed = f"did you mean {shown(meant)}? allowed: the id of a CI" if meant else "allowed: the id of a CI"
            yield Problem(file=file.file, line=line, what=what, allowed=allowed)
