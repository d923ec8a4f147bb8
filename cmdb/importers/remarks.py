"""Collecting the mistakes of one file, so that its owner sees all of them at once."""

import difflib
from collections.abc import Collection

from cmdb.problems import Problem

# Whoever made more mistakes than this in one file made one mistake many times.
MOST_PROBLEMS = 1000
_LONGEST_SHOWN = 80


class Malformed(Exception):
    """The file cannot be read any further from here; it is one of the file's problems already."""


class Remarks:
    """The mistakes found in one file so far, in the order found."""

    def __init__(self, file: str) -> None:
        """Collect for the file of this name, as its owner would write it."""
        self.file = file
        self.problems: list[Problem] = []

    def add(self, line: int, what: str, allowed: str = "") -> None:
        """Note a mistake. Raises `Malformed` when there are too many to be worth reading on."""
        self.problems.append(Problem(file=self.file, line=line, what=what, allowed=allowed))
        if len(self.problems) >= MOST_PROBLEMS:
            raise self.fatal(line, f"there may be more mistakes: only the first {MOST_PROBLEMS} are listed")

    def fatal(self, line: int, what: str, allowed: str = "") -> Malformed:
        """Note a mistake after which nothing further can be read; returns the error to raise."""
        self.problems.append(Problem(file=self.file, line=line, what=what, allowed=allowed))
        return Malformed(what)


def shown(text: str) -> str:
    """Somebody's text as it can stand in a message: quoted, on one line, not too long."""
    cut = text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"
    return '"' + "".join(character if character.isprintable() else "�" for character in cut) + '"'


def allowed_words(word: str, words: Collection[str]) -> str:
    """What may stand where an unknown word does: the nearest word if there is one, and all of them."""
    near = difflib.get_close_matches(word[:_LONGEST_SHOWN].lower(), words, n=1)
    meant = f'did you mean "{near[0]}"? ' if near else ""
    return f"{meant}allowed: {', '.join(words)}"
