"""The pages of the console: templates, and the headers under which a browser may run nothing but our own files."""

import gzip
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from daemon.api.access import Caller
from daemon.api.ports import Ports
from daemon.console import shown
from daemon.console.assets import Assets, takes_gzip
from notifiers.drawing.svg import DRAWINGS
from rules.access import Permission

_LEVEL = 4
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class Place(NamedTuple):
    """A page that is one click away for who has the permission; `by_service` as in `daemon.api.access.require`."""

    address: str
    name: str
    permission: Permission = "read"
    by_service: bool = True


NAVIGATION = (
    Place("/", "Board"),
    Place("/overview", "Overview"),
    Place("/requests", "Records", by_service=False),
    Place("/services", "Services"),
    Place("/cis", "Estate", by_service=False),
    Place("/events", "Events", by_service=False),
    Place("/reports", "Reports"),
    Place("/portal", "Report a problem", "report"),
    Place("/admin", "Administration", "write", by_service=False),
)
"""The pages that are always one click away."""
_UNDER = {"incidents": "/", "problems": "/requests", "changes": "/requests"}
"""By the first part of an address, the page of `NAVIGATION` that it belongs to; else it is that part itself."""


class Pages:
    """Makes pages of templates. Everything that is put into one is escaped: alert texts are hostile."""

    def __init__(self, ports: Ports, assets: Assets, health: Callable[[], Any]) -> None:
        self._ports = ports
        self._health = health
        self._templates = Environment(
            loader=FileSystemLoader([Path(__file__).parent / "templates", DRAWINGS]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals.update(asset=assets.address)
        self._templates.filters.update(shown.FILTERS)

    def page(
        self, request: Request, caller: Caller, template: str, *, status: HTTPStatus = HTTPStatus.OK, **values: Any
    ) -> Response:
        """A page for somebody; `values` hold everything that its template names beside what all pages have."""
        whole = self.html(
            template,
            status=status,
            caller=caller,
            navigation=_reached_by(caller),
            here=request.url.path,
            section=_section(request.url.path),
            address=f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path,
            health=self._health(),
            **values,
        )
        return _compressed(whole) if takes_gzip(request) else whole

    def svg(self, template: str, **values: Any) -> Response:
        """A drawing by itself."""
        drawing = self._templates.get_template(template).render(values)
        return Response(drawing, HTTPStatus.OK, _HEADERS, "image/svg+xml")

    def png(self, image: bytes) -> Response:
        """An image by itself."""
        return Response(image, HTTPStatus.OK, _HEADERS, "image/png")

    def html(self, template: str, *, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> Response:
        """A page for anybody."""
        html = self._templates.get_template(template).render({**self._given(), **values})
        return Response(html, status, _HEADERS, "text/html; charset=utf-8")

    def _given(self) -> dict[str, Any]:
        """What every page may name."""
        sign_on = "" if self._ports.sign_on is None else self._ports.sign_on.name
        return {"now": self._ports.clock.now(), "access": self._ports.access, "sign_on": sign_on}


def _compressed(page: Response) -> Response:
    """The page as browsers like to get it: a board of 500 lines is half a megabyte, nearly all of it the same words.

    It is done here, on a thread, and for pages alone: nothing that a page holds is a secret whose length somebody could
    learn by asking often (BREACH); what is shown once is made by a POST.
    """
    small = gzip.compress(page.body, _LEVEL, mtime=0)
    headers = {**_HEADERS, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(small, page.status_code, headers, page.media_type)


def _section(path: str) -> str:
    """The page of `NAVIGATION` that an address belongs to, if any."""
    first = path.split("/")[1]
    return _UNDER.get(first, f"/{first}")


def _reached_by(caller: Caller) -> list[Place]:
    """The places of the navigation that would not refuse the caller."""
    return [p for p in NAVIGATION if p.permission in caller.permissions and (p.by_service or not caller.services)]
