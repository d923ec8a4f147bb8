"""Versions of incidents on the wire: `ETag`, `If-None-Match` and `If-Match` of RFC 9110.

An entity tag is `"VERSION-DIGEST"`: the record's version, which an order can name as the one it was given for, and
a digest of all that was shown, since notices and alerts move on without the record. `If-Match` looks at the version
alone, `If-None-Match` at the whole.
"""

import hashlib
import re
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Header, Response

from daemon.api.problems import wrong_field

_DIGEST_CHARS = 16
_TAG = re.compile(r'(?P<weak>W/)?"(?P<opaque>[\x21\x23-\x7e\x80-\xff]*)"')
_LIST = re.compile(rf"\s*(?:{_TAG.pattern.replace('?P<weak>', '?:').replace('?P<opaque>', '?:')}\s*(?:,\s*|$))+")
_VERSION = re.compile(r"([0-9]{1,12})(?:-[0-9a-f]+)?")

IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=1000, description="The entity tag that was read, or `*`.")
]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", max_length=1000, description="The entity tag that is known already.")
]


UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "As it is known already."}}
"""What a route that shows a record may answer too, for its description."""


def tagged(shown: Response, version: int, if_none_match: str | None) -> Response:
    """A record as it is shown, with its tag; 304 without a body where the asker knows it so already."""
    headers = {"ETag": _entity_tag(version, bytes(shown.body))}
    if _is_known(headers["ETag"], if_none_match):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    shown.headers.update(headers)
    return shown


def _entity_tag(version: int, shown: bytes) -> str:
    """The tag of a record as it was shown."""
    return f'"{version}-{hashlib.sha256(shown).hexdigest()[:_DIGEST_CHARS]}"'


def _is_known(tag: str, if_none_match: str | None) -> bool:
    """Whether the asker has what this tag stands for already."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or tag in (f'"{m["opaque"]}"' for m in _TAG.finditer(if_none_match))


def expected_version(if_match: str | None, current: int, field: str = "If-Match") -> int | None:
    """The version that an order was given for, None where any will do. Of several it is `current` where that is among
    them. A tag that is weak or not ours stands for version 0, which no record has. 400 where it is no list of tags,
    which names the `field` it came in."""
    if if_match is None or if_match.strip() == "*":
        return None
    if not _LIST.fullmatch(if_match):
        raise wrong_field(field, 'is not a list of entity tags; allowed: *, or as in "7-0123456789abcdef"')
    versions = [_version(found) for found in _TAG.finditer(if_match)]
    return current if current in versions else versions[0]


def _version(found: "re.Match[str]") -> int:
    ours = None if found["weak"] else _VERSION.fullmatch(found["opaque"])
    return 0 if ours is None else int(ours[1])
