"""The CMDB as files of YAML or JSON: reading them, and everything that can be wrong in them, by line."""

import gc
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from cmdb.graph import Estate
from cmdb.importers.entry import EntryReader
from cmdb.importers.events import Event, json_events, yaml_events
from cmdb.importers.file_entries import FileEntries
from cmdb.importers.joined import join, problems_between
from cmdb.importers.nodes import entries
from cmdb.importers.plain_json import Doubt, read_plain_json
from cmdb.importers.remarks import Malformed, Remarks
from cmdb.model import CI
from cmdb.problems import CmdbError

__all__ = ["CmdbError", "load_cmdb", "load_cmdbs", "read_cis"]

LARGEST_FILE = 512 * 2**20
_BEFORE_JSON = b"\xef\xbb\xbf \t\r\n"


def load_cmdb(path: Path) -> Estate:
    """The estate that one file describes.

    Raises `CmdbError` with everything that is wrong in the file: each mistake with its line.
    """
    return load_cmdbs([path])


def load_cmdbs(paths: Sequence[Path]) -> Estate:
    """The estate that several files describe together; CIs may depend on those of other files.

    Raises `CmdbError` with everything that is wrong in all of the files.
    """
    with _no_collection():
        read = [_Reading(path) for path in paths]
        files = [reading.quickly() for reading in read]
        if not any(reading.remarks.problems for reading in read):
            estate = join(files)
            if estate is not None:
                return estate
        files = [reading.thoroughly() for reading in read]
        problems = [problem for reading in read for problem in reading.remarks.problems]
        # What a file that broke off would still have held is unknown, so nothing can be said of what is missing.
        whole = not any(reading.is_broken_off for reading in read)
        raise CmdbError([*problems, *(problems_between(files) if whole else ())])


def read_cis(path: Path) -> tuple[CI, ...]:
    """The CIs of one file, in its order. Raises `CmdbError` as `load_cmdb` does."""
    return tuple(load_cmdb(path))


class _Reading:
    """One file being read: the fast way where it is plain JSON, else, or after a doubt, with all its lines."""

    def __init__(self, path: Path) -> None:
        self.remarks = Remarks(str(path))
        self.is_broken_off = False
        self._path = path
        self._entries: FileEntries | None = None

    def quickly(self) -> FileEntries:
        """The file's CIs; their lines may be left out, but then there is nothing wrong in the file itself."""
        return self._read(is_quick=True)

    def thoroughly(self) -> FileEntries:
        """The file's CIs with all lines."""
        return self._entries or self._read(is_quick=False)

    def _read(self, *, is_quick: bool) -> FileEntries:
        found = FileEntries(file=self.remarks.file)
        try:
            raw = self._bytes()
            if is_quick and raw[:200].lstrip(_BEFORE_JSON).startswith(b"{"):
                try:
                    return read_plain_json(raw.decode("utf-8-sig"), self.remarks.file)
                except Doubt:
                    pass
            reader = EntryReader(found, self.remarks)
            for node in entries(self._events(raw), self.remarks):
                reader.read(node)
        except Malformed:
            self.is_broken_off = True
        self._entries = found
        return found

    def _events(self, raw: bytes) -> Iterator[Event]:
        if raw[:200].lstrip(_BEFORE_JSON).startswith(b"{"):
            text = raw.decode("utf-8-sig")
            try:
                json.loads(text)
            except (ValueError, RecursionError):
                pass
            else:
                return json_events(text)
        return yaml_events(raw, self.remarks)

    def _bytes(self) -> bytes:
        """What the file holds. Raises `Malformed` where that is not to be had, or is not UTF-8 text."""
        try:
            with self._path.open("rb") as stream:
                raw = stream.read(LARGEST_FILE + 1)
        except OSError as error:
            raise self.remarks.fatal(0, f"the file cannot be read: {error.strerror or error}") from None
        if len(raw) > LARGEST_FILE:
            raise self.remarks.fatal(0, "the file is too large", f"allowed: {LARGEST_FILE >> 20} MiB")
        try:
            raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = raw.count(b"\n", 0, error.start) + 1
            raise self.remarks.fatal(line, "the file is not UTF-8 text", "allowed: UTF-8") from None
        return raw


@contextmanager
def _no_collection() -> Iterator[None]:
    """No garbage collection meanwhile: reading makes millions of objects and no garbage, and looking costs a third."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
