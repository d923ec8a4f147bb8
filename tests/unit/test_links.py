"""Signed links and addresses: what they carry, and what does not pass for one."""

from datetime import timedelta

import pytest

from daemon.errors import BadLink
from daemon.links import ActAsked, act_token, read_act_token, read_reply_token, read_token, reply_token
from tests.builders import T0

KEY = b"k" * 32
ASKED = ActAsked(link="INC-42-abc", incident=42, verb="acknowledge", by="anna", expires_at=T0 + timedelta(days=1))
KNOWN = ("ben", "anna", "contact")


def test_what_is_signed_is_read_again_for_its_own_purpose_only() -> None:
    token = act_token(KEY, ASKED)
    assert read_act_token(KEY, token, T0) == ASKED
    with pytest.raises(BadLink, match="not made here"):
        read_token(KEY, token, T0)
    with pytest.raises(BadLink, match="could be used until"):
        read_act_token(KEY, token, T0 + timedelta(days=1))


@pytest.mark.parametrize("incident", [1, 42, 10**9, 2**40 - 1])
def test_an_address_for_answers_names_the_incident_and_whom_it_was_for(incident: int) -> None:
    token = reply_token(KEY, incident, "anna")
    assert len(token) == 24
    assert token.isalnum()
    for written in (token, token.upper(), token.capitalize()):
        assert read_reply_token(KEY, written, KNOWN) == (incident, "anna")


@pytest.mark.parametrize("wrong", ["", "a", "é" * 24, "a" * 24, "1" * 24, "a" * 5000])
def test_what_was_not_made_here_is_no_address(wrong: str) -> None:
    with pytest.raises(BadLink):
        read_reply_token(KEY, wrong, KNOWN)


def test_an_address_ends_with_whom_it_was_for_and_is_nobody_elses() -> None:
    token = reply_token(KEY, 42, "anna")
    other = reply_token(KEY, 43, "anna")
    with pytest.raises(BadLink, match="not known any more"):
        read_reply_token(KEY, token, ("ben",))
    with pytest.raises(BadLink):
        read_reply_token(b"x" * 32, token, KNOWN)
    with pytest.raises(BadLink):
        read_reply_token(KEY, other[:8] + token[8:], KNOWN)
