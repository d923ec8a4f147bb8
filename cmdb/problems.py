"""How a mistake in somebody's file is reported."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One mistake: where it is, what is wrong and what is allowed. `line` counts from 1; 0 means the whole file."""

    file: str
    line: int
    what: str
    allowed: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.what}; {self.allowed}" if self.allowed else f"{where}: {self.what}"


class CmdbError(ValueError):
    """The CMDB's files hold mistakes; every one of them is in `problems`, in the order of files and lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(map(str, self.problems)))
