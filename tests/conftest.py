"""Fixtures that more than one suite uses."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests import postgres

# The same examples every time, so that a red test is the change's doing; `quick` is for before each commit, and
# `thorough` looks for what nobody knows yet.
settings.register_profile("quick", max_examples=15, deadline=None, derandomize=True)
settings.register_profile("usual", max_examples=100, deadline=None, derandomize=True)
settings.register_profile("thorough", max_examples=3_000, deadline=None, print_blob=True)
settings.load_profile("usual")


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[postgres.Cluster]:
    """A private PostgreSQL; skipped by name where it is not installed, which in CI is a failure."""
    programs = postgres.binaries()
    if programs is None:
        missing("PostgreSQL")
    else:
        with postgres.running(programs) as cluster:
            yield cluster


def missing(program: str) -> None:
    """Skip the test because a program is not installed; with `CI=true` that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{program} is not installed")
    pytest.skip(f"{program} is not installed")
