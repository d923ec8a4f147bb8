"""A mailbox that is read at an interval. A mail is marked as read only once what it asks for is durable."""

import imaplib
import ssl
from collections.abc import Callable

import structlog
from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError, MailboxLoginError

from daemon.config.inbound import ImapSettings
from daemon.errors import MailboxDown
from daemon.inbound.mail import LARGEST_MAIL
from daemon.inbound.taking import Taken

_log = structlog.get_logger(__name__)
MOST_AT_ONCE = 50


class Mailbox:
    """One folder. Mails that nobody has read yet are handed to `take`; one that cannot be read is flagged and left."""

    def __init__(self, settings: ImapSettings, take: Callable[[bytes], Taken]) -> None:
        self._settings = settings
        self._take = take
        self._tls = None if settings.tls == "none" else ssl.create_default_context(cafile=settings.ca_file)

    def read(self) -> int:
        """Take up to `MOST_AT_ONCE` of what is new, the oldest first; how many there were.

        MailboxDown, in words without a secret, where the mailbox cannot be read. StoreError where nothing could be
        stored; that mail stays unread and comes again.
        """
        where = self._settings.where
        try:
            with self._opened() as box:
                found = box.uids("UNSEEN UNDELETED")[:MOST_AT_ONCE]
                for uid in found:
                    self._read_one(box, uid)
                return len(found)
        except MailboxLoginError:
            # Without the server's words: some repeat what they were sent.
            raise MailboxDown(f"{where} refuses the login") from None
        except ssl.SSLError as error:
            raise MailboxDown(f"{where} offers no TLS that can be trusted ({error.reason or 'handshake'})") from None
        except TimeoutError:
            wait_s = self._settings.timeout.total_seconds()
            raise MailboxDown(f"{where} did not answer within {wait_s:g} s") from None
        except OSError as error:
            raise MailboxDown(f"{where} cannot be reached ({error.strerror or 'no answer'})") from None
        except (imaplib.IMAP4.error, ImapToolsError) as error:
            raise MailboxDown(f"{where} does not do what it is asked ({type(error).__name__})") from None

    def _opened(self) -> BaseMailBox:
        settings, timeout_s = self._settings, self._settings.timeout.total_seconds()
        box: BaseMailBox
        if settings.tls == "implicit":
            box = MailBox(settings.host, settings.port, timeout_s, ssl_context=self._tls)
        elif settings.tls == "starttls":
            box = MailBoxStartTls(settings.host, settings.port, timeout_s, ssl_context=self._tls)
        else:
            box = MailBoxUnencrypted(settings.host, settings.port, timeout_s)
        try:
            password = settings.password.reveal()
            log_in = box.login if (settings.username + password).isascii() else box.login_utf8
            return log_in(settings.username, password, settings.folder)
        except BaseException:
            box.client.shutdown()
            raise

    def _read_one(self, box: BaseMailBox, uid: str) -> None:
        raw = _fetched(box, uid)
        if raw is None:
            return  # somebody else has taken it away
        taken = self._take(raw)
        is_aside = taken.fate == "aside"
        # imap-tools' own `flag` would also remove for good what others have marked as deleted.
        box.client.uid("STORE", uid, "+FLAGS.SILENT", r"(\Seen \Flagged)" if is_aside else r"(\Seen)")


def _fetched(box: BaseMailBox, uid: str) -> bytes | None:
    """The mail, not much more of it than is looked at; None where it is gone."""
    _, parts = box.client.uid("FETCH", uid, f"(BODY.PEEK[]<0.{LARGEST_MAIL + 1}>)")
    found = next((part for part in parts if isinstance(part, tuple)), None)
    return None if found is None else bytes(found[1])
