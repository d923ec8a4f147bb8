"""A lifecycle as one table: what may follow what, and its picture. Every kind of record has one."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from rules.errors import IllegalTransition

StateT = TypeVar("StateT", bound=enum.StrEnum)
StepT = TypeVar("StepT", bound=enum.StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle(Generic[StateT, StepT]):
    """The states of one kind of record and the steps between them.

    `what` names the record with its article, as in `an incident`. It begins in one of `starts`, the first being the
    usual one, and ends in one of `ends`, some of which may be left again. The order of the table is the order in which
    people are shown what they may do.
    """

    what: str
    table: Mapping[tuple[StateT, StepT], StateT] = field(hash=False)
    starts: tuple[StateT, ...]
    ends: tuple[StateT, ...]

    def next_status(self, status: StateT, step: StepT) -> StateT:
        """The state after `step`; IllegalTransition, naming what is allowed, where the table has none."""
        try:
            return self.table[status, step]
        except KeyError:
            allowed = ", ".join(self.allowed_steps(status)) or "nothing more"
            raise IllegalTransition(
                f"cannot {step} {self.what} that is {words_of(status)}; allowed now: {allowed}"
            ) from None

    def allowed_steps(self, status: StateT) -> tuple[str, ...]:
        """What may be asked of a record in this state, in the table's order."""
        return tuple(str(step) for (state, step) in self.table if state is status)

    def diagram(self) -> str:
        """The table as a Mermaid state diagram, for the documentation."""
        lines = ["stateDiagram-v2", *(f"    [*] --> {state}" for state in self.starts)]
        lines += [f"    {state} --> {after}: {step}" for (state, step), after in self.table.items()]
        return "\n".join([*lines, *(f"    {state} --> [*]" for state in self.ends)])


def words_of(status: enum.StrEnum) -> str:
    """A state in plain words, as in `in progress`."""
    return str(status).replace("_", " ")
