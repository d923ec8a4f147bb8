"""The whole API against its own description: nothing asked may break it, or get an answer it does not promise."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.api_world import Session, World, fill

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CASES = 20
"""For each route, caller, and kind of data: such as the description allows, and such as it does not."""


def operations(world: World, http: Session) -> list[Any]:
    """Every route, as its description has it."""
    document = http.get(f"{world.url}/api/openapi.json").json()
    return [result.ok() for result in schemathesis.openapi.from_dict(document).get_all_operations()]


@pytest.mark.parametrize("mode", GenerationMode)
@pytest.mark.parametrize("token", ["token-admin", ""])
def test_no_request_breaks_the_api_or_its_description(
    peopled: World, http: Session, token: str, mode: GenerationMode
) -> None:
    fill(peopled)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    found = operations(peopled, http)
    assert len(found) > 30
    seen: set[int] = set()
    for operation in found:
        if mode is GenerationMode.POSITIVE or operation.body or list(operation.iter_parameters()):
            _try(operation, mode, peopled, headers, seen)
    if not token:
        assert 401 in seen
    else:
        assert seen >= ({200, 404} if mode is GenerationMode.POSITIVE else {400, 404})


def _try(operation: Any, mode: GenerationMode, world: World, headers: dict[str, str], seen: set[int]) -> None:
    @settings(max_examples=CASES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        answer = case.call(base_url=world.url, headers=headers)
        seen.add(answer.status_code)
        case.validate_response(answer, checks=CHECKS)

    ask()
