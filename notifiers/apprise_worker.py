"""A program of its own that sends one notice by Apprise: what hangs or swells there ends with it.

It reads an `Order` as JSON and writes an `Outcome` for each address. Run as `python -I -m notifiers.apprise_worker`.
"""

import os
import resource
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from apprise import NotifyBase

MOST_RSS = 400 * 2**20
_MOST_ORDER = 2**20
_LOOK_EVERY_S = 0.05
_CONNECT_S = 5.0


Kind = Literal["info", "success", "warning", "failure"]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to send where, and within how many seconds from the moment when all is loaded."""

    urls: tuple[str, ...]
    title: str
    body: str
    kind: Kind
    timeout_s: float
    deadline_s: float
    refused: tuple[str, ...]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one address. `words` are Apprise's own, for the failures that it explains."""

    how: Literal["sent", "failed", "unknown", "late", "endless"]
    words: str = ""


def main() -> None:
    """Read, send, write, and leave at once, whatever still runs."""
    order = msgspec.json.decode(sys.stdin.buffer.read(_MOST_ORDER), type=Order)
    sys.stdout.buffer.write(msgspec.json.encode(carry_out(order)))
    sys.stdout.buffer.flush()
    os._exit(0)


def carry_out(order: Order) -> list[Outcome]:
    """Send to all addresses at once; what is not done in time, or takes too much memory, is given up."""
    services = _services(order)
    outcomes = [Outcome(how="unknown" if service is None else "late") for service in services]

    def send(place: int, service: "NotifyBase") -> None:
        outcomes[place] = _sent(service, order)

    threads = [
        threading.Thread(target=send, args=(place, service), daemon=True)
        for place, service in enumerate(services)
        if service is not None
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + order.deadline_s
    while any(thread.is_alive() for thread in threads) and time.monotonic() < end:
        if _rss() > MOST_RSS:
            return [Outcome(how="endless") if outcome.how == "late" else outcome for outcome in outcomes]
        for thread in threads:
            thread.join(_LOOK_EVERY_S / len(threads))
    return list(outcomes)


def _services(order: Order) -> "list[NotifyBase | None]":
    from apprise import Apprise, AppriseAsset
    from apprise.manager_plugins import NotificationManager

    NotificationManager().disable(*order.refused)  # type: ignore[no-untyped-call]
    # Nothing is kept on disk or read from it, and a redirect would turn a POST into a GET that reports success.
    asset = AppriseAsset(http_redirects=False, storage_mode="memory", allow_templates=False, secure_logging=True)
    services = [Apprise.instantiate(url, asset=asset) for url in order.urls]
    for service in services:
        if service is not None:
            service.socket_connect_timeout = min(_CONNECT_S, order.timeout_s)
            service.socket_read_timeout = order.timeout_s
    return services


def _sent(service: "NotifyBase", order: Order) -> Outcome:
    from apprise import Apprise, NotifyFormat

    one = Apprise(asset=service.asset)
    one.add(service)
    try:
        result = one.notify(body=order.body, title=order.title, notify_type=order.kind, body_format=NotifyFormat.TEXT)
    except Exception as error:  # noqa: BLE001  plugins fail in any way
        return Outcome(how="failed", words=type(error).__name__)
    if result:
        return Outcome(how="sent")
    said = [entry.message for each in result.results for entry in each.logs() if entry.level in ("WARNING", "ERROR")]
    return Outcome(how="failed", words=str(said[-1])[:2000] if said else "")


def _rss() -> int:
    """The memory that this process uses, in bytes; where the system does not say that, the most it has used."""
    try:
        # What getrusage says begins, on Linux, with what the parent had used before this program took its place.
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return pages * resource.getpagesize()


if __name__ == "__main__":
    main()
