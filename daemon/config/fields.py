"""The kinds of value that settings are made of, each refusing in words what it cannot be."""

import difflib
import ipaddress
import re
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

from daemon.config.document import Filled
from daemon.config.durations import EXAMPLES, parse_duration
from daemon.sources.texts import parse_instant

_INSTANTS = "a time with its zone, as in 2026-11-24T08:00:00Z or 2026-11-24T09:00:00+01:00"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?\.?", re.ASCII)
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:/-]{0,199}", re.ASCII)


class Refused(ValueError):
    """A value is not what it should be: what is wrong with it, and what is allowed."""

    def __init__(self, what: str, allowed: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.allowed = allowed


def shown(value: object) -> str:
    """A value as it stands in the file: what came from the environment may be secret and shows its variable only."""
    text = value.written if isinstance(value, Filled) else str(value)
    return f'"{text if len(text) <= 120 else text[:117] + "..."}"'


def _text(value: object, kind: str) -> str:
    if not isinstance(value, str):
        raise Refused(f"must be text, not {kind_of(value)}", f"allowed: {kind}")
    return value


def kind_of(value: object) -> str:
    """What a value is, in words of YAML."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, list) else "text"


def _matching(pattern: re.Pattern[str], wrong: str, allowed: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        text = _text(value, allowed)
        if not pattern.fullmatch(text):
            raise Refused(f"{shown(value)} {wrong}", f"allowed: {allowed}")
        return text

    return check


def _duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise Refused(f"must be a length of time, not {kind_of(value)}", f"allowed: {EXAMPLES}")
    try:
        return parse_duration(value)
    except ValueError as error:
        reason = f"{shown(value)} is not a length of time" if isinstance(value, Filled) else str(error)
        raise Refused(reason, f"allowed: {EXAMPLES}") from None


def _between(least: timedelta, most: timedelta, words: str) -> Callable[[timedelta], timedelta]:
    def check(value: timedelta) -> timedelta:
        if not least <= value <= most:
            raise Refused("is out of range", f"allowed: {words}")
        return value

    return check


def _instant(value: Any) -> Any:
    if isinstance(value, datetime):
        return value
    text = _text(value, _INSTANTS)
    try:
        found = parse_instant(text)
    except ValueError as error:
        raise Refused(f"{shown(value)} {error}", f"allowed: {_INSTANTS}") from None
    if found is None:
        raise Refused("is no time", f"allowed: {_INSTANTS}")
    return found


def _number(value: Any) -> Any:
    if isinstance(value, Filled) and value.isascii() and value.isdecimal():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(f"must be a whole number, not {kind_of(value)}")
    return value


def _http_url(value: Any) -> str:
    text = _text(value, "an address as in http://host:9090")
    problem = url_problem(text, {"http", "https"})
    if problem:
        raise Refused(f"{_shown_url(value)} {problem}", "allowed: http://host:port/path or https://…")
    return text.rstrip("/")


def _issuer(value: Any) -> str:
    # As it is written: issuers are compared character by character, a slash at the end included.
    _http_url(value)
    return _text(value, "an address as in https://login.example.net")


def _secret_url(value: Any) -> str:
    text = _text(value, "an address as in https://host/hook")
    problem = url_problem(text, {"http", "https"}, user_allowed=True)
    if problem:
        raise Refused(problem, "allowed: http://host:port/path or https://…")
    return text


def url_problem(text: str, schemes: set[str], *, user_allowed: bool = False) -> str:
    """Why `text` is no address with one of `schemes`; empty where it is one."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        return f"is not an address ({str(error).lower()})"
    if parts.scheme not in schemes or "://" not in text:
        return f"does not begin with {' or '.join(f'{s}://' for s in sorted(schemes))}"
    if not host or any(c.isspace() or ord(c) < 32 for c in text):
        return "names no host" if not host else "holds white space"
    if "@" in parts.netloc and not user_allowed:
        return "holds a user name or password, which do not belong in an address"
    return ""


def _shown_url(value: str) -> str:
    """An address without the credentials it may hold."""
    if isinstance(value, Filled):
        return shown(value)
    return shown(re.sub(r"(?<=//)[^/@]*@", "***@", str(value)))


def _headers(value: Any) -> Any:
    if not isinstance(value, dict):
        raise Refused(f"must be a mapping of header names to values, not {kind_of(value)}")
    for name, text in value.items():
        if not _HEADER.fullmatch(name):
            raise Refused(f'"{name[:60]}" is not the name of an HTTP header')
        if not isinstance(text, str):
            raise Refused(f"the value of {name} must be text, not {kind_of(text)}", "put it in quotes")
        if not (text.isprintable() and text.isascii()):
            raise Refused(f"the value of {name} holds characters that no HTTP header can", "allowed: printable ASCII")
    return value


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


OneOrMany = BeforeValidator(_one_or_many)


def one_of(words: Collection[str]) -> BeforeValidator:
    """A validator that takes the given words only and suggests the nearest."""

    def check(value: Any) -> Any:
        if value not in words:
            wrong = (
                f"{shown(value)} is not allowed" if isinstance(value, str) else f"must be text, not {kind_of(value)}"
            )
            raise Refused(wrong, suggestion(str(value), words))
        return value

    return BeforeValidator(check)


def suggestion(word: str, words: Collection[str]) -> str:
    """What could have been meant by `word`, and all that is allowed."""
    near = difflib.get_close_matches(word.lower(), words, n=1, cutoff=0.6)
    meant = f'did you mean "{near[0]}"?; ' if near else ""
    return f"{meant}allowed: {', '.join(words)}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def split_listen(text: str) -> tuple[str, int]:
    """Host and port of `host:port`; an IPv6 address stands in brackets. Port 0 asks for any free one.

    Raises Refused.
    """
    allowed = "allowed: host:port, as in 127.0.0.1:8420 or [::1]:8420"
    host, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise Refused(f'"{text[:60]}" has no port', allowed)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            raise Refused(f'"{host[:60]}" is not an IPv6 address', allowed) from None
    elif ":" in host:
        raise Refused(f'"{text[:60]}": an IPv6 address stands in brackets', allowed)
    elif not _HOST.fullmatch(host):
        raise Refused(f'"{text[:60]}" names no host', allowed)
    return host, int(port)


def _listen(value: Any) -> Any:
    return split_listen(_text(value, "host:port, as in 127.0.0.1:8420"))


Duration = Annotated[timedelta, BeforeValidator(_duration)]
Interval = Annotated[Duration, AfterValidator(_between(timedelta(seconds=1), timedelta(days=1), "1s to 1d"))]
SessionLength = Annotated[Duration, AfterValidator(_between(timedelta(minutes=5), timedelta(days=30), "5m to 30d"))]
Memory = Annotated[Duration, AfterValidator(_between(timedelta(hours=1), timedelta(days=365), "1h to 365d"))]
Timeout = Annotated[
    Duration, AfterValidator(_between(timedelta(milliseconds=100), timedelta(minutes=5), "100ms to 5m"))
]
Instant = Annotated[datetime, BeforeValidator(_instant)]
Number = Annotated[int, BeforeValidator(_number)]
Name = Annotated[str, BeforeValidator(_matching(_NAME, "is not a name", "letters, digits, . _ and -, 63 at most"))]
Label = Annotated[
    str, BeforeValidator(_matching(_LABEL, "is not the name of a label", "the name of a label, as in instance"))
]
Host = Annotated[str, BeforeValidator(_matching(_HOST, "is not the name of a host", "a host name or address"))]
Issuer = Annotated[str, BeforeValidator(_issuer)]
HttpUrl = Annotated[str, BeforeValidator(_http_url)]
SecretUrl = Annotated[str, BeforeValidator(_secret_url)]
Headers = Annotated[dict[str, str], BeforeValidator(_headers)]
Listen = Annotated[tuple[str, int], BeforeValidator(_listen)]
Names = Annotated[list[Name], OneOrMany]
Texts = Annotated[list[str], OneOrMany]
Labels = Annotated[list[Label], OneOrMany]
