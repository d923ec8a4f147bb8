"""The table of an incident's states, and its picture in the documentation."""

from dataclasses import replace
from pathlib import Path

import pytest

from rules.decision import Verb
from rules.errors import IllegalTransition
from rules.incident import Status
from rules.lifecycle import TRANSITIONS, Step, allowed_steps, diagram, next_status
from rules.policy import Policy
from rules.situation import is_past
from tests.desk import Desk, down

PAGE = Path(__file__).parents[2] / "docs" / "lifecycle.md"


def test_the_documented_diagram_is_the_table() -> None:
    assert f"```mermaid\n{diagram()}\n```" in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("step", Step)
def test_only_what_the_table_holds_is_possible(status: Status, step: Step) -> None:
    if (status, step) in TRANSITIONS:
        assert next_status(status, step) is TRANSITIONS[status, step]
        assert step in allowed_steps(status)
    else:
        with pytest.raises(IllegalTransition, match="allowed now"):
            next_status(status, step)


def test_what_is_linked_to_a_settled_incident_does_not_settle_it_anew() -> None:
    desk, policy = Desk(), Policy()
    desk.hear(*down("lonely"))
    desk.ask(Verb.CONVERT, 1)
    incident, settled = desk.incidents[1], desk.now
    assert incident.settled_at == settled
    later = replace(incident, updated_at=settled + policy.reopen_within)
    assert not is_past(later, settled, policy)
    assert is_past(later, settled + policy.reopen_within, policy)
