"""The HTTP session through which sources, and a provider of single sign-on, are asked: bounded in time and size, tied
to one server, never redirected."""

import base64
import contextlib
import io
import os
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.retry import Retry

from daemon.errors import SourceDown
from daemon.sources.settings import Peer, TlsSettings

MAX_BODY_BYTES = 64 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_CONNECT_TIMEOUT_S = 3.05


class SourceRefused(SourceDown):
    """The server answered with another status than 200, which is in `status`; `body` is what came with it."""

    def __init__(self, message: str, status: int, body: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.body = body


class AnswerTooLarge(SourceDown):
    """The server answered with more than a body may have."""


class BoundedSession(requests.Session):
    """A `requests.Session` for one server; every failure of the transport is a `SourceDown` in one clear sentence.

    Read timeouts of `requests` count from byte to byte, so that a server which drips holds a poll for ever; here a
    watch cuts the connection once `settings.timeout` has passed since the request began. Bodies end at `most_bytes`.
    The environment's proxies, netrc and certificates are not used. Not thread-safe: one session, one worker.
    `answer` is the last complete answer, for callers that see it only through another library.
    """

    def __init__(self, settings: Peer, most_bytes: int = MAX_BODY_BYTES) -> None:
        super().__init__()
        self._most_bytes = most_bytes
        self.base_url = settings.url.rstrip("/")
        self.host = public_host(settings.url)
        self.timeout_s = settings.timeout.total_seconds()
        self.answer: requests.Response | None = None
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.headers["User-Agent"] = "incidentd"
        self.headers["Accept"] = "application/json"
        for name, value in settings.headers:
            self.headers[name] = value.reveal()
        if settings.bearer_token:
            self.headers["Authorization"] = f"Bearer {settings.bearer_token.reveal()}"
        elif settings.username:
            password = settings.password.reveal() if settings.password else ""
            pair = base64.b64encode(f"{settings.username}:{password}".encode()).decode()
            self.headers["Authorization"] = f"Basic {pair}"
        # Longer than the prefix at which PrometheusConnect mounts an adapter of its own, so that ours counts.
        self.mount(f"{self.base_url}/", _Adapter(_tls_context(settings.tls, self.host)))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send one request and read its answer whole. Raises SourceDown, SourceRefused where the status is not 200."""
        kwargs |= {"stream": True, "allow_redirects": False, "timeout": (_CONNECT_TIMEOUT_S, self.timeout_s)}
        self.answer = None
        with _Watch(self.timeout_s) as watch:
            try:
                response = super().send(request, **kwargs)
                body = self._read(response)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                raise SourceDown(f"{self.host} {self._why(error, watch)}") from error
            if watch.has_cut:  # a body that ends where the connection ends would look whole
                raise SourceDown(f"{self.host} {self._too_slow}")
        self._check_status(response, body)
        response.raw = io.BytesIO(body)
        self.answer = response
        return response

    def _read(self, response: requests.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        try:
            for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=True):
                size += len(chunk)
                if size > self._most_bytes:
                    raise AnswerTooLarge(f"{self.host} answered with more than {self._most_bytes // 1024**2} MiB")
                parts.append(chunk)
        finally:
            response.close()
        return b"".join(parts)

    def _check_status(self, response: requests.Response, body: bytes) -> None:
        status = response.status_code
        if status == requests.codes.ok:
            return
        if response.is_redirect:
            where = public_host(response.headers.get("Location", ""))
            text = f"redirects{f' to {where}' if where else ''}; redirects are not followed, give the final address"
        elif status in (401, 403):
            text = f"refuses our credentials (HTTP {status})"
        else:
            text = f"answered with HTTP {status}{f' {response.reason}' if response.reason else ''}"
        raise SourceRefused(f"{self.host} {text}", status, body)

    def _why(self, error: BaseException, watch: "_Watch") -> str:
        if watch.has_cut or any(map(_is_timeout, _chain(error))):
            return self._too_slow
        return f"cannot be read: {_cause(error)}"

    @property
    def _too_slow(self) -> str:
        return f"did not answer within {self.timeout_s:g} s"


def public_host(url: str) -> str:
    """`host:port` of an address, without credentials; empty where there is none."""
    return urlsplit(url).netloc.rpartition("@")[2][:255]


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from, outermost first."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_timeout(error: BaseException) -> bool:
    # urllib3 derives every failure to connect from its timeout, a refused connection included.
    return isinstance(error, TimeoutError | urllib3.exceptions.TimeoutError) and not isinstance(
        error, urllib3.exceptions.NewConnectionError
    )


def _cause(error: BaseException) -> str:
    """What lies at the bottom of an error of requests, in words for an operator."""
    for link in _chain(error):
        match link:
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted ({link.verify_message})"
            case ssl.SSLError():
                return f"the TLS connection failed ({link.reason or 'closed'})"
            case socket.gaierror():
                return "its name cannot be resolved"
            case OSError(strerror=str(reason)) if not isinstance(link, requests.RequestException):
                return reason.lower()
    return "the answer broke off"


def _tls_context(tls: TlsSettings, host: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=None if tls.ca_file is None else str(tls.ca_file))
        if tls.cert_file is not None:
            # Never ask on a terminal for the key's passphrase.
            context.load_cert_chain(tls.cert_file, tls.key_file, password=lambda: "")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or "unreadable"
        raise SourceDown(f"{host} cannot be asked: its TLS files cannot be used ({str(reason).lower()})") from error
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class _Watch:
    """Cuts the connection that a request uses once its time is over, whatever state it is in."""

    current = threading.local()

    def __init__(self, after_s: float) -> None:
        self.has_cut = False
        self._twin: socket.socket | None = None
        self._lock = threading.Lock()
        self._timer = threading.Timer(after_s, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> "_Watch":
        _Watch.current.watch = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        _Watch.current.watch = None
        with self._lock:
            self._drop_twin()

    def look_at(self, sock: socket.socket) -> None:
        """Watch this connection. A twin of its descriptor is kept: the socket object itself changes under TLS."""
        with self._lock:
            self._drop_twin()
            self._twin = socket.socket(fileno=os.dup(sock.fileno()))
            if self.has_cut:
                self._shut_down()

    def _cut(self) -> None:
        with self._lock:
            self.has_cut = True
            self._shut_down()

    def _shut_down(self) -> None:
        if self._twin is not None:
            with contextlib.suppress(OSError):
                self._twin.shutdown(socket.SHUT_RDWR)

    def _drop_twin(self) -> None:
        if self._twin is not None:
            self._twin.close()
            self._twin = None


def _look_at(sock: socket.socket | None) -> None:
    watch: _Watch | None = getattr(_Watch.current, "watch", None)
    if watch is not None and sock is not None:
        watch.look_at(sock)


class _WatchedConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        _look_at(sock)
        return sock

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        _look_at(self.sock)  # one that was kept alive
        super().putrequest(*args, **kwargs)


class _WatchedTlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        _look_at(sock)
        return sock

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        _look_at(self.sock)
        super().putrequest(*args, **kwargs)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _WatchedConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTlsConnection

    def _validate_conn(self, conn: Any) -> None:
        # urllib3 would warn at every request where the owner chose not to verify; the choice is theirs, made once.
        if conn.is_closed:
            conn.connect()


class _Adapter(HTTPAdapter):
    """Without retries (the next poll is the retry), and with our TLS context alone deciding whom to trust."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_connections=1, pool_maxsize=2, max_retries=Retry(total=0))

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        parts = urlsplit(request.url or "")
        where: Mapping[str, Any] = {"scheme": str(parts.scheme), "host": parts.hostname, "port": parts.port}
        return where, {}

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Nothing to do: the TLS context holds authorities, certificate and key."""
