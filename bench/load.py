"""The pushing side, a process of its own so that it slows nobody's measurement but the machine's."""

import http.client
import json
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

A_REQUEST = 64
CLIENTS = 4


def push(url: str, bodies: Sequence[bytes]) -> tuple[float, float]:
    """POST every body over `CLIENTS` connections that stay open; when the first went out and the last was answered.

    Raises AssertionError for an answer other than 2xx: neither program may refuse anything.
    """
    failed: list[str] = []
    began = time.monotonic()

    def client(share: Sequence[bytes]) -> None:
        where = urlsplit(url)
        connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=120)
        for body in share:
            connection.request("POST", where.path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            if answer.status // 100 != 2:
                failed.append(f"{answer.status} {answer.reason}")
        connection.close()

    threads = [threading.Thread(target=client, args=(bodies[n::CLIENTS],)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed[:3]
    return began, time.monotonic()


if __name__ == "__main__":
    alerts = json.loads(Path(sys.argv[2]).read_text())
    slices = [alerts[n : n + A_REQUEST] for n in range(0, len(alerts), A_REQUEST)]
    print(json.dumps(push(sys.argv[1], [json.dumps(part).encode() for part in slices])))
