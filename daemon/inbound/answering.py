"""Telling somebody who wrote a mail that what they asked for was refused, and why."""

from email.message import EmailMessage
from email.policy import SMTP

import structlog

from daemon.clock import Clock
from daemon.inbound.mail import Mail
from notifiers.email import EmailChannel
from notifiers.errors import SendError
from notifiers.letter import address_of
from notifiers.settings import EmailSettings
from notifiers.wording import one_line

_log = structlog.get_logger(__name__)
_POLICY = SMTP.clone(cte_type="7bit")


class Answering:
    """Sends such mails through one notifier's server, from the address at which mail comes in. Each is tried once: the
    log says where that failed."""

    def __init__(self, through: EmailSettings | None, address: str, clock: Clock) -> None:
        self._channel = None if through is None else EmailChannel(through)
        self._address = address
        self._clock = clock

    def refuse(self, mail: Mail, why: str) -> None:
        """Say that nothing was done, and why. Never raises an error of sending."""
        if self._channel is None:
            return
        try:
            self._channel.post(self._letter(mail, why), mail.sender)
        except SendError as error:
            _log.warning("answer_not_sent", sender=mail.sender, mail=mail.digest[:12], error=str(error))

    def _letter(self, mail: Mail, why: str) -> EmailMessage:
        letter = EmailMessage(policy=_POLICY)
        letter["From"] = address_of(self._address)
        letter["To"] = address_of(mail.sender)
        letter["Subject"] = one_line(f"Not done: {mail.subject or 'your mail'}", 200)
        letter["Date"] = self._clock.now()
        letter["Auto-Submitted"] = "auto-replied"
        letter["X-Auto-Response-Suppress"] = "All"
        if mail.message_id:
            letter["In-Reply-To"] = mail.message_id
            letter["References"] = mail.message_id
        letter.set_content(f"Nothing was done with your mail:\n\n{why}.\n")
        return letter
