"""Values to JSON text and back, such that no character in them can break a transaction."""

from typing import Any

import msgspec

from daemon.errors import StoreError
from rules.alert import Alert
from rules.decision import SourceState, Way
from rules.incident import Incident
from rules.record import RECORDS, Kind, Record
from rules.rotation import Override
from rules.silence import Silence
from rules.telling import Mailbox

_encoder = msgspec.json.Encoder()
_alert_decoder = msgspec.json.Decoder(Alert)
_incident_decoder = msgspec.json.Decoder(Incident)
_source_decoder = msgspec.json.Decoder(SourceState)
_silence_decoder = msgspec.json.Decoder(Silence)
_record_decoders = {kind: msgspec.json.Decoder(model) for kind, model in RECORDS.items()}
_override_decoder = msgspec.json.Decoder(Override)
_mailbox_decoder = msgspec.json.Decoder(Mailbox)
_names_decoder = msgspec.json.Decoder(tuple[str, ...])
_ways_decoder = msgspec.json.Decoder(tuple[Way, ...])


def clean(text: str) -> str:
    """The text without what databases refuse: NUL characters go, lone surrogates become question marks."""
    if text.isascii():
        return text.replace("\x00", "") if "\x00" in text else text
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def clean_or_none(text: str | None) -> str | None:
    """As `clean`, for a column that may be empty."""
    return None if text is None else clean(text)


def names_of(record: str) -> tuple[str, ...]:
    """The names in a JSON list that `encode` has made of them."""
    return _names_decoder.decode(record)


def encode(value: Any) -> str:
    """The value as JSON text. A NUL inside is escaped by JSON; only a lone surrogate needs the slow way round."""
    try:
        return _encoder.encode(value).decode("utf-8")
    except UnicodeEncodeError:
        return _encoder.encode(_cleaned(msgspec.to_builtins(value))).decode("utf-8")


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {_cleaned(k): _cleaned(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned(v) for v in value]
    return value


def alert_of(record: str) -> Alert:
    """The alert that was encoded; StoreError where the text is something else."""
    try:
        return _alert_decoder.decode(record)
    except msgspec.DecodeError as error:
        raise StoreError(f"an alert in the database cannot be read: {error}") from error


def incident_of(record: str) -> Incident:
    """The incident that was encoded; StoreError where the text is something else."""
    try:
        return _incident_decoder.decode(record)
    except msgspec.DecodeError as error:
        raise StoreError(f"an incident in the database cannot be read: {error}") from error


def source_of(record: str) -> SourceState:
    """The state of a source that was encoded; StoreError where the text is something else."""
    try:
        return _source_decoder.decode(record)
    except msgspec.DecodeError as error:
        raise StoreError(f"a source's state in the database cannot be read: {error}") from error


def silence_of(record: str) -> Silence:
    """The silence that was encoded; StoreError where the text is something else."""
    try:
        return _silence_decoder.decode(record)
    except msgspec.DecodeError as error:
        raise StoreError(f"a silence in the database cannot be read: {error}") from error


def record_of(kind: str, record: str) -> Record:
    """The service request, problem or change that was encoded; StoreError where the text is something else."""
    try:
        decoded: Record = _record_decoders[Kind(kind)].decode(record)
    except (msgspec.DecodeError, ValueError) as error:
        raise StoreError(f"a {kind} in the database cannot be read: {error}") from error
    return decoded


def override_of(record: str) -> Override:
    """The override of a schedule that was encoded; StoreError where the text is something else."""
    try:
        return _override_decoder.decode(record)
    except msgspec.DecodeError as error:
        raise StoreError(f"an override in the database cannot be read: {error}") from error


def mailbox_of(record: str) -> Mailbox:
    """What waits to be told to a recipient, as it was encoded; StoreError where the text is something else."""
    try:
        return _mailbox_decoder.decode(record)
    except msgspec.DecodeError as error:
        raise StoreError(f"a mailbox in the database cannot be read: {error}") from error


def ways_of(text: str) -> tuple[Way, ...]:
    """The ways that were encoded; StoreError where the text is something else."""
    try:
        return _ways_decoder.decode(text)
    except msgspec.DecodeError as error:
        raise StoreError(f"the ways of a notice in the database cannot be read: {error}") from error
