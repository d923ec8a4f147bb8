"""Catches what the daemon sends: mails as DIR/mail/*.eml, webhooks as DIR/webhooks/*.json."""

import email
import email.policy
import itertools
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from daemon.clock import Clock
from daemon.lab.loopback import Answer, HttpServer, Request, json_answer
from daemon.lab.smtp import SmtpSink

KEPT = 500


class Catcher:
    """A mail server and a webhook receiver on loopback; each message becomes a file and a line to `say`.

    The newest `KEPT` of each kind stay.
    """

    def __init__(
        self, directory: Path, clock: Clock, say: Callable[[str], None], *, smtp_port: int = 0, hook_port: int = 0
    ) -> None:
        self.mails = directory / "mail"
        self.webhooks = directory / "webhooks"
        for folder in (self.mails, self.webhooks):
            folder.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._say = say
        self._count = itertools.count(1)
        self._lock = threading.Lock()
        self._smtp = SmtpSink(smtp_port, self._mail)
        self._hooks = HttpServer("the lab's webhook catcher", hook_port, self._hook)

    @property
    def smtp_port(self) -> int:
        """Where mail is taken."""
        return self._smtp.port

    @property
    def hook_url(self) -> str:
        """Where webhooks are taken."""
        return f"{self._hooks.url}/hook"

    def start(self) -> None:
        """Catch from now on."""
        self._smtp.start()
        self._hooks.start()

    def stop(self) -> None:
        """Catch no more."""
        self._smtp.stop()
        self._hooks.stop()

    def _mail(self, recipients: list[str], raw: bytes) -> None:
        path = self._keep(self.mails, "eml", raw)
        subject = str(email.message_from_bytes(raw, policy=email.policy.default).get("Subject", "(no subject)"))
        self._say(f"mail: to {', '.join(recipients)}: {subject} -> {path}")

    def _hook(self, request: Request) -> Answer:
        if request.method != "POST":
            return json_answer({"error": "post a notice here"}, 405)
        try:
            document: Any = json.loads(request.body)
        except (ValueError, RecursionError):
            return json_answer({"error": "the body is not JSON"}, 400)
        path = self._keep(self.webhooks, "json", request.body)
        event = document.get("event", "notice") if isinstance(document, dict) else "notice"
        self._say(f"webhook: {event} -> {path}")
        return Answer(status=204)

    def _keep(self, folder: Path, suffix: str, body: bytes) -> Path:
        with self._lock:
            stamp = self._clock.now().strftime("%Y%m%dT%H%M%S")
            path = folder / f"{stamp}-{next(self._count):05d}.{suffix}"
            path.write_bytes(body)
            for old in sorted(folder.glob(f"*.{suffix}"))[:-KEPT]:
                old.unlink(missing_ok=True)
        return path
