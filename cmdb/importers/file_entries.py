"""The CIs of one file together with the lines they stand on."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from cmdb.model import CI


def _lines() -> "array[int]":
    return array("L")


@dataclass(slots=True, kw_only=True)
class FileEntries:
    """CIs in file order. A CI whose entry has no usable id is kept under the empty id, so that the rest is checked.

    The lines are flat, since there are millions: of each CI; of each provider of each CI, in order; of each alias.
    They are empty where the file was read the fast way, which keeps none.
    """

    file: str
    cis: list[CI] = field(default_factory=list)
    ci_lines: "array[int]" = field(default_factory=_lines)
    provider_lines: "array[int]" = field(default_factory=_lines)
    alias_lines: "array[int]" = field(default_factory=_lines)

    def placed(self) -> Iterator[tuple[CI, int]]:
        """Every CI with its line."""
        return ((ci, _at(self.ci_lines, index)) for index, ci in enumerate(self.cis))

    def providers(self) -> Iterator[tuple[CI, str, int]]:
        """Every provider that is named anywhere, with the CI that names it and the line."""
        named = ((ci, provider) for ci in self.cis for need in ci.depends_on for provider in need.providers)
        return ((ci, provider, _at(self.provider_lines, index)) for index, (ci, provider) in enumerate(named))

    def aliases(self) -> Iterator[tuple[CI, str, int]]:
        """Every alias with its CI and line."""
        named = ((ci, alias) for ci in self.cis for alias in ci.aliases)
        return ((ci, alias, _at(self.alias_lines, index)) for index, (ci, alias) in enumerate(named))


def _at(lines: "array[int]", index: int) -> int:
    return lines[index] if index < len(lines) else 0
