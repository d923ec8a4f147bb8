"""Pages behind links in notices, which need no login: the signature in the address is the key to them."""

import base64
import hashlib
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_PAGES = Path(__file__).parent / "pages"
_STYLE = (
    ":root{color-scheme:light dark;font:1rem/1.5 system-ui,sans-serif}"
    "main{max-width:34rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.4rem;overflow-wrap:anywhere}"
    "fieldset{border:1px solid #8a93a0;border-radius:.5rem;margin:1rem 0}"
    "label{display:block;padding:.3rem 0}"
    "textarea{width:100%;box-sizing:border-box;font:inherit}"
    "button{font:inherit;padding:.5rem 1.5rem;margin-top:1rem}"
    ".soft{opacity:.75;overflow-wrap:anywhere}.bad{color:#d32f2f}"
)
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    # The address is a key and must not reach other sites; with `no-referrer` browsers would hide where the answer to
    # the form comes from, and it would be refused.
    "Referrer-Policy": "same-origin",
}


class PublicPage:
    """One template, shown under headers that let it do nothing but send its own form back."""

    def __init__(self, template: str) -> None:
        pages = Environment(
            loader=FileSystemLoader(_PAGES),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._template = pages.get_template(template)

    def answer(self, status: HTTPStatus, values: dict[str, Any]) -> Response:
        """The page; `values` holds everything that the template names."""
        html = self._template.render({**values, "style": _STYLE})
        return Response(html, status, _HEADERS, "text/html; charset=utf-8")
