"""The pages of the console: templates, and the headers under which a browser may run nothing but our own files."""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from daemon.api.access import Caller
from daemon.api.ports import Ports
from daemon.console import shown
from daemon.console.assets import Assets

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
NAVIGATION = (
    ("/", "Board"),
    ("/overview", "Overview"),
    ("/services", "Services"),
    ("/cis", "Estate"),
    ("/events", "Events"),
    ("/reports", "Reports"),
    ("/portal", "Report a problem"),
)
"""Address and name of the pages that are always one click away."""


class Pages:
    """Makes pages of templates. Everything that is put into one is escaped: alert texts are hostile."""

    def __init__(self, ports: Ports, assets: Assets, health: Callable[[], Any]) -> None:
        self._ports = ports
        self._health = health
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._templates.globals.update(asset=assets.address, navigation=NAVIGATION)
        self._templates.filters.update(shown.FILTERS)

    def page(
        self, request: Request, caller: Caller, template: str, *, status: HTTPStatus = HTTPStatus.OK, **values: Any
    ) -> Response:
        """A page for somebody; `values` hold everything that its template names beside what all pages have."""
        return self.html(
            template,
            status=status,
            caller=caller,
            here=request.url.path,
            address=f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path,
            health=self._health(),
            **values,
        )

    def svg(self, template: str, **values: Any) -> Response:
        """A drawing by itself."""
        drawing = self._templates.get_template(template).render(values)
        return Response(drawing, HTTPStatus.OK, _HEADERS, "image/svg+xml")

    def html(self, template: str, *, status: HTTPStatus = HTTPStatus.OK, **values: Any) -> Response:
        """A page for anybody."""
        html = self._templates.get_template(template).render({**self._given(), **values})
        return Response(html, status, _HEADERS, "text/html; charset=utf-8")

    def _given(self) -> dict[str, Any]:
        """What every page may name."""
        sign_on = "" if self._ports.sign_on is None else self._ports.sign_on.name
        return {"now": self._ports.clock.now(), "access": self._ports.access, "sign_on": sign_on}
