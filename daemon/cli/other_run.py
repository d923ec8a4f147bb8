"""`--compare FILE`: what a replay is compared with, an earlier result or another configuration."""

import os
from pathlib import Path

import msgspec

from cmdb.problems import Problem
from daemon.config.document import read_document
from daemon.config.load import load_config
from daemon.config.schema import CONFIG_KEYS
from daemon.errors import ConfigError
from daemon.replay_difference import Result
from rules.policy import Policy

_ALLOWED = "allowed: what `incidentd replay --json` printed, or a configuration"


def read_other(path: Path) -> Result | Policy:
    """The earlier result that the file holds, or the policy of the configuration that it is; its content tells.

    In a result `incidents` is a list, in a configuration a mapping. Raises ConfigError where it is neither, and with
    every mistake of the configuration.
    """
    try:
        body = path.read_bytes()
    except OSError as error:
        raise _wrong(path, f"cannot be read: {error.strerror}") from None
    if body.lstrip()[:1] == b"{":
        return _from_json(path, body)
    return _from_yaml(path)


def _from_json(path: Path, body: bytes) -> Result | Policy:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _wrong(path, f"is not one whole JSON document: {error}") from None
    if not isinstance(value.get("incidents"), list):
        return _policy(path, value)
    try:
        return msgspec.json.decode(body, type=Result)
    except msgspec.ValidationError as error:
        raise _wrong(path, f"is not the result of a replay: {error}") from None


def _from_yaml(path: Path) -> Policy:
    return _policy(path, read_document(path, environ=os.environ).value)


def _policy(path: Path, value: object) -> Policy:
    if not isinstance(value, dict) or not any(key in CONFIG_KEYS for key in value):
        raise _wrong(path, "is neither the result of a replay nor a configuration")
    return load_config(path).policy


def _wrong(path: Path, what: str) -> ConfigError:
    return ConfigError([Problem(file=str(path), line=0, what=what, allowed=_ALLOWED)])
