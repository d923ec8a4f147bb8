"""Lists that are given page by page: how long a page is, where the next one begins, and its address."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple, Protocol, TypeVar

from fastapi import Query, Request, Response

from daemon.api.documents import json_response

MAX_PAGE = 200
MAX_OFFSET = 10_000_000

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Offset = Annotated[int, Query(ge=0, le=MAX_OFFSET)]
T = TypeVar("T")


class Next(NamedTuple):
    """Where the next page begins, and its address; None on the last."""

    offset: int | None
    address: str | None


class _Paged(Protocol):
    @property
    def next(self) -> str | None: ...


def page_of(request: Request, found: Sequence[T], limit: int, offset: int) -> tuple[Sequence[T], Next]:
    """The page, of one more than it holds: that one says whether another page follows."""
    if len(found) <= limit:
        return found, Next(None, None)
    after = offset + limit
    return found[:limit], Next(after, f"{request.url.path}?{request.url.include_query_params(offset=after).query}")


def page_response(document: _Paged) -> Response:
    """The page as it is sent, with the address of the next one also in `Link` (RFC 8288)."""
    headers = {} if document.next is None else {"Link": f'<{document.next}>; rel="next"'}
    return json_response(document, headers=headers)
