"""Passwords: argon2id hashes, never the passwords themselves.

A hash takes 64 MiB and a tenth of a second on purpose, so only a few are made at a time, whoever asks.
"""

import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_AT_ONCE = 2
_WAIT_S = 20.0
_hasher = PasswordHasher()
"""The library's defaults are RFC 9106's second recommendation: argon2id, t=3, p=4, 64 MiB."""
_turn = threading.BoundedSemaphore(_AT_ONCE)
_GENERATED_BYTES = 15


def hash_password(password: str) -> str:
    """The hash to keep, with its salt and parameters."""
    with _turn:
        return _hasher.hash(password)


def is_right(hashed: str | None, password: str) -> bool:
    """Whether the password belongs to the hash. None or nothing, where there is no such user or they have no password,
    takes as long and is False.

    TimeoutError where too many others wait for their turn.
    """
    if not _turn.acquire(timeout=_WAIT_S):
        raise TimeoutError("too many logins at once")
    try:
        _hasher.verify(hashed or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    finally:
        _turn.release()
    return bool(hashed)


def generated_password() -> str:
    """A random password of 120 bits that can be typed."""
    return secrets.token_urlsafe(_GENERATED_BYTES)


_dummy: list[str] = []


def _nobody() -> str:
    """A hash that belongs to no password anybody knows, made when it is first needed."""
    if not _dummy:
        _dummy.append(_hasher.hash(secrets.token_hex(32)))
    return _dummy[0]
