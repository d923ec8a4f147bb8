"""Starting and stopping the HTTP server: sockets, refusals, and an end in bounded time."""

import socket
import subprocess
import sys
import threading
from typing import Any

import anyio
import pytest
import requests
from fastapi import FastAPI

from daemon.api.boundaries import BodyLimits
from daemon.api.problems import Problem
from daemon.api.server import HttpServer, ServerError, answer_at_once
from tests.servers import program


def small_app() -> FastAPI:
    app = FastAPI(openapi_url=None, telemetry={"tracing": False, "metrics": False, "logs": False})
    app.add_api_route("/", lambda: "here")
    return app


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_it_serves_until_it_is_stopped(host: str) -> None:
    server = HttpServer(small_app(), host, 0)
    server.start()
    assert requests.get(server.address, timeout=60).json() == "here"
    address = server.address
    server.stop()
    server.stop()
    with pytest.raises(requests.ConnectionError):
        requests.get(address, timeout=60)


def test_connections_send_small_answers_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        answer_at_once(listening)
        with socket.create_connection(listening.getsockname()), listening.accept()[0] as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_a_taken_port_is_one_clear_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerError) as caught:
            HttpServer(small_app(), "127.0.0.1", port).start()
    assert str(caught.value) == f"cannot listen on 127.0.0.1:{port}: another program listens there already"
    with pytest.raises(ServerError, match=r"nowhere\.invalid:80: the name cannot be resolved"):
        HttpServer(small_app(), "nowhere.invalid", 80).start()


def test_an_application_that_does_not_start_is_an_error() -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(ServerError, match="did not start"):
        HttpServer(broken, "127.0.0.1", 0).start()


def test_a_request_that_never_ends_does_not_hold_the_end_up() -> None:
    asked, never = threading.Event(), anyio.Event

    async def hang() -> None:
        asked.set()
        await never().wait()

    app = small_app()
    app.add_api_route("/hang", hang)
    server = HttpServer(app, "127.0.0.1", 0, grace_s=1)
    server.start()
    with socket.create_connection(("127.0.0.1", int(server.address.rpartition(":")[2]))) as connection:
        connection.sendall(b"GET /hang HTTP/1.1\r\nHost: localhost\r\n\r\n")
        asked.wait()
        server.stop()
    assert not any(thread.name == "http" for thread in threading.enumerate())


ACTIVATED = """
import sys
from tests.contract.test_http_server import small_app
from daemon.api.server import HttpServer
server = HttpServer(small_app(), "127.0.0.1", 1)
server.start()
print(server.address, flush=True)
sys.stdin.read()
server.stop()
"""


def test_systemd_may_hand_the_socket_over() -> None:
    bash = program("bash")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        fd = listening.fileno()
        script = f'exec 3<&{fd}; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" -c "$1"'
        with subprocess.Popen(
            [bash, "-c", script, sys.executable, ACTIVATED],
            pass_fds=(fd,),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            address = process.stdout.readline().decode().strip()
            assert address == f"http://127.0.0.1:{listening.getsockname()[1]}"
            assert requests.get(address, timeout=60).json() == "here"
            process.stdin.close()
            assert process.wait(timeout=60) == 0


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def read(scope: Any, receive: Any, send: Any) -> None:
        await receive()

    async def ask() -> None:
        async def receive() -> Any:
            await anyio.sleep_forever()

        async def send(message: Any) -> None:
            raise AssertionError(message)

        scope = {"type": "http", "path": "/", "headers": []}
        await BodyLimits(read, body_within_s=0.05)(scope, receive, send)

    with pytest.raises(Problem) as caught:
        anyio.run(ask)
    assert caught.value.status_code == 408
