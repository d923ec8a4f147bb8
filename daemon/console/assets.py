"""The console's own files: served from here, under addresses that change with what is in them, and compressed once."""

import gzip
import hashlib
from pathlib import Path

from fastapi import APIRouter, Depends, Request, Response

from daemon.api.access import anyone
from daemon.api.problems import Problem

_FOLDER = Path(__file__).parent / "static"
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_FOREVER = "public, max-age=31536000, immutable"


def takes_gzip(request: Request) -> bool:
    """Whether the browser says that it takes what is compressed so."""
    return "gzip" in request.headers.get("accept-encoding", "")


class Assets:
    """Every file under `static`, read once."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[str, bytes, bytes]] = {}
        self._addresses: dict[str, str] = {}
        for path in sorted(p for p in _FOLDER.rglob("*") if p.suffix in _TYPES):
            body, name = path.read_bytes(), path.relative_to(_FOLDER).as_posix()
            digest = hashlib.sha256(body).hexdigest()[:12]
            key = f"{digest}/{name}"
            self._files[key] = (_TYPES[path.suffix], body, gzip.compress(body, 9, mtime=0))
            self._addresses[name] = f"/static/{key}"

    def address(self, name: str) -> str:
        """Where the file of that name is; KeyError where there is none, which is a flaw of ours."""
        return self._addresses[name]

    def routes(self) -> APIRouter:
        """/static/…; the files hold nothing that anybody may not see."""
        router = APIRouter(include_in_schema=False, dependencies=[Depends(anyone)])

        @router.get("/static/{key:path}")
        async def serve(key: str, request: Request) -> Response:
            if key not in self._files:
                raise Problem(404, "there is no such file")
            kind, body, small = self._files[key]
            headers = {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
            if takes_gzip(request):
                return Response(small, headers={**headers, "Content-Encoding": "gzip"}, media_type=kind)
            return Response(body, headers=headers, media_type=kind)

        return router
