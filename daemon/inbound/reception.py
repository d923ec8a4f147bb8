"""Everything by which mail comes in, put together: the mailbox, the door, and what becomes of each mail."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import structlog

from daemon.acts import reader_of
from daemon.clock import Clock
from daemon.config.inbound import InboundSettings
from daemon.errors import MailboxDown
from daemon.inbound.answering import Answering
from daemon.inbound.imap import Mailbox
from daemon.inbound.matching import Surroundings
from daemon.inbound.smtp import MailDoor
from daemon.inbound.taking import Decide, Taker
from daemon.links import reply_token
from daemon.store.rows import NoticeRow
from daemon.store.store import Store
from daemon.telemetry import Metrics
from rules.document import NoticeContent

_log = structlog.get_logger(__name__)


class Reception:
    """Mail for one daemon, with the settings that it was started with."""

    def __init__(
        self,
        settings: InboundSettings,
        store: Store,
        clock: Clock,
        around: Surroundings,
        *,
        decide: Decide,
        metrics: Metrics,
    ) -> None:
        self.settings = settings
        self._store = store
        self._metrics = metrics
        mailer = next((m for m in around.mailers() if m.name == settings.answer_via), None)
        self._taker = Taker(
            store,
            clock,
            settings,
            around,
            decide=decide,
            answer=Answering(mailer, settings.address, clock).refuse,
            note=lambda fate: metrics.mails.labels(fate).inc(),
        )
        self.door = None if settings.smtp is None else MailDoor(settings.smtp, settings, self._taker.take)

    def start(self) -> None:
        """Open the door; DoorError where that cannot be."""
        if self.door is not None:
            self.door.start()

    def stop(self, within_s: float) -> None:
        """Close it; the mailbox is read no more once nobody calls its job."""
        if self.door is not None:
            self.door.stop(within_s)

    def schedule(self, every: Callable[[timedelta, str, Callable[[], object]], None]) -> None:
        """Have the mailbox read at its interval, where there is one; `every` is that of `daemon.jobs`."""
        if self.settings.imap is not None:
            mailbox = Mailbox(self.settings.imap, self._taker.take)
            every(self.settings.imap.interval, "mailbox", partial(self._read, mailbox))

    def _read(self, mailbox: Mailbox) -> None:
        try:
            mailbox.read()
        except MailboxDown as error:
            _log.warning("mailbox_unread", error=str(error))
            self._metrics.mailbox_polls.labels("failed").inc()
        else:
            self._metrics.mailbox_polls.labels("ok").inc()

    def reply_to(self, row: NoticeRow, content: NoticeContent) -> str:
        """The address at which answers to this notice come in; empty where it is about no incident."""
        if row.incident is None:
            return ""
        token = reply_token(self._store.links.key(), row.incident, reader_of(row, content))
        return self.settings.with_token(token)
